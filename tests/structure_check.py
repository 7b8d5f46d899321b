"""The rules of the house, read off the source: each returns the faults it finds as ``file:line what``.

``Source`` is one module: its dotted name, its text and its syntax tree. A rule that looks at one module at a time
takes a source; the rules about floors and cycles take what imports what.
"""

import ast
import sys
from pathlib import Path

MAX_LINES = 600

# From the ground up; a module may import from its own floor and from those below. The longest prefix decides.
FLOORS = [
    ("onnxseq.errors", "onnxseq.shapes", "onnxseq.registry", "onnxseq.config", "onnxseq.optional",
     "onnxseq.sparse"),
    ("onnxseq.utils",),
    ("onnxseq.compiler", "onnxseq.compiler.tensor"),
    ("onnxseq.compiler.ops",),
    ("onnxseq.compiler.autodiff", "onnxseq.compiler.passes", "onnxseq.compiler.targets", "onnxseq.compiler.session",
     "onnxseq.compiler.state", "onnxseq.compiler.extract", "onnxseq.compiler.runner", "onnxseq.compiler.samples",
     "onnxseq.compiler.shards", "onnxseq.compiler.sharded"),
    ("onnxseq.compiler.threads",),
    ("onnxseq.compiler.pipeline",),
    ("onnxseq.compiler.function",),
    ("onnxseq.backend",),
    ("onnxseq.activations", "onnxseq.initializers", "onnxseq.regularizers", "onnxseq.constraints", "onnxseq.losses",
     "onnxseq.metrics", "onnxseq.optimizers"),
    ("onnxseq.layers",),
    ("onnxseq.network", "onnxseq.data_feeds", "onnxseq.callbacks", "onnxseq.utils.layer_utils",
     "onnxseq.utils.vis_utils", "onnxseq.datasets"),
    ("onnxseq.training_loop",),
    ("onnxseq.saving", "onnxseq.export"),
    ("onnxseq.utils.io_utils",),
    ("onnxseq.training", "onnxseq.training_arrays", "onnxseq.training_compile", "onnxseq.training_functions",
     "onnxseq.training_generators", "onnxseq.training_state"),
    ("onnxseq.models",),
    ("onnxseq.preprocessing", "onnxseq.wrappers", "onnxseq.applications"),
    ("onnxseq",),
    ("onnxseq.cli", "onnxseq.__main__"),
]

# Who else may reach below the backend: what shows or writes a compiled model.
ABOVE_THE_COMPILER = ("onnxseq.backend", "onnxseq.export", "onnxseq.cli")

# Third parties, and the only modules that may import them. NumPy is everybody's.
OWNERS = {
    "numpy": ("onnxseq",),
    "onnxruntime": ("onnxseq.compiler.session",),
    "onnx_ir": ("onnxseq.compiler",),
    "ml_dtypes": ("onnxseq.compiler",),
    "onnx": ("onnxseq.compiler", "onnxseq.export"),
    "yaml": ("onnxseq.saving.config",),
    "h5py": ("onnxseq.saving.hdf5",),
    "tensorboardX": ("onnxseq.callbacks.tensorboard",),
    "sklearn": ("onnxseq.wrappers.scikit_learn",),
    "pydot": ("onnxseq.utils.vis_utils",),
    "PIL": ("onnxseq.preprocessing.image.pictures",),
}

# A model file is not trusted: nothing that could run code out of one. Writing is another matter.
UNTRUSTED_NAMES = ("eval", "exec", "__import__")
UNTRUSTED_CALLS = {(module, name) for module in ("pickle", "marshal", "shelve", "dill")
                   for name in ("load", "loads", "Unpickler", "open")}
UNTRUSTED_CALLS |= {("yaml", name) for name in ("full_load", "unsafe_load", "FullLoader", "UnsafeLoader", "Loader")}


class Source:
    """One module: its dotted name, its text and its tree."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.tree = ast.parse(text)

    @classmethod
    def read(cls, root, path):
        parts = list(path.relative_to(root).with_suffix("").parts)
        return cls(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text())

    def fault(self, node, what):
        return f"{self.name}:{node.lineno} {what}"


def read_package(root, package):
    """Return every module of a package by name."""
    sources = [Source.read(Path(root), path) for path in sorted((Path(root) / package).rglob("*.py"))]
    return {source.name: source for source in sources}


def _is_in(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


def _imports(source):
    """Yield (node, dotted name, name imported from it or None), optional packages included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, "." * node.level + (node.module or ""), alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Package":  # imported when first used
            yield node, node.args[0].value, None


def imported_modules(source, known):
    """Return (node, module) for what a source imports of the known modules; ``from p import m`` is the module p.m."""
    found = []
    for node, module, name in _imports(source):
        whole = f"{module}.{name}"
        if whole in known:
            found.append((node, whole))
        elif module in known:
            found.append((node, module))
    return found


def floor_of(name):
    """Return how high a module stands, or None for one that the table does not place."""
    best, height = "", None
    for i, prefixes in enumerate(FLOORS):
        for prefix in prefixes:
            exact = prefix == "onnxseq"  # the package itself is a module, not a home for whatever comes
            if (name == prefix if exact else _is_in(name, prefix)) and len(prefix) > len(best):
                best, height = prefix, i
    return height


def floors(sources):
    """Imports go down only, and every module has a floor."""
    faults = []
    for source in sources.values():
        own = floor_of(source.name)
        if own is None:
            faults.append(f"{source.name}:1 stands on no floor")
            continue
        for node, module in imported_modules(source, sources):
            other = floor_of(module)
            if other is not None and other > own:
                faults.append(source.fault(node, f"imports {module} from a floor above"))
    return faults


def cycles(sources):
    """No module reaches itself through what it imports."""
    edges = {name: {m for _, m in imported_modules(source, sources)} - {name} for name, source in sources.items()}
    faults, done = [], set()

    def walk(name, path):
        if name in path:
            faults.append(" -> ".join([*path[path.index(name):], name]))
        elif name not in done:
            for other in sorted(edges[name]):
                walk(other, [*path, name])
            done.add(name)

    for name in sorted(edges):
        walk(name, [])
    return faults


def only_the_backend_below(source):
    """What stands above the backend is written in it alone."""
    if _is_in(source.name, "onnxseq.compiler") or any(_is_in(source.name, name) for name in ABOVE_THE_COMPILER):
        return []
    return [source.fault(node, f"imports {module} past the backend")
            for node, module, _ in _imports(source) if _is_in(module, "onnxseq.compiler")]


def owners(source):
    """Each third party is imported by its owner only."""
    faults = []
    for node, module, _ in _imports(source):
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top in ("onnxseq", ""):
            continue
        if not any(_is_in(source.name, owner) for owner in OWNERS.get(top, ())):
            faults.append(source.fault(node, f"imports {top}, which is not its own"))
    return faults


def relative_or_star_imports(source):
    """Imports are absolute and name what they take."""
    return [source.fault(node, f"imports {'*' if name == '*' else 'relatively'}")
            for node, module, name in _imports(source) if name == "*" or module.startswith(".")]


def imports_inside(source):
    """No import inside a function or a class."""
    outer = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return sorted({source.fault(node, f"imports inside {scope.name}")
                   for scope in ast.walk(source.tree) if isinstance(scope, outer)
                   for node in ast.walk(scope) if isinstance(node, (ast.Import, ast.ImportFrom))})


def asserts(source):
    """``assert`` vanishes under ``python -O`` and so guards nothing."""
    return [source.fault(node, "asserts") for node in ast.walk(source.tree) if isinstance(node, ast.Assert)]


def size(source):
    """A file is one topic."""
    num_lines = len(source.text.splitlines())
    return [f"{source.name}:{num_lines} has more than {MAX_LINES} lines"] if num_lines > MAX_LINES else []


# The queue between a generator's own worker processes and the trainer carries pickles that never were a file.
READS_ITS_OWN_PICKLES = ("onnxseq.utils.enqueuers",)

# The data sets' pickles are read by stand-ins for a closed list of names, by this module alone.
READS_CLOSED_PICKLES = ("onnxseq.datasets.closed_pickle",)

# Bytecode in a file is run for callers who asked for it, by this module alone.
READS_CODE_WHEN_ASKED = ("onnxseq.saving.bytecode",)


def _safe_loaders(source):
    """Return how the safe loaders of a module are called: yaml's own, and the classes derived from it."""
    return {"yaml.SafeLoader", "yaml.CSafeLoader"} | {
        node.name for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base) == "yaml.SafeLoader" for base in node.bases)}


def untrusted(source):
    """Nothing that runs code out of data; yaml.load only with a loader that is named and safe."""
    if source.name in READS_ITS_OWN_PICKLES + READS_CLOSED_PICKLES + READS_CODE_WHEN_ASKED:
        return []
    faults = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNTRUSTED_NAMES:
            faults.append(source.fault(node, f"calls {node.func.id}"))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in UNTRUSTED_CALLS:
                faults.append(source.fault(node, f"uses {node.value.id}.{node.attr}"))
        if isinstance(node, ast.ImportFrom):
            faults += [source.fault(node, f"imports {node.module}.{alias.name}") for alias in node.names
                       if (node.module, alias.name) in UNTRUSTED_CALLS]
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "yaml.load":
            loaders = [*node.args[1:], *[k.value for k in node.keywords]]
            if not any(ast.unparse(loader) in _safe_loaders(source) for loader in loaders):
                faults.append(source.fault(node, "calls yaml.load without a safe loader"))
    return faults


def hidden_channels(source):
    """No environment reads, and no defaults that calls would share."""
    faults = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
            faults.append(source.fault(node, "reads the environment"))
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            for default in [*node.args.defaults, *node.args.kw_defaults]:
                if isinstance(default, (ast.List, ast.Dict, ast.Set)):
                    faults.append(source.fault(default, "has a mutable default"))
    return faults


def _is_class_name(node):
    return (isinstance(node, ast.Attribute) and node.attr == "__name__" and (
        (isinstance(node.value, ast.Attribute) and node.value.attr == "__class__")
        or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "type")))


def class_name_dispatch(source):
    """What to do does not depend on what a class is called."""
    return [source.fault(node, "compares the name of a class") for node in ast.walk(source.tree)
            if isinstance(node, ast.Compare) and any(map(_is_class_name, [node.left, *node.comparators]))]


def state_by_hasattr(source):
    """An object knows its own state without looking whether it is there."""
    return [source.fault(node, "asks hasattr(self, ...)") for node in ast.walk(source.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hasattr"
            and isinstance(node.args[0], ast.Name) and node.args[0].id == "self"]


def docstrings(source):
    """A module, and each of its public functions and classes, says what it is for."""
    faults = [] if ast.get_docstring(source.tree) else [f"{source.name}:1 has no docstring"]
    for node in source.tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                faults.append(source.fault(node, f"{node.name} has no docstring"))
    return faults


# The rules for one module at a time.
RULES = [only_the_backend_below, owners, relative_or_star_imports, imports_inside, asserts, size, untrusted,
         hidden_channels, class_name_dispatch, state_by_hasattr, docstrings]
