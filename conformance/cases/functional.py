"""Family `functional`: Model with several outputs: losses, metrics and weights for each, and training verbs."""

import numpy as np

from ..case import EXACT, FORWARD, LOSS, SHARE, SLOT, WEIGHT, as_text, case, outcome_of, register
from .helpers import normal, one_hot, positive, seed_weights, train, weights_of

SIZE = 16
FIELDS = {"losses": LOSS, "metric_*acc*": SHARE, "weight_*": WEIGHT, "slot_*": SLOT, "*": LOSS}


def added(keras, tensors):
    """The tensors' sum, by a Lambda of several inputs."""
    return keras.layers.Lambda(lambda parts: parts[0] + 0.5 * parts[1])(tensors)


def branches(keras, random):
    """Two inputs that meet, a shared layer, two outputs; with data."""
    L = keras.layers
    left, right = L.Input(shape=(5,), name="left"), L.Input(shape=(4,), name="right")
    a = L.Dense(6, activation="tanh", name="of_left")(left)
    b = L.Dense(6, activation="tanh", name="of_right")(right)
    shared = L.Dense(6, activation="tanh", name="shared")
    together = added(keras, [shared(a), shared(b)])
    kind = L.Dense(3, activation="softmax", name="kind")(together)
    amount = L.Dense(2, name="amount")(shared(together))
    model = keras.models.Model(inputs=[left, right], outputs=[kind, amount])
    seed_weights(model, random)
    x = [normal(random, SIZE, 5), normal(random, SIZE, 4)]
    return model, x, [one_hot(random, 3, SIZE), normal(random, SIZE, 2)]


COMPILED = (
    ("one_loss", {"loss": "mse"}),
    ("list_of_losses", {"loss": ["categorical_crossentropy", "mse"]}),
    ("dict_of_losses", {"loss": {"amount": "mae", "kind": "categorical_crossentropy"}}),
    ("loss_weights_list", {"loss": ["categorical_crossentropy", "mse"], "loss_weights": [0.25, 2.0]}),
    ("loss_weights_dict", {"loss": "mse", "loss_weights": {"amount": 0.1}}),
    ("metrics_for_all", {"loss": "mse", "metrics": ["mae", "accuracy"]}),
    ("metrics_dict", {"loss": "mse", "metrics": {"kind": "accuracy", "amount": ["mae", "mse"]}}),
    ("metrics_one_output", {"loss": "mse", "metrics": {"amount": "mae"}}),
    ("weighted_metrics", {"loss": "mse", "metrics": ["mae"], "weighted_metrics": {"kind": "mae"}}),
)  # fmt: skip


def _trained(options):
    def function(keras, random):
        """Twenty steps, then what test_on_batch and evaluate say."""
        model, x, y = branches(keras, random)
        model.compile(keras.optimizers.SGD(lr=0.05, momentum=0.5), **options)
        rows = np.array([model.train_on_batch(x, y) for _ in range(20)])
        fields = {"names": as_text(model.metrics_names)}
        fields.update(("column_{}_{}".format(i, name), rows[:, i]) for i, name in enumerate(model.metrics_names))
        fields["tested"] = np.array(model.test_on_batch(x, y))
        fields["evaluated"] = np.array(model.evaluate(x, y, batch_size=5, verbose=0))
        fields.update(weights_of(model))
        return fields

    return function


for _label, _options in COMPILED:
    register(
        "functional/compile_" + _label,
        _trained(_options),
        {"column_*acc*": SHARE, "tested": LOSS, "weight_*": WEIGHT, "*": LOSS},
    )


def _optimizer(name):
    def function(keras, random):
        model, x, y = branches(keras, random)
        model.compile(getattr(keras.optimizers, name)(), ["categorical_crossentropy", "mse"])
        fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(20)])}
        fields.update(weights_of(model))
        fields.update(("slot_{:02d}".format(i), slot) for i, slot in enumerate(model.optimizer.get_weights()))
        return fields

    return function


for _name in ("RMSprop", "Adam", "Nadam"):
    register("functional/trajectory_" + _name, _optimizer(_name), FIELDS)


def _weighted(give):
    def function(keras, random):
        """Five steps with weights for samples or classes, and the test of them."""
        model, x, y = branches(keras, random)
        model.compile(keras.optimizers.SGD(lr=0.05), ["categorical_crossentropy", "mse"], weighted_metrics=["mae"])
        options = give(positive(random, SIZE), positive(random, SIZE))
        rows = np.array([model.train_on_batch(x, y, **options) for _ in range(5)])
        fields = {"losses": rows}
        if list(options) == ["sample_weight"]:
            fields["tested"] = np.array(model.test_on_batch(x, y, **options))
            fields["evaluated"] = np.array(model.evaluate(x, y, batch_size=6, verbose=0, **options))
        fields.update(weights_of(model))
        return fields

    return function


WEIGHTED = (
    ("sample_weight_list", lambda a, b: {"sample_weight": [a, b]}),
    ("sample_weight_dict", lambda a, b: {"sample_weight": {"kind": a, "amount": b}}),
    ("sample_weight_one_output", lambda a, b: {"sample_weight": {"amount": b}}),
    ("sample_weight_none", lambda a, b: {"sample_weight": [None, b]}),
    ("class_weight_dict", lambda a, b: {"class_weight": {"kind": {0: 2.0, 1: 0.5, 2: 1.0}}}),
    ("both_weights", lambda a, b: {"sample_weight": {"amount": b}, "class_weight": {"kind": {0: 3.0, 1: 1.0, 2: 1.0}}}),
)
for _label, _give in WEIGHTED:
    register("functional/" + _label, _weighted(_give), FIELDS)


def _fed(form):
    def function(keras, random):
        """The same steps, whatever form the data comes in."""
        model, x, y = branches(keras, random)
        model.compile("sgd", ["categorical_crossentropy", "mse"])
        inputs, targets = form(x, y)
        fields = {"losses": np.array([model.train_on_batch(inputs, targets) for _ in range(3)])}
        fields["kind"], fields["amount"] = model.predict(inputs, batch_size=5)
        fields["history"] = np.array(
            model.fit(inputs, targets, epochs=2, batch_size=8, verbose=0, shuffle=False).history["loss"]
        )
        return fields

    return function


for _label, _form in (
    ("lists", lambda x, y: (x, y)),
    ("dicts", lambda x, y: ({"right": x[1], "left": x[0]}, {"amount": y[1], "kind": y[0]})),
    ("list_and_dict", lambda x, y: (x, {"kind": y[0], "amount": y[1]})),
    ("float64", lambda x, y: ([part.astype("float64") for part in x], [part.astype("float64") for part in y])),
):
    register("functional/data_" + _label, _fed(_form), FIELDS)


@case("functional/returns", FIELDS)
def returns(keras, random):
    """What each verb returns: lists by output, with their types and shapes."""
    model, x, y = branches(keras, random)
    model.compile("sgd", ["categorical_crossentropy", "mse"], metrics={"amount": "mae"})

    def shapes(value):
        return [shapes(each) for each in value] if isinstance(value, list) else [list(np.shape(value))]

    history = model.fit(x, y, epochs=3, batch_size=8, verbose=0, shuffle=False, validation_split=0.25)
    return {
        "names": as_text(model.metrics_names),
        "output_names": as_text([model.output_names, model.input_names]),
        "train_on_batch": as_text(shapes(model.train_on_batch(x, y))),
        "test_on_batch": as_text(shapes(model.test_on_batch(x, y))),
        "evaluate": as_text(shapes(model.evaluate(x, y, verbose=0))),
        "predict": as_text(shapes(model.predict(x))),
        "predict_on_batch": as_text(shapes(model.predict_on_batch(x))),
        "keys": as_text(sorted(history.history)),
        "loss": np.array(history.history["loss"]),
        "val_loss": np.array(history.history["val_amount_mean_absolute_error"]),
        "epochs": as_text(history.epoch),
    }


@case("functional/fit_validation_data", FIELDS)
def fit_validation(keras, random):
    """validation_data with weights, for two outputs."""
    model, x, y = branches(keras, random)
    model.compile("sgd", ["categorical_crossentropy", "mse"])
    weights = [positive(random, SIZE), positive(random, SIZE)]
    history = model.fit(
        x, y, epochs=3, batch_size=8, verbose=0, shuffle=False, validation_data=(x, y, weights), sample_weight=weights
    )
    return {name: np.array(values) for name, values in history.history.items()}


@case("functional/generators", FIELDS)
def generators(keras, random):
    """fit_generator, evaluate_generator and predict_generator on lists and dictionaries."""
    model, x, y = branches(keras, random)
    model.compile("sgd", ["categorical_crossentropy", "mse"])

    def batches(as_dicts):
        while True:
            for start in (0, 6, 12):
                parts = [part[start : start + 6] for part in x], [part[start : start + 6] for part in y]
                if as_dicts:
                    yield dict(zip(("left", "right"), parts[0])), dict(zip(("kind", "amount"), parts[1]))
                else:
                    yield parts

    fields = {}
    for as_dicts in (False, True):
        history = model.fit_generator(batches(as_dicts), 3, epochs=2, verbose=0, validation_data=(x, y))
        label = "dicts" if as_dicts else "lists"
        fields.update(("{}_{}".format(label, name), np.array(values)) for name, values in history.history.items())
    fields["evaluated"] = np.array(model.evaluate_generator(batches(False), 3))
    predicted = model.predict_generator((x_y[0] for x_y in batches(False)), 3)
    fields["kind"], fields["amount"] = predicted
    return fields


@case("functional/one_of_each", FIELDS)
def one_of_each(keras, random):
    """One input and one output, given with and without lists: numbers and arrays, no lists, come back."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,), name="entry")
    hidden = L.Dense(5, activation="relu")(entry)
    models = [M.Model(entry, L.Dense(2, name="end_0")(hidden)), M.Model([entry], [L.Dense(2, name="end_1")(hidden)])]
    x, y = normal(random, 8, 4), normal(random, 8, 2)
    fields = {}
    for index, model in enumerate(models):
        seed_weights(model, np.random.RandomState(7))
        model.compile("sgd", "mse")
        fields["output_{}".format(index)] = model.predict(x)
        fields["loss_{}".format(index)] = model.train_on_batch([x], [y])
        fields["dict_{}".format(index)] = model.train_on_batch({"entry": x}, {"end_{}".format(index): y})
        fields["shape_{}".format(index)] = as_text([model.input_shape, model.output_shape])
    return fields


@case("functional/extract_features", FORWARD)
def extract_features(keras, random):
    """Model(model.input, model.get_layer(...).output), on a Sequential and on a Model; weights are shared."""
    L, M = keras.layers, keras.models
    stack = M.Sequential(
        [L.Dense(5, activation="tanh", input_shape=(4,), name="x"), L.Activation("relu"), L.Dense(3, name="y")]
    )
    seed_weights(stack, random)
    features = M.Model(stack.input, stack.get_layer("x").output)
    both = M.Model(inputs=stack.input, outputs=[stack.get_layer("x").output, stack.output])
    values = normal(random, 6, 4)
    fields = {"features": features.predict(values), "both_0": both.predict(values)[0]}
    stack.compile("sgd", "mse")
    stack.train_on_batch(values, normal(random, 6, 3))
    fields["after"] = features.predict(values)
    model, x, _ = branches(keras, random)
    inner = M.Model(model.inputs, model.get_layer("kind").input)
    fields["inner"] = inner.predict(x)
    fields["left_only"] = M.Model(model.inputs[0], model.get_layer("of_left").output).predict(x[0])
    return fields


@case("functional/from_a_middle_tensor", FORWARD)
def from_a_middle_tensor(keras, random):
    """A second half that begins where another model ends, trained alone."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,))
    encoder = M.Model(entry, L.Dense(2, activation="tanh")(entry))
    code = L.Input(shape=(2,))
    decoder = M.Model(code, L.Dense(4)(code))
    whole = M.Model(entry, decoder(encoder(entry)))
    seed_weights(whole, random)
    x = normal(random, 8, 4)
    whole.compile(keras.optimizers.Adam(lr=0.01), "mse")
    fields = {"losses": np.array([whole.train_on_batch(x, x) for _ in range(10)])}
    fields["code"] = encoder.predict(x)
    fields["decoded"] = decoder.predict(fields["code"])
    fields["whole"] = whole.predict(x)
    encoder.trainable = False
    whole.compile("sgd", "mse")
    fields["counts"] = as_text([len(whole.trainable_weights), len(whole.weights)])
    whole.train_on_batch(x, x)
    fields["frozen"] = encoder.predict(x)
    return fields


@case("functional/siamese", FIELDS)
def siamese(keras, random):
    """One tower on two inputs, a distance, a user's loss: twenty steps."""
    K, L, M = keras.backend, keras.layers, keras.models
    tower = M.Sequential([L.Dense(6, activation="tanh", input_shape=(4,)), L.Dense(3)])
    a, b = L.Input(shape=(4,)), L.Input(shape=(4,))
    distance = L.Lambda(lambda t: K.sqrt(K.sum(K.square(t[0] - t[1]), axis=1, keepdims=True) + 0.01))
    model = M.Model([a, b], distance([tower(a), tower(b)]))
    seed_weights(model, random)

    def contrastive(y_true, y_pred):
        return K.mean(y_true * K.square(y_pred) + (1.0 - y_true) * K.square(K.maximum(1.0 - y_pred, 0.0)))

    model.compile(keras.optimizers.RMSprop(lr=0.01), contrastive)
    x = [normal(random, SIZE, 4), normal(random, SIZE, 4)]
    y = random.randint(0, 2, size=(SIZE, 1)).astype("float32")
    return train(model, lambda step: (x, y))


@case("functional/outputs_without_loss", FIELDS)
def without_loss(keras, random):
    """An output whose loss is None takes no target."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,))
    hidden = L.Dense(3, name="hidden")(entry)
    model = M.Model(entry, [L.Activation("tanh", name="looked_at")(hidden), L.Dense(2, name="trained")(hidden)])
    seed_weights(model, random)
    model.compile("sgd", [None, "mse"])
    x, y = normal(random, 8, 4), normal(random, 8, 2)
    fields = {"names": as_text(model.metrics_names)}
    fields["losses"] = np.array([model.train_on_batch(x, y) for _ in range(3)])
    fields["looked_at"] = model.predict(x)[0]
    return fields


@case("functional/loss_in_the_graph", FIELDS)
def loss_in_the_graph(keras, random):
    """add_loss and regularizers on a Model add to the loss that is reported."""
    K, L, M = keras.backend, keras.layers, keras.models
    entry = L.Input(shape=(4,))
    hidden = L.Dense(5, kernel_regularizer=keras.regularizers.l2(0.1), activity_regularizer="l1")(entry)
    model = M.Model(entry, L.Dense(2)(hidden))
    model.add_loss(0.1 * K.mean(K.square(hidden)), inputs=[entry])
    seed_weights(model, random)
    model.compile("sgd", "mse", metrics=["mse"])
    x, y = normal(random, 8, 4), normal(random, 8, 2)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)])}
    fields["number"] = len(model.losses)
    fields["tested"] = np.array(model.test_on_batch(x, y))
    return fields


@case("functional/targets_of_the_users", FIELDS)
def target_tensors(keras, random):
    """compile(target_tensors=...): a target that is computed where it is a placeholder of the user's."""
    K, L, M = keras.backend, keras.layers, keras.models
    entry = L.Input(shape=(4,))
    model = M.Model(entry, L.Dense(2)(entry))
    seed_weights(model, random)
    target = K.placeholder(shape=(None, 2))
    model.compile("sgd", "mse", target_tensors=[target])
    x, y = normal(random, 8, 4), normal(random, 8, 2)
    return {"losses": np.array([model.train_on_batch(x, y) for _ in range(3)])}


@case("functional/errors", EXACT)
def errors(keras, random):
    """Data, losses and weights that do not fit the model's outputs."""
    model, x, y = branches(keras, random)
    compiled = {
        "losses_few": outcome_of(model.compile, "sgd", ["mse"]),
        "losses_many": outcome_of(model.compile, "sgd", ["mse"] * 3),
        "loss_of_no_output": outcome_of(model.compile, "sgd", {"nobody": "mse"}),
        "losses_none": outcome_of(model.compile, "sgd", None),
        "loss_unknown": outcome_of(model.compile, "sgd", "no_such_loss"),
        "loss_weights_few": outcome_of(model.compile, "sgd", "mse", loss_weights=[1.0]),
        "loss_weights_of_no_output": outcome_of(model.compile, "sgd", "mse", loss_weights={"nobody": 1.0}),
        "loss_weights_number": outcome_of(model.compile, "sgd", "mse", loss_weights=2.0),
        "sample_weight_mode_of_no_output": outcome_of(
            model.compile, "sgd", "mse", sample_weight_mode={"nobody": "temporal"}
        ),
        "metrics_number": outcome_of(model.compile, "sgd", "mse", metrics=3),
    }
    model.compile("sgd", "mse")
    weights = positive(random, SIZE)
    trained = {
        "inputs_few": outcome_of(model.train_on_batch, x[:1], y),
        "inputs_array": outcome_of(model.train_on_batch, x[0], y),
        "inputs_many": outcome_of(model.train_on_batch, x + x, y),
        "input_name_missing": outcome_of(model.train_on_batch, {"left": x[0]}, y),
        "targets_few": outcome_of(model.train_on_batch, x, y[:1]),
        "target_name_missing": outcome_of(model.train_on_batch, x, {"kind": y[0]}),
        "target_shape": outcome_of(model.train_on_batch, x, [y[0], y[0]]),
        "input_shape": outcome_of(model.train_on_batch, [x[1], x[0]], y),
        "samples_differ": outcome_of(model.train_on_batch, [x[0], x[1][:-1]], y),
        "targets_differ": outcome_of(model.train_on_batch, x, [y[0], y[1][:-1]]),
        "weights_array": outcome_of(model.train_on_batch, x, y, sample_weight=weights),
        "weights_few": outcome_of(model.train_on_batch, x, y, sample_weight=[weights]),
        "weights_short": outcome_of(model.train_on_batch, x, y, sample_weight=[weights[:-1], weights]),
        "class_weight_flat": outcome_of(model.train_on_batch, x, y, class_weight={0: 1.0, 1: 2.0, 2: 1.0}),
        "predict_few": outcome_of(model.predict, x[:1]),
        "validation_pair": outcome_of(model.fit, x, y, verbose=0, validation_data=(x,)),
    }
    return dict(compiled, **trained)
