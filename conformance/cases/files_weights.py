"""Family `files_weights`: save_weights and load_weights by order and by name, and the HDF5 layout itself."""

import json
import os

from ..case import EXACT, FORWARD, Absent, as_text, case, outcome_of, register
from .files import plain, same, steps
from .files_models import two_and_two
from .helpers import normal, seed_weights, sequential, weights_of
from .places import folder

try:
    import h5py
except ImportError:
    h5py = None


def stack(keras, random, *units, **options):
    """Dense layers of so many units on 4 inputs, named by `names`."""
    L = keras.layers
    names = options.get("names") or ["layer_{}".format(index) for index in range(len(units))]
    model = keras.models.Sequential()
    for index, (name, size) in enumerate(zip(names, units)):
        shape = {} if index else {"input_shape": (4,)}
        model.add(L.Dense(size, name=name, use_bias=options.get("use_bias", True), **shape))
    seed_weights(model, random)
    return model


def _load(make, **options):
    def function(keras, random):
        """What loading the weights of a stack of 5 and 3 units raises, and the weights afterwards."""
        saved = stack(keras, random, 5, 3)
        model = make(keras, random)
        before = model.get_weights()
        with folder() as place:
            path = os.path.join(place, "weights.h5")
            saved.save_weights(path)
            raised = outcome_of(model.load_weights, path, **options)
        fields = {"raises": raised, "unchanged": same(before, model.get_weights())}
        fields.update(weights_of(model))
        return fields

    return function


def _with_dropout(keras, random):
    L = keras.layers
    model = sequential(
        keras, [L.Dense(5, input_shape=(4,)), L.Dropout(0.5), L.Activation("tanh"), L.Dense(3), L.Reshape((3, 1))]
    )
    seed_weights(model, random)
    return model


BY_ORDER = (
    ("same", lambda keras, random: stack(keras, random, 5, 3)),
    ("other_names", lambda keras, random: stack(keras, random, 5, 3, names=["a", "b"])),
    ("layers_without_weights", _with_dropout),
    ("fewer_layers", lambda keras, random: stack(keras, random, 5)),
    ("more_layers", lambda keras, random: stack(keras, random, 5, 3, 3)),
    ("other_shapes", lambda keras, random: stack(keras, random, 5, 4)),
    ("other_first_shape", lambda keras, random: stack(keras, random, 6, 3)),
    ("without_bias", lambda keras, random: stack(keras, random, 5, 3, use_bias=False)),
)
BY_NAME = (
    ("same", lambda keras, random: stack(keras, random, 5, 3)),
    ("one_known", lambda keras, random: stack(keras, random, 5, 3, names=["layer_0", "other"])),
    ("none_known", lambda keras, random: stack(keras, random, 5, 3, names=["a", "b"])),
    ("fewer_layers", lambda keras, random: stack(keras, random, 5)),
    ("more_layers", lambda keras, random: stack(keras, random, 5, 3, 2)),
    ("other_order", lambda keras, random: stack(keras, random, 4, 5, 3, names=["new", "first", "layer_1"])),
    ("other_shapes", lambda keras, random: stack(keras, random, 5, 4)),
    ("without_bias", lambda keras, random: stack(keras, random, 5, 3, use_bias=False)),
)

for _label, _make in BY_ORDER:
    register("files_weights/load_weights_" + _label, _load(_make), FORWARD)
for _label, _make in BY_NAME:
    register("files_weights/load_weights_by_name_" + _label, _load(_make, by_name=True), FORWARD)


@case("files_weights/load_weights_from_model_file", FORWARD)
def from_model_file(keras, random):
    """The weights of a file that holds a whole model, by order and by name."""
    model, x, _ = plain(keras, random)
    others = [plain(keras, random)[0] for _ in range(2)]
    with folder() as place:
        path = os.path.join(place, "model.h5")
        model.save(path)
        others[0].load_weights(path)
        others[1].load_weights(path, by_name=True)
    return {"order": others[0].predict(x), "name": others[1].predict(x)}


@case("files_weights/load_weights_keeps_the_optimizer", FORWARD)
def keeps_the_optimizer(keras, random):
    """Loading weights leaves slots and iterations as they are; training goes on with them."""
    model, x, y = plain(keras, random, keras.optimizers.Adam(lr=0.05))
    with folder() as place:
        path = os.path.join(place, "weights.h5")
        model.save_weights(path)
        steps(model, x, y, 3)
        slots = model.optimizer.get_weights()
        model.load_weights(path)
    fields = {"kept": same(slots, model.optimizer.get_weights()), "losses": steps(model, x, y, 3)}
    fields.update(weights_of(model))
    return fields


@case("files_weights/load_weights_frozen_layer", FORWARD)
def frozen_layer(keras, random):
    """Freezing whole layers changes no order in the file."""
    L = keras.layers

    def make():
        model = sequential(keras, [L.Dense(4, input_shape=(4,)), L.BatchNormalization(), L.Dense(3)])
        seed_weights(model, random)
        return model

    saved, loaded = make(), make()
    saved.layers[1].trainable = False
    saved.layers[0].trainable = False
    x = normal(random, 6, 4)
    with folder() as place:
        path = os.path.join(place, "weights.h5")
        saved.save_weights(path)
        loaded.load_weights(path)
    return {"saved": saved.predict(x), "loaded": loaded.predict(x)}


@case("files_weights/load_weights_nested", FORWARD)
def nested(keras, random):
    L = keras.layers

    def make():
        inner = sequential(keras, [L.Dense(5, input_shape=(4,), name="in_one"), L.Dense(4, name="in_two")])
        model = sequential(keras, [inner, L.Dense(3, name="top")])
        seed_weights(model, random)
        return model

    saved, loaded = make(), make()
    x = normal(random, 6, 4)
    with folder() as place:
        path = os.path.join(place, "weights.h5")
        saved.save_weights(path)
        loaded.load_weights(path)
    return {"saved": saved.predict(x), "loaded": loaded.predict(x)}


@case("files_weights/load_weights_functional", FORWARD)
def functional(keras, random):
    saved, x, _ = two_and_two(keras, random)
    loaded, _, _ = two_and_two(keras, random)
    with folder() as place:
        path = os.path.join(place, "weights.h5")
        saved.save_weights(path)
        loaded.load_weights(path)
    return {"first": loaded.predict(x)[0], "second": loaded.predict(x)[1]}


# -- the layout: what another program finds in the file -------------------------------------------------------


def _text(value):
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if isinstance(value, str) and value[:1] == "{":
        return json.loads(value)
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        return _text(value.tolist())
    return [_text(each) for each in value] if isinstance(value, list) else value


def _walk(group, path, found):
    for name in sorted(group.attrs):
        kind = group.attrs.get_id(name).dtype.kind
        found.append([path + "@" + name, kind, group.attrs.get_id(name).shape, _text(group.attrs[name])])
    for name in sorted(group.keys()):
        item, place = group[name], path + "/" + name
        if isinstance(item, h5py.Dataset):
            found.append([place, item.dtype.name, list(item.shape)])
        else:
            found.append([place])
            _walk(item, place, found)


def layout(write, only=None):
    """Every group, attribute and dataset of what `write(path)` writes; `only` those whose place begins so."""
    if h5py is None:
        raise Absent("h5py")
    found = []
    with folder() as place:
        path = os.path.join(place, "file.h5")
        write(path)
        with h5py.File(path, "r") as stream:
            _walk(stream, "", found)
    return as_text([row for row in found if only is None or row[0].startswith(only)])


@case("files_weights/layout_save_weights", EXACT)
def layout_weights(keras, random):
    """A group a layer, also of those without weights; names in their order as attributes."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(4, input_shape=(4,), name="zebra"),
            L.Dropout(0.5, name="nothing"),
            L.BatchNormalization(name="bn"),
            L.Dense(2, use_bias=False, name="ant"),
        ],
    )
    return {"layout": layout(model.save_weights)}


@case("files_weights/layout_functional_weights", EXACT)
def layout_functional(keras, random):
    model, _, _ = two_and_two(keras, random)
    return {"layout": layout(model.save_weights)}


@case("files_weights/layout_nested_weights", EXACT)
def layout_nested(keras, random):
    """A model within a model is one group, with all its weights."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,), name="entry")
    inner = M.Model(entry, L.Dense(2, name="inside")(L.Dense(3, name="outside")(entry)), name="inner")
    a = L.Input(shape=(4,), name="a")
    model = M.Model(a, L.Dense(2, name="top")(inner(a)))
    return {"layout": layout(model.save_weights)}


@case("files_weights/layout_model_groups", EXACT)
def layout_model(keras, random):
    """The whole file's groups and datasets, of a model that has taken a step with momentum."""
    model, x, y = plain(keras, random, keras.optimizers.SGD(momentum=0.9))
    steps(model, x, y, 1)
    return {"weights": layout(model.save, "/model_weights")}


@case("files_weights/layout_model_config", EXACT)
def layout_config(keras, random):
    model, _, _ = plain(keras, random)
    return {"config": layout(model.save, "@model_config")}


@case("files_weights/layout_training_config", EXACT)
def layout_training(keras, random):
    model, _, _ = plain(keras, random, keras.optimizers.Adam(lr=0.5), metrics=["accuracy", "mae"])
    multiple, _, _ = two_and_two(keras, random)
    multiple.compile("sgd", {"first": "mse", "second": "mae"}, loss_weights={"first": 1.0, "second": 0.5})
    return {
        "single": layout(model.save, "@training_config"),
        "multiple": layout(multiple.save, "@training_config"),
        "none": layout(lambda path: model.save(path, include_optimizer=False), "@training_config"),
    }


@case("files_weights/layout_versions", EXACT)
def layout_versions(keras, random):
    model, _, _ = plain(keras, random)
    return {"model": layout(model.save, "@keras_version"), "weights": layout(model.save_weights, "@keras_version")}


@case("files_weights/layout_optimizer_weights", EXACT)
def layout_optimizer(keras, random):
    """How many datasets of which shapes an optimizer's state has."""
    if h5py is None:
        raise Absent("h5py")
    found = {}
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"):
        model, x, y = plain(keras, random, getattr(keras.optimizers, name)())
        steps(model, x, y, 1)
        with folder() as place:
            path = os.path.join(place, "file.h5")
            model.save(path)
            with h5py.File(path, "r") as stream:
                group = stream["optimizer_weights"]
                names = [_text(each) for each in group.attrs["weight_names"]]
                found[name] = [[group[each].dtype.name, list(group[each].shape)] for each in names]
    return {"shapes": as_text(found)}
