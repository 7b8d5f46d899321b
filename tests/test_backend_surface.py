"""The documented surface of the backend: every name, with its arguments in their order and their defaults."""

import ast
import inspect

import pytest

from onnxseq import backend as K

# Names that are documented and not there yet.
MISSING = {"ctc_batch_cost", "ctc_decode", "ctc_label_dense_to_sparse", "foldl", "foldr", "map_fn", "rnn"}

DOCUMENTED = """
abs(x)
all(x, axis=None, keepdims=False)
any(x, axis=None, keepdims=False)
arange(start, stop=None, step=1, dtype='int32')
argmax(x, axis=-1)
argmin(x, axis=-1)
backend()
batch_dot(x, y, axes=None)
batch_flatten(x)
batch_get_value(tensors)
batch_normalization(x, mean, var, beta, gamma, epsilon=0.001)
batch_set_value(tuples)
bias_add(x, bias, data_format=None)
binary_crossentropy(target, output, from_logits=False)
cast(x, dtype)
cast_to_floatx(x)
categorical_crossentropy(target, output, from_logits=False)
clear_session()
clip(x, min_value, max_value)
concatenate(tensors, axis=-1)
constant(value, dtype=None, shape=None, name=None)
conv1d(x, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1)
conv2d(x, kernel, strides=[1, 1], padding='valid', data_format=None, dilation_rate=[1, 1])
conv2d_transpose(x, kernel, output_shape, strides=[1, 1], padding='valid', data_format=None)
conv3d(x, kernel, strides=[1, 1, 1], padding='valid', data_format=None, dilation_rate=[1, 1, 1])
cos(x)
count_params(x)
ctc_batch_cost(y_true, y_pred, input_length, label_length)
ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1)
ctc_label_dense_to_sparse(labels, label_lengths)
dot(x, y)
dropout(x, level, noise_shape=None, seed=None)
dtype(x)
elu(x, alpha=1.0)
epsilon()
equal(x, y)
eval(x)
exp(x)
expand_dims(x, axis=-1)
eye(size, dtype=None, name=None)
flatten(x)
floatx()
foldl(fn, elems, initializer=None, name=None)
foldr(fn, elems, initializer=None, name=None)
function(inputs, outputs, updates=None, **kwargs)
gather(reference, indices)
get_session()
get_uid(prefix='')
get_value(x)
gradients(loss, variables)
greater(x, y)
greater_equal(x, y)
hard_sigmoid(x)
image_data_format()
in_test_phase(x, alt, training=None)
in_top_k(predictions, targets, k)
in_train_phase(x, alt, training=None)
int_shape(x)
is_sparse(tensor)
l2_normalize(x, axis=None)
learning_phase()
less(x, y)
less_equal(x, y)
log(x)
manual_variable_initialization(value)
map_fn(fn, elems, name=None, dtype=None)
max(x, axis=None, keepdims=False)
maximum(x, y)
mean(x, axis=None, keepdims=False)
min(x, axis=None, keepdims=False)
minimum(x, y)
moving_average_update(x, value, momentum)
name_scope(name, default_name=None, values=None)
ndim(x)
normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=0.001)
not_equal(x, y)
one_hot(indices, num_classes)
ones(shape, dtype=None, name=None)
ones_like(x, dtype=None, name=None)
permute_dimensions(x, pattern)
placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None)
pool2d(x, pool_size, strides=[1, 1], padding='valid', data_format=None, pool_mode='max')
pool3d(x, pool_size, strides=[1, 1, 1], padding='valid', data_format=None, pool_mode='max')
pow(x, a)
print_tensor(x, message='')
prod(x, axis=None, keepdims=False)
random_binomial(shape, p=0.0, dtype=None, seed=None)
random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None)
random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None)
random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None)
random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None)
relu(x, alpha=0.0, max_value=None)
repeat(x, n)
repeat_elements(x, rep, axis)
reset_uids()
reshape(x, shape)
resize_images(x, height_factor, width_factor, data_format)
resize_volumes(x, depth_factor, height_factor, width_factor, data_format)
reverse(x, axes)
rnn(step_function, inputs, initial_states, go_backwards=False, mask=None, constants=None, unroll=False)
round(x)
separable_conv2d(x, depthwise_kernel, pointwise_kernel, strides=[1, 1], padding='valid', data_format=None,
    dilation_rate=[1, 1])
set_epsilon(value)
set_floatx(value)
set_image_data_format(data_format)
set_learning_phase(value)
set_session(session)
set_value(x, value)
shape(x)
sigmoid(x)
sign(x)
sin(x)
softmax(x)
softplus(x)
softsign(x)
sparse_categorical_crossentropy(target, output, from_logits=False)
spatial_2d_padding(x, padding=[[1, 1], [1, 1]], data_format=None)
spatial_3d_padding(x, padding=[[1, 1], [1, 1], [1, 1]], data_format=None)
sqrt(x)
square(x)
squeeze(x, axis)
stack(x, axis=0)
std(x, axis=None, keepdims=False)
stop_gradient(variables)
sum(x, axis=None, keepdims=False)
switch(condition, then_expression, else_expression)
tanh(x)
temporal_padding(x, padding=[1, 1])
to_dense(tensor)
transpose(x)
truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None)
update(x, new_x)
update_add(x, increment)
update_sub(x, decrement)
var(x, axis=None, keepdims=False)
variable(value, dtype=None, name=None, constraint=None)
zeros(shape, dtype=None, name=None)
zeros_like(x, dtype=None, name=None)
"""


def documented(line):
    """Return the name, the arguments with their defaults, and whether more keywords are taken."""
    stated = ast.parse(f"def {line}: pass").body[0]
    names = [argument.arg for argument in stated.args.args]
    defaults = [ast.literal_eval(value) for value in stated.args.defaults]
    without = len(names) - len(defaults)
    pairs = [(name, defaults[i - without] if i >= without else inspect.Parameter.empty) for i, name in enumerate(names)]
    return stated.name, pairs, stated.args.kwarg is not None


def as_lists(value):
    return [as_lists(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("line", DOCUMENTED.replace("\n    ", " ").split("\n")[1:-1])
def test_a_name_is_as_documented(line):
    name, pairs, takes_more = documented(line)
    if name in MISSING:
        assert not hasattr(K, name)
        return
    parameters = list(inspect.signature(getattr(K, name)).parameters.values())
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [(p.name, as_lists(p.default)) for p in positional[: len(pairs)]] == pairs
    assert all(p.default is not p.empty for p in positional[len(pairs) :])
    assert takes_more == any(p.kind is p.VAR_KEYWORD for p in parameters)


def test_every_public_name_says_what_it_does():
    assert [name for name in K.__all__ if not (getattr(K, name).__doc__ or "").strip()] == []
