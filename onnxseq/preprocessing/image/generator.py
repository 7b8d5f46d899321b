"""ImageDataGenerator: what is done to each picture on its way into a batch."""

import warnings

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.preprocessing.image import transforms
from onnxseq.preprocessing.image.iterators import DirectoryIterator, NumpyArrayIterator, check_pictures
from onnxseq.preprocessing.image.pictures import resolve


class ImageDataGenerator:
    """Batches of pictures, each transformed at random and then standardized.

    Transforms, in this order: rotation, shift, shear and zoom in one, the shift of channels, flips. Standardizing, in
    this order: `preprocessing_function`, `rescale`, by the picture's own numbers, by those of the data seen by `fit`.

    Arguments:
        featurewise_center: Subtract the channels' means over the data.
        samplewise_center: Subtract from each pixel the mean of its channels.
        featurewise_std_normalization: Divide by the channels' standard deviations over the data.
        samplewise_std_normalization: Divide each pixel by the standard deviation of its channels.
        zca_whitening: Make pixels uncorrelated over the data.
        zca_epsilon: Added to the variances there.
        rotation_range: Largest angle in degrees.
        width_shift_range, height_shift_range: Largest shifts, as shares of the width and of the height.
        shear_range: Largest angle of shearing in radians.
        zoom_range: The least and the largest factor, or z for 1 - z and 1 + z.
        channel_shift_range: Largest number added to a channel.
        fill_mode, cval: What lies beyond the edges, as random_rotation takes them.
        horizontal_flip, vertical_flip: Whether to turn every other picture around, at random.
        rescale: Factor of all values, or None.
        preprocessing_function: Function of a picture that returns one of its shape, or None.
        data_format: Order of the axes; the default one for None.

    Raises:
        ValueError: `data_format` or `zoom_range` is none of these.
    """

    def __init__(
        self,
        featurewise_center=False,
        samplewise_center=False,
        featurewise_std_normalization=False,
        samplewise_std_normalization=False,
        zca_whitening=False,
        zca_epsilon=1e-6,
        rotation_range=0.0,
        width_shift_range=0.0,
        height_shift_range=0.0,
        shear_range=0.0,
        zoom_range=0.0,
        channel_shift_range=0.0,
        fill_mode="nearest",
        cval=0.0,
        horizontal_flip=False,
        vertical_flip=False,
        rescale=None,
        preprocessing_function=None,
        data_format=None,
    ):
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = shear_range
        self.zoom_range = _zoom_range(zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = resolve("ImageDataGenerator", data_format)
        axes = (1, 2, 3) if self.data_format == "channels_first" else (3, 1, 2)
        self.channel_axis, self.row_axis, self.col_axis = axes
        self.mean = None
        self.std = None
        self.principal_components = None

    def flow(
        self,
        x,
        y=None,
        batch_size=32,
        shuffle=True,
        seed=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
    ):
        """Return an iterator without end over batches of pictures of an array, as NumpyArrayIterator says."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
        )

    def flow_from_directory(
        self,
        directory,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        follow_links=False,
    ):
        """Return an iterator without end over batches of pictures of a folder, as DirectoryIterator says."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
        )

    def random_transform(self, x, seed=None):
        """Return a picture transformed at random.

        Arguments:
            x: The picture, of rank 3.
            seed: Seeds NumPy's global generator first; None seeds nothing.
        """
        row_axis, col_axis, channel_axis = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        if seed is not None:
            np.random.seed(seed)
        matrix = self._draw_matrix(x.shape[row_axis], x.shape[col_axis])
        if matrix is not None:
            matrix = transforms.centre(matrix, x.shape[row_axis], x.shape[col_axis])
            x = transforms.apply_transform(x, matrix, channel_axis, self.fill_mode, self.cval)
        if self.channel_shift_range != 0:
            x = transforms.random_channel_shift(x, self.channel_shift_range, channel_axis)
        if self.horizontal_flip and np.random.random() < 0.5:
            x = transforms.flip_axis(x, col_axis)
        if self.vertical_flip and np.random.random() < 0.5:
            x = transforms.flip_axis(x, row_axis)
        return x

    def _draw_matrix(self, num_rows, num_columns):
        """Return the matrix of a random rotation, shift, shear and zoom, or None for one that changes nothing."""
        angle = down = right = slant = 0
        if self.rotation_range:
            angle = np.pi / 180 * np.random.uniform(-self.rotation_range, self.rotation_range)
        if self.height_shift_range:
            down = np.random.uniform(-self.height_shift_range, self.height_shift_range) * num_rows
        if self.width_shift_range:
            right = np.random.uniform(-self.width_shift_range, self.width_shift_range) * num_columns
        if self.shear_range:
            slant = np.random.uniform(-self.shear_range, self.shear_range)
        rows, columns = transforms.draw_zoom(self.zoom_range)
        parts = [
            transforms.rotation(angle) if angle else None,
            transforms.shift(down, right) if down or right else None,
            transforms.shear(slant) if slant else None,
            transforms.zoom(rows, columns) if rows != 1 or columns != 1 else None,
        ]
        matrix = None
        for part in parts:
            if part is not None:
                matrix = part if matrix is None else matrix @ part
        return matrix

    def standardize(self, x):
        """Return a picture standardized; an array of floats is changed in place where no function comes before.

        Warns where `fit` is needed and was not called; what needs it is left out then.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, axis=self.channel_axis - 1, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, axis=self.channel_axis - 1, keepdims=True) + 1e-7
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._fitted("featurewise_std_normalization", self.std):
            x /= self.std + 1e-7
        if self.zca_whitening and self._fitted("zca_whitening", self.principal_components):
            x = (x.reshape(-1, x.size) @ self.principal_components).reshape(x.shape)
        return x

    def _fitted(self, option, learnt):
        if learnt is None:
            warnings.warn(
                f"ImageDataGenerator: {option} is set and fit() was not called; expected it to be called first. "
                "It is left out. Call fit(x).",
                stacklevel=3,
            )
        return learnt is not None

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Learn what the options that go by the data need of it.

        Arguments:
            x: Pictures, of rank 4.
            augment: Whether to learn from pictures transformed at random.
            rounds: How many of each.
            seed: Seeds NumPy's global generator first; None seeds nothing.

        Raises:
            ValueError: The array has another rank.
        """
        x = np.array(x, dtype=K.floatx())
        check_pictures("ImageDataGenerator.fit", x, self.data_format)
        if seed is not None:
            np.random.seed(seed)
        if augment:
            x = np.stack([self.random_transform(picture) for _ in range(rounds) for picture in x])
        if self.featurewise_center:
            self.mean = self._over_pixels(np.mean, x)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = self._over_pixels(np.std, x)
            x /= self.std + K.epsilon()
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            directions, variances, _ = np.linalg.svd(flat.T @ flat / len(flat))
            scaled = directions * (1 / np.sqrt(variances + self.zca_epsilon))
            self.principal_components = scaled @ directions.T

    def _over_pixels(self, measure, x):
        """Return a number for each channel, in the shape of one picture with one pixel."""
        return measure(x, axis=(0, self.row_axis, self.col_axis), keepdims=True)[0]


def _zoom_range(zoom_range):
    if np.isscalar(zoom_range):
        return [1 - zoom_range, 1 + zoom_range]
    if len(zoom_range) != 2:
        raise ValueError(
            text("ImageDataGenerator", f"zoom_range is {describe(zoom_range)}", "a number or a pair of numbers")
        )
    return [zoom_range[0], zoom_range[1]]
