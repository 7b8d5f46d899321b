"""Files and texts that ask for far more time or memory than they take themselves, each made by code."""

import io
import json
import struct
import zipfile

from tests.saving_hostile import graph, layers_of, with_config, with_layer, write

KERNEL = "first/kernel:0"
SIZE = 1 << 26


def many_texts(path):
    """An attribute of 4,000 texts, which all are the one of a million characters."""
    def change(file):
        file["model_weights"].attrs["layer_names"] = ["x" * 1_000_000] + ["y"] * 3999

    write(path, change)
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<I", 1_000_000))
    content[at : at + 64_000] = content[at : at + 16] * 4000
    path.write_bytes(content)


def path_in_circles(path):
    """A weight whose path goes through a group that holds itself."""
    def change(file):
        group = file["model_weights/first"]
        group["again"] = group
        group.attrs["weight_names"] = ["again/" * 100_000 + KERNEL]

    write(path, change)


def empty_lists(path):
    """Eight million bytes of JSON that hold little but brackets."""
    write(path, _set("model_config", "[" + "[]," * 2_700_000 + "0]"))


def long_text(path):
    write(path, _set("model_config", '"' + "x" * 9_000_000 + '"'))


def doubling(depth):
    """Return a model of ``depth`` models within each other, each of which calls the one within it twice."""
    layer = {"class_name": "Activation", "name": "a", "config": {"name": "a", "activation": "relu"}}
    for _ in range(depth):
        first = int("layers" in layer["config"])
        layer["inbound_nodes"] = [[["i", 0, 0, {}]], [["a", first, 0, {}]]]
        start = {"class_name": "InputLayer", "name": "i", "inbound_nodes": [],
                 "config": {"name": "i", "batch_input_shape": [None, 3]}}
        layer = {"class_name": "Model", "name": "a", "config": {
            "name": "a", "layers": [start, layer], "input_layers": [["i", 0, 0]],
            "output_layers": [["a", first + 1, 0]]}}  # fmt: skip
    return layer


def models_in_models(path):
    write(path, _set("model_config", json.dumps(doubling(24))))


def wrappers_in_wrappers(path):
    layer = {"class_name": "Dense", "config": {"name": "d", "units": 2}}
    for number in range(40):
        # Any class: what counts is that it holds a layer, which a wrapper may call twice.
        layer = {"class_name": "Activation", "config": {"name": f"t{number}", "layer": layer}}
    write(path, with_config(lambda config: layers_of(config).append(layer)))


def many_layers(path):
    layer = {"class_name": "Activation", "config": {"activation": "relu"}}
    write(path, with_config(lambda config: layers_of(config).extend([layer] * 6000)))


def many_inputs(path):
    """A layer that merges 60,000 tensors."""
    def change(config):
        layers_of(config)[2].update(class_name="Add", config={"name": "second"},
                                    inbound_nodes=[[["first", 0, 0, {}]] * 60_000])

    write(path, with_config(change), graph)


def many_metrics(path):
    write(path, with_config(lambda config: config.update(metrics=["acc"] * 20_000), "training_config"))


def huge_weights(path):
    write(path, with_layer(0, units=2**31 - 1))


def no_rows(path):
    """An array of no numbers, of a shape beyond all integers of the machine."""
    def change(file):
        del file[f"model_weights/first/{KERNEL}"]
        file.create_dataset(f"model_weights/first/{KERNEL}", (0, 2**62), "f4")

    write(path, change)


def zip_bomb(path):
    """An archive with hundreds of times its size in zeros as its weights."""
    image = io.BytesIO()
    with zipfile.ZipFile(image, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": []}}))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.0"}))
        archive.writestr("model.weights.h5", bytes(SIZE))
    path.write_bytes(image.getvalue())


def zip_liar(path):
    """The same, but the archive says that they are few."""
    zip_bomb(path)
    content = path.read_bytes()
    size = struct.pack("<I", SIZE)
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, struct.pack("<I", 1000)))


def zip_config(path):
    image = io.BytesIO()
    with zipfile.ZipFile(image, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("config.json", " " * (SIZE))
    path.write_bytes(image.getvalue())


FILES = {
    each.__name__: each for each in (
        many_texts, path_in_circles, empty_lists, long_text, models_in_models, wrappers_in_wrappers, many_layers,
        many_inputs, many_metrics, huge_weights, no_rows, zip_bomb, zip_liar, zip_config,
    )
}  # fmt: skip


def _set(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def yaml_laughs():
    """Return a text in which each line is ten times the one before."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 20)]
    return "\n".join(lines)


def yaml_merges():
    """Return a text of dicts that each take over the one before, twice."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{number}: &a{number} {{<<: [*a{number - 1}, *a{number - 1}]}}" for number in range(1, 40)]
    return "\n".join(lines)


def wide_json():
    """Return the configuration of a model of 2,500 million weights."""
    return json.dumps({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {
        "name": "d", "units": 50_000, "batch_input_shape": [None, 50_000]}}]})  # fmt: skip


TEXTS = {
    "yaml laughs": ("yaml", yaml_laughs),
    "yaml merges": ("yaml", yaml_merges),
    "yaml that holds itself": ("yaml", lambda: "&a [*a]"),
    "yaml, deep": ("yaml", lambda: "[" * 100_000),
    "yaml, long": ("yaml", lambda: "- x\n" * 1_000_000),
    "yaml, a huge number": ("yaml", lambda: "1" * 100_000),
    "yaml, no date": ("yaml", lambda: "2001-99-99"),
    "yaml, a key that is a number": ("yaml", lambda: "{1: 2}"),
    "json, deep": ("json", lambda: "[" * 1_000_000),
    "json, dicts in dicts": ("json", lambda: '{"a":' * 1000 + "1" + "}" * 1000),
    "json, a huge number": ("json", lambda: "1" * 100_000),
    "json, wide": ("json", wide_json),
    "json, models in models": ("json", lambda: json.dumps(doubling(30))),
    "json, a long class": ("json", lambda: json.dumps({"class_name": "x" * 1_000_000, "config": {}})),
}
"""Name: (the language, what returns the text)."""
