"""The exact text of every error of the backend functions, and the type that Keras raises."""

import numpy as np
import pytest

from onnxseq import backend as K

x = K.placeholder((None, 3), name="x")
i = K.placeholder((None, 3), dtype="int32", name="i")
b = K.placeholder((None, 3), dtype="bool", name="b")
v = K.variable([1.0, 2.0], name="the/v")
image = K.placeholder((2, 8, 8, 3), name="image")
w = K.zeros((3, 3, 3, 4), name="the/w")

ROWS = [
    (
        lambda: K.set_floatx("float"),
        ValueError,
        "set_floatx: 'float' arrived; expected one of float16, float32, float64.",
    ),
    (
        lambda: K.set_image_data_format("channels"),
        ValueError,
        "set_image_data_format: 'channels' arrived; expected one of channels_last, channels_first.",
    ),
    (
        lambda: K.set_learning_phase(2),
        ValueError,
        "set_learning_phase: 2 arrived; expected 0 (testing) or 1 (training).",
    ),
    (
        lambda: K.placeholder(),
        ValueError,
        "placeholder: neither shape nor ndim arrived; expected one of them.",
    ),
    (
        lambda: K.constant([1, 2, 3], shape=(2,)),
        ValueError,
        "constant: 3 values arrived; expected 1 to 2 for a shape of (2,).",
    ),
    (
        lambda: K.constant(x),
        TypeError,
        "constant: <Tensor 'x' shape=(None, 3) dtype=float32> arrived; expected values. Use K.identity() or "
        "K.cast() for tensors.",
    ),
    (
        lambda: K.variable(x),
        ValueError,
        "variable: a tensor of shape (None, 3) arrived; expected known sizes.",
    ),
    (
        lambda: K.variable(K.placeholder((2,), name="fed")),
        ValueError,
        "function 'eval': the outputs depend on <Tensor 'fed' shape=(2,) dtype=float32>, which is not fed; "
        "expected it among the inputs.",
    ),
    (
        lambda: K.zeros((None, 3)),
        TypeError,
        "zeros: the shape (None, 3) arrived; expected known sizes. Use K.zeros_like() of a tensor.",
    ),
    (
        lambda: K.ones((2, None)),
        TypeError,
        "ones: the shape (2, None) arrived; expected known sizes. Use K.ones_like() of a tensor.",
    ),
    (
        lambda: K.count_params(x),
        TypeError,
        "count_params: the shape is (None, 3); expected known sizes.",
    ),
    (
        lambda: K.int_shape(np.zeros(2)),
        AttributeError,
        "int_shape: an array of shape (2,) and dtype float64 arrived; expected a symbolic tensor. Wrap values in "
        "K.constant().",
    ),
    (
        lambda: K.ndim(3),
        AttributeError,
        "ndim: 3 arrived; expected a symbolic tensor. Wrap values in K.constant().",
    ),
    (
        lambda: K.dtype([1]),
        AttributeError,
        "dtype: [1] arrived; expected a symbolic tensor. Wrap values in K.constant().",
    ),
    (
        lambda: K.cast(x, "float33"),
        TypeError,
        "dtype: 'float33' is not a tensor type; expected one of float16, bfloat16, float32, float64, int8, int16, "
        "int32, int64, uint8, uint16, uint32, uint64, bool, string.",
    ),
    (
        lambda: K.exp(i),
        TypeError,
        "Exp: the input has dtype int32; expected a floating dtype. Use K.cast().",
    ),
    (
        lambda: K.sqrt(i),
        TypeError,
        "Sqrt: the input has dtype int32; expected a floating dtype. Use K.cast().",
    ),
    (
        lambda: K.pow(x, i),
        TypeError,
        "Pow: inputs have different dtypes (x of float32, i of int32); expected one dtype. Use K.cast().",
    ),
    (
        lambda: K.equal(x, i),
        TypeError,
        "Equal: inputs have different dtypes (x of float32, i of int32); expected one dtype. Use K.cast().",
    ),
    (
        lambda: K.maximum(x, i),
        TypeError,
        "Max: inputs have different dtypes (x of float32, i of int32); expected one dtype. Use K.cast().",
    ),
    (
        lambda: K.greater(i, 0.5),
        TypeError,
        "arithmetic: 0.5 arrived beside a tensor of dtype int32; expected integers. Use K.cast().",
    ),
    (
        lambda: i * 0.5,
        TypeError,
        "arithmetic: 0.5 arrived beside a tensor of dtype int32; expected integers. Use K.cast().",
    ),
    (
        lambda: K.maximum(x, K.placeholder((None, 4))),
        ValueError,
        "Max: shapes (None, 3) and (None, 4) do not broadcast; expected equal sizes, or 1, on every axis counted "
        "from the last.",
    ),
    (
        lambda: K.sum(b),
        TypeError,
        "sum: a tensor of dtype 'bool' arrived; expected numbers. Use K.cast().",
    ),
    (
        lambda: K.max(b),
        TypeError,
        "max: a tensor of dtype 'bool' arrived; expected numbers. Use K.cast().",
    ),
    (
        lambda: K.argmax(b),
        TypeError,
        "argmax: a tensor of dtype 'bool' arrived; expected numbers. Use K.cast().",
    ),
    (
        lambda: K.sum(x, axis=2),
        ValueError,
        "ReduceSum: axis 2 is outside a tensor of rank 2; expected -2 to 1.",
    ),
    (
        lambda: K.argmax(x, axis=3),
        ValueError,
        "ArgMax: axis 3 is outside a tensor of rank 2; expected -2 to 1.",
    ),
    (
        lambda: K.hard_sigmoid(i),
        TypeError,
        "hard_sigmoid: a tensor of dtype 'int32' arrived; expected floats. Use K.cast().",
    ),
    (
        lambda: K.softmax(i),
        TypeError,
        "Softmax: the input has dtype int32; expected a floating dtype. Use K.cast().",
    ),
    (
        lambda: K.reshape(x, (None, 3)),
        TypeError,
        "reshape: the shape (None, 3) arrived; expected sizes. Use -1 for the one that is free.",
    ),
    (
        lambda: K.reshape(K.placeholder((2, 3)), (4, 2)),
        ValueError,
        "Reshape: the input has shape (2, 3), the new shape is (4, 2); expected a shape of 6 elements.",
    ),
    (
        lambda: K.reshape(x, (-1, -1)),
        ValueError,
        "Reshape: the new shape (-1, -1) has more than one -1; expected at most one.",
    ),
    (
        lambda: K.permute_dimensions(x, (1,)),
        ValueError,
        "Transpose: the input has rank 2, the order is (1,); expected each axis once.",
    ),
    (
        lambda: K.squeeze(x, 1),
        ValueError,
        "Squeeze: the input has shape (None, 3); expected a size of 1 on axis 1.",
    ),
    (
        lambda: K.expand_dims(x, 5),
        ValueError,
        "Unsqueeze: axis 5 is outside a tensor of rank 3; expected -3 to 2.",
    ),
    (
        lambda: K.concatenate([x, i]),
        TypeError,
        "Concat: inputs have different dtypes (x of float32, i of int32); expected one dtype. Use K.cast().",
    ),
    (
        lambda: K.concatenate([x, K.placeholder((None, 4))], axis=0),
        ValueError,
        "Concat: inputs have shapes (None, 3), (None, 4); expected equal sizes on every axis but 0.",
    ),
    (
        lambda: K.repeat(image, 2),
        ValueError,
        "repeat: a tensor of shape (2, 8, 8, 3) arrived; expected rank 2. Use K.repeat_elements().",
    ),
    (
        lambda: K.reverse(x, 4),
        ValueError,
        "reverse: axis 4 is outside a tensor of rank 2; expected -2 to 1.",
    ),
    (
        lambda: K.gather(x, x),
        TypeError,
        "gather: indices of dtype 'float32' arrived; expected 'int32' or 'int64'. Use K.cast().",
    ),
    (
        lambda: K.gather(x, [0.5]),
        TypeError,
        "gather: indices of dtype 'float32' arrived; expected 'int32' or 'int64'. Use K.cast().",
    ),
    (
        lambda: K.one_hot(x, 3),
        TypeError,
        "one_hot: indices of dtype 'float32' arrived; expected 'int32' or 'int64'. Use K.cast().",
    ),
    (
        lambda: K.temporal_padding(x),
        ValueError,
        "temporal_padding: a tensor of shape (None, 3) arrived; expected rank 3.",
    ),
    (
        lambda: K.temporal_padding(K.placeholder((2, 3, 4)), (1,)),
        ValueError,
        "temporal_padding: padding is ((1,),); expected a pair (before, after) for each of 1 axes.",
    ),
    (
        lambda: K.spatial_2d_padding(image, ((1, 1), (2, 2)), "channels"),
        ValueError,
        "spatial_2d_padding: data_format is 'channels'; expected one of channels_last, channels_first.",
    ),
    (
        lambda: K.spatial_2d_padding(image, ((1, 1),)),
        ValueError,
        "spatial_2d_padding: padding is ((1, 1),); expected a pair (before, after) for each of 2 axes.",
    ),
    (
        lambda: K.resize_images(image, 2, 3, "channels"),
        ValueError,
        "resize_images: data_format is 'channels'; expected 'channels_last' or 'channels_first'.",
    ),
    (
        lambda: K.dot(K.placeholder((2,)), x),
        ValueError,
        "dot: shapes (2,) and (None, 3) arrived; expected ranks of at least 2. Use K.expand_dims().",
    ),
    (
        lambda: K.dot(K.placeholder((2, 3)), K.placeholder((2, 3))),
        ValueError,
        "dot: shapes (2, 3) and (2, 3) arrived; expected the last size of the first to be the last but one of the "
        "second.",
    ),
    (
        lambda: K.dot(x, np.zeros((3, 2))),
        AttributeError,
        "dot: an array of shape (3, 2) and dtype float64 arrived; expected a symbolic tensor. Wrap values in "
        "K.constant().",
    ),
    (
        lambda: K.batch_dot(x, x),
        TypeError,
        "batch_dot: shapes (None, 3) and (None, 3) with axes=None arrived; expected axes for two tensors of rank "
        "2. Give axes=1.",
    ),
    (
        lambda: K.batch_dot(K.placeholder((2, 3)), K.placeholder((2, 4)), 1),
        ValueError,
        "batch_dot: shapes (2, 3) and (2, 4) with axes=1 arrived; expected shapes that fit: equal sizes on the "
        "summed axes and on the others of both.",
    ),
    (
        lambda: K.batch_dot(K.placeholder((2, 5, 3)), K.placeholder((2, 4, 6))),
        ValueError,
        "batch_dot: shapes (2, 5, 3) and (2, 4, 6) with axes=None arrived; expected shapes that fit: equal sizes "
        "on the summed axes and on the others of both.",
    ),
    (
        lambda: K.conv1d(x, w),
        ValueError,
        "conv1d: a tensor of shape (None, 3) arrived; expected rank 3.",
    ),
    (
        lambda: K.conv2d(image, w, padding="full"),
        ValueError,
        "conv2d: padding is 'full'; expected one of valid, same.",
    ),
    (
        lambda: K.conv2d(image, w, padding="causal"),
        ValueError,
        "conv2d: padding is 'causal'; expected one of valid, same.",
    ),
    (
        lambda: K.conv2d(image, w, data_format="channels"),
        ValueError,
        "conv2d: data_format is 'channels'; expected one of channels_last, channels_first.",
    ),
    (
        lambda: K.conv2d(image, w, strides=(2, 2), dilation_rate=(2, 2)),
        ValueError,
        "conv2d: strides (2, 2) and dilation_rate (2, 2) arrived; expected one of them to be all 1.",
    ),
    (
        lambda: K.conv2d(image, K.zeros((3, 3, 2, 4))),
        ValueError,
        "Conv: the input has 3 channels; expected 2, as the kernel has.",
    ),
    (
        lambda: K.conv2d(image, K.zeros((9, 9, 3, 4))),
        ValueError,
        "Conv: the input has spatial shape (8, 8); expected at least 9 on axis 0 for a window of (9, 9). Use "
        "padding 'same', a smaller window or a larger input.",
    ),
    (
        lambda: K.conv2d(x, w),
        ValueError,
        "conv2d: a tensor of shape (None, 3) arrived; expected rank 4.",
    ),
    (
        lambda: K.pool2d(image, (2, 2), pool_mode="sum"),
        ValueError,
        "pool2d: pool_mode is 'sum'; expected 'max' or 'avg'.",
    ),
    (
        lambda: K.pool2d(image, (2, 2), padding="full"),
        ValueError,
        "pool2d: padding is 'full'; expected one of valid, same.",
    ),
    (
        lambda: K.pool2d(image, (9, 9)),
        ValueError,
        "MaxPool: the input has spatial shape (8, 8); expected at least 9 on axis 0 for a window of (9, 9). Use "
        "padding 'same', a smaller window or a larger input.",
    ),
    (
        lambda: K.bias_add(x, K.zeros((2, 3))),
        ValueError,
        "bias_add: shapes (None, 3) and (2, 3) arrived; expected a bias of rank 1.",
    ),
    (
        lambda: K.bias_add(x, K.zeros((3,)), data_format="channels"),
        ValueError,
        "bias_add: data_format is 'channels'; expected one of channels_last, channels_first.",
    ),
    (
        lambda: K.bias_add(x, K.zeros((4,))),
        ValueError,
        "bias_add: shapes (None, 3) and (4,) arrived; expected one number for each channel, with 'channels_last'.",
    ),
    (
        lambda: K.binary_crossentropy(K.placeholder((2, 5)), K.placeholder((2, 1))),
        ValueError,
        "binary_crossentropy: shapes (2, 5) and (2, 1) arrived; expected equal shapes.",
    ),
    (
        lambda: K.categorical_crossentropy(K.placeholder((2, 5)), K.placeholder((2, 4))),
        ValueError,
        "Mul: shapes (2, 5) and (2, 4) do not broadcast; expected equal sizes, or 1, on every axis counted from "
        "the last.",
    ),
    (
        lambda: K.in_top_k(x, K.placeholder((None,)), 2),
        TypeError,
        "in_top_k: targets of dtype 'float32' arrived; expected 'int32' or 'int64'. Use K.cast().",
    ),
    (
        lambda: K.dropout(x, 1.0),
        ValueError,
        "dropout: level 1.0 arrived; expected 0 <= level < 1.",
    ),
    (
        lambda: K.dropout(x, -0.5),
        ValueError,
        "dropout: level -0.5 arrived; expected 0 <= level < 1.",
    ),
    (
        lambda: K.dropout(x, 0.5, (None, 7)),
        ValueError,
        "dropout: noise_shape (None, 7) arrived for a tensor of shape (None, 3); expected for each axis 1 or the "
        "tensor's size.",
    ),
    (
        lambda: K.switch("yes", x, x),
        AttributeError,
        "switch: the condition is 'yes'; expected a tensor.",
    ),
    (
        lambda: K.switch(K.placeholder((2, 2, 2), dtype="bool"), x, x),
        ValueError,
        "switch: the condition has shape (2, 2, 2), the tensors have (None, 3) and (None, 3); expected a "
        "condition of no higher rank.",
    ),
    (
        lambda: K.switch(K.variable(1.0), x, i),
        ValueError,
        "switch: the tensors have dtypes 'float32' and 'int32'; expected one dtype. Use K.cast().",
    ),
    (
        lambda: K.in_train_phase(x, i),
        ValueError,
        "in_train_phase: the tensors have dtypes 'float32' and 'int32'; expected one dtype. Use K.cast().",
    ),
    (
        lambda: K.random_normal((2, None)),
        TypeError,
        "random_normal: the shape (2, None) arrived; expected known sizes. Use K.shape() of a tensor.",
    ),
    (
        lambda: K.random_uniform((2,), dtype="int32"),
        TypeError,
        "random_uniform: the limits are 0.0 and 1.0 for dtype 'int32'; expected integers.",
    ),
    (
        lambda: K.eval(3),
        AttributeError,
        "eval: 3 arrived; expected a symbolic tensor.",
    ),
    (
        lambda: K.eval(x),
        ValueError,
        "function 'eval': the outputs depend on <Tensor 'x' shape=(None, 3) dtype=float32>, which is not fed; "
        "expected it among the inputs.",
    ),
    (
        lambda: K.get_value(np.zeros(2)),
        AttributeError,
        "get_value: an array of shape (2,) and dtype float64 arrived; expected a variable.",
    ),
    (
        lambda: K.set_value(x, 3),
        AttributeError,
        "set_value: <Tensor 'x' shape=(None, 3) dtype=float32> arrived; expected a variable. Make one with "
        "K.variable().",
    ),
    (
        lambda: K.set_value(v, np.zeros(3)),
        ValueError,
        "set_value: a value of shape (3,) arrived for 'the/v:0'; expected shape (2,).",
    ),
    (
        lambda: K.batch_set_value([(v, np.zeros((2, 1)))]),
        ValueError,
        "batch_set_value: a value of shape (2, 1) arrived for 'the/v:0'; expected shape (2,).",
    ),
    (
        lambda: K.update(x, x),
        AttributeError,
        "update: <Tensor 'x' shape=(None, 3) dtype=float32> arrived; expected a variable. Make one with K.variable().",
    ),
    (
        lambda: K.update(v, np.zeros(3)),
        ValueError,
        "update: a tensor of shape (3,) arrived for 'the/v:0'; expected shape (2,).",
    ),
    (
        lambda: K.update_add(v, K.zeros((2, 2))),
        ValueError,
        "update_add: a tensor of shape (2, 2) arrived for 'the/v:0'; expected shape (2,).",
    ),
    (
        lambda: K.moving_average_update(x, v, 0.9),
        AttributeError,
        "moving_average_update: <Tensor 'x' shape=(None, 3) dtype=float32> arrived; expected a variable. Make one "
        "with K.variable().",
    ),
    (
        lambda: K.gradients(b, [x]),
        TypeError,
        "gradients: the loss is <Tensor 'b' shape=(None, 3) dtype=bool>; expected a floating tensor. Use K.cast().",
    ),
    (
        lambda: K.gradients(K.max(x), [np.zeros(2)]),
        TypeError,
        "gradients: an array of shape (2,) and dtype float64 arrived among the variables; expected a symbolic tensor.",
    ),
    (
        lambda: K.function(x, [x]),
        TypeError,
        "function: inputs is <Tensor 'x' shape=(None, 3) dtype=float32>; expected a list or a tuple.",
    ),
    (
        lambda: K.function([x], x),
        TypeError,
        "function: outputs is <Tensor 'x' shape=(None, 3) dtype=float32>; expected a list or a tuple.",
    ),
    (
        lambda: K.function([x], [x], updates=3),
        TypeError,
        "function: updates is 3; expected a list or a tuple.",
    ),
    (
        lambda: K.function([x], [x], updates=[3]),
        TypeError,
        "function: an update is 3; expected a pair of a variable and a tensor.",
    ),
    (
        lambda: K.function([x], [x], wait=3),
        ValueError,
        "function: the argument wait=3 arrived; expected learning_phase, name or freeze.",
    ),
    (
        lambda: K.function([x, 1], [x]),
        TypeError,
        "function: an input is 1; expected a symbolic tensor.",
    ),
    (
        lambda: K.function([x], [x])(3),
        TypeError,
        "function 'function': received 'int' inputs; expected a list of 1 arrays.",
    ),
    (
        lambda: K.function([x], [x])([]),
        ValueError,
        "function 'function': received 0 inputs; expected a list of 1 arrays.",
    ),
    (
        lambda: K.function([x], [x])([np.zeros((2, 4))]),
        ValueError,
        "function 'function': input 'x' received an array of shape (2, 4); expected (None, 3).",
    ),
    (
        lambda: K.function([x], [x])([["a"]]),
        ValueError,
        "function 'function': input 'x' received values of dtype <U1; expected float32.",
    ),
    (
        lambda: K.function([], [x * 2.0])([]),
        ValueError,
        "function 'function': the outputs depend on <Tensor 'x' shape=(None, 3) dtype=float32>, which is not fed; "
        "expected it among the inputs.",
    ),
    (
        lambda: K.name_scope(None, None, [x]).__enter__(),
        ValueError,
        "name_scope: neither name nor default_name arrived; expected one of them.",
    ),
    (
        lambda: K.get_session(),
        NotImplementedError,
        "get_session: a TensorFlow session was asked for; expected no use of sessions. Use K.function(), "
        "K.eval(), K.get_value() and K.set_value().",
    ),
    (
        lambda: K.set_session(None),
        NotImplementedError,
        "set_session: None arrived; expected no use of sessions. Drop the call: ONNX Runtime's sessions are made "
        "and kept by each K.function().",
    ),
    (
        lambda: bool(x),
        TypeError,
        "<Tensor 'x' shape=(None, 3) dtype=float32> is symbolic and has no truth value while the graph is "
        "recorded. Use K.switch() to choose by a tensor, or `is None` to test for presence.",
    ),
    (
        lambda: iter(x),
        TypeError,
        "<Tensor 'x' shape=(None, 3) dtype=float32> cannot be iterated: its first axis has no known size.",
    ),
    (
        lambda: len(x),
        TypeError,
        "<Tensor 'x' shape=(None, 3) dtype=float32> is symbolic and has no len(). Use K.shape() or K.int_shape().",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), ROWS, ids=[message.partition(":")[0] for _, _, message in ROWS])
def test_an_error_says(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == message
