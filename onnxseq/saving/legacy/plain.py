"""The notation of Keras 2.13 and later for objects, turned into that of before: class_name and config alone.

There an object also names the module that its class comes from. The module is never imported: where it is Keras's own,
it says nothing that the class does not, and where it is not, the class must be among the caller's own objects.
"""

from onnxseq import registry

_OWN = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins")
_FUNCTIONS = ("function", "builtin_function_or_method")
_BUILDING = ("build_config", "compile_config", "registered_name", "module", "shared_object_id")


def plain(value, custom_objects=None):
    """Return a configuration in the older notation; what is of it already is left as it is."""
    if isinstance(value, list | tuple):
        return [plain(item, custom_objects) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get("class_name")
    if name == "__tuple__":
        return [plain(item, custom_objects) for item in value.get("items") or []]
    if name in ("DTypePolicy", "Policy") and isinstance(value.get("config"), dict):
        return value["config"].get("name")
    if "module" not in value and "registered_name" not in value:
        return {key: plain(item, custom_objects) for key, item in value.items()}
    registered = value.get("registered_name")
    if not _is_known(value.get("module"), name, registered, custom_objects):
        return value  # as it is: the check of the whole names it
    if name in _FUNCTIONS:
        return value.get("config")
    if isinstance(registered, str) and registry.find(registered, None, custom_objects) is not None:
        name = registered
    found = {key: plain(item, custom_objects) for key, item in value.items() if key not in _BUILDING}
    return {**found, "class_name": name}


def _is_known(module, name, registered, custom_objects):
    names = [each for each in (name, registered) if isinstance(each, str)]
    if any(registry.find(each, None, custom_objects) is not None for each in names):
        return True
    if name in _FUNCTIONS:
        return True  # its name is looked up like any other
    return module is None or (isinstance(module, str) and any(
        module == own or module.startswith(f"{own}.") for own in _OWN))
