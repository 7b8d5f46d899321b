"""Family `errors`: which type of exception each misuse raises, and that the model is as it was before."""

import numpy as np

from ..case import EXACT, case, outcome_of, register
from .helpers import normal, one_hot, seed_weights, sequential
from .verbs import small


def _building(label, make):
    """Something that fails as it is built."""
    register("errors/" + label, lambda keras, random: {"raises": outcome_of(make, keras)}, EXACT)


def _models(keras):
    return keras.models.Sequential()


def _used_elsewhere(keras):
    L = keras.layers
    shared = L.Dense(3, input_shape=(4,))
    sequential(keras, [shared])
    shared(L.Input(shape=(4,)))
    sequential(keras, [shared])


def _two_outputs(keras):
    L = keras.layers
    sequential(keras, [L.Lambda(lambda x: [x, x], input_shape=(4,)), L.Dense(2)])


for _label, _make in (
    ("add_not_a_layer", lambda keras: _models(keras).add(3)),
    ("add_a_function", lambda keras: _models(keras).add(lambda x: x)),
    ("add_without_shape", lambda keras: _models(keras).add(keras.layers.Dense(3))),
    ("add_connected_elsewhere", _used_elsewhere),
    ("add_two_outputs", _two_outputs),
    ("no_layers_pop", lambda keras: _models(keras).pop()),
    ("no_layers_build", lambda keras: _models(keras).build()),
    ("no_layers_compile", lambda keras: _models(keras).compile("sgd", "mse")),
    ("no_layers_predict", lambda keras: _models(keras).predict(np.zeros((2, 2)))),
    ("no_layers_summary", lambda keras: _models(keras).summary()),
    ("constructor_argument", lambda keras: keras.layers.Dense(3, unit=4)),
    ("dense_activation", lambda keras: keras.layers.Dense(3, activation="reluu")),
    ("dense_initializer", lambda keras: keras.layers.Dense(3, kernel_initializer="none_such")),
    ("dense_regularizer", lambda keras: keras.layers.Dense(3, kernel_regularizer="none_such")),
    ("dense_constraint", lambda keras: keras.layers.Dense(3, kernel_constraint="none_such")),
    ("activation_number", lambda keras: keras.activations.get(3)),
    ("initializer_number", lambda keras: keras.initializers.get(3)),
    ("regularizer_number", lambda keras: keras.regularizers.get(3)),
    ("constraint_number", lambda keras: keras.constraints.get(3)),
    ("loss_number", lambda keras: keras.losses.get(3)),
    ("loss_name", lambda keras: keras.losses.get("none_such")),
    ("metric_number", lambda keras: keras.metrics.get(3)),
    ("metric_name", lambda keras: keras.metrics.get("none_such")),
    ("optimizer_number", lambda keras: keras.optimizers.get(3)),
    ("optimizer_name", lambda keras: keras.optimizers.get("none_such")),
    ("optimizer_argument", lambda keras: keras.optimizers.SGD(rate=0.1)),
    ("nadam_decay", lambda keras: keras.optimizers.Nadam(decay=0.1)),
    ("optimizer_base", lambda keras: keras.optimizers.Optimizer().get_updates(None, [])),
    ("softmax_rank_1", lambda keras: keras.activations.softmax(keras.backend.placeholder(shape=(3,)))),
    ("conv_padding", lambda keras: keras.layers.Conv2D(3, 3, padding="full")),
    ("conv1d_causal", lambda keras: keras.layers.Conv1D(3, 3, padding="causal")),
    ("conv_data_format", lambda keras: keras.layers.Conv2D(3, 3, data_format="channels_middle")),
    ("conv_kernel_size", lambda keras: keras.layers.Conv2D(3, (3, 3, 3))),
    ("conv_strides_and_dilation", lambda keras: sequential(
        keras, [keras.layers.Conv2D(3, 3, strides=2, dilation_rate=2, input_shape=(9, 9, 2))])),
    ("conv_rank", lambda keras: sequential(keras, [keras.layers.Conv2D(3, 3, input_shape=(9, 9))])),
    ("conv_channels_unknown", lambda keras: sequential(keras, [keras.layers.Conv2D(3, 3, input_shape=(9, 9, None))])),
    ("conv_kernel_above_image", lambda keras: sequential(keras, [keras.layers.Conv2D(3, 5, input_shape=(4, 4, 2))])),
    ("pool_above_image", lambda keras: sequential(keras, [keras.layers.MaxPooling2D(5, input_shape=(4, 4, 2))])),
    ("pool_padding", lambda keras: keras.layers.MaxPooling2D(padding="full")),
    ("dense_size_unknown", lambda keras: sequential(keras, [keras.layers.Dense(3, input_shape=(None,))])),
    ("dense_after_flatten_of_unknown", lambda keras: sequential(
        keras, [keras.layers.Flatten(input_shape=(None, 3)), keras.layers.Dense(2)])),
    ("reshape_size", lambda keras: sequential(keras, [keras.layers.Reshape((5, 5), input_shape=(24,))])),
    ("reshape_size_inferred", lambda keras: sequential(keras, [keras.layers.Reshape((5, -1), input_shape=(24,))])),
    ("reshape_two_inferred", lambda keras: sequential(keras, [keras.layers.Reshape((-1, -1), input_shape=(24,))])),
    ("permute_rank", lambda keras: sequential(keras, [keras.layers.Permute((2, 1), input_shape=(3, 4, 5))])),
    ("repeat_vector_rank", lambda keras: sequential(keras, [keras.layers.RepeatVector(2, input_shape=(3, 4))])),
    ("zero_padding_triple", lambda keras: keras.layers.ZeroPadding2D((1, 2, 3))),
    ("embedding_length", lambda keras: sequential(
        keras, [keras.layers.Embedding(5, 2, input_length=4, input_shape=(3,))])),
    ("mask_not_supported", lambda keras: sequential(
        keras, [keras.layers.Embedding(5, 2, mask_zero=True, input_length=4), keras.layers.Flatten()])),
    ("mask_conv1d", lambda keras: sequential(
        keras, [keras.layers.Embedding(5, 2, mask_zero=True, input_length=4), keras.layers.Conv1D(2, 2)])),
    ("embedding_length_pair", lambda keras: sequential(keras, [keras.layers.Embedding(5, 2, input_length=(4, 3))])),
    ("metric_alias_unknown", lambda keras: keras.metrics.get("kld")),
    ("batch_normalization_axis", lambda keras: sequential(
        keras, [keras.layers.BatchNormalization(axis=4, input_shape=(3,))])),
    ("layer_on_an_array", lambda keras: keras.layers.Dense(3)(np.zeros((2, 3), "float32"))),
    ("input_without_shape", lambda keras: keras.layers.Input()),
    ("count_params_not_built", lambda keras: keras.layers.Dense(3).count_params()),
    ("input_of_unconnected", lambda keras: keras.layers.Dense(3).input),
    ("output_of_unconnected", lambda keras: keras.layers.Dense(3).output),
    ("input_shape_of_unconnected", lambda keras: keras.layers.Dense(3).input_shape),
    ("output_shape_of_unconnected", lambda keras: keras.layers.Dense(3).output_shape),
    ("input_mask_of_unconnected", lambda keras: keras.layers.Dense(3).input_mask),
    ("model_from_config_list", lambda keras: keras.models.model_from_config([])),
    ("model_from_json_unknown_class", lambda keras: keras.models.model_from_json(
        '{"class_name": "NoneSuch", "config": {"name": "x"}}')),
    ("model_from_config_unknown_layer", lambda keras: keras.models.Sequential.from_config(
        [{"class_name": "NoneSuch", "config": {"name": "x"}}])),
    ("set_epsilon_kept", lambda keras: keras.backend.set_floatx("float8")),
    ("set_image_data_format", lambda keras: keras.backend.set_image_data_format("middle")),
    ("function_inputs", lambda keras: keras.backend.function(keras.backend.placeholder(shape=(2,)), [])),
    ("function_argument", lambda keras: keras.backend.function([], [], none_such=3)),
    ("set_learning_phase", lambda keras: keras.backend.set_learning_phase(2)),
):  # fmt: skip
    _building(_label, _make)


def _of_model(label, misuse):
    """Something that fails on a compiled model, which must not change by it."""

    def function(keras, random):
        model, x, y = small(keras, random, optimizer=keras.optimizers.SGD(lr=0.1, momentum=0.9))
        model.train_on_batch(x, y)
        before = model.get_weights() + model.optimizer.get_weights()
        raised = outcome_of(misuse, keras, model, x, y)
        after = model.get_weights() + model.optimizer.get_weights()
        kept = len(before) == len(after) and all(np.array_equal(left, right) for left, right in zip(before, after))
        return {"raises": raised, "kept": kept}

    register("errors/" + label, function, EXACT)


def _yielding(value):
    while True:
        yield value


def _failing():
    raise ZeroDivisionError("the generator's own")
    yield None


def _several(model, verb, x, y):
    return getattr(model, verb)([x, x], y)


for _label, _misuse in (
    ("fit_two_inputs", lambda keras, m, x, y: m.fit([x, x], y, verbose=0)),
    ("train_two_inputs", lambda keras, m, x, y: m.train_on_batch([x, x], y)),
    ("predict_two_inputs", lambda keras, m, x, y: m.predict([x, x])),
    ("evaluate_two_inputs", lambda keras, m, x, y: m.evaluate([x, x], y, verbose=0)),
    ("fit_two_targets", lambda keras, m, x, y: m.fit(x, [y, y], verbose=0)),
    ("fit_shape", lambda keras, m, x, y: m.fit(x[:, :5], y, verbose=0)),
    ("fit_rank", lambda keras, m, x, y: m.fit(x[:, :, None], y, verbose=0)),
    ("predict_shape", lambda keras, m, x, y: m.predict(x[:, :5])),
    ("predict_rank", lambda keras, m, x, y: m.predict(x[:, :, None])),
    ("predict_on_batch_shape", lambda keras, m, x, y: m.predict_on_batch(x[:, :5])),
    ("predict_text", lambda keras, m, x, y: m.predict(np.array([["a"] * 6] * 3))),
    ("predict_objects", lambda keras, m, x, y: m.predict(np.array([[None] * 6] * 3))),
    ("predict_nothing", lambda keras, m, x, y: m.predict(None)),
    ("predict_a_number", lambda keras, m, x, y: m.predict(3.0)),
    ("predict_list_of_numbers", lambda keras, m, x, y: m.predict([1.0, 2.0])),
    ("fit_lengths", lambda keras, m, x, y: m.fit(x, y[:40], verbose=0)),
    ("train_lengths", lambda keras, m, x, y: m.train_on_batch(x, y[:40])),
    ("evaluate_lengths", lambda keras, m, x, y: m.evaluate(x, y[:40], verbose=0)),
    ("fit_target_shape", lambda keras, m, x, y: m.fit(x, y[:, :2], verbose=0)),
    ("fit_target_rank", lambda keras, m, x, y: m.fit(x, y[:, :, None], verbose=0)),
    ("fit_labels_for_one_hot", lambda keras, m, x, y: m.fit(x, y.argmax(axis=1), verbose=0)),
    ("fit_no_target", lambda keras, m, x, y: m.fit(x, None, verbose=0)),
    ("fit_weight_length", lambda keras, m, x, y: m.fit(x, y, sample_weight=np.ones(40), verbose=0)),
    ("fit_weight_rank", lambda keras, m, x, y: m.fit(x, y, sample_weight=np.ones((50, 2)), verbose=0)),
    ("fit_class_weight_missing", lambda keras, m, x, y: m.fit(x, y, class_weight={0: 1.0}, verbose=0)),
    ("fit_validation_split_1", lambda keras, m, x, y: m.fit(x, y, validation_split=1.0, verbose=0)),
    ("fit_validation_tuple", lambda keras, m, x, y: m.fit(x, y, validation_data=(x,), verbose=0)),
    ("fit_validation_shape", lambda keras, m, x, y: m.fit(x, y, validation_data=(x[:, :5], y), verbose=0)),
    ("fit_unknown_argument", lambda keras, m, x, y: m.fit(x, y, number_of_epochs=3, verbose=0)),
    ("compile_loss_name", lambda keras, m, x, y: m.compile("sgd", "none_such")),
    ("compile_optimizer_name", lambda keras, m, x, y: m.compile("none_such", "mse")),
    ("compile_metric_name", lambda keras, m, x, y: m.compile("sgd", "mse", metrics=["none_such"])),
    ("compile_metric_number", lambda keras, m, x, y: m.compile("sgd", "mse", metrics=3)),
    ("compile_metric_not_in_a_list", lambda keras, m, x, y: m.compile("sgd", "mse", metrics="accuracy")),
    ("compile_no_loss", lambda keras, m, x, y: m.compile("sgd", None)),
    ("compile_loss_list", lambda keras, m, x, y: m.compile("sgd", ["mse", "mse"])),
    ("compile_loss_dictionary", lambda keras, m, x, y: m.compile("sgd", {"none_such": "mse"})),
    ("set_weights_few", lambda keras, m, x, y: m.set_weights(m.get_weights()[:-1])),
    ("set_weights_shape", lambda keras, m, x, y: m.layers[0].set_weights([np.zeros((6, 7)), np.zeros(8)])),
    ("layer_set_weights_few", lambda keras, m, x, y: m.layers[0].set_weights([np.zeros((6, 8))])),
    ("optimizer_set_weights_shape", lambda keras, m, x, y: m.optimizer.set_weights([np.zeros(3)] * 5)),
    ("get_layer_name", lambda keras, m, x, y: m.get_layer("none_such")),
    ("get_layer_index", lambda keras, m, x, y: m.get_layer(index=7)),
    ("get_layer_nothing", lambda keras, m, x, y: m.get_layer()),
    ("get_output_at", lambda keras, m, x, y: m.get_output_at(3)),
    ("fit_generator_wrong_tuple", lambda keras, m, x, y: m.fit_generator(_yielding((x,)), 2, verbose=0)),
    ("fit_generator_not_a_tuple", lambda keras, m, x, y: m.fit_generator(_yielding(x), 2, verbose=0)),
    ("fit_generator_shape", lambda keras, m, x, y: m.fit_generator(_yielding((x[:, :5], y)), 2, verbose=0)),
    ("fit_generator_exception", lambda keras, m, x, y: m.fit_generator(_failing(), 2, verbose=0)),
    ("fit_generator_argument", lambda keras, m, x, y: m.fit_generator(_yielding((x, y)), 2, verbose=0, none_such=3)),
    ("fit_generator_validation_steps", lambda keras, m, x, y: m.fit_generator(
        _yielding((x, y)), 2, verbose=0, validation_data=_yielding((x, y)))),
    ("evaluate_generator_wrong_tuple", lambda keras, m, x, y: m.evaluate_generator(_yielding((x,)), 2)),
    ("evaluate_generator_empty_batch", lambda keras, m, x, y: m.evaluate_generator(_yielding((x[:0], y[:0])), 2)),
    ("predict_generator_wrong_tuple", lambda keras, m, x, y: m.predict_generator(_yielding((x, y, x, y)), 2)),
    ("early_exception_in_callback", lambda keras, m, x, y: m.fit(
        x, y, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_begin=lambda logs: 1 // 0)])),
    ("learning_rate_scheduler_type", lambda keras, m, x, y: m.fit(
        x, y, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: "fast")])),
):  # fmt: skip
    _of_model(_label, _misuse)


def _not_compiled(label, misuse):
    def function(keras, random):
        L = keras.layers
        model = sequential(keras, [L.Dense(3, input_shape=(4,))])
        return {"raises": outcome_of(misuse, model, normal(random, 8, 4), normal(random, 8, 3))}

    register("errors/not_compiled_" + label, function, EXACT)


for _label, _misuse in (
    ("fit", lambda m, x, y: m.fit(x, y, verbose=0)),
    ("evaluate", lambda m, x, y: m.evaluate(x, y, verbose=0)),
    ("train_on_batch", lambda m, x, y: m.train_on_batch(x, y)),
    ("test_on_batch", lambda m, x, y: m.test_on_batch(x, y)),
    ("fit_generator", lambda m, x, y: m.fit_generator(_yielding((x, y)), 2)),
    ("evaluate_generator", lambda m, x, y: m.evaluate_generator(_yielding((x, y)), 2)),
):
    _not_compiled(_label, _misuse)


def _compiled_as(label, build, misuse, **compiled):
    def function(keras, random):
        model = build(keras)
        seed_weights(model, random)
        options = {"optimizer": "sgd", "loss": "mse"}
        options.update(compiled)
        return {"raises": outcome_of(lambda: (model.compile(**options), misuse(model, random)))}

    register("errors/" + label, function, EXACT)


def _rows(keras):
    return sequential(keras, [keras.layers.Dense(3, activation="softmax", input_shape=(4, 5))])


def _flat(keras):
    return sequential(keras, [keras.layers.Dense(3, activation="softmax", input_shape=(5,))])


def _image(keras):
    return sequential(keras, [keras.layers.Conv2D(3, 3, padding="same", input_shape=(5, 5, 2))])


_compiled_as(
    "temporal_weights_of_flat_output", _flat,
    lambda m, random: m.train_on_batch(normal(random, 6, 5), normal(random, 6, 3), sample_weight=np.ones(6)),
    sample_weight_mode="temporal",
)  # fmt: skip
_compiled_as(
    "temporal_weights_of_rank_1", _rows,
    lambda m, random: m.train_on_batch(normal(random, 6, 4, 5), normal(random, 6, 4, 3), sample_weight=np.ones(6)),
    sample_weight_mode="temporal",
)  # fmt: skip
_compiled_as(
    "temporal_weights_shape", _rows,
    lambda m, random: m.train_on_batch(normal(random, 6, 4, 5), normal(random, 6, 4, 3), sample_weight=np.ones((6, 3))),
    sample_weight_mode="temporal",
)  # fmt: skip
_compiled_as(
    "sample_weights_of_rank_2", _rows,
    lambda m, random: m.train_on_batch(normal(random, 6, 4, 5), normal(random, 6, 4, 3), sample_weight=np.ones((6, 4))),
)  # fmt: skip
_compiled_as(
    "class_weights_of_rows", _rows,
    lambda m, random: m.train_on_batch(
        normal(random, 6, 4, 5), one_hot(random, 3, 6, 4), class_weight={0: 1.0, 1: 2.0, 2: 1.0}),
    loss="categorical_crossentropy",
)  # fmt: skip
_compiled_as(
    "labels_for_one_column", _flat,
    lambda m, random: m.train_on_batch(normal(random, 6, 5), np.ones((6, 1))), loss="categorical_crossentropy",
)  # fmt: skip
_compiled_as(
    "target_of_image", _image,
    lambda m, random: m.train_on_batch(normal(random, 6, 5, 5, 2), normal(random, 6, 5, 5, 2)),
)  # fmt: skip
_compiled_as(
    "sparse_target_shape", _flat,
    lambda m, random: m.train_on_batch(normal(random, 6, 5), np.ones((6, 3))), loss="sparse_categorical_crossentropy",
)  # fmt: skip


@case("errors/nothing_to_train", EXACT)
def nothing_to_train(keras, random):
    """A model with no weight that could change, trained; and one whose loss no weight reaches."""
    L = keras.layers
    model = sequential(keras, [L.Activation("relu", input_shape=(3,))])
    model.compile("sgd", "mse")
    frozen = sequential(keras, [L.Dense(2, input_shape=(3,), trainable=False)])
    frozen.compile("sgd", "mse")
    return {
        "no_weights": outcome_of(model.train_on_batch, normal(random, 4, 3), normal(random, 4, 3)),
        "frozen": outcome_of(frozen.train_on_batch, normal(random, 4, 3), normal(random, 4, 2)),
    }


@case("errors/not_differentiable", EXACT)
def not_differentiable(keras, random):
    """A loss through which no gradient can pass, and one that no weight reaches."""
    L, K = keras.layers, keras.backend
    fields = {}
    for label, loss in (
        ("argmax", lambda y_true, y_pred: K.cast(K.argmax(y_pred), "float32")),
        ("constant", lambda y_true, y_pred: K.sum(y_true, axis=-1)),
        ("round", lambda y_true, y_pred: K.sum(K.round(y_pred), axis=-1)),
    ):
        model = sequential(keras, [L.Dense(2, input_shape=(3,))])
        model.compile("sgd", loss)
        fields[label] = outcome_of(model.train_on_batch, normal(random, 4, 3), normal(random, 4, 2))
    return fields


@case("errors/nan_and_negative_weights", EXACT)
def nan_weights(keras, random):
    """What weights that are no number, or below zero, come to in TensorFlow 1.4."""
    model, x, y = small(keras, random)
    fields = {}
    for label, value in (("nan", np.nan), ("negative", -1.0)):
        weights = np.ones(50)
        weights[3] = value
        fields[label] = outcome_of(model.test_on_batch, x, y, sample_weight=weights)
    return fields


@case("errors/empty_arrays", EXACT)
def empty_arrays(keras, random):
    """Arrays without a sample, in the verbs that go through batches."""
    model, x, y = small(keras, random)
    return {
        "fit": outcome_of(model.fit, x[:0], y[:0], verbose=0),
        "evaluate": outcome_of(model.evaluate, x[:0], y[:0], verbose=0),
        "predict": outcome_of(model.predict, x[:0]),
    }


@case("errors/mask_elementwise", EXACT)
def mask_elementwise(keras, random):
    """A mask that arrives at layers which change each element by itself."""
    L = keras.layers
    return {
        type(layer).__name__: outcome_of(
            lambda layer=layer: sequential(keras, [L.Embedding(5, 2, mask_zero=True, input_length=4), layer])
        )
        for layer in (L.Activation("relu"), L.Dropout(0.5), L.BatchNormalization())
    }
