"""What every layer does besides its own computation."""

import copy
import importlib
import pathlib

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import registry
from onnxseq.network import Network


class Scale(L.Layer):
    """Multiplies by a weight; adds a loss and an update that depend on its inputs."""

    def build(self, input_shape):
        self.factor = self.add_weight("factor", (input_shape[-1],), initializer="ones", regularizer=K.sum)
        self.count = self.add_variable("count", (), initializer="zeros", trainable=False)
        self.built = True

    def call(self, inputs):
        self.add_loss(K.mean(inputs), inputs=inputs)
        self.add_update(K.update_add(self.count, 1.0), inputs=inputs)
        return inputs * self.factor


class Seen(L.Layer):
    """Notes what ``call`` got."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs, mask=None, training=None):
        self.seen = {"mask": mask, "training": training}
        return inputs * 2.0


class TwoOutputs(L.Layer):
    """Gives two tensors."""

    def call(self, inputs):
        return [inputs + 1.0, inputs * 2.0]


NAMES = [
    (L.Dense, (2,), "dense"), (L.Conv2D, (2, 2), "conv2d"), (L.MaxPooling1D, (), "max_pooling1d"),
    (L.BatchNormalization, (), "batch_normalization"), (L.GlobalAveragePooling2D, (), "global_average_pooling2d"),
    (L.ActivityRegularization, (), "activity_regularization"), (L.RepeatVector, (2,), "repeat_vector"),
    (L.UpSampling1D, (), "up_sampling1d"), (L.ZeroPadding2D, (), "zero_padding2d"), (L.Layer, (), "layer"),
    (Scale, (), "scale"), (TwoOutputs, (), "two_outputs"),
]  # fmt: skip


@pytest.mark.parametrize("kind, arguments, prefix", NAMES, ids=lambda value: getattr(value, "__name__", None))
def test_default_names_count_from_one(kind, arguments, prefix):
    K.reset_uids()
    assert [kind(*arguments).name, kind(*arguments).name] == [f"{prefix}_1", f"{prefix}_2"]
    assert kind(*arguments, name="mine").name == "mine"


def test_input_names_count_from_one():
    K.reset_uids()
    assert [L.Input((2,)).name, L.Input((2,), name="data").name, L.Input((2,)).name] == ["input_1", "data", "input_2"]


TRANSPOSED_KEYS = (
    "filters kernel_size strides padding data_format activation use_bias kernel_initializer bias_initializer "
    "kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint"
)
CONFIG_KEYS = {
    "Dense": "units activation use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
             "activity_regularizer kernel_constraint bias_constraint",
    "Activation": "activation",
    "Dropout": "rate",
    "Flatten": "",
    "Reshape": "target_shape",
    "Permute": "dims",
    "RepeatVector": "n",
    "Lambda": "function function_type arguments",
    "Masking": "mask_value",
    "ActivityRegularization": "l1 l2",
    "Embedding": "input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer "
                 "embeddings_constraint mask_zero input_length",
    "BatchNormalization": "axis momentum epsilon center scale beta_initializer gamma_initializer "
                          "moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer "
                          "beta_constraint gamma_constraint",
    "Conv1D": "filters kernel_size strides padding dilation_rate activation use_bias kernel_initializer "
              "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
              "bias_constraint",
    "Conv2D": "filters kernel_size strides padding data_format dilation_rate activation use_bias kernel_initializer "
              "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
              "bias_constraint",
    "Conv3D": "filters kernel_size strides padding data_format dilation_rate activation use_bias kernel_initializer "
              "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
              "bias_constraint",
    "Conv2DTranspose": TRANSPOSED_KEYS,
    "Conv3DTranspose": TRANSPOSED_KEYS,
    "SeparableConv2D": "filters kernel_size strides padding data_format activation use_bias depthwise_initializer "
                       "pointwise_initializer bias_initializer depthwise_regularizer pointwise_regularizer "
                       "bias_regularizer activity_regularizer depthwise_constraint pointwise_constraint "
                       "bias_constraint",
    "LocallyConnected1D": TRANSPOSED_KEYS.replace("data_format ", ""),
    "LocallyConnected2D": TRANSPOSED_KEYS,
    "MaxPooling1D": "strides pool_size padding",
    "AveragePooling1D": "strides pool_size padding",
    "MaxPooling2D": "pool_size padding strides data_format",
    "AveragePooling2D": "pool_size padding strides data_format",
    "MaxPooling3D": "pool_size padding strides data_format",
    "AveragePooling3D": "pool_size padding strides data_format",
    "GlobalMaxPooling1D": "",
    "GlobalAveragePooling1D": "",
    "GlobalMaxPooling2D": "data_format",
    "GlobalAveragePooling2D": "data_format",
    "GlobalMaxPooling3D": "data_format",
    "GlobalAveragePooling3D": "data_format",
    "ZeroPadding1D": "padding",
    "ZeroPadding2D": "padding data_format",
    "UpSampling1D": "size",
    "UpSampling2D": "size data_format",
}  # fmt: skip
ARGUMENTS = {
    "Dense": (3,), "Activation": ("relu",), "Dropout": (0.5,), "Reshape": ((3,),), "Permute": ((1, 2),),
    "RepeatVector": (3,), "Lambda": (K.exp,), "Embedding": (3, 4), "Conv1D": (3, 2), "Conv2D": (3, 2),
    "Conv3D": (3, 2), "Conv2DTranspose": (3, 2), "Conv3DTranspose": (3, 2), "SeparableConv2D": (3, 2),
    "LocallyConnected1D": (3, 2), "LocallyConnected2D": (3, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIG_KEYS)
def test_config_has_the_keys_of_the_time_in_their_order(name):
    layer = registry.lookup("layer", name)(*ARGUMENTS.get(name, ()), name="it", trainable=False, input_shape=(3,))
    keys = [key for key in layer.get_config() if key != "batch_input_shape"]
    assert keys == ["name", "trainable", "dtype", *CONFIG_KEYS[name].split()]
    assert list(layer.get_config())[2] == "batch_input_shape"
    assert layer.get_config()["trainable"] is False


def test_input_layer_config():
    layer = L.InputLayer((3, None), batch_size=2, dtype="int32", name="data")
    expected = {"batch_input_shape": (2, 3, None), "dtype": "int32", "sparse": False, "name": "data"}
    assert layer.get_config() == expected
    twin = L.InputLayer.from_config({**expected, "batch_input_shape": [2, 3, None]})
    assert twin.get_config() == expected and twin.is_placeholder
    assert K.int_shape(twin.output) == (2, 3, None) and K.dtype(twin.output) == "int32"


def test_input_around_a_tensor():
    constant = K.constant(np.ones((2, 3)))
    layer = L.InputLayer(input_tensor=constant)
    assert layer.output is constant and not layer.is_placeholder
    assert layer.get_config()["batch_input_shape"] == (2, 3)
    fed = K.placeholder((None, 3))
    assert L.Input(tensor=fed) is fed and fed._keras_history[0].is_placeholder


def test_losses_and_updates_belong_to_inputs():
    layer, a, b = Scale(), L.Input((3,)), L.Input((3,))
    layer(a), layer(b)
    assert len(layer.losses) == 3 and len(layer.updates) == 2
    assert len(layer.get_losses_for(None)) == 1 and layer.get_updates_for(None) == []
    for x in (a, b, [a], [b]):
        assert len(layer.get_losses_for(x)) == len(layer.get_updates_for(x)) == 1
    assert layer.get_losses_for(a) != layer.get_losses_for(b)
    assert layer.get_losses_for([a, b]) == []
    total = K.function([a], [*layer.get_losses_for(a), *layer.get_losses_for(None)])
    assert [float(v) for v in total([np.full((2, 3), 4.0)])] == [4.0, 3.0]


def test_trainable_moves_weights_between_lists():
    layer = Scale()
    layer(L.Input((3,)))
    factor, count = layer.factor, layer.count
    assert (layer.trainable_weights, layer.non_trainable_weights) == ([factor], [count])
    layer.trainable = False
    assert (layer.trainable_weights, layer.non_trainable_weights) == ([], [factor, count])
    assert layer.weights == layer.variables == [factor, count]
    assert layer.non_trainable_variables == [factor, count] and layer.trainable_variables == []
    assert (factor.name, count.name) == ("scale/factor:0", "scale/count:0")
    assert factor.trainable and not count.trainable


def test_a_weight_asked_for_again_is_the_same():
    layer = Scale()
    layer(L.Input((3,)))
    assert layer.add_weight("factor", (3,)) is layer.factor
    assert len(layer.weights) == 2


@pytest.mark.parametrize(
    "initializer",
    ["ones", lambda shape: np.ones(shape), lambda shape, dtype=None: K.constant(np.ones(shape), dtype=dtype),
     lambda shape, dtype, partition_info: np.ones(shape, dtype)],
    ids=["name", "shape", "dtype", "partition_info"],
)  # fmt: skip
def test_initializers_of_any_signature(initializer):
    layer = L.Layer()
    weight = layer.add_weight("w", (2, 3), initializer=initializer)
    np.testing.assert_array_equal(K.get_value(weight), np.ones((2, 3), "float32"))


def test_default_initializer_is_glorot_uniform():
    np.random.seed(0)
    value = K.get_value(L.Layer().add_weight("w", (300, 300)))
    limit = np.sqrt(6 / 600)
    assert 0.98 * limit < np.abs(value).max() <= limit and abs(value.std() * np.sqrt(3) / limit - 1) < 0.02


def test_initial_weights_are_set_at_the_first_call():
    kernel, bias = np.arange(6, dtype="float32").reshape(2, 3), np.ones(3, "float32")
    layer = L.Dense(3, weights=[kernel, bias])
    layer(L.Input((2,)))
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)
    layer.set_weights([kernel * 0, bias * 0])
    layer(L.Input((2,)))
    assert not layer.get_weights()[0].any()


def test_arguments_reach_call_and_stay_with_the_node():
    layer, x = Seen(), L.Input((4, 3))
    layer(x)
    assert layer.seen == {"mask": None, "training": None} and layer.inbound_nodes[0].arguments is None
    masked = L.Masking()(x)
    layer(masked)
    assert layer.seen["mask"] is masked._keras_mask and layer.inbound_nodes[1].arguments is None
    layer.apply(masked, mask=None, training=True)
    assert layer.seen == {"mask": None, "training": True}
    assert layer.inbound_nodes[2].arguments == {"mask": None, "training": True}


def test_an_input_handed_on_becomes_another_tensor():
    x = L.Input((3,))
    y = L.Layer()(x)
    z = L.Lambda(lambda t: x)(y)
    assert y is not x and z is not x and x._keras_history[0].name == x.name
    np.testing.assert_array_equal(K.function([x], [z])([np.ones((1, 3))])[0], np.ones((1, 3)))


def test_several_outputs():
    layer, x = TwoOutputs(), L.Input((3,))
    first, second = layer(x)
    assert layer.output == [first, second] and layer.output_shape == [(None, 3), (None, 3)]
    assert (first._keras_history, second._keras_history) == ((layer, 0, 0), (layer, 0, 1))
    assert layer.output_mask == [None, None] and layer.get_output_at(0) == [first, second]


def test_two_calls_have_two_nodes():
    layer, a, b = L.Dense(2), L.Input((3,)), L.Input((3,))
    ya, yb = layer(a), layer(b)
    assert [layer.get_input_at(0), layer.get_input_at(1)] == [a, b]
    assert [layer.get_output_at(0), layer.get_output_at(-1)] == [ya, yb]
    assert layer.input is a and layer.output is ya
    assert layer.input_shape == (None, 3) and layer.get_output_shape_at(1) == (None, 2)
    assert layer.inbound_nodes[1].get_config() == {
        "outbound_layer": layer.name, "inbound_layers": [b._keras_history[0].name], "node_indices": [0],
        "tensor_indices": [0],
    }  # fmt: skip
    assert [node.outbound_layer for node in a._keras_history[0].outbound_nodes] == [layer]


def test_plain_tensors_leave_no_node():
    layer = L.Dense(2)
    y = layer(K.placeholder((None, 3)))
    assert layer.built and layer.inbound_nodes == [] and not hasattr(y, "_keras_history")
    assert K.int_shape(y) == (None, 2) and layer.scope_name == "dense"


def test_learning_phase_marks_what_depends_on_it():
    x = L.Input((3,))
    cases = [
        (L.Dense(2)(x), False), (L.Dropout(0.5)(x), True), (L.Dense(2)(L.Dropout(0.5)(x)), True),
        (L.BatchNormalization()(x), True), (L.Dropout(0.5)(x, training=True), False),
    ]  # fmt: skip
    assert [tensor._uses_learning_phase for tensor, _ in cases] == [expected for _, expected in cases]


def test_activity_regularizer_acts_once_a_call():
    layer, a, b = L.Dense(2, activity_regularizer=K.sum, kernel_initializer="ones"), L.Input((3,)), L.Input((3,))
    layer(a), layer(b)
    assert len(layer.losses) == 2
    assert float(K.function([a], layer.get_losses_for(a))([np.ones((4, 3))])[0]) == 24.0
    assert layer.activity_regularizer is K.sum
    layer.activity_regularizer = None
    layer(b)
    assert len(layer.losses) == 2


def test_constraints_stay_with_weights():
    layer = L.Dense(2, kernel_constraint="non_neg", bias_constraint=K.abs)
    layer(L.Input((3,)))
    assert type(layer.kernel.constraint).__name__ == "NonNeg" and layer.bias.constraint is K.abs


def test_deepcopy_shares_nothing():
    layer, x = Scale(), L.Input((3,))
    layer(x)
    layer.set_weights([np.arange(3), 5])
    twin = copy.deepcopy(layer)
    assert twin.name == layer.name and twin.inbound_nodes == [] and twin.updates == []
    assert not set(twin.weights) & set(layer.weights) and twin.factor is twin.weights[0]
    for mine, its in zip(twin.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    twin.set_weights([np.ones(3), 0])
    y = twin(L.Input((3,)))
    assert len(twin.get_losses_for(None)) == 1 and y._keras_history == (twin, 0, 0)
    assert float(K.function([], twin.get_losses_for(None))([])[0]) == 3.0
    np.testing.assert_array_equal(layer.get_weights()[0], np.arange(3))


def test_dtype_is_that_of_the_weights():
    layer = L.Dense(2, dtype="float64")
    layer(L.Input((3,), dtype="float64"))
    assert layer.dtype == "float64" and K.dtype(layer.kernel) == "float64"
    assert layer.get_weights()[0].dtype == np.float64


def test_dropout_masks():
    np.random.seed(3)
    x = L.Input((400,))
    train = K.function([x], [L.Dropout(0.25)(x)], learning_phase=1)
    first, second = (train([np.ones((50, 400))])[0] for _ in range(2))
    assert set(np.unique(first)) == {0.0, np.float32(1 / 0.75)}
    assert abs(first.mean() - 1) < 0.02 and np.any(first != second)
    shared = K.function([x], [L.Dropout(0.5, noise_shape=(None, 1))(x)], learning_phase=1)
    rows = shared([np.ones((50, 400))])[0]
    assert np.all(rows == rows[:, :1]) and 0 < np.count_nonzero(rows[:, 0]) < 50
    always = K.function([x], [L.Dropout(0.5)(x, training=True)])
    assert 0 < np.count_nonzero(always([np.ones((2, 400))])[0]) < 800


def test_dropout_config_keeps_what_was_given():
    config = L.Dropout(0.5, noise_shape=[None, 1], seed=3).get_config()
    assert (config["noise_shape"], config["seed"]) == ((None, 1), 3)
    assert L.Dropout.from_config(config).get_config() == config


def covered():
    """Return the layer classes that have a row in a table of a test module."""
    modules = [importlib.import_module(path.stem) for path in pathlib.Path(__file__).parent.glob("test_layers*.py")]
    return {type(case.make()) for module in modules for case in getattr(module, "CASES", ())}


def test_every_layer_has_a_row():
    wanted = {kind for kind in registry.entries("layer") if not issubclass(kind, Network | L.InputLayer)}
    assert {kind.__name__ for kind in wanted - covered()} == set()
    assert len(wanted) >= 26
