"""Hostile files: each is refused before anything is built, with an error that names the place and the reason."""

import json
import marshal
import os

import h5py
import numpy as np
import pytest

from onnxseq.layers import Dense
from onnxseq.models import load_model, model_from_json
from tests.saving_hostile import check_refused, graph, layers_of, stack, with_config, with_layer, write

CODE = marshal.dumps(compile("__import__('os').system('touch pwned')", "evil", "eval"))
LAMBDA = {"class_name": "Lambda", "config": {
    "name": "evil", "function": [CODE.decode("raw_unicode_escape"), None, None], "function_type": "lambda",
    "arguments": {}}}  # fmt: skip
REFUSED_CODE = (
    "load_model: layer 'evil': its function is bytecode, which is not run; expected the function itself. Pass "
    "custom_objects={'evil': function}; or safe_mode=False, which runs the code of the file, if you would run the "
    "file as a program."
)
DEEP = "[" * 5000 + "]" * 5000


def add_layer(layer):
    return with_config(lambda config: layers_of(config).append(layer))


def set_attribute(name, value):
    def change(file):
        file.attrs[name] = value

    return change


# Changes of the configuration: name -> (change, kind, message)
STACKS = {
    "lambda": (add_layer(LAMBDA), ValueError, REFUSED_CODE),
    "lambda nested": (
        add_layer({"class_name": "Sequential", "config": [LAMBDA]}), ValueError, REFUSED_CODE),
    "lambda as an activation": (
        with_layer(1, activation=LAMBDA), ValueError, REFUSED_CODE),
    "lambda as an initializer": (
        with_layer(1, kernel_initializer={"class_name": "__lambda__", "config": {"code": "x"}}), ValueError,
        "load_model: layer 'second': kernel_initializer: an object of class '__lambda__', which stands for code; "
        "expected data. Pass the function in custom_objects."),
    "lambda in training": (
        with_config(lambda config: config.update(loss=LAMBDA), "training_config"), ValueError, REFUSED_CODE),
    "unknown class": (
        with_config(lambda config: layers_of(config)[1].update(class_name="Popen")), ValueError,
        "load_model: layer 'second': unknown layer 'Popen'; expected a layer that is known. Pass your own in "
        "custom_objects."),
    "unknown initializer": (
        with_layer(1, kernel_initializer={"class_name": "Popen", "config": {}}), ValueError,
        "load_model: layer 'second': kernel_initializer: unknown initializer 'Popen'; expected an initializer that "
        "is known. Pass your own in custom_objects."),
    "module": (
        with_config(lambda config: layers_of(config)[1].update(module="subprocess")), ValueError,
        "load_model: layer 'second': the key 'module' with 'subprocess'; expected names of classes alone. Code is "
        "never imported because a file says so. Pass classes in custom_objects."),
    "module of keras's name": (
        with_config(lambda config: layers_of(config)[1].update(module="keras_evil.layers")), ValueError,
        "load_model: layer 'second': the key 'module' with 'keras_evil.layers'; expected names of classes alone. "
        "Code is never imported because a file says so. Pass classes in custom_objects."),
    "huge units": (
        with_layer(1, units=10**12), ValueError,
        "load_model: layer 'second': units: 1000000000000; expected up to 2147483647."),
    "units larger than the file": (
        with_layer(0, units=2**30), ValueError,
        "load_model: Dense 'first': weight 'kernel' of shape (3, 1073741824), with those before it, is larger than "
        "all weights of the file; expected a configuration that its weights fit. Take a copy that is whole, from "
        "where you trust."),
    "NaN units": (
        with_layer(1, units=float("nan")), ValueError,
        "load_model: layer 'second': units: nan; expected whole numbers."),
    "units that are true": (
        with_layer(1, units=True), ValueError,
        "load_model: layer 'second': units: True; expected whole numbers."),
    "another number of units": (
        with_layer(1, units=1), ValueError,
        "load_model: Dense 'second': the file holds shape (4, 2) for weight 'second/kernel:0'; expected (4, 1). Load "
        "into the model that was saved."),
    "duplicate names": (
        with_layer(1, name="first"), ValueError,
        "load_model: the model: two layers are named 'first'; expected names that differ."),
    "a name that is a path": (
        with_layer(1, name="../second"), ValueError,
        "load_model: the model, layer 1: its name is '../second'; expected a name that is no path to elsewhere."),
    "a long name": (
        with_layer(1, name="x" * 2000), ValueError,
        "load_model: the model, layer 1: its name is '" + "x" * 56 + "...; expected a text of up to 1000 characters."),
    "unknown argument": (
        with_layer(1, evil=1), TypeError,
        "load_model: Dense: argument 'evil' arrived; expected one of the layer's own or of activity_regularizer, "
        "batch_input_shape, batch_size, dtype, input_shape, name, trainable, weights. Check its spelling."),
    "deep": (
        set_attribute("model_config", DEEP), ValueError,
        "load_model: attribute 'model_config' is nested too deeply; expected up to 100 levels."),
    "not so deep": (
        set_attribute("model_config", "[" * 150 + "]" * 150), ValueError,
        "load_model: attribute 'model_config' is nested too deeply; expected up to 100 levels."),
    "no JSON": (
        set_attribute("model_config", "{"), ValueError,
        "load_model: attribute 'model_config' is no JSON (Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1)); expected a text in JSON."),
    "not a model": (
        set_attribute("model_config", json.dumps({"class_name": "Dense", "config": {"units": 2, "name": "d"}})),
        ValueError, "load_model: the file's configuration is that of Dense 'd'; expected that of a model."),
    "config of a number": (
        set_attribute("model_config", 7), ValueError,
        "load_model: attribute 'model_config' holds np.int64(7); expected a text in JSON."),
    "unknown optimizer": (
        with_config(lambda config: config["optimizer_config"].update(class_name="Evil"), "training_config"),
        ValueError, "load_model: training_config: optimizer_config: unknown optimizer 'Evil'; expected an optimizer "
        "that is known. Pass your own in custom_objects."),
}  # fmt: skip


def with_node(change):
    return with_config(lambda config: change(layers_of(config)))


def rename(layers, name):
    layers[2]["inbound_nodes"] = [[[name, 0, 0, {}]]]


GRAPHS = {
    "a circle": (
        with_node(lambda layers: layers[1].update(inbound_nodes=[[["second", 0, 0, {}]]])), ValueError,
        "load_model: layer 'graph': the inputs of 'first', 'second' are never made; expected a graph without circles."),
    "dangling": (
        with_node(lambda layers: rename(layers, "nobody")), ValueError,
        "load_model: layer 'second': an input comes from layer 'nobody'; expected a layer of the model."),
    "a node that is not there": (
        with_node(lambda layers: layers[2].update(inbound_nodes=[[["first", 7, 0, {}]]])), ValueError,
        "load_model: layer 'second': an input comes from node 7 of layer 'first'; expected a node up to 0."),
    "a negative node": (
        with_node(lambda layers: layers[2].update(inbound_nodes=[[["first", -1, 0, {}]]])), ValueError,
        "load_model: layer 'second': an input is ['first', -1, 0, {}]; expected [layer, node, tensor] with indices."),
    "a tensor that is not there": (
        with_node(lambda layers: layers[2].update(inbound_nodes=[[["first", 0, 5, {}]]])), ValueError,
        "load_model: the configuration cannot be followed (IndexError: list index out of range); expected one from "
        "save()."),
    "no ends": (
        with_config(lambda config: config["config"].update(output_layers=[])), ValueError,
        "load_model: layer 'graph': output_layers is []; expected a list of ends of the graph."),
    "ends nowhere": (
        with_config(lambda config: config["config"].update(output_layers=[["nobody", 0, 0]])), ValueError,
        "load_model: layer 'graph', output_layers: an input comes from layer 'nobody'; expected a layer of the model."),
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", STACKS)
def test_stack(name, folder):
    change, kind, message = STACKS[name]
    write("model.h5", change)
    check_refused("model.h5", kind, message)
    assert os.listdir(folder) == ["model.h5"]


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name):
    change, kind, message = GRAPHS[name]
    write("model.h5", change, graph)
    check_refused("model.h5", kind, message)


KERNEL = "model_weights/first/first/kernel:0"
FILE = "load_model: 'model.h5'"
WHOLE = "Take a copy that is whole, from where you trust."


def replace_kernel(make):
    def change(file):
        del file[KERNEL]
        make(file)

    return change


def virtual(file):
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 4))
    file.create_virtual_dataset(KERNEL, layout)


def reference(file):
    data = file.create_dataset(KERNEL, (3, 4), h5py.ref_dtype)
    data[0, 0] = file["model_weights"].ref


LINK = "groups and arrays of the file itself. Links are refused: they lead to places that the file should not choose."
ARRAYS = {
    "soft link": (
        replace_kernel(lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/model_weights/second/second/kernel:0"))),
        f"{FILE}: '/model_weights/first/first/kernel:0' is a soft link; expected {LINK}"),
    "external link": (
        replace_kernel(lambda file: file.__setitem__(KERNEL, h5py.ExternalLink("/etc/passwd", "x"))),
        f"{FILE}: '/model_weights/first/first/kernel:0' is an external link; expected {LINK}"),
    "external storage": (
        replace_kernel(lambda file: file.create_dataset(
            KERNEL, (3, 4), "f4", external=[("/etc/passwd", 0, 48)])),
        f"{FILE}: an array whose content lies in other files at '/{KERNEL}'; expected arrays in the file itself. "
        f"{WHOLE}"),
    "virtual": (
        replace_kernel(virtual),
        f"{FILE}: a virtual array, made of others at '/{KERNEL}'; expected arrays of the file itself. {WHOLE}"),
    "reference": (
        replace_kernel(reference),
        f"{FILE}: array '/{KERNEL}' is of a type that is neither numbers nor text (HDF5 class 7, 8 bytes); expected "
        f"numbers or text. {WHOLE}"),
    "chunked bomb": (
        replace_kernel(lambda file: file.create_dataset(
            KERNEL, (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")),
        f"{FILE}: an array in chunks or compressed at '/{KERNEL}'; expected arrays in one piece, as Keras writes "
        "them. Rewrite a file that you trust by: h5repack -l CONTI -f NONE old.h5 new.h5"),
    "declared size": (
        replace_kernel(lambda file: file.create_dataset(KERNEL, (10**6, 10**6), "f4")),
        f"{FILE}: an array of shape (1000000, 1000000) that the file does not hold at '/{KERNEL}'; expected its "
        f"content. {WHOLE}"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_array(name):
    change, message = ARRAYS[name]
    write("model.h5", change)
    check_refused("model.h5", OSError, message)


def test_one_array_many_times():
    def change(file):
        attributes = file["model_weights/first"].attrs
        del attributes["weight_names"]
        attributes["weight_names"] = np.array([b"first/kernel:0"] * 4000)

    write("model.h5", change)
    size = os.path.getsize("model.h5")
    check_refused("model.h5", ValueError, f"load_model: weights of 192040 bytes in a file of {size}; expected weights "
                                          "of their own.")


def test_truncated():
    stack().save("model.h5")
    with open("model.h5", "rb") as file:
        content = file.read()
    for size in (0, 7, 40, 100, len(content) // 2, len(content) - 1):
        with open("model.h5", "wb") as file:
            file.write(content[:size])
        with pytest.raises(OSError, match="^load_model: 'model.h5': (not an HDF5 file|a truncated file|bytes)"):
            load_model("model.h5")


def test_flipped_bits():
    # A few here; the long run is a script.
    stack().save("model.h5")
    with open("model.h5", "rb") as file:
        content = file.read()
    random = np.random.RandomState(5)
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(random.randint(1, 4)):
            changed[random.randint(len(changed))] ^= 1 << random.randint(8)
        with open("model.h5", "wb") as file:
            file.write(changed)
        try:
            load_model("model.h5", compile=False)
        except (OSError, ValueError, TypeError, KeyError):
            pass


def test_the_caller_s_function_stands_for_code(folder):
    write("model.h5", add_layer(LAMBDA))
    loaded = load_model("model.h5", custom_objects={"evil": lambda x: x * 2.0})
    assert loaded.predict(np.ones((1, 3))).shape == (1, 2)
    assert os.listdir(folder) == ["model.h5"]


def test_a_class_of_the_caller_s():
    write("model.h5", with_config(lambda config: layers_of(config)[1].update(class_name="Own", module="mine")))
    assert isinstance(load_model("model.h5", custom_objects={"Own": type("Own", (Dense,), {})}).layers[1], Dense)


def test_json_is_checked_too():
    config = json.loads(stack().to_json())
    layers_of(config).append(LAMBDA)
    with pytest.raises(ValueError, match="bytecode"):
        model_from_json(json.dumps(config))


def test_a_wrapper_around_too_few_axes():
    """Building raises AssertionError there, as TensorFlow 1.4 does; of a file it is one more fault."""
    layers = [
        {"class_name": "Flatten", "config": {"name": "flat", "batch_input_shape": [None, 3, 2]}},
        {"class_name": "TimeDistributed", "config": {
            "name": "timed", "layer": {"class_name": "Dense", "config": {"name": "inner", "units": 2}}}},
    ]  # fmt: skip
    with pytest.raises(ValueError, match="cannot be followed .AssertionError: .*TimeDistributed 'timed'"):
        model_from_json(json.dumps({"class_name": "Sequential", "config": layers}))
