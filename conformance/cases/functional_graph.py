"""Family `functional_graph`: how a Model is wired: shapes, masks, names, configs, nodes, and what is refused."""

import json

import numpy as np

from ..case import EXACT, FORWARD, as_text, case, outcome_of
from .functional import added, branches
from .helpers import normal, seed_weights, sequential, weights_of


@case("functional_graph/properties", EXACT)
def properties(keras, random):
    """Lists where there are several, single values where there is one."""
    L, M = keras.layers, keras.models
    model, _, _ = branches(keras, random)
    entry = L.Input(shape=(None, 3), batch_size=5, name="entry", dtype="int32")
    single = M.Model(entry, L.Activation("linear", name="end")(entry), name="single")
    found = []
    for each in (model, single):
        found.append(
            {
                "name": each.name if each is single else None,
                "input_names": each.input_names,
                "output_names": each.output_names,
                "inputs": [len(each.inputs), len(each.outputs)],
                "lists": [isinstance(each.input, list), isinstance(each.output, list)],
                "input_shape": each.input_shape,
                "output_shape": each.output_shape,
                "layers": [layer.name for layer in each.layers if "lambda" not in layer.name],
                "uses_learning_phase": bool(each.uses_learning_phase),
                "stateful": bool(each.stateful),
                "built": each.built,
                "weights": [len(each.weights), len(each.trainable_weights), len(each.non_trainable_weights)],
                "parameters": int(each.count_params()),
            }
        )
    return {"found": as_text(found)}


@case("functional_graph/layer_order", EXACT)
def layer_order(keras, random):
    """The layers in order of depth, then of making, however they were called."""
    L, M = keras.layers, keras.models
    a, b = L.Input(shape=(3,), name="a"), L.Input(shape=(3,), name="b")
    last = L.Dense(3, name="made_first")
    middle, side = L.Dense(3, name="middle"), L.Dense(3, name="side")
    deep = middle(L.Dense(3, name="deep")(b))
    model = M.Model([b, a], [last(deep), side(a)])
    return {
        "layers": as_text([layer.name for layer in model.layers]),
        "weights": as_text([list(weight.shape) for weight in model.get_weights()]),
        "by_index": as_text([model.get_layer(index=index).name for index in range(len(model.layers))]),
        "by_name": model.get_layer("side").name,
    }


@case("functional_graph/config", FORWARD)
def config(keras, random):
    """get_config, to_json and back: nodes, shared layers, names; weights go over by order."""
    L, M = keras.layers, keras.models
    a, b = L.Input(shape=(4,), name="a"), L.Input(shape=(4,), name="b")
    shared = L.Dense(3, name="shared", activation="tanh")
    plain = M.Model([a, b], [shared(b), L.Dense(2, name="top")(shared(a))], name="wired")
    seed_weights(plain, random)
    again = [M.Model.from_config(plain.get_config()), M.model_from_json(plain.to_json())]
    fields = {"config": as_text(plain.get_config()), "names": as_text([each.name for each in again])}
    fields["json"] = as_text(json.loads(plain.to_json())["config"])
    values = [normal(random, 5, 4), normal(random, 5, 4)]
    for index, each in enumerate(again):
        each.set_weights(plain.get_weights())
        fields["output_{}".format(index)] = each.predict(values)[1]
    return fields


@case("functional_graph/nested_config", EXACT)
def nested_config(keras, random):
    """A model within a model, twice; from its config it is one model again."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,), name="entry")
    inner = M.Model(entry, L.Dense(4, name="inside")(entry), name="inner")
    a = L.Input(shape=(4,), name="a")
    model = M.Model(a, inner(inner(a)), name="outer")
    again = M.Model.from_config(model.get_config())
    return {
        "config": as_text(model.get_config()),
        "again": as_text(again.get_config()),
        "layers": as_text([layer.name for layer in again.layers]),
        "weights": len(again.weights),
    }


@case("functional_graph/called_again", FORWARD)
def called_again(keras, random):
    """A Model on new tensors: values, nodes, and the same weights."""
    K, L = keras.backend, keras.layers
    model, x, _ = branches(keras, random)
    left, right = L.Input(shape=(5,)), L.Input(shape=(4,))
    first, second = model([left, right])
    values = K.function([left, right], [first, second])(x)
    direct = model.predict(x)
    return {
        "first": values[0],
        "second": values[1],
        "direct": direct[0],
        "shapes": as_text([K.int_shape(first), K.int_shape(second)]),
        "at_nodes": as_text([model.get_output_shape_at(index) for index in range(2)]),
    }


@case("functional_graph/nested_twice_trained", FORWARD)
def nested_twice(keras, random):
    """A Sequential and a Model inside a Model; gradients come from both places."""
    L, M = keras.layers, keras.models
    tower = sequential(keras, [L.Dense(4, activation="tanh", input_shape=(4,)), L.BatchNormalization()])
    entry = L.Input(shape=(4,))
    head = M.Model(entry, [L.Dense(2, name="one")(entry), L.Dense(3, name="two")(entry)], name="head")
    a, b = L.Input(shape=(4,)), L.Input(shape=(4,))
    one, _ = head(tower(a))
    _, two = head(tower(b))
    model = M.Model([a, b], [one, two])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05), "mse")
    x, y = [normal(random, 8, 4), normal(random, 8, 4)], [normal(random, 8, 2), normal(random, 8, 3)]
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(5)])}
    fields["updates"] = len(model.updates)
    fields.update(weights_of(model))
    return fields


@case("functional_graph/masks", FORWARD)
def masks(keras, random):
    """A mask made in one branch reaches the loss of its output only."""
    L, M = keras.layers, keras.models
    a, b = L.Input(shape=(3, 2), name="a"), L.Input(shape=(3, 2), name="b")
    masked = L.Masking(0.0)(a)
    model = M.Model([a, b], [L.Activation("tanh", name="with")(masked), L.Activation("tanh", name="without")(b)])
    model.compile("sgd", "mse")
    x = [normal(random, 4, 3, 2), normal(random, 4, 3, 2)]
    x[0][:, 1] = 0.0
    x[1][:, 2] = 0.0
    return {
        "tested": np.array(model.test_on_batch(x, [normal(random, 4, 3, 2), normal(random, 4, 3, 2)])),
        "masks": as_text([mask is None for mask in model.output_mask]),
    }


@case("functional_graph/masks_from_embedding", FORWARD)
def masks_embedding(keras, random):
    """Embedding(mask_zero=True) followed by a layer that passes it on: the loss counts the words only."""
    L, M = keras.layers, keras.models
    words = L.Input(shape=(4,), dtype="int32")
    hidden = L.Activation("tanh")(L.Embedding(6, 3, mask_zero=True)(words))
    model = M.Model(words, hidden)
    seed_weights(model, random)
    model.compile("sgd", "mse")
    x = random.randint(0, 6, size=(5, 4))
    x[:, -1] = 0
    return {"losses": np.array([model.train_on_batch(x, normal(random, 5, 4, 3)) for _ in range(3)])}


@case("functional_graph/several_tensors", FORWARD)
def several_tensors(keras, random):
    """A Lambda of three inputs, and one tensor that goes to four places."""
    K, L, M = keras.backend, keras.layers, keras.models
    entry = L.Input(shape=(4,))
    parts = [L.Dense(3, name="part_{}".format(index))(entry) for index in range(3)]
    joined = L.Lambda(lambda tensors: K.concatenate(tensors, axis=-1))(parts)
    model = M.Model(entry, [joined, added(keras, parts[:2])])
    seed_weights(model, random)
    joined_value, added_value = model.predict(normal(random, 5, 4))
    return {"joined": joined_value, "added": added_value, "shapes": as_text(model.output_shape)}


@case("functional_graph/input_is_output", FORWARD)
def input_is_output(keras, random):
    """An input that is an output as well, and an output given twice."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,), name="entry")
    end = L.Dense(2, name="end")(entry)
    model = M.Model(entry, [entry, end])
    seed_weights(model, random)
    x = normal(random, 5, 4)
    first, second = model.predict(x)
    return {"first": first, "second": second, "names": as_text(model.output_names)}


@case("functional_graph/inputs_of_kinds", FORWARD)
def inputs_of_kinds(keras, random):
    """Integer, float64 and free-sized inputs side by side."""
    K, L, M = keras.backend, keras.layers, keras.models
    words = L.Input(shape=(None,), dtype="int32", name="words")
    amounts = L.Input(shape=(3,), name="amounts")
    summed = L.Lambda(lambda x: K.sum(x, axis=1))(L.Embedding(7, 3)(words))
    model = M.Model([words, amounts], added(keras, [summed, amounts]))
    seed_weights(model, random)
    amount = normal(random, 4, 3)
    return {
        "short": model.predict([random.randint(0, 7, size=(4, 2)), amount]),
        "long": model.predict([random.randint(0, 7, size=(4, 9)), amount]),
        "types": as_text([K.dtype(each) for each in model.inputs]),
        "shapes": as_text(model.input_shape),
    }


@case("functional_graph/freezing", FORWARD)
def freezing(keras, random):
    """trainable of a layer inside, of a nested model, and of the model: what is trained after the next compile."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,))
    base = M.Model(entry, L.Dense(4, name="in_base", activation="tanh")(entry), name="base")
    head = L.Dense(2, name="head")
    model = M.Model(entry, head(base(entry)))
    seed_weights(model, random)
    x, y = normal(random, 8, 4), normal(random, 8, 2)
    fields, counts = {}, []
    for label, layers in (("all", []), ("base", [base]), ("inside", [base.layers[-1]]), ("head", [head])):
        for layer in (base, base.layers[-1], head):
            layer.trainable = layer not in layers
        counts.append([len(model.trainable_weights), len(model.non_trainable_weights)])
        model.compile("sgd", "mse")
        model.train_on_batch(x, y)
        fields.update(("{}_{}".format(label, name), value) for name, value in weights_of(model).items())
    fields["counts"] = as_text(counts)
    return fields


@case("functional_graph/shared_normalization", FORWARD)
def shared_normalization(keras, random):
    """A BatchNormalization on two branches moves its averages by the statistics of both."""
    L, M = keras.layers, keras.models
    normalization = L.BatchNormalization(momentum=0.5, name="both")
    a, b = L.Input(shape=(4,)), L.Input(shape=(4,))
    model = M.Model([a, b], [normalization(L.Activation("tanh")(each)) for each in (a, b)])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = [normal(random, 8, 4), 2.0 + normal(random, 8, 4)], [normal(random, 8, 4), normal(random, 8, 4)]
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(3)])}
    fields.update(weights_of(model))
    return fields


@case("functional_graph/losses_and_updates", EXACT)
def losses_and_updates(keras, random):
    """Which losses and updates belong to which inputs of a nested model, and what a penalty adds behind one and two."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,))
    hidden = L.BatchNormalization()(L.Dense(3, kernel_regularizer="l2")(entry))
    inner = M.Model(entry, hidden)
    a, b = L.Input(shape=(4,)), L.Input(shape=(4,))
    model = M.Model([a, b], [inner(a), inner(b)])
    return {
        "losses": as_text([len(inner.losses), len(model.losses)]),
        "updates": as_text([len(inner.updates), len(model.updates)]),
        "for_none": as_text([len(model.get_losses_for(None)), len(model.get_updates_for(None))]),
        "state": as_text([len(inner.state_updates), len(model.state_updates)]),
        "penalties": as_text([_penalty(keras, 1), _penalty(keras, 2)]),
    }


def _penalty(keras, count):
    """What the penalty of a shared layer's weights adds to the loss of a model with some inputs."""
    L, M = keras.layers, keras.models
    entries = [L.Input(shape=(4,)) for _ in range(count)]
    shared = L.Dense(3, kernel_regularizer="l2", use_bias=False)
    parts = [shared(entry) for entry in entries]
    model = M.Model(entries, parts[0] if count == 1 else L.Add()(parts))
    model.set_weights([np.ones((4, 3))])
    model.compile("sgd", "mse")
    zeros = [np.zeros((2, 4))] * count
    return "%.4f" % model.evaluate(zeros[0] if count == 1 else zeros, np.zeros((2, 3)), verbose=0)


@case("functional_graph/summary", EXACT)
def summary(keras, random):
    """The table with its fourth column, of where each layer's inputs come from."""
    L, M = keras.layers, keras.models
    a, b = L.Input(shape=(4,), name="a"), L.Input(shape=(3,), name="b")
    shared = L.Dense(3, name="shared")
    one, two = shared(L.Dense(3, name="one")(a)), shared(b)
    joined = L.Lambda(lambda parts: parts[0] + parts[1], name="joined")([one, two])
    inner_entry = L.Input(shape=(3,), name="inner_entry")
    inner = M.Model(inner_entry, L.Dense(2, name="inside", trainable=False)(inner_entry), name="inner")
    model = M.Model([a, b], [inner(joined), two], name="whole")
    lines = []
    model.summary(print_fn=lines.append)
    narrow = []
    model.summary(line_length=70, positions=[0.4, 0.6, 0.7, 1.0], print_fn=narrow.append)
    return {"lines": "\n".join(lines), "narrow": "\n".join(narrow)}


@case("functional_graph/set_weights_order", FORWARD)
def set_weights_order(keras, random):
    """get_weights and set_weights go through the layers in their order."""
    model, x, _ = branches(keras, random)
    values = [normal(random, *weight.shape) for weight in model.get_weights()]
    model.set_weights(values)
    return {"output": model.predict(x)[1], "shapes": as_text([list(value.shape) for value in values])}


@case("functional_graph/get_layer_errors", EXACT)
def get_layer_errors(keras, random):
    model, _, _ = branches(keras, random)
    return {
        "name": outcome_of(model.get_layer, "nobody"),
        "index": outcome_of(model.get_layer, index=99),
        "neither": outcome_of(model.get_layer),
    }


@case("functional_graph/wiring_errors", EXACT)
def wiring_errors(keras, random):
    """Graphs that are no models."""
    K, L, M = keras.backend, keras.layers, keras.models
    a, b = L.Input(shape=(4,), name="a"), L.Input(shape=(4,), name="b")
    hidden = L.Dense(3, name="hidden")(a)
    end = L.Dense(2, name="end")(hidden)
    return {
        "disconnected": outcome_of(M.Model, b, end),
        "one_missing": outcome_of(M.Model, a, [end, L.Dense(2)(b)]),
        "input_twice": outcome_of(M.Model, [a, a], end),
        "input_no_tensor": outcome_of(M.Model, np.zeros((2, 4)), end),
        "input_placeholder": outcome_of(M.Model, K.placeholder(shape=(None, 4)), end),
        "output_no_layer": outcome_of(M.Model, a, end * 2.0),
        "output_array": outcome_of(M.Model, a, np.zeros((2, 2))),
        "unused_input": outcome_of(M.Model, [a, b], end),
        "same_name": outcome_of(M.Model, a, L.Dense(2, name="hidden")(hidden)),
        "called_on_few": outcome_of(M.Model([a, b], [end, L.Dense(2, name="of_b")(b)]), [a]),
        "layer_of_another_shape": outcome_of(L.Dense(2, input_shape=(4,)), "no tensor"),
    }


@case("functional_graph/input_errors", EXACT)
def input_errors(keras, random):
    Input = keras.layers.Input
    return {
        "nothing": outcome_of(Input),
        "both": outcome_of(Input, shape=(3,), batch_shape=(None, 3)),
        "unknown_argument": outcome_of(Input, shape=(3,), size=4),
        "batch_size": outcome_of(Input, shape=(3,), batch_size=4),
        "scalar": outcome_of(Input, shape=()),
    }
