"""Family `page_methods`: the methods of the Sequential page around the stack, its calls and its nodes."""

import copy

import numpy as np

from ..case import EXACT, FORWARD, as_text, case
from .helpers import normal, seed_weights, sequential
from .page_properties import mixed, told


def plain(keras, random):
    L = keras.layers
    model = sequential(keras, [L.Dense(5, activation="tanh", input_shape=(4,)), L.Dense(3)])
    seed_weights(model, random)
    return model


@case("page_methods/init_defaults", EXACT)
def init_defaults(keras, random):
    """No layers and a counted name; layers and name by position and by keyword."""
    L, Sequential = keras.layers, keras.models.Sequential
    models = [
        Sequential(),
        Sequential([L.Dense(2, input_shape=(3,))]),
        Sequential([L.Dense(2, input_shape=(3,)), L.Dense(1)], "second"),
        Sequential(layers=[], name="third"),
        Sequential(None, None),
    ]
    return {
        "names": as_text([model.name for model in models]),
        "sizes": as_text([len(model.layers) for model in models]),
        "tuple": told(lambda: len(Sequential((L.Dense(2, input_shape=(3,)),)).layers)),
        "one_layer": told(lambda: len(Sequential(L.Dense(2, input_shape=(3,))).layers)),
    }


@case("page_methods/inherits", EXACT)
def inherits(keras, random):
    """A Sequential is a Model and a Layer."""
    model = keras.models.Sequential()
    return {"kinds": as_text([isinstance(model, keras.models.Model), isinstance(model, keras.layers.Layer)])}


@case("page_methods/example_of_shapes", EXACT)
def example_of_shapes(keras, random):
    """The page's example: the three ways to give the shape make the same model."""
    Sequential, Dense = keras.models.Sequential, keras.layers.Dense
    models = []
    for options in ({"input_dim": 500}, {"input_shape": (500,)}, {"batch_input_shape": (None, 500)}):
        model = Sequential()
        model.add(Dense(32, **options))
        model.add(Dense(32))
        models.append(model)
    return {
        "shapes": as_text([[model.input_shape, model.output_shape, model.count_params()] for model in models]),
        "weights": as_text([[value.shape for value in model.get_weights()] for model in models]),
    }


@case("page_methods/any_batch_size", FORWARD)
def any_batch_size(keras, random):
    """A batch axis of None takes batches of every size; a given one is that of the tensors."""
    L = keras.layers
    free = sequential(keras, [L.Dense(2, batch_input_shape=(None, 4))])
    fixed = sequential(keras, [L.Dense(2, batch_input_shape=(6, 4))])
    seed_weights(free, random)
    seed_weights(fixed, random)
    x = normal(random, 6, 4)
    return {
        "one": free.predict(x[:1]),
        "three": free.predict(x[:3]),
        "six": free.predict(x),
        "fixed": fixed.predict(x, batch_size=6),
        "shapes": as_text([free.input_shape, fixed.input_shape, fixed.output_shape]),
    }


@case("page_methods/call_on_tensor", FORWARD)
def call_on_tensor(keras, random):
    """The output, its history and its shape; the weights are the model's own."""
    L, K = keras.layers, keras.backend
    model = plain(keras, random)
    tensor = L.Input(shape=(4,))
    output = model(tensor)
    x = normal(random, 3, 4)
    return {
        "output": K.function([tensor], [output])([x])[0],
        "predicted": model.predict(x),
        "history": as_text([output._keras_history[0] is model, output._keras_history[1], K.int_shape(output)]),
        "weights": len(model.weights),
    }


@case("page_methods/call_on_placeholder", FORWARD)
def call_on_placeholder(keras, random):
    """A tensor without history is computed with, and no node is added."""
    K = keras.backend
    model = plain(keras, random)
    tensor = K.placeholder(shape=(None, 4))
    output = model(tensor)
    return {"output": K.function([tensor], [output])([normal(random, 3, 4)])[0]}


@case("page_methods/call_on_list", EXACT)
def call_on_list(keras, random):
    """A list of one tensor is that tensor."""
    L = keras.layers
    model = plain(keras, random)
    return {
        "one": told(lambda: keras.backend.int_shape(model([L.Input(shape=(4,))]))),
    }


@case("page_methods/call_training", FORWARD)
def call_training(keras, random):
    """Keyword arguments reach a layer's call: a Dropout asked to drop, and not to."""
    L, K = keras.layers, keras.backend
    layer = L.Dropout(0.999)
    tensor = L.Input(shape=(50,))
    on, off = layer(tensor, training=True), layer(tensor, training=False)
    x = np.ones((4, 50), "float32")
    dropped, kept = K.function([tensor], [on, off])([x])
    return {"most_dropped": bool((dropped == 0).mean() > 0.9), "kept": kept}


@case("page_methods/call_unknown_argument", EXACT)
def call_unknown_argument(keras, random):
    L = keras.layers
    return {"raises": told(lambda: L.Dense(2)(L.Input(shape=(3,)), none_such=3) is None)}


@case("page_methods/call_without_shape", EXACT)
def call_without_shape(keras, random):
    """A layer that needs the last size on a tensor whose last size nobody knows."""
    L = keras.layers
    return {
        "free": told(lambda: L.Dense(2)(L.Input(shape=(None,))) is None),
        "placeholder": told(lambda: L.Dense(2)(keras.backend.placeholder(shape=(None, None))) is None),
    }


@case("page_methods/apply", FORWARD)
def apply(keras, random):
    """apply is the call itself, keyword arguments and all."""
    L, K = keras.layers, keras.backend
    model = plain(keras, random)
    tensor = L.Input(shape=(4,))
    dropout = L.Dropout(0.5)
    outputs = [model.apply(tensor), model(tensor), dropout.apply(tensor, training=False)]
    found = K.function([tensor], outputs)([normal(random, 3, 4)])
    return {"applied": found[0], "called": found[1], "dropout": found[2]}


@case("page_methods/deepcopy_layer", FORWARD)
def deepcopy_layer(keras, random):
    """A copied layer that is not built keeps its options and shares nothing."""
    L = keras.layers
    layer = L.Dense(3, activation="tanh", kernel_regularizer="l2", name="mine")
    twin = copy.deepcopy(layer)
    twin.trainable = False
    return {
        "same": twin is layer,
        "config": as_text(twin.get_config()),
        "trainable": layer.trainable,
        "units": twin.units,
    }


@case("page_methods/add_returns_nothing", EXACT)
def add_returns_nothing(keras, random):
    model = keras.models.Sequential()
    found = [model.add(keras.layers.Dense(3, input_shape=(4,))) is None]
    found += [model.add(keras.layers.Dense(2)) is None, len(model.layers), model.layers[0].built]
    return {"found": as_text(found), "same": as_text([model.layers[1].input is model.layers[0].output])}


@case("page_methods/add_same_layer_twice", FORWARD)
def add_same_layer_twice(keras, random):
    """One layer at two places shares its weights, in values and in the list of weights."""
    L = keras.layers
    shared = L.Dense(4, activation="tanh", input_shape=(4,))
    model = keras.models.Sequential([shared])
    raised = told(model.add, shared)
    seed_weights(model, random)
    return {
        "add": raised,
        "sizes": as_text([len(model.layers), len(model.get_weights())]),
        "output": model.predict(normal(random, 3, 4)),
    }


@case("page_methods/add_model", FORWARD)
def add_model(keras, random):
    """A Sequential as a layer, first and later."""
    L = keras.layers
    inner = plain(keras, random)
    outer = sequential(keras, [inner, L.Dense(2)])
    later = sequential(keras, [L.Dense(4, input_shape=(6,)), plain(keras, random)])
    seed_weights(outer, random)
    seed_weights(later, random)
    return {
        "first": outer.predict(normal(random, 3, 4)),
        "later": later.predict(normal(random, 3, 6)),
        "layers": as_text([len(outer.layers), len(later.layers)]),
    }


@case("page_methods/add_empty_model", EXACT)
def add_empty_model(keras, random):
    Sequential = keras.models.Sequential
    return {
        "first": told(Sequential().add, Sequential()),
        "later": told(Sequential([keras.layers.Dense(2, input_shape=(3,))]).add, Sequential()),
    }


@case("page_methods/add_class", EXACT)
def add_class(keras, random):
    """A layer's class instead of a layer, a model's name, nothing."""
    Sequential = keras.models.Sequential
    return {
        "class": told(Sequential().add, keras.layers.Dense),
        "text": told(Sequential().add, "Dense"),
        "nothing": told(Sequential().add, None),
    }


@case("page_methods/add_incompatible", EXACT)
def add_incompatible(keras, random):
    """A layer that does not fit leaves the model as it was."""
    L = keras.layers
    model = sequential(keras, [L.Dense(5, input_shape=(4,))])
    raised = told(model.add, L.Conv2D(2, 3))
    return {"raises": raised, "left": as_text([len(model.layers), model.output_shape])}


@case("page_methods/pop_all", EXACT)
def pop_all(keras, random):
    """Popped to nothing and one further; then built up again."""
    model = plain(keras, random)
    model.pop()
    found = [len(model.layers), model.output_shape]
    model.pop()
    raised = told(model.pop)
    found += [len(model.layers), len(model.outputs)]
    model.add(keras.layers.Dense(2, input_shape=(7,)))
    return {"found": as_text(found), "raises": raised, "again": as_text([model.input_shape, model.output_shape])}


@case("page_methods/build", EXACT)
def build(keras, random):
    """Nothing is returned; a given shape changes nothing; a model without layers cannot be built."""
    model = plain(keras, random)
    found = [model.built, model.build() is None, model.built, model.build((None, 9)) is None, model.input_shape]
    return {"found": as_text(found), "empty": told(keras.models.Sequential().build, (None, 3))}


@case("page_methods/call_method", FORWARD)
def call_method(keras, random):
    """call computes on another tensor without making a node."""
    K = keras.backend
    model = plain(keras, random)
    tensor = keras.layers.Input(shape=(4,))
    output = model.call(tensor)
    masked = model.call(tensor, mask=None)
    found = K.function([tensor], [output, masked])([normal(random, 3, 4)])
    return {"output": found[0], "masked": found[1], "second_node": told(lambda: model.get_output_at(1) is None)}


@case("page_methods/compute_mask", EXACT)
def compute_mask(keras, random):
    """None in, None out; a mask from outside is refused at the door, since an input layer supports none."""
    L, K = keras.layers, keras.backend
    model, passing = plain(keras, random), sequential(keras, [L.Activation("relu", input_shape=(3, 2))])
    for each in (model, passing):
        each.build()
    tensor, mask = L.Input(shape=(3, 2)), K.placeholder(shape=(None, 3), dtype="bool")
    return {
        "none": told(lambda: model.compute_mask(L.Input(shape=(4,)), None) is None),
        "given": told(lambda: passing.compute_mask(tensor, mask) is None),
        "of_layer": told(lambda: passing.layers[0].compute_mask(tensor, mask) is mask),
        "refused": told(lambda: L.Flatten().compute_mask(tensor, mask) is None),
    }


@case("page_methods/count_params", EXACT)
def count_params(keras, random):
    """The same number whatever is frozen; weights of no size count one; errors before the build."""
    L = keras.layers
    model = mixed(keras, random)
    found = [model.count_params()] + [layer.count_params() for layer in model.layers]
    model.trainable = False
    found.append(model.count_params())
    return {
        "found": as_text([int(number) for number in found]),
        "layer": told(L.Dense(3).count_params),
        "without_weights": told(lambda: sequential(keras, [L.Activation("relu", input_shape=(3,))]).count_params()),
        "empty": told(keras.models.Sequential().count_params),
    }


@case("page_methods/get_at", EXACT)
def get_at(keras, random):
    """Each get_*_at at each node of a layer with two."""
    L = keras.layers
    inputs = [L.Input(shape=(4,)), L.Input(shape=(5,))]
    layer = L.Activation("relu")
    outputs = [layer(tensor) for tensor in inputs]
    return {
        "input": as_text([layer.get_input_at(index) is inputs[index] for index in range(2)]),
        "output": as_text([layer.get_output_at(index) is outputs[index] for index in range(2)]),
        "input_shape": as_text([layer.get_input_shape_at(index) for index in range(2)]),
        "output_shape": as_text([layer.get_output_shape_at(index) for index in range(2)]),
        "input_mask": told(lambda: [layer.get_input_mask_at(index) for index in range(2)]),
        "output_mask": told(lambda: [layer.get_output_mask_at(index) for index in range(2)]),
    }


@case("page_methods/get_at_masks", EXACT)
def get_at_masks(keras, random):
    """The masks at a node, by value."""
    L, K = keras.layers, keras.backend
    words = L.Input(shape=(3,), dtype="int32")
    embedding, layer = L.Embedding(5, 2, mask_zero=True), L.Activation("relu")
    layer(embedding(words))
    masks = [embedding.get_output_mask_at(0), layer.get_input_mask_at(0), layer.get_output_mask_at(0)]
    values = K.function([words], [K.cast(mask, "float32") for mask in masks if mask is not None])(
        [np.array([[1, 0, 2], [0, 0, 4]])]
    )
    fields = {"mask_{}".format(index): value for index, value in enumerate(values)}
    fields["none"] = as_text([mask is None for mask in masks] + [embedding.get_input_mask_at(0) is None])
    return fields


@case("page_methods/get_at_errors", EXACT)
def get_at_errors(keras, random):
    """A node that is not there, of a model, of a layer with one node, and of a layer with none."""
    model, lonely = plain(keras, random), keras.layers.Dense(2)
    fields = {}
    for attribute in ("input", "output", "input_shape", "output_shape", "input_mask", "output_mask"):
        get = "get_{}_at".format(attribute)
        fields[attribute + "_of_model"] = told(getattr(model, get), 1)
        fields[attribute + "_of_layer"] = told(getattr(model.layers[0], get), 3)
        fields[attribute + "_of_none"] = told(getattr(lonely, get), 0)
    return fields


@case("page_methods/get_layer", EXACT)
def get_layer(keras, random):
    """By name, by index (which counts the input layer), by both, and what is not there."""
    L = keras.layers
    model = sequential(keras, [L.Dense(2, input_shape=(3,), name="a"), L.Dense(2, name="b")])
    return {
        "by_name": model.get_layer("b") is model.layers[1],
        "by_keyword": model.get_layer(name="a") is model.layers[0],
        "by_index": as_text([model.get_layer(index=index).name for index in range(3)]),
        "last": told(lambda: model.get_layer(index=-1).name),
        "both": told(lambda: model.get_layer("a", 2).name),
        "name": told(model.get_layer, "none_such"),
        "index": told(model.get_layer, index=3),
        "neither": told(model.get_layer),
        "of_none": told(keras.models.Sequential().get_layer, "a"),
    }


@case("page_methods/weights_round_trip", FORWARD)
def weights_round_trip(keras, random):
    """get_weights copies in order; set_weights takes lists and other dtypes; wrong shapes are refused."""
    model, other = plain(keras, random), plain(keras, random)
    x = normal(random, 3, 4)
    values = model.get_weights()
    other.set_weights([value.astype("float64") for value in values])
    values[0] += 1.0
    return {
        "kind": as_text([isinstance(values, list), [type(value).__name__ for value in values]]),
        "types": as_text([str(value.dtype) for value in other.get_weights()]),
        "copied": bool((model.get_weights()[0] == other.get_weights()[0]).all()),
        "output": other.predict(x),
        "shape": told(other.set_weights, [value.T for value in values]),
        "none": told(keras.models.Sequential().get_weights),
    }


@case("page_methods/reset_states", EXACT)
def reset_states(keras, random):
    """Nothing to reset is no error."""
    return {"returned": told(lambda: plain(keras, random).reset_states())}
