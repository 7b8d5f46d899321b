"""Ready-made networks: their sizes, what they take, weights by path and by download, images and classes."""

import hashlib
import json

import numpy as np
import pytest

from onnxseq import applications, layers, models
from onnxseq.applications import building, images
from tests.layer_check import drawn

Depthwise = applications.mobilenet.DepthwiseConv2D

# Without the top: parameters, layers and channels, as published.
SIZES = {
    "VGG16": (14714688, 19, 512),
    "VGG19": (20024384, 22, 512),
    "ResNet50": (23587712, 174, 2048),
    "InceptionV3": (21802784, 311, 2048),
    "Xception": (20861480, 132, 2048),
    "MobileNet": (3228864, 82, 1024),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    model = getattr(applications, name)(weights=None, include_top=False)
    parameters, num_layers, channels = SIZES[name]
    assert (model.count_params(), len(model.layers)) == (parameters, num_layers)
    assert model.input_shape == (None, None, None, 3) and model.output_shape == (None, None, None, channels)


def small(**options):
    given = {"weights": None, "alpha": 0.25, "input_shape": (32, 32, 3), "classes": 4, **options}
    return applications.MobileNet(**given)


def test_trains_and_goes_on_from_its_file(tmp_path):
    model = small(dropout=0.0)
    model.compile("sgd", "categorical_crossentropy")
    x, y = drawn(4, 32, 32, 3), np.eye(4, dtype="float32")
    before = model.train_on_batch(x, y)
    assert np.isfinite(before) and model.train_on_batch(x, y) != before
    model.save(tmp_path / "model.h5")
    loaded = models.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_weights_by_path(tmp_path):
    path = str(tmp_path / "weights.h5")
    model = small()
    model.save_weights(path)
    again = small(weights=path)
    for found, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_published_weights_are_fetched_and_checked(tmp_path, monkeypatch):
    """The download is of a small file of this machine; the addresses in the package are those of the publisher."""
    path = tmp_path / "v0" / "published.h5"
    path.parent.mkdir()
    model = small()
    model.save_weights(str(path))
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(building, "RELEASES", tmp_path.as_uri())
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    other = small()
    building.load_weights(other, "imagenet", True, [("v0", "published.h5", digest), None])
    for found, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    (tmp_path / "home" / ".keras" / "models" / "published.h5").unlink()
    with pytest.raises(ValueError):
        building.load_weights(other, "imagenet", True, [("v0", "published.h5", "0" * 32), None])


def test_begins_at_a_tensor_of_the_users():
    tensor = layers.Input((32, 40, 3))
    model = small(input_tensor=tensor, input_shape=None, include_top=False, pooling="max")
    assert model.input is tensor and model.output_shape == (None, 256)


def test_images_less_the_means():
    x = np.arange(24.0).reshape(1, 2, 4, 3)
    expected = x[..., ::-1] - np.array(images.MEANS)
    np.testing.assert_allclose(applications.vgg16.preprocess_input(x.copy()), expected)
    np.testing.assert_allclose(applications.vgg19.preprocess_input(x.astype(int)), expected, rtol=1e-5)
    first = np.moveaxis(x, -1, 1).copy()
    found = applications.resnet50.preprocess_input(first, data_format="channels_first")
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected)
    np.testing.assert_allclose(applications.vgg16.preprocess_input(x[0].copy()), expected[0])


def test_images_from_minus_one_to_one():
    for kind in (applications.inception_v3, applications.xception, applications.mobilenet):
        x = np.array([[0.0, 127.5, 255.0]])
        found = kind.preprocess_input(x)
        np.testing.assert_allclose(found, [[-1.0, 0.0, 1.0]])
        assert found is x


def test_classes_by_name(tmp_path, monkeypatch):
    index = tmp_path / "index.json"
    index.write_text(json.dumps({str(number): [f"n{number:08d}", f"kind_{number}"] for number in range(1000)}))
    monkeypatch.setattr(images, "CLASS_INDEX", index.as_uri())
    monkeypatch.setattr(images, "CLASS_INDEX_HASH", hashlib.md5(index.read_bytes(), usedforsecurity=False).hexdigest())
    monkeypatch.setenv("HOME", str(tmp_path))
    scores = np.zeros((2, 1000))
    scores[0, [7, 3, 9]], scores[1, 999] = [0.5, 0.3, 0.2], 1.0
    found = applications.vgg16.decode_predictions(scores, top=3)
    assert found[0] == [("n00000007", "kind_7", 0.5), ("n00000003", "kind_3", 0.3), ("n00000009", "kind_9", 0.2)]
    assert found[1][0] == ("n00000999", "kind_999", 1.0) and len(found[1]) == 3


MESSAGES = [
    (lambda: applications.VGG16(weights="none"),
     "VGG16: weights='none'; expected None, 'imagenet' or the path of a file of weights."),
    (lambda: applications.VGG19(classes=10),
     "VGG19: weights='imagenet' and classes=10; expected 1000 classes. Take include_top=False and put a Dense of your "
     "own on top."),
    (lambda: applications.ResNet50(weights=None, input_shape=(196, 300, 3)),
     "ResNet50: input_shape=(196, 300, 3); expected 197 rows and columns at least."),
    (lambda: applications.VGG16(weights=None, input_shape=(None, None, 3)),
     "VGG16: input_shape=(None, None, 3); expected known sizes, since include_top=True. Give include_top=False."),
    (lambda: applications.VGG16(input_shape=(64, 64, 3)),
     "VGG16: input_shape=(64, 64, 3); expected (224, 224, 3), which the weights of ImageNet are for. Give "
     "include_top=False or weights=None."),
    (lambda: applications.Xception(include_top=False, input_shape=(80, 80, 4)),
     "Xception: input_shape=(80, 80, 4); expected 3 channels, which the weights of ImageNet are for. Give "
     "include_top=False or weights=None."),
    (lambda: applications.InceptionV3(weights=None, input_shape=(200, 200)),
     "InceptionV3: input_shape=(200, 200); expected three sizes, such as (299, 299, 3)."),
    (lambda: applications.MobileNet(alpha=0.3),
     "MobileNet: weights='imagenet', alpha=0.3 and depth_multiplier=1; expected an alpha of 0.25, 0.5, 0.75, 1.0 and a "
     "depth_multiplier of 1. Take weights=None."),
    (lambda: applications.MobileNet(input_shape=(100, 100, 3)),
     "MobileNet: weights='imagenet' and input_shape=(100, 100, 3); expected as many rows as columns, 128, 160, 192, "
     "224. Take weights=None."),
    (lambda: Depthwise(3, depth_multiplier=0, name="d"),
     "DepthwiseConv2D 'd': depth_multiplier=0; expected an integer of 1 or more."),
    (lambda: applications.vgg16.decode_predictions(np.zeros((2, 10))),
     "decode_predictions: an array of shape (2, 10); expected (batch, 1000). Use what predict() of a network with "
     "include_top=True and 1000 classes returns."),
    (lambda: applications.vgg16.preprocess_input([1.0]),
     "preprocess_input: [1.0]; expected an array of images. Use np.array() of it."),
    (lambda: applications.vgg16.preprocess_input(np.zeros((2, 2, 3)), data_format="middle"),
     "preprocess_input: data_format='middle'; expected 'channels_last' or 'channels_first'."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "message"), MESSAGES)
def test_message(act, message):
    with pytest.raises(ValueError) as error:
        act()
    assert str(error.value) == message
