"""Family `layers_merge`: Add, Multiply, Average, Maximum, Concatenate and Dot, and their function forms."""

import numpy as np

from ..case import EXACT, as_text, case, register
from .helpers import forward_and_gradient, normal, seed_weights
from .layers_core import FIELDS


def merged(name, make, shapes, batch_size=None):
    """A model of nothing but one merge of inputs of the shapes."""

    def function(keras, random):
        inputs = [keras.layers.Input(shape=shape, batch_size=batch_size) for shape in shapes]
        model = keras.models.Model(inputs, make(keras.layers)(inputs))
        x = [normal(random, batch_size or 3, *[size or 4 for size in shape]) for shape in shapes]
        fields = forward_and_gradient(keras, model, x, random)
        fields["shapes"] = as_text([keras.backend.int_shape(model.output), model.layers[-1].output_shape])
        return fields

    register("layers_merge/" + name, function, FIELDS)


ELEMENTWISE = (("Add", "add"), ("Multiply", "multiply"), ("Average", "average"), ("Maximum", "maximum"))
for _kind, _label in ELEMENTWISE:
    for _way, _shapes in (
        ("two", ((4,), (4,))),
        ("three", ((4, 3), (4, 3), (4, 3))),
        ("rank_4", ((2, 3, 4), (2, 3, 4))),
        ("broadcast_last", ((4, 3), (4, 1))),
        ("broadcast_both", ((4, 1), (1, 3))),
        ("other_rank", ((3,), (4, 3))),
        ("three_ranks", ((2, 4, 3), (3,), (4, 3))),
        ("free_sizes", ((None, 3), (4, 3), (None, 1))),
    ):
        merged("{}_{}".format(_label, _way), lambda L, k=_kind: getattr(L, k)(), _shapes)
    merged(_label + "_batch_known", lambda L, k=_kind: getattr(L, k)(), ((4, 3), (3,)), batch_size=3)
    merged("{}_as_function".format(_label), lambda L, f=_label: getattr(L, f), ((4, 3), (4, 3), (4, 1)))

for _way, _options, _shapes in (
    ("default", {}, ((4,), (3,))),
    ("three", {}, ((4, 2), (4, 1), (4, 3))),
    ("axis_1", {"axis": 1}, ((4, 3), (2, 3))),
    ("axis_2", {"axis": 2}, ((4, 3, 2), (4, 1, 2))),
    ("axis_minus_2", {"axis": -2}, ((4, 3), (2, 3))),
    ("axis_minus_3", {"axis": -3}, ((2, 4, 3), (1, 4, 3))),
    ("free_axis", {"axis": 1}, ((None, 3), (2, 3))),
    ("free_others", {}, ((None, 3), (None, 2))),
):
    merged("concatenate_" + _way, lambda L, o=_options: L.Concatenate(**o), _shapes)
merged("concatenate_batch_known", lambda L: L.Concatenate(axis=1), ((4, 3), (2, 3)), batch_size=3)
merged("concatenate_as_function", lambda L: L.concatenate, ((4, 3), (4, 2)))
merged("concatenate_as_function_axis", lambda L: lambda x: L.concatenate(x, axis=1), ((4, 3), (2, 3)))

for _way, _arguments, _shapes in (
    ("vectors", (1,), ((4,), (4,))),
    ("vectors_minus_1", (-1,), ((4,), (4,))),
    ("vectors_normalized", (1, True), ((4,), (4,))),
    ("vector_and_rows", ((1, 1),), ((4,), (4, 3))),
    ("rows_and_vector", ((2, 1),), ((3, 4), (4,))),
    ("rows_axis_1", (1,), ((4, 3), (4, 2))),
    ("rows_axis_2", (2,), ((3, 4), (2, 4))),
    ("rows_axis_minus_1", (-1,), ((3, 4), (2, 4))),
    ("rows_axes", ((2, 1),), ((3, 4), (4, 2))),
    ("rows_axes_other_order", ((1, 2),), ((4, 3), (2, 4))),
    ("rows_axes_as_list", ([2, 1],), ((3, 4), (4, 2))),
    ("rows_axes_negative", ((-1, -2),), ((3, 4), (4, 2))),
    ("rows_normalized", (2, True), ((3, 4), (2, 4))),
    ("rows_axes_normalized", ((2, 1), True), ((3, 4), (4, 2))),
    ("rows_free", (2,), ((None, 3), (None, 3))),
):
    merged("dot_" + _way, lambda L, a=_arguments: L.Dot(*a), _shapes)
merged("dot_batch_known", lambda L: L.Dot(-1), ((3, 4), (2, 4)), batch_size=3)
merged("dot_as_function", lambda L: lambda x: L.dot(x, -1), ((3, 4), (2, 4)))
merged("dot_as_function_normalized", lambda L: lambda x: L.dot(x, axes=(1, 1), normalize=True), ((4,), (4,)))


@case("layers_merge/dot_normalized_zeros", FIELDS)
def normalized_zeros(keras, random):
    """Rows of zeros, and rows below the norm's floor, have no direction."""
    inputs = [keras.layers.Input(shape=(4,)) for _ in range(2)]
    model = keras.models.Model(inputs, keras.layers.Dot(1, normalize=True)(inputs))
    x = [normal(random, 4, 4) for _ in range(2)]
    x[0][1] = 0.0
    x[0][2] *= 1e-7
    return forward_and_gradient(keras, model, x, random)


@case("layers_merge/maximum_ties", FIELDS)
def ties(keras, random):
    """Where two inputs are equal, and where one tensor is given twice, one of them takes the gradient."""
    inputs = [keras.layers.Input(shape=(6,)) for _ in range(3)]
    model = keras.models.Model(inputs, keras.layers.Maximum()(inputs + inputs[:1]))
    x = [random.randint(3, size=(5, 6)).astype("float32") for _ in range(3)]
    return forward_and_gradient(keras, model, x, random)


@case("layers_merge/add_same_tensor", FIELDS)
def same_tensor(keras, random):
    """One tensor given twice, and a merge of merges."""
    L = keras.layers
    tensor = L.Input(shape=(4, 3))
    model = keras.models.Model(tensor, L.Multiply()([L.Add()([tensor, tensor, tensor]), L.Average()([tensor, tensor])]))
    return forward_and_gradient(keras, model, normal(random, 3, 4, 3), random)


@case("layers_merge/concatenate_axis_0", FIELDS)
def samples_together(keras, random):
    """Along the first axis the samples of one stand behind those of the other."""
    inputs = [keras.layers.Input(shape=(4,)) for _ in range(2)]
    output = keras.layers.Concatenate(axis=0)(inputs)
    x = [normal(random, 2, 4), normal(random, 3, 4)]
    return {"output": keras.backend.function(inputs, [output])(x)[0]}


def _masks(name, make, branches):
    """The mask at the output of a merge of two branches of which those named are masked."""

    def function(keras, random):
        L, K = keras.layers, keras.backend
        words = [random.randint(3, size=(4, 6)), random.randint(3, size=(4, 6))]
        fields = {}
        for label in branches:
            inputs = [L.Input(shape=(6,)) for _ in range(2)]
            tensors = [
                L.Embedding(3, 2, mask_zero=label in (own, "both"))(each)
                for own, each in zip(("first", "second"), inputs)
            ]
            model = keras.models.Model(inputs, make(L)(tensors))
            mask = model.output_mask
            fields[label] = np.array([]) if mask is None else K.function(inputs, [mask])(words)[0]
        inputs = [L.Input(shape=(6, 2)) for _ in range(2)]
        fields["neither"] = keras.models.Model(inputs, make(L)(inputs)).output_mask is None
        return fields

    register("layers_merge/" + name, function, EXACT)


_masks("concatenate_masks", lambda L: L.Concatenate(), ("both", "first", "second"))
_masks("concatenate_axis_1_masks", lambda L: L.Concatenate(axis=1), ("both",))
for _kind, _label in ELEMENTWISE:
    _masks(_label + "_masks", lambda L, k=_kind: getattr(L, k)(), ("both", "first", "second"))
_masks("dot_masks", lambda L: L.Dot(-1), ("both", "first", "second"))


@case("layers_merge/function_names", EXACT)
def function_names(keras, random):
    """What layers made by the function forms are called, with a name and without, and that tensors remember them."""
    L = keras.layers
    inputs = [L.Input(shape=(4, 3)), L.Input(shape=(4, 3))]
    outputs = [
        L.add(inputs),
        L.multiply(inputs),
        L.average(inputs),
        L.maximum(inputs),
        L.concatenate(inputs),
        L.dot(inputs, 2),
        L.add(inputs, name="mine"),
        L.concatenate(inputs, axis=1, name="together"),
        L.dot(inputs, axes=1, normalize=True, name="cosine"),
    ]
    layers = [output._keras_history[0] for output in outputs]
    return {
        "names": as_text([layer.name for layer in layers]),
        "classes": as_text([type(layer).__name__ for layer in layers]),
        "shapes": as_text([keras.backend.int_shape(output) for output in outputs]),
        "configs": as_text([layer.get_config() for layer in layers]),
    }


def _two_branches(keras, random):
    L = keras.layers
    first, second = L.Input(shape=(4,), name="first"), L.Input(shape=(6,), name="second")
    left, right = L.Dense(5, activation="tanh")(first), L.Dense(5)(second)
    both = L.concatenate([L.Add()([left, right]), L.multiply([left, right]), first], name="both")
    model = keras.models.Model([first, second], [L.Dense(2, name="out")(both), L.Dot(1, normalize=True)([left, right])])
    seed_weights(model, random)
    return model


@case("layers_merge/add_in_a_model_config", FIELDS)
def model_config(keras, random):
    """Config and JSON of a model of two inputs and two outputs; the model made again gives the same."""
    model = _two_branches(keras, random)
    again = keras.models.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    from_json = keras.models.model_from_json(model.to_json())
    from_json.set_weights(model.get_weights())
    x = [normal(random, 3, 4), normal(random, 3, 6)]
    fields = {"config": as_text(model.get_config()), "json": model.to_json(sort_keys=True, indent=1)}
    for label, each in (("own", model), ("again", again), ("from_json", from_json)):
        for index, output in enumerate(each.predict(x)):
            fields["{}_{}".format(label, index)] = output
    return fields


@case("layers_merge/add_in_a_model_summary", EXACT)
def model_summary(keras, random):
    """A summary of what is no line of layers says what each is connected to."""
    model = _two_branches(keras, random)
    lines = {"default": [], "wide": []}
    model.summary(print_fn=lines["default"].append)
    model.summary(line_length=120, print_fn=lines["wide"].append)
    fields = {label: "\n".join(each) for label, each in lines.items()}
    fields["layers"] = as_text([layer.name for layer in model.layers])
    fields["names"] = as_text([list(model.input_names), list(model.output_names)])
    fields["shapes"] = as_text([model.input_shape, model.output_shape])
    return fields
