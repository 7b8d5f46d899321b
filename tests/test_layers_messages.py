"""The exact text and type of what layers and networks raise on wrong use."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.network import Network


def named(kind, *arguments, **keywords):
    return kind(*arguments, name="it", **keywords)


def on(layer, *shape):
    return layer(L.Input(shape))


def twice(layer, first, second):
    return on(layer, *first), on(layer, *second)


def connected(layer, *shape):
    on(layer, *shape)
    return layer


class Nothing(L.Layer):
    def call(self, inputs):
        return None


class SameTwice(L.Layer):
    def build(self, input_shape):
        self.add_weight("w", (2,))
        self.add_weight("w", (2,))


class Fails(L.Layer):
    def call(self, inputs):
        raise ValueError("my own fault")


def network():
    x = L.Input((3,), name="x")
    return Network(x, L.Dense(2, name="d")(x), name="net")


def disconnected():
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    return Network(a, L.Dense(2, name="d")(b), name="net")


def same_names():
    x = L.Input((3,), name="x")
    return Network(x, L.Dense(2, name="d")(L.Dense(3, name="d")(x)), name="net")


MESSAGES = [
    # Arguments of layers.
    (lambda: L.Dense(3, colour="red"), TypeError,
     "Dense: argument 'colour' arrived; expected one of the layer's own or of activity_regularizer, "
     "batch_input_shape, batch_size, dtype, input_shape, name, trainable, weights. Check its spelling."),
    (lambda: named(L.Conv2D, 2, (2, 2, 2)), ValueError,
     "Conv2D 'it': kernel_size=(2, 2, 2); expected an integer or a tuple of 2 integers, each 1 or more."),
    (lambda: named(L.Conv2D, 2, (2, "a")), ValueError,
     "Conv2D 'it': kernel_size=(2, 'a'); expected an integer or a tuple of 2 integers, each 1 or more."),
    (lambda: named(L.Conv2D, 2, 2, strides=0), ValueError,
     "Conv2D 'it': strides=0; expected an integer or a tuple of 2 integers, each 1 or more."),
    (lambda: named(L.Conv2D, 2, 2, padding="causal"), ValueError,
     "Conv2D 'it': padding='causal'; expected 'valid' or 'same'."),
    (lambda: named(L.Conv1D, 2, 2, padding="full"), ValueError,
     "Conv1D 'it': padding='full'; expected 'valid' or 'same' or 'causal'."),
    (lambda: named(L.Conv2D, 2, 2, data_format="NHWC"), ValueError,
     "Conv2D 'it': data_format='NHWC'; expected 'channels_first' or 'channels_last'."),
    (lambda: named(L.MaxPooling2D, 2, padding="full"), ValueError,
     "MaxPooling2D 'it': padding='full'; expected 'valid' or 'same'."),
    (lambda: named(L.GlobalMaxPooling2D, "NHWC"), ValueError,
     "GlobalMaxPooling2D 'it': data_format='NHWC'; expected 'channels_first' or 'channels_last'."),
    (lambda: named(L.ZeroPadding1D, (1, 2, 3)), ValueError,
     "ZeroPadding1D 'it': padding=(1, 2, 3); expected an integer or a tuple of 2 integers, each 0 or more."),
    (lambda: named(L.ZeroPadding2D, 1.5), ValueError,
     "ZeroPadding2D 'it': padding=1.5; expected an integer, 2 integers (rows, columns) or 2 pairs "
     "((top, bottom), (left, right))."),
    (lambda: named(L.UpSampling1D, (2,)), TypeError, "UpSampling1D 'it': size=(2,); expected one whole number."),
    (lambda: named(L.UpSampling1D, "a"), ValueError, "UpSampling1D 'it': size='a'; expected one whole number."),
    (lambda: named(L.BatchNormalization, renorm=True, renorm_clipping={"q": 1}), ValueError,
     "BatchNormalization 'it': renorm_clipping has the key 'q'; expected 'rmax', 'rmin' or 'dmax'."),
    # Inputs that a layer cannot take.
    (lambda: named(L.Dense, 3)(np.ones((2, 4))), AttributeError,
     "Dense 'it': an array of shape (2, 4) and dtype float64 arrived; expected a symbolic tensor. "
     "Start from Input(), or make a tensor of an array by K.constant()."),
    (lambda: named(L.Dense, 3)(K.placeholder((None,))), ValueError,
     "Dense 'it': input 0 has shape (None,), which is rank 1; expected rank 2 at least, the batch axis included. "
     "Put Reshape() before it to add the axes that are missing."),
    (lambda: on(named(L.Conv2D, 2, 2), 5, 2), ValueError,
     "Conv2D 'it': input 0 has shape (None, 5, 2), which is rank 3; expected rank 4, the batch axis included. "
     "Put Reshape() before it to add the axes that are missing."),
    (lambda: on(named(L.RepeatVector, 2), 5, 2), ValueError,
     "RepeatVector 'it': input 0 has shape (None, 5, 2), which is rank 3; expected rank 2, the batch axis included. "
     "Put Flatten() or Reshape() before it."),
    (lambda: twice(named(L.Dense, 3), (4,), (5,)), ValueError,
     "Dense 'it': input 0 has shape (None, 5); expected 4 on axis -1, the size that the weights were made for. "
     "Change the input, or use a new layer for this size."),
    (lambda: on(named(L.Dense, 3), None), ValueError,
     "Dense 'it': input has shape (None, None); expected a known size on axis -1, the number of inputs, since the "
     "weights' shape follows from it. Give the input's shape in full."),
    (lambda: on(named(L.Conv2D, 2, 2), 5, 5, None), ValueError,
     "Conv2D 'it': input has shape (None, 5, 5, None); expected a known size on axis -1, the channels, since the "
     "weights' shape follows from it. Give the input's shape in full."),
    (lambda: on(named(L.BatchNormalization, axis=1), None, 4), ValueError,
     "BatchNormalization 'it': input has shape (None, None, 4); expected a known size on axis 1, the number of "
     "features, since the weights' shape follows from it. Give the input's shape in full."),
    (lambda: named(L.Dense, 3)([L.Input((4,)), L.Input((4,))]), ValueError,
     "Dense 'it': 2 input tensors arrived; expected 1. Call the layer once for each tensor, or merge them into one "
     "first."),
    (lambda: on(named(L.Conv2D, 2, 6), 5, 7, 2), ValueError,
     "Conv2D 'it': input has shape (None, 5, 7, 2); expected room for a kernel of (6, 6) at dilation (1, 1). "
     "Use padding='same' or a smaller kernel."),
    (lambda: on(named(L.Conv2D, 2, 2, strides=2, dilation_rate=2), 5, 7, 2), ValueError,
     "Conv2D 'it': strides=(2, 2) and dilation_rate=(2, 2); expected one of them to be 1. Drop one of the two."),
    (lambda: on(named(L.MaxPooling2D, 6), 5, 7, 2), ValueError,
     "MaxPooling2D 'it': input has shape (None, 5, 7, 2); expected room for windows of (6, 6). "
     "Use padding='same' or smaller windows."),
    (lambda: on(named(L.Conv3D, 2, 3), 5, 2, 4, 1), ValueError,
     "Conv3D 'it': input has shape (None, 5, 2, 4, 1); expected room for a kernel of (3, 3, 3) at dilation (1, 1, 1). "
     "Use padding='same' or a smaller kernel."),
    (lambda: on(named(L.AveragePooling3D, 3), 5, 2, 4, 1), ValueError,
     "AveragePooling3D 'it': input has shape (None, 5, 2, 4, 1); expected room for windows of (3, 3, 3). "
     "Use padding='same' or smaller windows."),
    (lambda: on(named(L.Conv2DTranspose, 2, 3), 5, 4, None), ValueError,
     "Conv2DTranspose 'it': input has shape (None, 5, 4, None); expected a known size on axis -1, the channels, since "
     "the weights' shape follows from it. Give the input's shape in full."),
    (lambda: on(named(L.SeparableConv2D, 2, 3), 5, 4, None), TypeError,
     "SeparableConv2D 'it': input has shape (None, 5, 4, None); expected a known size on axis -1, the channels, since "
     "the weights' shape follows from it. Give the input's shape in full."),
    (lambda: on(named(L.SeparableConv2D, 2, 3, strides=2, dilation_rate=2), 9, 9, 2), ValueError,
     "SeparableConv2D 'it': strides=(2, 2) and dilation_rate=(2, 2); expected one of them to be 1. "
     "Drop one of the two."),
    (lambda: named(L.SeparableConv2D, 2, 3, depth_multiplier=0), ValueError,
     "SeparableConv2D 'it': depth_multiplier=0; expected an integer of 1 or more."),
    (lambda: named(L.LocallyConnected1D, 2, 3, padding="same"), ValueError,
     "LocallyConnected1D 'it': padding='same'; expected 'valid', the only one for kernels of their own. "
     "Put a ZeroPadding layer before it."),
    (lambda: on(named(L.LocallyConnected2D, 2, 3), None, 5, 2), ValueError,
     "LocallyConnected2D 'it': input has shape (None, None, 5, 2); expected known sizes behind the batch, since each "
     "place has weights of its own. Give the input's shape in full."),
    (lambda: on(named(L.LocallyConnected2D, 2, 3), 5, 2, 2), ValueError,
     "LocallyConnected2D 'it': input has shape (None, 5, 2, 2); expected room for a kernel of (3, 3). "
     "Use a smaller kernel."),
    (lambda: on(named(L.Reshape, (3, -1)), 4), ValueError,
     "Reshape 'it': input of shape (None, 4) with 4 elements a sample; expected as many as in target_shape=(3, -1). "
     "Change one of the two shapes."),
    (lambda: on(named(L.Reshape, (-1, -1)), 4), ValueError,
     "Reshape 'it': target_shape=(-1, -1); expected sizes, of which one at most may be -1."),
    (lambda: on(named(L.Permute, (1, 3)), 4, 5), ValueError,
     "Permute 'it': dims=(1, 3); expected each of 1 to 2 once. Axes are counted from 1; the batch axis is not "
     "listed."),
    (lambda: on(named(L.RepeatVector, "a"), 4), TypeError, "RepeatVector 'it': n='a'; expected a whole number."),
    (lambda: on(named(L.Dropout, 1.0), 4), ValueError,
     "Dropout 'it': rate=1.0; expected 0 or more and less than 1. It is the share that is dropped, not the share "
     "that is kept."),
    (lambda: on(named(L.Dropout, "a"), 4), TypeError, "Dropout 'it': rate='a'; expected a number from 0 up to 1."),
    (lambda: on(named(L.Dense, -1), 4), ValueError,
     "Dense 'it': units=-1; expected a whole number that is not negative."),
    (lambda: on(named(L.Dense, "a"), 4), ValueError,
     "Dense 'it': units='a'; expected a whole number that is not negative."),
    (lambda: on(named(L.BatchNormalization, axis=5), 4), ValueError,
     "BatchNormalization 'it': axis=5 for an input of shape (None, 4); expected an axis from -2 to 1."),
    (lambda: on(named(L.Lambda, 3), 4), TypeError, "Lambda 'it': function=3; expected a function."),
    (lambda: on(named(Nothing), 4), ValueError,
     "Nothing 'it': call() returned None; expected a tensor or a list. Return the output."),
    (lambda: on(named(SameTwice), 4), ValueError,
     "SameTwice 'it': weight 'w' exists already; expected a new name. Rename one of them."),
    (lambda: on(named(Fails), 4), ValueError, "Fails 'it': my own fault"),
    (lambda: named(L.Layer).add_weight("w", (None, 2)), ValueError,
     "Layer 'it': weight 'w' got shape (None, 2); expected known sizes. "
     "Give the input's shape, in input_shape or in Input()."),
    # What is asked of a layer too early, or wrongly.
    (lambda: named(L.Dense, 3).count_params(), ValueError,
     "Dense 'it': count_params() was called before the layer was built; expected a built layer. "
     "Call the layer on a tensor, or build it by it.build(batch_input_shape)."),
    (lambda: named(L.Dense, 3).input, AttributeError,
     "Dense 'it': has never been called and so has no input; expected a connected layer. Call it on a tensor first."),
    (lambda: named(L.Dense, 3).output_shape, AttributeError,
     "Dense 'it': has never been called and so has no output shape; expected a connected layer. "
     "Call it on a tensor first."),
    (lambda: named(L.Dense, 3).get_output_at(0), RuntimeError,
     "Dense 'it': has never been called and so has no output; expected a connected layer. Call it on a tensor first."),
    (lambda: connected(named(L.Dense, 3), 4).get_input_shape_at(2), ValueError,
     "Dense 'it': input shape at node 2 was asked for; expected a node below 1, the number of times it was called."),
    (lambda: (lambda layer: (twice(layer, (4,), (5,)), layer.output_shape))(named(L.Activation, "relu")),
     AttributeError,
     "Activation 'it': was called 2 times with different shapes; expected one output shape. "
     "Use get_output_shape_at(node_index)."),
    (lambda: named(L.Dense, 3).scope_name, ValueError,
     "Dense 'it': scope_name was asked for before the first call; expected a layer in use. "
     "Call it on a tensor first."),
    (lambda: connected(named(L.Dense, 3), 4).set_weights([np.ones((4, 3))]), ValueError,
     "Dense 'it': a list of 1 weights arrived; expected 2, of shapes [(4, 3), (3,)]. Pass what get_weights() "
     "returns."),
    (lambda: connected(named(L.Dense, 3), 4).set_weights([np.ones((4, 2)), np.ones(3)]), ValueError,
     "Dense 'it': weight 'it/kernel:0' was given shape (4, 2); expected (4, 3). Pass what get_weights() of an equal "
     "layer returns."),
    # Inputs.
    (lambda: L.Input(), ValueError,
     "Input: shape=None and no tensor arrived; expected a shape of at least one axis besides the batch. "
     "Pass shape=(1,) for scalars."),
    (lambda: L.Input(()), ValueError,
     "Input: shape=() and no tensor arrived; expected a shape of at least one axis besides the batch. "
     "Pass shape=(1,) for scalars."),
    (lambda: L.Input((3,), batch_shape=(2, 3)), ValueError,
     "Input: shape=(3,) and batch_shape=(2, 3) arrived; expected one of them. Drop shape."),
    (lambda: L.Input((3,), colour="red"), ValueError,
     "Input: argument 'colour' arrived; expected one of its own or 'batch_shape'. Check its spelling."),
    (lambda: L.InputLayer((3,), batch_input_shape=(2, 3)), ValueError,
     "InputLayer: input_shape=(3,) and batch_input_shape=(2, 3) arrived; expected one of them. Drop input_shape."),
    # Lambdas.
    (lambda: L.Lambda.from_config({"name": "it", "function": ["code", None, None], "function_type": "lambda"}),
     ValueError,
     "Lambda 'it': the config holds its function as bytecode, which is never run; expected the function itself. "
     "Pass custom_objects={'it': function}."),
    (lambda: L.Lambda.from_config({"name": "it", "function": "f", "function_type": "pickle"}), TypeError,
     "Lambda 'it': function_type='pickle'; expected 'function' or 'lambda'."),
    (lambda: L.Lambda.from_config({"name": "it", "function": "mine", "function_type": "function"}), ValueError,
     "Lambda 'it': function: unknown name 'mine'; expected the name of a known function. Did you mean 'linear'?"),
    # Networks.
    (lambda: network().get_layer("e"), ValueError,
     "Network 'net': layer 'e' was asked for; expected a name or an index of one of its layers: x, d. "
     "Check the name."),
    (lambda: network().get_layer(index=2), ValueError,
     "Network 'net': layer 2 was asked for; expected an index below 2, the number of layers. See summary()."),
    (lambda: network().set_weights([np.ones(2)]), ValueError,
     "Network 'net': a list of 1 weights arrived; expected 2, of shapes [(3, 2), (2,)]. Pass what get_weights() "
     "returns."),
    (lambda: network()([L.Input((3,)), L.Input((3,))]), ValueError,
     "Network 'net': 2 input tensors arrived; expected 1. Pass one for each of x."),
    (lambda: network()(L.Input((4,))), ValueError,
     "Network 'net': Dense 'd': input 0 has shape (None, 4); expected 3 on axis -1, the size that the weights were "
     "made for. Change the input, or use a new layer for this size."),
    (lambda: Network(K.constant(np.ones((2, 3)), name="c"), L.Input((3,)), name="net"), ValueError,
     "Network 'net': input <Tensor 'c' shape=(2, 3) dtype=float32> comes from no layer; expected a tensor made by "
     "Input(). Make it by Input(tensor=…)."),
    (lambda: Network(L.Input((3,)), K.constant(np.ones((2, 3)), name="c"), name="net"), ValueError,
     "Network 'net': output <Tensor 'c' shape=(2, 3) dtype=float32> comes from no layer; expected the output of a "
     "layer. Wrap the computation in Lambda()."),
    (lambda: (lambda x: Network([x, x], x, name="net"))(L.Input((3,), name="x")), ValueError,
     "Network 'net': the inputs are [<Tensor 'x' shape=(None, 3) dtype=float32>, <Tensor 'x' shape=(None, 3) "
     "dtype=float32>]; expected every tensor once. Drop the repeated one."),
    (disconnected, ValueError,
     "Network 'net': tensor <Tensor 'b' shape=(None, 3) dtype=float32>, an input of layer 'b', does not follow from "
     "the inputs [<Tensor 'a' shape=(None, 3) dtype=float32>]; expected a connected graph. "
     "Add the Input() that it comes from to the inputs."),
    (same_names, ValueError,
     "Network 'net': 2 layers are named 'd'; expected names of their own. Give each its name=."),
    (lambda: Network.from_config({"layers": [], "input_layers": [["x", 0, 0]], "output_layers": []}), ValueError,
     "Network.from_config: node 0 of layer 'x' is an end of the graph but is not in it; expected a layer of the "
     "config. Check 'input_layers' and 'output_layers'."),
    (lambda: Network.from_config({
        "layers": [{"name": "d", "class_name": "Dense", "config": {"units": 2, "name": "d"},
                    "inbound_nodes": [[["x", 0, 0, {}]]]}],
        "input_layers": [], "output_layers": [["d", 0, 0]]}), ValueError,
     "Network.from_config: the inputs of d are never made; expected every inbound node to name a layer of the "
     "config. Check 'inbound_nodes'."),
]  # fmt: skip


@pytest.mark.parametrize("act, kind, message", MESSAGES, ids=[row[2][:60] for row in MESSAGES])
def test_message(act, kind, message):
    with pytest.raises(kind) as error:
        act()
    assert type(error.value) is kind
    assert str(error.value) == message


def test_failed_set_weights_changes_nothing():
    layer = connected(L.Dense(3), 4)
    before = layer.get_weights()
    with pytest.raises(ValueError):
        layer.set_weights([np.ones((4, 3)), np.ones(4)])
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
