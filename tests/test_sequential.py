"""Sequential: the stack, its properties, its configuration, and what it returns."""

import json

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import training_functions
from onnxseq.models import Model, Sequential, model_from_config, model_from_json, model_from_yaml
from onnxseq.optimizers import Adam
from onnxseq.utils.layer_utils import print_summary

RANDOM = np.random.RandomState(2)
X = RANDOM.rand(20, 4).astype("float32")
Y = RANDOM.rand(20, 2).astype("float32")
LABELS = RANDOM.randint(0, 2, 20)


@pytest.fixture(autouse=True)
def _fresh_names():
    K.clear_session()


def stack():
    return Sequential([L.Dense(3, input_shape=(4,), activation="relu"), L.Dense(2, activation="softmax")])


def test_properties():
    made = stack()
    assert made.name == "sequential_1"
    assert [layer.name for layer in made.layers] == ["dense_1", "dense_2"]
    assert made.input_shape == (None, 4)
    assert made.output_shape == (None, 2)
    assert made.input is made.layers[0].input
    assert made.output is made.layers[1].output
    assert made.inputs == [made.input]
    assert made.outputs == [made.output]
    assert made.input_mask is None
    assert made.output_mask is None
    assert made.input_names == ["dense_1_input"]
    assert made.output_names == ["dense_2"]
    assert made.get_input_at(0) is made.input
    assert made.get_output_shape_at(0) == (None, 2)
    assert made.get_output_mask_at(0) is None
    assert [w.name for w in made.weights] == [w.name for layer in made.layers for w in layer.weights]
    assert made.variables == made.weights
    assert made.trainable_variables == made.trainable_weights
    assert made.non_trainable_variables == []
    assert made.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert made.losses == []
    assert made.updates == []
    assert made.state_updates == []
    assert made.stateful is False
    assert made.uses_learning_phase is False
    assert made.regularizers == []
    assert made.get_updates_for(None) == []
    assert made.get_losses_for(None) == []
    assert made.activity_regularizer is None
    assert made.trainable is True
    assert isinstance(made, Model)


def test_layers_are_added_and_popped():
    made = Sequential(name="mine")
    assert (made.name, made.layers, made.outputs, made.weights, made.get_config()) == ("mine", [], [], [], [])
    made.add(L.Dense(3, input_dim=4))
    made.add(L.Dense(2))
    made.compile("sgd", "mse")
    made.predict(X)
    made.add(L.Dense(5))
    assert made.output_shape == (None, 5)
    assert made.predict(X).shape == (20, 5)
    with pytest.raises(RuntimeError):
        made.fit(X, X)
    made.pop()
    assert made.output_shape == (None, 2)
    assert made.predict(X).shape == (20, 2)
    made.compile("sgd", "mse")
    made.fit(X, Y, epochs=1, verbose=0)
    made.pop()
    made.pop()
    assert (made.layers, made.inputs, made.outputs) == ([], [], [])
    made.add(L.Dense(1, batch_input_shape=(None, 7)))
    assert made.input_shape == (None, 7)


def test_the_first_layer_may_be_an_input_layer_a_model_or_connected_once():
    assert len(Sequential([L.InputLayer((4,)), L.Dense(2)]).layers) == 2
    layer = L.Dense(3, input_shape=(4,))
    layer(L.Input((4,)))
    assert Sequential([layer]).layers == [layer]
    outer = Sequential([stack(), L.Dense(1)])
    assert [type(inner).__name__ for inner in outer.layers] == ["Sequential", "Dense"]
    assert outer.input_shape == (None, 4)
    with pytest.raises(ValueError):
        Sequential([Sequential(), L.Dense(1)])


def test_a_layer_that_returns_several_tensors_is_refused():
    class Split(L.Layer):
        def call(self, inputs):
            return [inputs, inputs * 2.0]

        def compute_output_shape(self, input_shape):
            return [input_shape, input_shape]

    message = (
        "Sequential 'sequential_1'.add: Split 'split_1' returns 2 tensors; expected a layer that returns one. "
        "Use Model for layers with several outputs."
    )
    with pytest.raises(ValueError) as caught:
        Sequential([Split(input_shape=(4,))])
    assert str(caught.value) == message
    made = Sequential([L.Dense(2, input_shape=(4,))])
    with pytest.raises(TypeError) as caught:
        made.add(Split())
    assert str(caught.value) == message.replace("sequential_1", "sequential_2").replace("split_1", "split_2")
    assert len(made.layers) == 1
    assert made.predict(X).shape == (20, 2)


def test_get_layer_counts_the_input_layer():
    made = stack()
    assert made.get_layer("dense_2") is made.layers[1]
    assert made.get_layer(index=1) is made.layers[0]
    assert type(made.get_layer(index=0)).__name__ == "InputLayer"


def test_it_is_a_layer_of_other_models():
    inner = stack()
    inputs = L.Input((4,))
    outer = Model(inputs, L.Dense(3)(inner(inputs)))
    expected = Model(inner.inputs, inner.outputs)
    np.testing.assert_array_equal(Model(inputs, inner(inputs)).predict(X), expected.predict(X))
    assert len(outer.trainable_weights) == 6
    outer.compile("sgd", "mse")
    before = inner.get_weights()[0]
    outer.train_on_batch(X, np.ones((20, 3)))
    assert not np.array_equal(before, inner.get_weights()[0])
    later = Sequential([L.Dense(4, input_shape=(4,)), inner])
    assert later.predict(X).shape == (20, 2)
    assert inner.call(K.constant(X)).get_shape().as_list() == [20, 2]


def test_masks_pass_through():
    made = Sequential([L.Embedding(5, 3, mask_zero=True, input_length=4)])
    assert made.output_mask is not None
    assert K.int_shape(made.output_mask) == (None, 4)
    assert made.compute_mask(made.inputs, None) is not None


def test_freezing_the_whole():
    made = stack()
    made.trainable = False
    assert made.trainable_weights == []
    assert len(made.non_trainable_weights) == 4
    made.compile("sgd", "mse")
    before = made.get_weights()
    made.fit(X, Y, epochs=1, verbose=0)
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_freezing_after_compile_acts_from_the_next_compile_on():
    made = stack()
    made.compile("sgd", "mse")
    made.layers[0].trainable = False
    before = made.layers[0].get_weights()[0]
    made.train_on_batch(X, Y)
    middle = made.layers[0].get_weights()[0]
    assert not np.array_equal(before, middle)
    made.compile("sgd", "mse")
    made.train_on_batch(X, Y)
    np.testing.assert_array_equal(made.layers[0].get_weights()[0], middle)


def test_predict_forms():
    made = stack()
    outputs = made.predict(X, batch_size=7)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(made.predict_proba(X, verbose=0), made.predict(X))
    np.testing.assert_allclose(outputs, made.predict_on_batch(X), rtol=1e-5)
    np.testing.assert_array_equal(made.predict_classes(X, verbose=0), outputs.argmax(axis=-1))
    for data in ([X], X.tolist(), {"dense_1_input": X}, X.astype("float64"), np.asfortranarray(X)):
        np.testing.assert_allclose(made.predict(data), outputs, rtol=1e-5)
    binary = Sequential([L.Dense(1, activation="sigmoid", input_shape=(4,))])
    classes = binary.predict_classes(X, verbose=0)
    assert classes.dtype == np.int32
    np.testing.assert_array_equal(classes, binary.predict(X) > 0.5)
    scalar = Sequential([L.Dense(1, input_shape=(1,))])
    assert scalar.predict(np.ones(5)).shape == (5, 1)


def test_small_integers_are_fed_as_floats():
    made = Sequential([L.Dense(2, input_shape=(4,))])
    pixels = RANDOM.randint(0, 255, (20, 4)).astype("uint8")
    np.testing.assert_allclose(made.predict(pixels), made.predict(pixels.astype("float32")), rtol=1e-6)
    made.compile("sgd", "mse")
    made.fit(pixels / 255, Y, epochs=1, verbose=0)
    made.fit(pixels > 100, Y, epochs=1, verbose=0)


@pytest.mark.parametrize("freeze_after", [0, 1000, np.inf])
def test_many_batches_see_the_latest_weights(freeze_after, monkeypatch):
    monkeypatch.setattr(training_functions, "FREEZE_AFTER", freeze_after)
    made = stack()
    many = np.tile(X, (40, 1))
    for _ in range(3):
        made.set_weights([RANDOM.rand(*w.shape) for w in made.get_weights()])
        np.testing.assert_allclose(made.predict(many, batch_size=4)[:20], made.predict_on_batch(X), rtol=1e-5)
        K.set_value(made.layers[0].weights[0], RANDOM.rand(4, 3))
        np.testing.assert_allclose(made.predict(many, batch_size=4)[:20], made.predict_on_batch(X), rtol=1e-5)
        np.testing.assert_allclose(made.predict(many, batch_size=4)[:20], forward(made, X), rtol=1e-5)


def forward(made, x):
    """Compute what `stack` does in NumPy."""
    kernel, bias, last_kernel, last_bias = made.get_weights()
    scores = np.exp(np.maximum(x @ kernel + bias, 0) @ last_kernel + last_bias)
    return scores / scores.sum(axis=-1, keepdims=True)


def test_returned_arrays_are_the_callers():
    made = stack()
    first = made.predict_on_batch(X)
    kept = first.copy()
    made.predict_on_batch(X + 1)
    np.testing.assert_array_equal(first, kept)


SUMMARY = """\
_________________________________________________________________
Layer (type)                 Output Shape              Param #   
=================================================================
dense_1 (Dense)              (None, 3)                 15        
_________________________________________________________________
batch_normalization_1 (Batch (None, 3)                 12        
_________________________________________________________________
dense_2 (Dense)              (None, 2)                 8         
=================================================================
Total params: 35
Trainable params: 29
Non-trainable params: 6
_________________________________________________________________"""  # noqa: W291

GRAPH_SUMMARY = """\
____________________________________________________________________________________________________
Layer (type)                     Output Shape          Param #     Connected to                     
====================================================================================================
a (InputLayer)                   (None, 4)             0                                            
____________________________________________________________________________________________________
d (Dense)                        (None, 2)             10          a[0][0]                          
                                                                   a[0][0]                          
____________________________________________________________________________________________________
e (Dense)                        (None, 1)             3           d[1][0]                          
====================================================================================================
Total params: 13
Trainable params: 13
Non-trainable params: 0
____________________________________________________________________________________________________"""  # noqa: W291


def test_summary(capsys):
    made = Sequential([L.Dense(3, input_shape=(4,)), L.BatchNormalization(), L.Dense(2)])
    made.summary()
    assert capsys.readouterr().out == SUMMARY + "\n"
    lines = []
    made.summary(line_length=40, positions=[0.5, 0.75, 1.0], print_fn=lines.append)
    assert lines[1] == "Layer (type)        Output Sh Param #   "
    inputs = L.Input((4,), name="a")
    shared = L.Dense(2, name="d")
    shared(inputs)
    lines = []
    print_summary(Model(inputs, [shared.output, L.Dense(1, name="e")(shared(inputs))]), print_fn=lines.append)
    assert "\n".join(lines) == GRAPH_SUMMARY


def test_summary_of_nothing(capsys):
    Sequential().summary()
    assert capsys.readouterr().out.splitlines()[3:6] == [
        "Total params: 0",
        "Trainable params: 0",
        "Non-trainable params: 0",
    ]


def deep():
    return Sequential(
        [
            L.Conv2D(3, (2, 2), input_shape=(4, 4, 1), kernel_regularizer="l2"),
            L.Flatten(),
            L.Dropout(np.float64(0.5)),
            Sequential([L.Dense(np.int64(3), input_shape=(27,))]),
        ]
    )


def test_configurations_go_there_and_back():
    made = deep()
    images = RANDOM.rand(3, 4, 4, 1)
    expected = made.predict(images)
    config = {"class_name": "Sequential", "config": made.get_config()}
    copies = [
        Sequential.from_config(made.get_config()),
        model_from_config(config),
        model_from_json(made.to_json()),
        model_from_json(made.to_json(indent=2)),
        model_from_yaml(made.to_yaml()),
    ]
    for copy in copies:
        copy.set_weights(made.get_weights())
        np.testing.assert_array_equal(copy.predict(images), expected)
    written = json.loads(made.to_json())
    assert (written["keras_version"], written["backend"]) == ("2.0.8-tf", "tensorflow")
    assert "!!python" not in made.to_yaml()
    config["config"][0]["config"]["filters"] = 99  # what was returned is no part of the model
    assert made.get_config()[0]["config"]["filters"] == 3


KERAS_YAML = """
backend: tensorflow
class_name: Sequential
config:
- class_name: Dropout
  config:
    batch_input_shape: !!python/tuple
    - null
    - 4
    name: !!python/unicode 'first'
    rate: !!python/object/apply:numpy.core.multiarray.scalar
    - !!python/object/apply:numpy.dtype
      args:
      - f8
      - 0
      - 1
      state: !!python/tuple
      - 3
      - <
      - null
      - null
      - null
      - -1
      - -1
      - 0
    - !!binary |
      AAAAAAAA4D8=
    trainable: !!python/bool true
keras_version: 2.0.8-tf
"""


def test_the_tags_of_keras_files_are_read_as_plain_data():
    made = model_from_yaml(KERAS_YAML)
    config = made.layers[0].get_config()
    assert made.input_shape == (None, 4)
    assert (config["rate"], config["name"]) == (0.5, "first")
    assert type(config["rate"]) is float


UNSAFE = [
    "!!python/object/apply:os.system ['true']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object/new:os.system ['true']",
    "!!python/object:onnxseq.models.Sequential {}",
    "!!python/object/apply:numpy.core.multiarray.scalar [!!python/object/apply:numpy.dtype {args: [O]}, !!binary AA==]",
    "!!python/object/apply:numpy.core.multiarray.scalar [1, 2]",
    "!!python/object/apply:numpy.dtype {args: ['nothing']}",
    "[unclosed",
]


@pytest.mark.parametrize("text", UNSAFE)
def test_other_tags_are_refused(text):
    with pytest.raises(ValueError, match="^model_from_yaml: "):
        model_from_yaml(text)


def test_custom_objects_are_found():
    class Twice(L.Layer):
        def call(self, inputs):
            return inputs * 2.0

    made = Sequential([Twice(input_shape=(4,))])
    for read, text in ((model_from_json, made.to_json()), (model_from_yaml, made.to_yaml())):
        with pytest.raises(ValueError, match="unknown layer 'Twice'"):
            read(text)
        np.testing.assert_array_equal(read(text, custom_objects={"Twice": Twice}).predict(X), X * 2)


def test_reset_states_reaches_stateful_layers():
    class Counter(L.Layer):
        stateful = True

        def build(self, input_shape):
            self.count = self.add_weight("count", (), initializer="zeros", trainable=False)
            self.built = True

        def call(self, inputs):
            self.add_update(K.update_add(self.count, 1.0), inputs=inputs)
            return inputs + self.count

        def reset_states(self):
            K.set_value(self.count, 0.0)

    made = Sequential([Counter(batch_input_shape=(2, 4))])
    assert made.stateful
    assert len(made.state_updates) == 1
    zeros = np.zeros((4, 4))
    np.testing.assert_array_equal(made.predict(zeros, batch_size=2)[:, 0], [0, 0, 1, 1])
    np.testing.assert_array_equal(made.predict(zeros, batch_size=2)[:, 0], [2, 2, 3, 3])
    made.reset_states()
    np.testing.assert_array_equal(made.predict(zeros, batch_size=2)[:, 0], [0, 0, 1, 1])
    with pytest.raises(ValueError, match="3 samples in batches of 2 for a stateful model"):
        made.predict(zeros[:3], batch_size=2)


def test_fit_learns():
    np.random.seed(0)
    made = stack()
    made.compile(Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = made.fit(X > 0.5, X[:, 0] > 0.5, batch_size=5, epochs=60, verbose=0)
    assert history.history["acc"][-1] == 1.0
    assert history.history["loss"][-1] < history.history["loss"][0]
