"""A graph of layers: order, weights, replay on other tensors, losses and updates, config."""

import copy
import json

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.layers.graph import get_source_inputs
from onnxseq.network import Network
from tests.layer_check import drawn


class Sum(L.Layer):
    """Adds two tensors."""

    def call(self, inputs):
        first, second = inputs
        return first + second

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class Counter(L.Layer):
    """Is stateful: counts its calls."""

    stateful = True

    def build(self, input_shape):
        self.count = self.add_weight("count", (), initializer="zeros", trainable=False)
        self.built = True

    def call(self, inputs):
        self.add_update(K.update_add(self.count, 1.0), inputs=inputs)
        return inputs + self.count

    def reset_states(self):
        K.set_value(self.count, 0.0)


def values(inputs, outputs, arrays, **arguments):
    return K.function(inputs, outputs, **arguments)(arrays)


def branched():
    """Return a network with a shared layer, two inputs and two outputs."""
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    shared = L.Dense(4, name="shared", kernel_regularizer="l2")
    left, right = shared(a), shared(b)
    both = Sum(name="both")([left, L.Activation("tanh", name="bent")(right)])
    return Network([a, b], [both, L.Dense(2, name="last")(both)], name="branched")


def test_layers_are_ordered_by_depth_then_by_discovery():
    network = branched()
    assert [layer.name for layer in network.layers] == ["a", "b", "shared", "bent", "both", "last"]
    assert network.input_names == ["a", "b"] and network.output_names == ["both", "last"]
    assert network.input_shape == [(None, 3), (None, 3)] and network.output_shape == [(None, 4), (None, 2)]
    assert (network.inputs, network.outputs) == (network.input, network.output)


def test_the_order_of_layers_of_many_branches():
    a, b, c = (L.Input((3,), name=name) for name in "abc")
    shared = L.Dense(3, name="shared")
    x, y = L.Activation("tanh", name="x")(shared(b)), L.Activation("relu", name="y")(shared(a))
    z = L.Dense(3, name="z")(L.Dense(3, name="zz")(c))
    total = L.Lambda(lambda t: t[0] + t[1] + t[2], name="total")([z, x, y])
    network = Network([a, b, c], [L.Dense(2, name="p")(x), L.Dense(1, name="q")(total), total])
    # As tf.keras of 1.4 orders them.
    assert [layer.name for layer in network.layers] == "b c a shared zz x z y total p q".split()
    by_depth = [[node.outbound_layer.name for node in nodes] for _, nodes in sorted(network._nodes_by_depth.items())]
    assert [" ".join(names) for names in by_depth] == ["q p", "total", "z x y", "shared zz shared", "a c b"]


def test_weights_go_layer_by_layer():
    x = L.Input((3,))
    norm, dense = L.BatchNormalization(name="norm"), L.Dense(2, name="dense")
    network = Network(x, dense(norm(x)))
    names = ["norm/gamma", "norm/beta", "dense/kernel", "dense/bias"]
    assert [w.name for w in network.trainable_weights] == [f"{name}:0" for name in names]
    assert [w.name for w in network.non_trainable_weights] == ["norm/moving_mean:0", "norm/moving_variance:0"]
    assert network.weights == network.trainable_weights + network.non_trainable_weights
    assert [v.shape for v in network.get_weights()] == [(3,), (3,), (3,), (3,), (3, 2), (2,)]
    network.set_weights([np.full(v.shape, i) for i, v in enumerate(network.get_weights())])
    assert [float(v.flat[0]) for v in network.get_weights()] == [0, 1, 2, 3, 4, 5]
    assert network.count_params() == 20
    network.trainable = False
    assert network.trainable_weights == [] and len(network.non_trainable_weights) == 6
    network.trainable, norm.trainable = True, False
    assert network.trainable_weights == [dense.kernel, dense.bias]


def test_replay_computes_the_same_on_other_tensors():
    network = branched()
    a, b = drawn(5, 3), drawn(5, 3, seed=1)
    expected = values(network.inputs, network.outputs, [a, b])
    x, y = L.Input((3,)), L.Input((3,))
    outer = Network([x, y], network([x, y]))
    for found, wanted in zip(values([x, y], outer.outputs, [a, b]), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert outer.layers[-1] is network and len(network.inbound_nodes) == 2
    assert [w.name for w in outer.weights] == [w.name for w in network.weights]
    plain = [K.placeholder((None, 3)), K.placeholder((None, 3))]
    np.testing.assert_allclose(values(plain, network(plain), [a, b])[1], expected[1], rtol=1e-6)


def test_replay_of_the_same_tensors_is_recorded_once():
    network = Network(*(lambda x: (x, L.Dense(2)(x)))(L.Input((3,))))
    x = K.placeholder((None, 3))
    assert network.call(x) is network.call(x)
    first, second = network(x), network(x)
    assert first is not second or not hasattr(first, "_keras_history")


def test_losses_of_weights_count_once_however_often_a_network_is_used():
    network = branched()
    assert len(network.losses) == 1
    a, b = L.Input((3,)), L.Input((3,))
    first, second = network([a, b])[1], network([b, a])[1]
    outer = Network([a, b], [first, second])
    assert len(outer.losses) == 1 and len(network.losses) == 1
    assert outer.losses == outer.get_losses_for(None)


def test_losses_and_updates_of_inputs_follow_the_inputs():
    x = L.Input((3,))
    inner = Network(x, L.BatchNormalization(momentum=0.0)(L.Dense(3, activity_regularizer=K.sum)(x)))
    assert len(inner.losses) == 1 and len(inner.updates) == 2
    a = L.Input((3,))
    outer = Network(a, inner(a))
    assert len(outer.losses) == 1 and len(outer.updates) == 2 and outer.losses != inner.losses
    assert inner.get_losses_for(a) == outer.losses and inner.get_updates_for([a]) == outer.updates
    data = drawn(6, 3)
    dense = inner.layers[1]
    (loss,) = values([a], outer.losses, [data], updates=outer.updates, learning_phase=1)
    output = data @ dense.get_weights()[0]
    np.testing.assert_allclose(loss, output.sum(), rtol=1e-4)
    np.testing.assert_allclose(inner.get_weights()[4], output.mean(0), rtol=1e-4, atol=1e-6)
    assert [len(inner.losses), len(inner.updates)] == [1, 2]


def test_a_networks_own_losses_and_updates():
    x = L.Input((3,))
    network = Network(x, L.Dense(2)(x))
    network.add_loss(K.mean(network.output))
    network.add_update(K.update_add(network.layers[1].bias, K.ones_like(network.layers[1].bias)))
    assert len(network.losses) == len(network.updates) == 1


def test_nested_activity_losses_are_those_of_the_output():
    x = L.Input((3,))
    inner = Network(x, L.Dense(2, activity_regularizer=K.sum, kernel_initializer="ones")(x))
    a = L.Input((3,))
    outer = Network(a, inner(a))
    assert float(values([a], outer.losses, [np.ones((4, 3))])[0]) == 24.0


def test_learning_phase_and_states():
    x = L.Input((3,))
    counter = Counter()
    network = Network(x, L.Dropout(0.5)(counter(x)))
    assert network.uses_learning_phase and network.stateful and len(network.state_updates) == 1
    step = K.function([x], network.outputs, updates=network.state_updates)
    assert [step([np.zeros((1, 3))])[0].max() for _ in range(3)] == [0.0, 1.0, 2.0]
    network.reset_states()
    assert step([np.zeros((1, 3))])[0].max() == 0.0
    plain = Network(x, L.Dense(2)(x))
    assert not plain.uses_learning_phase and not plain.stateful and plain.state_updates == []


def test_training_argument_is_kept_in_replay():
    x = L.Input((300,))
    network = Network(x, L.Dropout(0.5)(x, training=True))
    a = L.Input((300,))
    assert not network.uses_learning_phase
    assert np.count_nonzero(values([a], [network(a)], [np.ones((1, 300))])[0]) < 300


def test_masks_of_a_network():
    x = L.Input((3, 2))
    network = Network(x, L.Dense(4)(L.Masking()(x)))
    assert network.output_mask is network.layers[1].output_mask and network.input_mask is None
    a = K.placeholder((None, 3, 2))
    mask = network.compute_mask(a, None)
    np.testing.assert_array_equal(values([a], [mask], [[[[1, 2], [0, 0], [0, 3]]]])[0], [[True, False, True]])
    taking = Network(x, L.Activation("tanh")(x))
    assert taking(L.Masking()(L.Input((3, 2))))._keras_mask is not None


def test_get_layer():
    network = branched()
    assert network.get_layer("shared") is network.get_layer(index=2) is network.layers[2]
    assert network.get_layer(index=-1).name == "last"
    assert network.get_layer("shared", index=0) is network.layers[0]


def test_output_shapes_for_other_inputs():
    x = L.Input((None, None, 3))
    network = Network(x, L.GlobalAveragePooling2D()(L.Conv2D(5, 3, strides=2)(x)))
    assert network._compute_output_shape((7, 9, 11, 3)) == (7, 5)
    assert branched()._compute_output_shape([(2, 3), (2, 3)])[1] == (2, 2)


def test_config_round_trip():
    network = branched()
    written = json.loads(json.dumps(network.get_config()))
    assert list(written) == ["name", "layers", "input_layers", "output_layers"]
    assert {layer["name"]: layer["inbound_nodes"] for layer in written["layers"]} == {
        "a": [], "b": [], "shared": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]], "bent": [[["shared", 1, 0, {}]]],
        "both": [[["shared", 0, 0, {}], ["bent", 0, 0, {}]]], "last": [[["both", 0, 0, {}]]],
    }  # fmt: skip
    assert written["input_layers"] == [["a", 0, 0], ["b", 0, 0]]
    assert written["output_layers"] == [["both", 0, 0], ["last", 0, 0]]
    twin = Network.from_config(written, custom_objects={"Sum": Sum})
    assert json.loads(json.dumps(twin.get_config())) == written
    twin.set_weights(network.get_weights())
    arrays = [drawn(5, 3), drawn(5, 3, seed=1)]
    for found, wanted in zip(
        values(twin.inputs, twin.outputs, arrays), values(network.inputs, network.outputs, arrays), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_config_counts_only_the_nodes_of_the_graph():
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    shared = L.Dense(3, name="shared")
    shared(b)
    network = Network(a, L.Activation("relu", name="bent")(shared(a)))
    layers = {layer["name"]: layer["inbound_nodes"] for layer in network.get_config()["layers"]}
    assert layers == {"a": [], "shared": [[["a", 0, 0, {}]]], "bent": [[["shared", 0, 0, {}]]]}
    assert Network.from_config(network.get_config()).get_config() == network.get_config()


def test_config_of_call_arguments():
    x = L.Input((3,), name="x")
    network = Network(x, L.Dropout(0.5, name="drop")(x, training=True))
    assert network.get_config()["layers"][1]["inbound_nodes"] == [[["x", 0, 0, {"training": True}]]]
    assert not Network.from_config(network.get_config()).uses_learning_phase
    bad = Network(x, L.Dropout(0.5, name="drop")(x, training=K.constant(1)))
    with pytest.warns(UserWarning, match="which JSON cannot hold"):
        assert bad.get_config()["layers"][1]["inbound_nodes"] == [[["x", 0, 0, {}]]]


def test_a_network_in_a_config():
    x, a = L.Input((3,), name="x"), L.Input((3,), name="a")
    inner = Network(x, L.Dense(2, name="dense")(x), name="inner")
    outer = Network(a, inner(a), name="outer")
    assert outer.get_config()["layers"][1]["inbound_nodes"] == [[["a", 0, 0, {}]]]
    assert outer.get_config()["output_layers"] == [["inner", 1, 0]]
    twin = Network.from_config(outer.get_config(), custom_objects={"Network": Network})
    assert twin.get_config() == outer.get_config()


def test_a_lambda_in_a_config_stays_usable_in_the_process():
    x = L.Input((3,))
    network = Network(x, L.Lambda(lambda t: t * 3.0)(x))
    twin = Network.from_config(network.get_config())
    np.testing.assert_array_equal(values(twin.inputs, twin.outputs, [np.ones((1, 3))])[0], np.full((1, 3), 3.0))


def test_deepcopy_shares_nothing():
    x = L.Input((3,))
    network = Network(x, L.BatchNormalization()(L.Dense(2)(x)))
    twin = copy.deepcopy(network)
    assert not set(twin.weights) & set(network.weights) and twin.name == network.name
    data = drawn(4, 3)
    np.testing.assert_array_equal(
        values(twin.inputs, twin.outputs, [data])[0], values(network.inputs, network.outputs, [data])[0]
    )


def test_deepcopy_needs_no_registered_classes():
    network = branched()
    network.add_loss(K.mean(network.outputs[0]))
    x = L.Input((3,))
    tensor = L.Input(tensor=K.constant(np.ones((1, 3))))
    outer = Network([x, tensor], [*network([x, tensor]), L.Lambda(lambda t: t * 2.0)(x)])
    twin = copy.deepcopy(outer)
    data = drawn(1, 3)
    for found, wanted in zip(
        values(twin.inputs[:1], twin.outputs, [data]), values(outer.inputs[:1], outer.outputs, [data]), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    assert not {layer for layer in twin.layers} & {layer for layer in outer.layers}
    assert tensor._keras_history[0] in outer.layers
    assert twin.get_layer("branched").get_layer("shared") is not network.get_layer("shared")


def test_a_deep_network_does_not_recurse():
    x = y = L.Input((2,))
    for _ in range(1500):
        y = L.Layer()(y)
    assert len(Network(x, y).layers) == 1501


def test_source_inputs():
    network = branched()
    assert get_source_inputs(network.outputs[1]) == network.inputs
    plain = K.placeholder((None, 2))
    assert get_source_inputs(plain) == [plain]


def test_output_that_is_an_input():
    x = L.Input((3,))
    network = Network(x, x)
    a = L.Input((3,))
    y = network(a)
    assert y is not a
    np.testing.assert_array_equal(values([a], [y], [np.ones((1, 3))])[0], np.ones((1, 3)))
