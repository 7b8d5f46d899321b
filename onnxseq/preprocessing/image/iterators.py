"""Iterators without end over batches of pictures: from arrays, and from a folder's folders."""

import os
import threading
import warnings

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.preprocessing.image.pictures import array_to_img, img_to_array, load_img, resolve

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
CLASS_MODES = ("categorical", "binary", "sparse", "input", None)


class Iterator:
    """Base of iterators over the batches of a data set, again and again; threads may share one.

    Arguments:
        n: Number of samples.
        batch_size: Samples per batch; the last batch of a round has what is left.
        shuffle: Whether to draw a new order for each round.
        seed: Seeds NumPy's global generator before each batch with itself plus the number of batches so far; None
            seeds nothing.
    """

    def __init__(self, n, batch_size, shuffle, seed):
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_generator = self._flow_index(n, batch_size, shuffle, seed)

    def reset(self):
        """Begin a new round."""
        self.batch_index = 0

    def _flow_index(self, n, batch_size=32, shuffle=False, seed=None):
        """Yield for each batch the samples' indices, where it begins in the round, and its size."""
        self.reset()
        order = np.arange(n)
        while True:
            if seed is not None:
                np.random.seed(seed + self.total_batches_seen)
            if self.batch_index == 0:
                order = np.random.permutation(n) if shuffle else np.arange(n)
            start = self.batch_index * batch_size % n
            size = min(batch_size, n - start)
            self.batch_index = self.batch_index + 1 if n > start + batch_size else 0
            self.total_batches_seen += 1
            yield order[start : start + size], start, size

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    def next(self):
        """Return the next batch."""
        raise NotImplementedError(
            text(type(self).__name__, "next is not defined", "a method that returns the next batch", "Define it.")
        )

    def _save(self, pictures, indices):
        """Write pictures into the folder of `save_to_dir`, if there is one."""
        if self.save_to_dir:
            for picture, index in zip(pictures, indices, strict=True):
                number = np.random.randint(10000)
                name = f"{self.save_prefix}_{index}_{number}.{self.save_format}"
                array_to_img(picture, self.data_format).save(os.path.join(self.save_to_dir, name))


class NumpyArrayIterator(Iterator):
    """Batches of pictures of an array.

    Arguments:
        x: The pictures, of rank 4.
        y: One label for each, or None.
        image_data_generator: The ImageDataGenerator that transforms and standardizes them.
        batch_size, shuffle, seed: As Iterator takes them.
        data_format: Order of the axes; the default one for None.
        save_to_dir: Folder to write the pictures to that are handed out, or None.
        save_prefix, save_format: What their names begin with, and their suffix.

    Raises:
        ValueError: Another rank, or another number of labels.
    """

    def __init__(
        self,
        x,
        y,
        image_data_generator,
        batch_size=32,
        shuffle=False,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
    ):
        who = "NumpyArrayIterator"
        self.data_format = resolve(who, data_format)
        if y is not None and len(x) != len(y):
            raise ValueError(text(who, f"{len(x)} pictures and {len(y)} labels", "one label for each picture"))
        self.x = np.asarray(x, dtype=K.floatx())
        self.y = None if y is None else np.asarray(y)
        check_pictures(who, self.x, self.data_format)
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        super().__init__(self.x.shape[0], batch_size, shuffle, seed)

    def next(self):
        """Return the next batch: the pictures, or a tuple of them and their labels."""
        with self.lock:
            index, start, size = next(self.index_generator)
        pictures = np.zeros((size, *self.x.shape[1:]), dtype=K.floatx())
        for place, sample in enumerate(index):
            picture = self.image_data_generator.random_transform(self.x[sample].astype(K.floatx()))
            pictures[place] = self.image_data_generator.standardize(picture)
        self._save(pictures, range(start, start + size))
        return pictures if self.y is None else (pictures, self.y[index])


def check_pictures(who, x, data_format):
    """ValueError for an array that is not of rank 4; a warning where its channels are not 1, 3 or 4."""
    if x.ndim != 4:
        raise ValueError(text(who, f"x has shape {x.shape}", "four axes, of which the first are the samples"))
    axis = 1 if data_format == "channels_first" else 3
    if x.shape[axis] not in (1, 3, 4):
        warnings.warn(
            f"{who}: x has shape {x.shape}, with {x.shape[axis]} channels on axis {axis} ({data_format!r}); expected "
            "1, 3 or 4. Check data_format.",
            stacklevel=4,
        )


class DirectoryIterator(Iterator):
    """Batches of pictures in a folder, each in the folder of its class.

    Files are taken in the order of their names, at any depth, where they end in .png, .jpg, .jpeg or .bmp.

    Arguments:
        directory: The folder.
        image_data_generator: The ImageDataGenerator that transforms and standardizes them.
        target_size: (rows, columns) to bring the pictures to.
        color_mode: 'rgb' or 'grayscale'.
        classes: Names of the folders to take, in the order of their numbers; all in the order of names for None.
        class_mode: What is handed out beside the pictures: 'categorical' rows of zeros with a one, 'binary' numbers of
            classes as floats, 'sparse' as integers, 'input' the pictures themselves, None nothing.
        batch_size, shuffle, seed: As Iterator takes them.
        data_format, save_to_dir, save_prefix, save_format: As NumpyArrayIterator takes them.
        follow_links: Whether to go on into folders that are symbolic links.

    Raises:
        ImportError: When a batch is asked for: Pillow is not installed.
        OSError: There is no such folder.
        ValueError: An option is unknown.
    """

    def __init__(
        self,
        directory,
        image_data_generator,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        follow_links=False,
    ):
        who = "DirectoryIterator"
        if color_mode not in ("rgb", "grayscale"):
            raise ValueError(text(who, f"color_mode is {describe(color_mode)}", "'rgb' or 'grayscale'"))
        if class_mode not in CLASS_MODES:
            known = ", ".join(map(repr, CLASS_MODES))
            raise ValueError(text(who, f"class_mode is {describe(class_mode)}", f"one of {known}"))
        self.directory = directory
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.color_mode = color_mode
        self.class_mode = class_mode
        self.data_format = resolve(who, data_format)
        channels = (3 if color_mode == "rgb" else 1,)
        first = self.data_format == "channels_first"
        self.image_shape = channels + self.target_size if first else self.target_size + channels
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format

        if not classes:
            classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        self.num_class = len(classes)
        self.class_indices = {name: number for number, name in enumerate(classes)}
        self.filenames, numbers = [], []
        for number, name in enumerate(classes):
            found = list(_pictures_below(directory, name, follow_links))
            self.filenames += found
            numbers += [number] * len(found)
        self.classes = np.array(numbers, dtype="int32")
        self.samples = len(self.filenames)
        print(f"Found {self.samples} images belonging to {self.num_class} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def next(self):
        """Return the next batch: the pictures, or a tuple of them and what `class_mode` says.

        Raises:
            ValueError: No picture was found.
        """
        if not self.samples:
            raise ValueError(
                text("DirectoryIterator", f"no picture was found in {self.directory!r}",
                     f"folders of classes that hold files ending in {', '.join(SUFFIXES)}")
            )  # fmt: skip
        with self.lock:
            index, start, size = next(self.index_generator)
        pictures = np.zeros((size, *self.image_shape), dtype=K.floatx())
        for place, sample in enumerate(index):
            picture = load_img(
                os.path.join(self.directory, self.filenames[sample]),
                grayscale=self.color_mode == "grayscale",
                target_size=self.target_size,
            )
            x = np.array(img_to_array(picture, self.data_format))
            x = self.image_data_generator.random_transform(x)
            pictures[place] = self.image_data_generator.standardize(x)
        self._save(pictures, range(start, start + size))
        if self.class_mode is None:
            return pictures
        return pictures, self._labels(pictures, index)

    def _labels(self, pictures, index):
        if self.class_mode == "input":
            return pictures.copy()
        numbers = self.classes[index]
        if self.class_mode == "sparse":
            return numbers
        if self.class_mode == "binary":
            return numbers.astype(K.floatx())
        return np.eye(self.num_class, dtype=K.floatx())[numbers]


def _pictures_below(directory, name, follow_links):
    """Yield the pictures in a class's folder and below it, relative to the whole folder."""
    top = os.path.join(directory, name)
    for place, _, files in sorted(os.walk(top, followlinks=follow_links)):
        for file in sorted(files):
            if file.lower().endswith(SUFFIXES):
                yield os.path.join(name, os.path.relpath(os.path.join(place, file), top))
