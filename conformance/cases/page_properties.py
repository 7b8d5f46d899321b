"""Family `page_properties`: every property that the Sequential page lists, before and after it has a meaning."""

import numpy as np

from ..case import EXACT, FORWARD, Absent, Outcome, as_text, case, register
from .helpers import normal, seed_weights, sequential


def told(function, *arguments, **options):
    """What the call returns, as text, or the exception that it raises instead."""
    try:
        return as_text(function(*arguments, **options))
    except Exception as error:
        return Outcome(kind.__name__ for kind in type(error).__mro__ if kind is not object)


def mixed(keras, random):
    """A model with regularizers of both kinds, moving statistics and a phase of its own."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(5, activation="tanh", kernel_regularizer="l2", activity_regularizer="l1", input_shape=(4,)),
            L.BatchNormalization(momentum=0.9),
            L.Dropout(0.5),
            L.Dense(3, bias_regularizer="l1", activation="softmax"),
        ],
    )
    seed_weights(model, random)
    return model


def twice_called(keras, shapes=((4,), (4,))):
    """A layer on two inputs, of equal shapes or not."""
    layer = keras.layers.Activation("relu")
    for shape in shapes:
        layer(keras.layers.Input(shape=shape))
    return layer


def _shapes(weights):
    return [[int(size) for size in weight.get_shape().as_list()] for weight in weights]


def _empty(name):
    return lambda keras, random: {"found": told(lambda: bool(getattr(keras.models.Sequential(), name)))}


for _name in ("losses", "updates", "state_updates", "regularizers", "uses_learning_phase", "stateful", "input",
              "output", "input_shape", "output_shape", "input_mask", "output_mask"):  # fmt: skip
    register("page_properties/{}_of_no_layers".format(_name), _empty(_name), EXACT)


@case("page_properties/variables_of_no_layers", EXACT)
def variables_of_no_layers(keras, random):
    model = keras.models.Sequential()
    return {"found": as_text([model.variables, model.weights, model.trainable_weights, model.non_trainable_weights])}


@case("page_properties/activity_regularizer", EXACT)
def activity_regularizer(keras, random):
    """None on a model, whatever its layers have; the layer's own on a layer."""
    model = mixed(keras, random)
    first, last = model.layers[0].activity_regularizer, model.layers[3].activity_regularizer
    return {
        "model": model.activity_regularizer is None,
        "layer": as_text(float(first.l1)),
        "layer_without": last is None,
    }


@case("page_properties/activity_regularizer_set", FORWARD)
def activity_regularizer_acts(keras, random):
    """The penalty is of the layer's output, and in the loss."""
    model = mixed(keras, random)
    model.compile("sgd", "mse")
    x, y = normal(random, 6, 4), np.zeros((6, 3), "float32")
    return {"loss": model.test_on_batch(x, y), "alone": float(np.mean(np.square(model.predict(x))))}


@case("page_properties/dtype", EXACT)
def dtype(keras, random):
    L = keras.layers
    model = mixed(keras, random)
    layers = [L.Dense(2), L.Dense(2, dtype="float64"), L.Embedding(3, 2), L.Activation("relu", dtype="int32")]
    return {
        "model": as_text(model.dtype),
        "layers": as_text([getattr(layer.dtype, "name", layer.dtype) for layer in model.layers]),
        "given": as_text([getattr(layer.dtype, "name", layer.dtype) for layer in layers]),
    }


@case("page_properties/graph", EXACT)
def graph(keras, random):
    """A model and its layers agree on it, and it cannot be set."""
    model = mixed(keras, random)
    return {
        "shared": as_text([layer.graph is model.graph for layer in model.layers]),
        "set": Outcome(told(setattr, model, "graph", 3).names),
    }


@case("page_properties/input", FORWARD)
def input_tensor(keras, random):
    """The tensor itself: of the model, of a layer, and what a function of it computes."""
    K = keras.backend
    model = mixed(keras, random)
    x = normal(random, 3, 4)
    return {
        "same": as_text([model.input is model.layers[0].input, model.layers[1].input is model.layers[0].output]),
        "value": K.function([model.input], [model.input * 2.0])([x])[0],
        "name": model.input.name.split(":")[0],
    }


@case("page_properties/input_of_two_nodes", EXACT)
def input_of_two_nodes(keras, random):
    layer = twice_called(keras)
    return {"input": told(lambda: layer.input), "none": told(lambda: keras.layers.Activation("relu").input)}


@case("page_properties/input_of_shared_model", EXACT)
def input_of_shared_model(keras, random):
    """A model that was called has two nodes."""
    model = mixed(keras, random)
    model(keras.layers.Input(shape=(4,)))
    return {
        "input": told(lambda: model.input is not None),
        "output": told(lambda: model.output is not None),
        "input_shape": told(lambda: model.input_shape),
        "output_shape": told(lambda: model.output_shape),
    }


@case("page_properties/input_mask", EXACT)
def input_mask(keras, random):
    """None where nothing is masked; the mask of an Embedding at the layer behind it; errors without one node."""
    L = keras.layers
    model = sequential(keras, [L.Embedding(5, 3, mask_zero=True, input_length=4), L.Activation("relu"), L.Dense(2)])
    return {
        "model": told(lambda: model.input_mask is None),
        "layers": told(lambda: [layer.input_mask is None for layer in model.layers]),
        "two_nodes": told(lambda: twice_called(keras).input_mask),
        "no_node": told(lambda: L.Dense(2).input_mask),
    }


@case("page_properties/output_mask", EXACT)
def output_mask(keras, random):
    """The mask behind each layer, by value."""
    L, K = keras.layers, keras.backend
    model = sequential(keras, [L.Embedding(5, 3, mask_zero=True, input_length=4), L.Activation("relu")])
    words = np.array([[1, 2, 0, 0], [0, 4, 4, 0]])
    behind = K.function([model.input], [K.cast(model.layers[0].output_mask, "float32")])([words])[0]
    return {
        "model": told(lambda: model.output_mask is None),
        "behind": behind,
        "two_nodes": told(lambda: twice_called(keras).output_mask),
        "no_node": told(lambda: L.Dense(2).output_mask),
    }


@case("page_properties/input_shape", EXACT)
def input_shape(keras, random):
    """Of a model and its layers; of two nodes with the same shape, with different ones, and of none."""
    model = mixed(keras, random)
    return {
        "model": told(lambda: model.input_shape),
        "layers": told(lambda: [layer.input_shape for layer in model.layers]),
        "same": told(lambda: twice_called(keras).input_shape),
        "different": told(lambda: twice_called(keras, ((4,), (5,))).input_shape),
        "none": told(lambda: keras.layers.Dense(2).input_shape),
    }


@case("page_properties/output_shape", EXACT)
def output_shape(keras, random):
    model = mixed(keras, random)
    return {
        "model": told(lambda: model.output_shape),
        "layers": told(lambda: [layer.output_shape for layer in model.layers]),
        "same": told(lambda: twice_called(keras).output_shape),
        "different": told(lambda: twice_called(keras, ((4,), (5,))).output_shape),
        "none": told(lambda: keras.layers.Dense(2).output_shape),
    }


def _spec(spec):
    return None if spec is None else [spec.ndim, None if spec.shape is None else [str(size) for size in spec.shape]]


@case("page_properties/input_spec", EXACT)
def input_spec(keras, random):
    """One spec for a model of one input; what it says of rank and shape."""
    model = mixed(keras, random)
    model.build()
    return {"kind": isinstance(model.input_spec, list), "spec": told(lambda: _spec(model.input_spec))}


@case("page_properties/losses", FORWARD)
def losses(keras, random):
    """Number and values: the weights' penalties first to last, and the activity's for an input."""
    K = keras.backend
    model = mixed(keras, random)
    x = normal(random, 6, 4)
    values = K.function([model.input, K.learning_phase()], list(model.losses))([x, 0])
    return {"number": len(model.losses), "sorted": np.sort(np.array(values, "float32").reshape(-1))}


@case("page_properties/name", EXACT)
def name(keras, random):
    models = [keras.models.Sequential(), keras.models.Sequential(name="mine"), keras.models.Sequential()]
    return {
        "names": as_text([model.name for model in models]),
        "set": told(setattr, models[0], "name", "other"),
    }


@case("page_properties/non_trainable_variables", EXACT)
def non_trainable_variables(keras, random):
    """The same as non_trainable_weights: of BatchNormalization, of what is frozen, of a model switched off."""
    model = mixed(keras, random)
    found = {"on": _shapes(model.non_trainable_variables)}
    model.layers[0].trainable = False
    found["one_off"] = _shapes(model.non_trainable_variables)
    model.trainable = False
    found["all_off"] = _shapes(model.non_trainable_variables)
    same = list(model.non_trainable_variables) == list(model.non_trainable_weights)
    return {"shapes": as_text(found), "same": same}


@case("page_properties/trainable_variables", EXACT)
def trainable_variables(keras, random):
    model = mixed(keras, random)
    found = {"on": _shapes(model.trainable_variables)}
    model.layers[0].trainable = False
    found["one_off"] = _shapes(model.trainable_variables)
    model.trainable = False
    found["all_off"] = _shapes(model.trainable_variables)
    return {"shapes": as_text(found), "same": list(model.trainable_variables) == list(model.trainable_weights)}


@case("page_properties/variables", EXACT)
def variables(keras, random):
    """All weights, the trained ones first, under both names."""
    model = mixed(keras, random)
    return {
        "variables": as_text(_shapes(model.variables)),
        "weights": as_text(_shapes(model.weights)),
        "same": [variable is weight for variable, weight in zip(model.variables, model.weights)],
        "count": len(model.variables),
    }


@case("page_properties/output", FORWARD)
def output_tensor(keras, random):
    K = keras.backend
    model = mixed(keras, random)
    x = normal(random, 3, 4)
    found = K.function([model.input, K.learning_phase()], [model.output])([x, 0])[0]
    return {
        "same": model.output is model.layers[-1].output,
        "value": found,
        "predicted": model.predict(x),
        "two_nodes": told(lambda: twice_called(keras).output),
        "none": told(lambda: keras.layers.Dense(2).output),
    }


@case("page_properties/regularizers", EXACT)
def regularizers(keras, random):
    """Those of the layers that have any of their own."""
    return {"found": told(lambda: len(mixed(keras, random).regularizers))}


@case("page_properties/scope_name", EXACT)
def scope_name(keras, random):
    """Of a layer that was called, of one that was not, of a model."""
    model = sequential(keras, [keras.layers.Dense(2, input_shape=(3,), name="first")])
    return {
        "layer": told(lambda: model.layers[0].scope_name),
        "not_called": told(lambda: keras.layers.Dense(2).scope_name),
        "model": told(lambda: model.scope_name),
    }


@case("page_properties/state_updates", EXACT)
def state_updates(keras, random):
    """Empty without a stateful layer, though there are updates."""
    model = mixed(keras, random)
    return {"found": as_text([len(model.state_updates), len(model.updates)])}


@case("page_properties/stateful", EXACT)
def stateful(keras, random):
    return {"found": told(lambda: bool(mixed(keras, random).stateful))}


@case("page_properties/trainable", EXACT)
def trainable(keras, random):
    """True from the start; turned off it empties the trained weights and leaves the layers' switches to themselves."""
    model = mixed(keras, random)
    found = [model.trainable]
    model.trainable = False
    found += [model.trainable, len(model.trainable_weights), len(model.non_trainable_weights)]
    found.append([layer.trainable for layer in model.layers])
    model.trainable = True
    found += [len(model.trainable_weights), len(model.non_trainable_weights)]
    return {"found": as_text(found)}


@case("page_properties/updates", FORWARD)
def updates(keras, random):
    """Those of the moving statistics: their number, and what a run of them does."""
    K = keras.backend
    model = mixed(keras, random)
    x = normal(random, 6, 4)
    step = K.function([model.input, K.learning_phase()], [K.mean(model.layers[0].output)], updates=model.updates)
    step([x, 1])
    mean, variance = model.layers[1].get_weights()[2:]
    return {"number": len(model.updates), "mean": mean, "variance": variance}


@case("page_properties/updates_frozen", EXACT)
def updates_frozen(keras, random):
    """Which updates are left when the model, or the layer, is switched off."""
    model = mixed(keras, random)
    model.layers[1].trainable = False
    found = [len(model.updates), len(model.layers[1].updates)]
    model.layers[1].trainable = True
    model.trainable = False
    return {"found": as_text(found + [len(model.updates), len(model.layers[1].updates)])}


@case("page_properties/uses_learning_phase", EXACT)
def uses_learning_phase(keras, random):
    L = keras.layers
    layers = (L.Dropout(0.5), L.BatchNormalization(), L.Activation("relu"), L.Lambda(lambda x: x * 2.0))
    models = [sequential(keras, [L.Dense(2, input_shape=(3,)), layer]) for layer in layers]
    return {"found": as_text([bool(model.uses_learning_phase) for model in models])}


def _has(module, name):
    try:
        return getattr(module, name) is not None
    except (AttributeError, Absent):
        return False


@case("page_properties/no_eager_mode", EXACT)
def no_eager_mode(keras, random):
    """keras itself has no switch to eager mode, and nothing that the page forbids there is forbidden here."""
    names = ("enable_eager_execution", "enable_eager_mode", "executing_eagerly")
    layer = keras.layers.Dense(2, input_shape=(3,), kernel_regularizer="l2")
    model = sequential(keras, [layer])
    calls = (
        lambda: model.input is None, lambda: model.output is None, lambda: model.input_shape,
        lambda: model.output_shape, lambda: layer.get_input_at(0) is None, lambda: layer.get_output_at(0) is None,
        lambda: layer.get_input_shape_at(0), lambda: layer.get_output_shape_at(0),
        lambda: layer.add_loss(keras.backend.sum(layer.output)), lambda: len(layer.losses),
    )  # fmt: skip
    return {
        "switches": as_text([_has(module, name) for module in (keras, keras.backend) for name in names]),
        "raised": as_text([isinstance(told(call), Outcome) for call in calls]),
    }
