"""Pictures: each transform against a plain loop, draws in their order, iterators, files, and a training on digits."""

import threading

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.callbacks import Callback
from onnxseq.datasets import digits
from onnxseq.layers import Conv2D, Dense, Flatten, MaxPooling2D
from onnxseq.models import Sequential
from onnxseq.optimizers import Adam
from onnxseq.preprocessing import image
from onnxseq.preprocessing.image import pictures, transforms

X = np.random.RandomState(0).uniform(0, 255, (6, 7, 5, 3)).astype("float32")


def texts(error):
    return error.value.args[0]


def plain(x, matrix, outside):
    """A picture read through a matrix, pixel by pixel; `outside(index, size)` says what stands for a far index."""
    out = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            at = matrix[:2] @ (i, j, 1)
            found = [outside(place, size) for place, size in zip(at, x.shape, strict=False)]
            out[i, j] = 9 if None in found else x[tuple(found)]
    return out


def nearest(at, size):
    return int(np.floor(np.clip(at, 0, size - 1) + 0.5))


def constant(at, size):
    return None if at < 0 or at > size - 1 else int(np.floor(at + 0.5))


def mirror(at, size):
    at = abs(at) % (2 * size - 2)
    return int(np.floor(min(at, 2 * size - 2 - at) + 0.5))


MATRICES = {
    "identity": np.eye(3),
    "shift": transforms.shift(1.3, -2.2),
    "turn": transforms.centre(transforms.rotation(0.7), 7, 5),
    "all": transforms.centre(transforms.rotation(-2) @ transforms.shear(0.4) @ transforms.zoom(1.7, 0.6), 7, 5),
}


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("mode", [nearest, constant, mirror], ids=lambda mode: mode.__name__)
def test_apply_transform(name, mode):
    found = image.apply_transform(X[0], MATRICES[name], channel_axis=2, fill_mode=mode.__name__, cval=9)
    np.testing.assert_array_equal(found, plain(X[0], MATRICES[name], mode))
    assert found.dtype == "float32"
    first = image.apply_transform(X[0].transpose(2, 0, 1), MATRICES[name], 0, mode.__name__, 9)
    np.testing.assert_array_equal(first.transpose(1, 2, 0), found)


@pytest.mark.parametrize("mode", transforms.FILL_MODES)
def test_far_away_and_one_pixel(mode):
    far = image.apply_transform(X[0], transforms.shift(1000.5, -777.2), 2, mode)
    assert far.shape == X[0].shape and np.isfinite(far).all()
    one = image.apply_transform(np.full((1, 1, 1), 4.0), transforms.shift(-0.4, 0.4), 2, mode, cval=4.0)
    assert one.tolist() == [[[4.0]]]


def test_whole_shifts_reflect_and_wrap():
    row = np.arange(4.0).reshape(1, 4, 1)
    assert image.apply_transform(row, transforms.shift(0, 2), 2, "reflect").ravel().tolist() == [2, 3, 3, 2]
    assert image.apply_transform(row, transforms.shift(0, -2), 2, "reflect").ravel().tolist() == [1, 0, 0, 1]
    assert image.apply_transform(row, transforms.shift(0, 2), 2, "wrap").ravel().tolist() == [2, 3, 1, 2]


DRAWS = [  # options, what NumPy's generator is asked for, in its order
    ({}, []),
    ({"zoom_range": 0.0, "horizontal_flip": True}, [("random", ())]),
    (
        {"rotation_range": 20.0, "width_shift_range": 0.2, "height_shift_range": 0.1, "shear_range": 0.3,
         "zoom_range": [0.5, 1.5], "channel_shift_range": 10.0, "horizontal_flip": True, "vertical_flip": True},
        [("uniform", (-20.0, 20.0)), ("uniform", (-0.1, 0.1)), ("uniform", (-0.2, 0.2)), ("uniform", (-0.3, 0.3)),
         ("uniform", (0.5, 1.5, 2)), *[("uniform", (-10.0, 10.0))] * 3, ("random", ()), ("random", ())],
    ),
]  # fmt: skip


@pytest.mark.parametrize("options, draws", DRAWS, ids=["none", "flip", "all"])
def test_draws(options, draws):
    generator = image.ImageDataGenerator(**options)
    generator.random_transform(X[0], seed=4)
    after = np.random.random()
    np.random.seed(4)
    for name, arguments in draws:
        getattr(np.random, name)(*arguments)
    assert np.random.random() == after


def test_a_transform_leaves_the_data_alone():
    given = X.copy()
    generator = image.ImageDataGenerator(rescale=0.5, rotation_range=40, channel_shift_range=9, samplewise_center=True)
    generator.fit(given, augment=True)
    next(generator.flow(given, batch_size=6))
    np.testing.assert_array_equal(given, X)


def test_fit_whitens():
    x = np.random.RandomState(1).normal(size=(400, 2, 2, 1)) @ np.ones((1, 1)) + np.arange(4).reshape(2, 2, 1)
    generator = image.ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x)
    white = np.stack([generator.standardize(picture).ravel() for picture in x.astype("float32")])
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(4), atol=1e-3)


def test_threads_share_a_flow():
    flow = image.ImageDataGenerator(horizontal_flip=True).flow(X, np.arange(6), batch_size=2)
    labels = []

    def take():
        for _ in range(30):
            labels.extend(next(flow)[1].tolist())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(labels) == sorted(list(range(6)) * 40)


def test_directory(tmp_path, capsys):
    for name, number in (("b", 2), ("a", 3)):
        (tmp_path / name / "deep").mkdir(parents=True)
        for i in range(number):
            place = tmp_path / name / ("deep" if i else "") / f"{i}.PNG"
            image.array_to_img(np.full((4, 6, 3), 50 * i), scale=False).save(place)
    flow = image.ImageDataGenerator().flow_from_directory(str(tmp_path), target_size=(4, 6), shuffle=False)
    assert capsys.readouterr().out == "Found 5 images belonging to 2 classes.\n"
    assert [name.replace("\\", "/") for name in flow.filenames] == [
        "a/0.PNG", "a/deep/1.PNG", "a/deep/2.PNG", "b/0.PNG", "b/deep/1.PNG"]
    x, y = next(flow)
    assert x[:, 0, 0, 0].tolist() == [0, 50, 100, 0, 50]
    assert y.tolist() == [[1, 0]] * 3 + [[0, 1]] * 2
    assert flow.class_indices == {"a": 0, "b": 1}
    (tmp_path / "none").mkdir()
    empty = image.ImageDataGenerator().flow_from_directory(str(tmp_path / "none"))
    with pytest.raises(ValueError) as error:
        next(empty)
    assert texts(error) == (
        f"DirectoryIterator: no picture was found in {str(tmp_path / 'none')!r}; expected folders of classes that hold "
        "files ending in .png, .jpg, .jpeg, .bmp."
    )


ERRORS = [
    (lambda: image.apply_transform(X[0], np.eye(3), 2, "bad"), RuntimeError, "apply_transform: fill_mode is 'bad'; "
     "expected one of 'nearest', 'constant', 'reflect', 'wrap', 'mirror'."),
    (lambda: image.random_zoom(X[0], 0.5), TypeError, "random_zoom: zoom_range is 0.5; expected a pair of numbers."),
    (lambda: image.random_zoom(X[0], [1]), ValueError, "random_zoom: zoom_range is [1]; expected a pair of numbers."),
    (lambda: image.ImageDataGenerator(zoom_range=[1, 2, 3]), ValueError,
     "ImageDataGenerator: zoom_range is [1, 2, 3]; expected a number or a pair of numbers."),
    (lambda: image.ImageDataGenerator(data_format="x"), ValueError, "ImageDataGenerator: data_format is 'x'; expected "
     "'channels_last', 'channels_first' or None."),
    (lambda: image.ImageDataGenerator().fit(X[0]), ValueError, "ImageDataGenerator.fit: x has shape (7, 5, 3); "
     "expected four axes, of which the first are the samples."),
    (lambda: image.ImageDataGenerator().flow(X, [1]), ValueError,
     "NumpyArrayIterator: 6 pictures and 1 labels; expected one label for each picture."),
    (lambda: image.array_to_img(X[0, 0]), ValueError,
     "array_to_img: x has shape (5, 3); expected three axes, of which one is channels."),
    (lambda: image.array_to_img(np.zeros((2, 2, 4))), ValueError,
     "array_to_img: x has 4 channels; expected 1, a grey picture, or 3, a coloured one."),
    (lambda: image.img_to_array(np.zeros(3)), ValueError,
     "img_to_array: the picture has shape (3,); expected two or three axes."),
    (lambda: image.ImageDataGenerator().flow_from_directory(".", color_mode="x"), ValueError,
     "DirectoryIterator: color_mode is 'x'; expected 'rgb' or 'grayscale'."),
    (lambda: image.ImageDataGenerator().flow_from_directory(".", class_mode="x"), ValueError, "DirectoryIterator: "
     "class_mode is 'x'; expected one of 'categorical', 'binary', 'sparse', 'input', None."),
    (lambda: next(image.Iterator(3, 2, False, None)), NotImplementedError,
     "Iterator: next is not defined; expected a method that returns the next batch. Define it."),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=[message for *_, message in ERRORS])
def test_errors(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert texts(error) == message


WARNINGS = [
    (lambda: image.ImageDataGenerator(zca_whitening=True).standardize(X[0].copy()), "ImageDataGenerator: zca_whitening "
     "is set and fit() was not called; expected it to be called first. It is left out. Call fit(x)."),
    (lambda: image.ImageDataGenerator().flow(np.zeros((2, 4, 4, 5))), "NumpyArrayIterator: x has shape (2, 4, 4, 5), "
     "with 5 channels on axis 3 ('channels_last'); expected 1, 3 or 4. Check data_format."),
]  # fmt: skip


@pytest.mark.parametrize("call, message", WARNINGS, ids=["fit", "channels"])
def test_warnings(call, message):
    with pytest.warns(UserWarning) as found:
        call()
    assert [str(warning.message) for warning in found] == [message]


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(pictures.image.__dict__, "_module", "PIL.Nowhere")
    monkeypatch.delitem(pictures.image.__dict__, "_loaded", raising=False)
    with pytest.raises(ImportError) as error:
        image.array_to_img(X[0])
    assert texts(error) == (
        "preprocessing.image: the module 'PIL.Nowhere' cannot be imported (No module named 'PIL.Nowhere'); expected "
        "what the extra 'image' installs. Run: pip install \"onnxseq[image]\""
    )


class Watch(Callback):
    """Keeps the accuracies of validation."""

    def on_train_begin(self, logs=None):
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        self.found.append(logs["val_acc"])


def test_digits_are_learnt_from_a_generator():
    np.random.seed(3)
    (x, y), (x_test, y_test) = digits.load_data()
    x, x_test = x[..., np.newaxis], x_test[..., np.newaxis]
    generator = image.ImageDataGenerator(
        rotation_range=8, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.05, rescale=1 / 16
    )
    model = Sequential([
        Conv2D(16, 3, activation="relu", padding="same", input_shape=(8, 8, 1)),
        MaxPooling2D(),
        Flatten(),
        Dense(32, activation="relu"),
        Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(Adam(lr=0.004), "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = Watch()
    model.fit_generator(
        generator.flow(x, y[:, np.newaxis], batch_size=32), steps_per_epoch=45, epochs=8, verbose=0,
        validation_data=(x_test / 16, y_test[:, np.newaxis]), callbacks=[watch],
    )  # fmt: skip
    assert watch.found[-1] > 0.9, watch.found
    assert K.image_data_format() == "channels_last"
