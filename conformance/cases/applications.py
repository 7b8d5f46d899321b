"""Family `applications`: layers, shapes and parameters of the ready-made networks; their inputs, outputs and errors."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case, outcome_of, register
from .helpers import normal, seed_weights

# The smallest input that each takes.
SMALLEST = (
    ("VGG16", "vgg16", 48),
    ("VGG19", "vgg19", 48),
    ("ResNet50", "resnet50", 197),
    ("InceptionV3", "inception_v3", 139),
    ("Xception", "xception", 71),
    ("MobileNet", "mobilenet", 32),
)


def _lines(model, layers):
    """A line for each layer: name, class, shape of the output, number of parameters."""
    return "\n".join(
        "{} {} {} {}".format(layer.name, type(layer).__name__, layer.output_shape, layer.count_params())
        for layer in layers
    )


def _facts(model):
    shapes = [value.shape for value in model.get_weights()]
    return as_text(
        {
            "name": model.name,
            "input": model.input_shape,
            "output": model.output_shape,
            "layers": len(model.layers),
            "parameters": int(model.count_params()),
            "trainable": int(sum(np.prod(keras_shape) for keras_shape in _sizes(model.trainable_weights))),
            "weights": len(shapes),
            "first": shapes[:3],
            "last": shapes[-3:],
        }
    )


def _sizes(weights):
    return [[int(size) for size in weight.get_shape().as_list()] for weight in weights]


def _built(label, kind, way, options, tail=None):
    def function(keras, random):
        model = getattr(keras.applications, kind)(weights=None, **options)
        return {"layers": _lines(model, model.layers[-tail:] if tail else model.layers), "facts": _facts(model)}

    register("applications/{}_{}".format(label, way), function, EXACT)


for _kind, _label, _side in SMALLEST:
    _shape = (_side, _side, 3)
    _built(_label, _kind, "without_top", {"include_top": False, "input_shape": _shape})
    _built(_label, _kind, "with_top", {"input_shape": _shape, "classes": 7}, tail=8)
    _built(_label, _kind, "pooling_of_any_size", {"include_top": False, "pooling": "avg"}, tail=3)
_built("vgg16", "VGG16", "pooling_max", {"include_top": False, "pooling": "max", "input_shape": (48, 60, 3)}, tail=2)
_built("mobilenet", "MobileNet", "alpha", {"include_top": False, "alpha": 0.25, "input_shape": (32, 64, 3)}, tail=9)
_built("mobilenet", "MobileNet", "top_alpha", {"alpha": 0.5, "dropout": 0.3, "classes": 5}, tail=9)
_built("mobilenet", "MobileNet", "depth_multiplier", {"alpha": 0.25, "depth_multiplier": 2, "classes": 5}, tail=9)
_built("resnet50", "ResNet50", "one_channel", {"include_top": False, "input_shape": (197, 200, 1)}, tail=2)


@case("applications/mobilenet_forward", {"output": GRADIENT})
def mobilenet_forward(keras, random):
    """A narrow one, with random weights, on images as small as it takes."""
    model = keras.applications.MobileNet(weights=None, alpha=0.25, classes=6, input_shape=(32, 32, 3))
    seed_weights(model, random)
    return {"output": model.predict(random.uniform(-1, 1, size=(3, 32, 32, 3)).astype("float32"))}


@case("applications/vgg16_input_tensor", EXACT)
def input_tensor(keras, random):
    """Built on a given tensor; the model's own input is that."""
    tensor = keras.layers.Input(shape=(50, 52, 3), name="mine")
    model = keras.applications.VGG16(weights=None, include_top=False, input_tensor=tensor)
    return {
        "layers": as_text([layer.name for layer in model.layers]),
        "same": model.input is tensor,
        "shapes": as_text([model.input_shape, model.output_shape]),
    }


@case("applications/mobilenet_config", EXACT)
def mobilenet_config(keras, random):
    """The configs of a network's layers, of each class one."""
    model = keras.applications.MobileNet(weights=None, alpha=0.25, classes=6, input_shape=(32, 32, 3))
    found = {}
    for layer in model.layers:
        if type(layer).__name__ not in ("Activation", "Lambda"):
            found[type(layer).__name__] = layer.get_config()
    return {"configs": as_text(found)}


def _preprocessing(label, options):
    """What is done to images, of several samples, of any channel order; whether the given array is changed."""

    def function(keras, random):
        module = getattr(keras.applications, label)
        x = random.uniform(0, 255, size=(2, 3, 4, 3))
        fields = {}
        for way, arguments in options:
            shaped = np.transpose(x, (0, 3, 1, 2)) if arguments.get("data_format") == "channels_first" else x
            given = np.array(shaped)
            fields[way] = np.array(module.preprocess_input(given, **arguments))
            fields[way + "_in_place"] = not np.array_equal(given, shaped)
        return fields

    register("applications/{}_preprocess_input".format(label), function, FORWARD)


FORMATS = (
    ("plain", {}),
    ("channels_last", {"data_format": "channels_last"}),
    ("channels_first", {"data_format": "channels_first"}),
)
for _, _label, _ in SMALLEST:
    _preprocessing(_label, FORMATS if _label in ("vgg16", "vgg19", "resnet50") else FORMATS[:1])


def _predictions(label):
    """Arrays that are no predictions of 1000 classes."""

    def function(keras, random):
        decode = getattr(keras.applications, label).decode_predictions
        return {
            "rank_1": outcome_of(decode, normal(random, 1000)),
            "rank_3": outcome_of(decode, normal(random, 2, 3, 1000)),
            "classes": outcome_of(decode, normal(random, 2, 999)),
        }

    register("applications/{}_decode_predictions".format(label), function, EXACT)


for _, _label, _ in SMALLEST:
    _predictions(_label)


def _errors(kind, label, side):
    def function(keras, random):
        build = getattr(keras.applications, kind)
        fields = {
            "weights": outcome_of(build, weights="none_such"),
            "weights_number": outcome_of(build, weights=3),
            "imagenet_classes": outcome_of(build, weights="imagenet", classes=10),
            "too_small": outcome_of(build, weights=None, include_top=False, input_shape=(side - 1, side - 1, 3)),
            "one_too_small": outcome_of(build, weights=None, include_top=False, input_shape=(side, side - 1, 3)),
            "rank": outcome_of(build, weights=None, include_top=False, input_shape=(side, side)),
            "imagenet_channels": outcome_of(build, weights="imagenet", include_top=False, input_shape=(side, side, 4)),
            "argument": outcome_of(build, weights=None, number_of_classes=10),
        }
        if kind not in ("InceptionV3", "Xception"):  # TensorFlow 1.4 sets out to download for these two
            fields["imagenet_shape"] = outcome_of(build, weights="imagenet", input_shape=(side, side, 3))
        return fields

    register("applications/{}_errors".format(label), function, EXACT)


for _kind, _label, _side in SMALLEST:
    _errors(_kind, _label, _side)


@case("applications/mobilenet_imagenet_errors", EXACT)
def mobilenet_errors(keras, random):
    """What the published weights do not exist for."""
    build = keras.applications.MobileNet
    return {
        "alpha": outcome_of(build, weights="imagenet", alpha=0.3),
        "depth_multiplier": outcome_of(build, weights="imagenet", depth_multiplier=2),
        "rows": outcome_of(build, weights="imagenet", input_shape=(100, 100, 3)),
    }


@case("applications/vgg16_same_names", EXACT)
def same_names(keras, random):
    """Each network is found in two places."""
    applications = keras.applications
    return {
        label: getattr(getattr(applications, label), kind) is getattr(applications, kind) for kind, label, _ in SMALLEST
    }
