"""Family `nodes`: names, shapes, masks and dtypes at every node of whole stacks, and the ranks that layers take."""

import numpy as np

from ..case import EXACT, as_text, register
from .helpers import sequential
from .page_properties import told

STACKS = (
    ("mlp", lambda L: [L.Dense(5, input_shape=(4,)), L.Activation("relu"), L.Dropout(0.5), L.Dense(2)]),
    ("batch_given", lambda L: [L.Dense(5, batch_input_shape=(7, 4)), L.BatchNormalization(), L.Dense(2)]),
    ("images", lambda L: [
        L.Conv2D(4, 3, input_shape=(12, 10, 3)), L.MaxPooling2D(), L.ZeroPadding2D(1), L.UpSampling2D((2, 1)),
        L.AveragePooling2D((3, 2), strides=2, padding="same"), L.Flatten(), L.Dense(2)]),
    ("images_of_any_size", lambda L: [
        L.Conv2D(4, 3, input_shape=(None, None, 3)), L.MaxPooling2D(), L.UpSampling2D(), L.GlobalMaxPooling2D()]),
    ("images_same", lambda L: [
        L.Conv2D(4, 3, strides=2, padding="same", input_shape=(11, 7, 3)),
        L.Conv2D(4, (2, 3), dilation_rate=2, padding="same"), L.GlobalAveragePooling2D()]),
    ("channels_first", lambda L: [
        L.MaxPooling2D(2, data_format="channels_first", input_shape=(3, 8, 9)),
        L.ZeroPadding2D(1, data_format="channels_first"), L.UpSampling2D(2, data_format="channels_first"),
        L.GlobalMaxPooling2D(data_format="channels_first")]),
    ("sequences", lambda L: [
        L.Embedding(9, 4, input_length=12), L.Conv1D(5, 3), L.MaxPooling1D(), L.AveragePooling1D(2, padding="same"),
        L.UpSampling1D(3), L.ZeroPadding1D((1, 2)), L.GlobalMaxPooling1D(), L.Dense(2)]),
    ("sequences_of_any_length", lambda L: [
        L.Embedding(9, 4), L.Conv1D(5, 3, strides=2), L.MaxPooling1D(), L.UpSampling1D(), L.GlobalAveragePooling1D()]),
    ("reshaping", lambda L: [
        L.Reshape((3, 8), input_shape=(24,)), L.Permute((2, 1)), L.Reshape((-1, 6)), L.Flatten(), L.RepeatVector(3)]),
    ("reshaping_any_length", lambda L: [
        L.Permute((2, 1), input_shape=(None, 3)), L.Permute((2, 1)), L.Lambda(lambda x: x * 2.0)]),
    ("dense_on_ranks", lambda L: [L.Dense(5, input_shape=(2, 3, 4)), L.Dense(2), L.BatchNormalization(axis=1)]),
    ("masked", lambda L: [
        L.Embedding(9, 4, mask_zero=True, input_length=5), L.Activation("relu"), L.Dense(3),
        L.ActivityRegularization(0.1)]),
    ("masked_by_value", lambda L: [L.Masking(0.5, input_shape=(5, 3)), L.Dense(4), L.Activation("tanh"), L.Dense(2)]),
    ("mask_ends", lambda L: [
        L.Embedding(9, 4, mask_zero=True, input_length=5), L.Lambda(lambda x: x[:, 0]), L.Dense(2)]),
    ("from_input_layer", lambda L: [L.InputLayer(input_shape=(6,), name="start"), L.Dense(3), L.Dense(2)]),
)  # fmt: skip


def _stack(make):
    def function(keras, random):
        K = keras.backend
        model = sequential(keras, make(keras.layers))
        model.build()
        return {
            "names": as_text([layer.name for layer in model.layers]),
            "classes": as_text([type(layer).__name__ for layer in model.layers]),
            "input_shapes": told(lambda: [layer.input_shape for layer in model.layers]),
            "output_shapes": told(lambda: [layer.output_shape for layer in model.layers]),
            "at_node_0": told(
                lambda: [[layer.get_input_shape_at(0), layer.get_output_shape_at(0)] for layer in model.layers]
            ),
            "tensors": as_text([K.int_shape(layer.get_output_at(0)) for layer in model.layers]),
            "types": as_text([K.dtype(layer.get_output_at(0)) for layer in model.layers]),
            "masks": told(lambda: [layer.get_output_mask_at(0) is not None for layer in model.layers]),
            "parameters": as_text([int(layer.count_params()) for layer in model.layers]),
            "model": as_text([model.input_shape, model.output_shape, model.name, model.input_names]),
            "linked": as_text(
                [
                    later.get_input_at(0) is earlier.get_output_at(0)
                    for earlier, later in zip(model.layers, model.layers[1:])
                ]
            ),
        }

    return function


for _label, _make in STACKS:
    register("nodes/" + _label, _stack(_make), EXACT)


def _mask_values(make, x):
    """The mask behind each layer, as numbers."""

    def function(keras, random):
        K = keras.backend
        model = sequential(keras, make(keras.layers))
        fields = {}
        for index, layer in enumerate(model.layers):
            mask = layer.get_output_mask_at(0)
            if mask is not None:
                fields["mask_{}".format(index)] = K.function([model.input], [K.cast(mask, "float32")])([x])[0]
        return dict(fields, number=len(fields))

    return function


WORDS = np.array([[1, 0, 3, 0, 0], [0, 0, 0, 0, 0], [4, 5, 6, 7, 8]])
ROWS = np.where(np.arange(30).reshape(2, 5, 3) % 7 < 3, 0.5, 1.0).astype("float32")
for _label, _x in (("masked", WORDS), ("masked_by_value", ROWS), ("mask_ends", WORDS)):
    register("nodes/values_of_" + _label, _mask_values(dict(STACKS)[_label], _x), EXACT)


def _asks(make, shapes):
    """Which of the shapes a layer takes."""

    def function(keras, random):
        L, K = keras.layers, keras.backend
        return {
            "x".join(map(str, shape)): told(lambda s=shape: K.int_shape(make(L)(L.Input(shape=s)))) for shape in shapes
        }

    return function


SHAPES = ((6,), (6, 4), (6, 5, 4), (6, 5, 4, 3))
for _label, _make in (
    ("dense", lambda L: L.Dense(2)),
    ("flatten", lambda L: L.Flatten()),
    ("permute", lambda L: L.Permute((2, 1))),
    ("repeat_vector", lambda L: L.RepeatVector(2)),
    ("batch_normalization", lambda L: L.BatchNormalization()),
    ("conv1d", lambda L: L.Conv1D(2, 3)),
    ("conv2d", lambda L: L.Conv2D(2, 3)),
    ("max_pooling1d", lambda L: L.MaxPooling1D()),
    ("max_pooling2d", lambda L: L.MaxPooling2D()),
    ("average_pooling1d", lambda L: L.AveragePooling1D()),
    ("average_pooling2d", lambda L: L.AveragePooling2D()),
    ("global_max_pooling1d", lambda L: L.GlobalMaxPooling1D()),
    ("global_average_pooling2d", lambda L: L.GlobalAveragePooling2D()),
    ("zero_padding1d", lambda L: L.ZeroPadding1D()),
    ("zero_padding2d", lambda L: L.ZeroPadding2D()),
    ("up_sampling1d", lambda L: L.UpSampling1D()),
    ("up_sampling2d", lambda L: L.UpSampling2D()),
    ("dropout", lambda L: L.Dropout(0.5)),
    ("activation", lambda L: L.Activation("softmax")),
    ("masking", lambda L: L.Masking()),
    ("activity_regularization", lambda L: L.ActivityRegularization(0.1)),
):
    register("nodes/ranks_of_" + _label, _asks(_make, SHAPES), EXACT)
