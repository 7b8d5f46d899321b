"""Family `preprocessing_image`: ImageDataGenerator, its iterators, and the transforms by themselves.

All draws are NumPy's own, from seeds that the cases give, so that even random transforms agree by value.
"""

import os

import numpy as np

from ..case import EXACT, FORWARD, Absent, Tolerance, as_text, case, outcome_of, register
from .places import folder, names_in

try:
    from PIL import Image
except ImportError:
    Image = None

RESIZED = Tolerance(0.0, 1.0, "whole numbers that another version of Pillow rounds the other way")
WHITENED = Tolerance(1e-3, 1e-4, "singular vectors of a small float32 matrix, by another LAPACK")


def pictures(random, num=6, shape=(6, 5, 3)):
    return random.uniform(0.0, 255.0, size=(num,) + shape).astype("float32")


def with_pillow(keras):
    """The package's module of pictures, where there is Pillow to read and write them."""
    image = keras.preprocessing.image
    if Image is None:
        raise Absent("Pillow")
    return image


# -- one transform of one picture -----------------------------------------------------------------------------

TRANSFORMS = (
    ("random_rotation", lambda I, x: I.random_rotation(x, 40, row_axis=0, col_axis=1, channel_axis=2)),
    ("random_rotation_reflect", lambda I, x: I.random_rotation(
        x, 90, row_axis=0, col_axis=1, channel_axis=2, fill_mode="reflect")),
    ("random_rotation_channels_first", lambda I, x: I.random_rotation(np.transpose(x, (2, 0, 1)), 40)),
    ("random_shift", lambda I, x: I.random_shift(x, 0.3, 0.3, row_axis=0, col_axis=1, channel_axis=2)),
    ("random_shift_wrap", lambda I, x: I.random_shift(
        x, 0.5, 0.5, row_axis=0, col_axis=1, channel_axis=2, fill_mode="wrap")),
    ("random_shift_constant", lambda I, x: I.random_shift(
        x, 0.5, 0.5, row_axis=0, col_axis=1, channel_axis=2, fill_mode="constant", cval=7.0)),
    ("random_shear", lambda I, x: I.random_shear(x, 0.8, row_axis=0, col_axis=1, channel_axis=2)),
    ("random_zoom", lambda I, x: I.random_zoom(x, (0.5, 1.5), row_axis=0, col_axis=1, channel_axis=2)),
    ("random_zoom_none", lambda I, x: I.random_zoom(x, (1, 1), row_axis=0, col_axis=1, channel_axis=2)),
    ("random_channel_shift", lambda I, x: I.random_channel_shift(x, 40.0, channel_axis=2)),
    ("flip_axis", lambda I, x: I.flip_axis(x, 1)),
    ("flip_axis_rows", lambda I, x: I.flip_axis(x, 0)),
    ("apply_transform_identity", lambda I, x: I.apply_transform(x, np.eye(3), channel_axis=2)),
    ("apply_transform_shift", lambda I, x: I.apply_transform(
        x, np.array([[1.0, 0.0, 1.0], [0.0, 1.0, -2.0], [0.0, 0.0, 1.0]]), 2, "constant", 3.0)),
    ("apply_transform_scale", lambda I, x: I.apply_transform(
        x, np.array([[0.7, 0.1, 0.3], [-0.2, 0.8, 0.4], [0.0, 0.0, 1.0]]), 2, "nearest")),
)  # fmt: skip


def _transform(function):
    def run(keras, random):
        image = keras.preprocessing.image
        fields = {}
        for index in range(3):
            value = function(image, pictures(random)[0])
            fields["image_{}".format(index)] = value
        fields["type"] = value.dtype.name
        return fields

    return run


for _label, _function in TRANSFORMS:
    register("preprocessing_image/" + _label, _transform(_function), FORWARD)


# -- a generator's batches ------------------------------------------------------------------------------------

GENERATORS = (
    ("plain", {}),
    ("rescale", {"rescale": 1.0 / 255}),
    ("samplewise", {"samplewise_center": True, "samplewise_std_normalization": True}),
    ("flips", {"horizontal_flip": True, "vertical_flip": True}),
    ("rotation_range", {"rotation_range": 45.0}),
    ("shift_ranges", {"width_shift_range": 0.4, "height_shift_range": 0.2}),
    ("shear_range", {"shear_range": 0.6}),
    ("zoom_range", {"zoom_range": 0.5}),
    ("zoom_range_pair", {"zoom_range": [0.5, 0.9], "fill_mode": "wrap"}),
    ("channel_shift_range", {"channel_shift_range": 30.0}),
    ("fill_constant", {"rotation_range": 60.0, "fill_mode": "constant", "cval": 9.0}),
    ("preprocessing_function", {"preprocessing_function": lambda x: x * 0.5 + 1.0, "rescale": 2.0}),
    ("all", {"rotation_range": 20.0, "width_shift_range": 0.2, "height_shift_range": 0.2, "shear_range": 0.2,
             "zoom_range": 0.3, "channel_shift_range": 10.0, "horizontal_flip": True, "vertical_flip": True,
             "rescale": 0.1, "samplewise_center": True, "fill_mode": "reflect"}),
)  # fmt: skip


def _generated(options):
    def run(keras, random):
        """Three batches of a seeded flow: pictures and labels."""
        generator = keras.preprocessing.image.ImageDataGenerator(**options)
        flow = generator.flow(pictures(random), np.arange(6), batch_size=4, shuffle=True, seed=3)
        batches = [next(flow) for _ in range(3)]
        fields = {"images_{}".format(index): x for index, (x, _) in enumerate(batches)}
        fields["labels"] = np.concatenate([y for _, y in batches])
        fields["type"] = batches[0][0].dtype.name
        return fields

    return run


for _label, _options in GENERATORS:
    register("preprocessing_image/ImageDataGenerator_" + _label, _generated(_options), FORWARD)


def _fitted(options, shape=(4, 3, 3), **fit):
    def run(keras, random):
        """What fit learns of the data, and a picture standardized by it."""
        generator = keras.preprocessing.image.ImageDataGenerator(**options)
        x = pictures(random, 8, shape)
        generator.fit(x, **fit)
        fields = {"standardized": generator.standardize(np.copy(x[0]))}
        if generator.mean is not None:
            fields["mean"] = np.asarray(generator.mean)
        if generator.std is not None:
            fields["std"] = np.asarray(generator.std)
        fields["batch"] = next(generator.flow(x, batch_size=3, shuffle=False))
        return fields

    return run


for _label, _options, _fit in (
    ("featurewise_center", {"featurewise_center": True}, {}),
    ("featurewise_std_normalization", {"featurewise_center": True, "featurewise_std_normalization": True}, {}),
    (
        "augmented",
        {"featurewise_center": True, "featurewise_std_normalization": True, "horizontal_flip": True},
        {"augment": True, "rounds": 2, "seed": 5},
    ),
):
    register("preprocessing_image/fit_" + _label, _fitted(_options, **_fit), FORWARD)
register("preprocessing_image/fit_zca_whitening", _fitted({"zca_whitening": True}, (2, 2, 1)), WHITENED)
register(
    "preprocessing_image/fit_channels_first",
    _fitted({"featurewise_center": True, "data_format": "channels_first"}, (3, 4, 5)),
    FORWARD,
)


@case("preprocessing_image/random_transform", FORWARD)
def random_transform(keras, random):
    """With a seed of its own, and by NumPy's global state."""
    generator = keras.preprocessing.image.ImageDataGenerator(rotation_range=30.0, zoom_range=0.2, horizontal_flip=True)
    x = pictures(random)[0]
    return {
        "seeded": generator.random_transform(x, seed=11),
        "seeded_again": generator.random_transform(x, seed=11),
        "first": generator.random_transform(x),
        "second": generator.random_transform(x),
    }


@case("preprocessing_image/standardize", FORWARD)
def standardize(keras, random):
    """In order: the function, the scale, the sample's own mean and deviation."""
    generator = keras.preprocessing.image.ImageDataGenerator(
        preprocessing_function=np.sqrt, rescale=0.5, samplewise_center=True
    )
    return {"value": generator.standardize(pictures(random)[0])}


@case("preprocessing_image/flow_order", FORWARD)
def flow_order(keras, random):
    """Which samples come in which batch: in order, by a seed, by the global state; the last batch is smaller."""
    image = keras.preprocessing.image
    x = np.arange(7, dtype="float32").reshape(7, 1, 1, 1)
    fields = {}
    for label, options in (
        ("in_order", {"shuffle": False}),
        ("seed_0", {"seed": 0}),
        ("seed_4", {"seed": 4}),
        ("in_order_seeded", {"shuffle": False, "seed": 4}),
        ("unseeded", {}),
    ):
        flow = image.ImageDataGenerator().flow(x, np.arange(7), batch_size=3, **options)
        batches = [next(flow) for _ in range(7)]
        fields[label] = np.concatenate([y for _, y in batches])
        fields[label + "_x"] = np.concatenate([pictures_.ravel() for pictures_, _ in batches])
        fields[label + "_sizes"] = np.array([len(y) for _, y in batches])
    return fields


@case("preprocessing_image/flow_without_labels", FORWARD)
def flow_without_labels(keras, random):
    x = pictures(random)
    flow = keras.preprocessing.image.ImageDataGenerator().flow(x, batch_size=4, shuffle=False)
    return {"first": next(flow), "second": next(flow), "iterates": as_text(iter(flow) is flow)}


@case("preprocessing_image/NumpyArrayIterator", FORWARD)
def array_iterator(keras, random):
    """The iterator by itself: next, reset, its attributes."""
    image = keras.preprocessing.image
    x = pictures(random)
    flow = image.NumpyArrayIterator(x, np.arange(6), image.ImageDataGenerator(), batch_size=4)
    first = flow.next()[1]
    flow.reset()
    return {
        "first": first,
        "after_reset": flow.next()[1],
        "attributes": as_text([flow.batch_size, flow.n, bool(flow.shuffle), flow.data_format]),
        "kind": as_text(isinstance(flow, image.Iterator)),
    }


@case("preprocessing_image/channels_first", FORWARD)
def channels_first(keras, random):
    generator = keras.preprocessing.image.ImageDataGenerator(
        data_format="channels_first", rotation_range=30.0, width_shift_range=0.2, horizontal_flip=True
    )
    flow = generator.flow(np.transpose(pictures(random), (0, 3, 1, 2)), batch_size=3, seed=2)
    return {"batch": next(flow), "axes": as_text([generator.channel_axis, generator.row_axis, generator.col_axis])}


@case("preprocessing_image/errors", EXACT)
def errors(keras, random):
    image = keras.preprocessing.image
    generator = image.ImageDataGenerator()
    x = pictures(random)
    return {
        "data_format": outcome_of(image.ImageDataGenerator, data_format="channels_middle"),
        "zoom_range": outcome_of(image.ImageDataGenerator, zoom_range=[0.5, 1.0, 1.5]),
        "rank": outcome_of(generator.flow, x[0]),
        "lengths": outcome_of(generator.flow, x, np.arange(5)),
        "fit_rank": outcome_of(generator.fit, x[0]),
        "random_zoom": outcome_of(image.random_zoom, x[0], 0.5),
        "not_fitted": outcome_of(
            image.ImageDataGenerator(featurewise_center=True, zca_whitening=True).standardize, x[0]
        ),
    }


# -- pictures on disk -----------------------------------------------------------------------------------------


@case("preprocessing_image/array_to_img", FORWARD)
def array_to_img(keras, random):
    """Arrays to pictures and back: scaled to the full range or as they are, grey and coloured."""
    image = with_pillow(keras)
    x = pictures(random)[0]
    fields = {}
    for label, value, options in (
        ("scaled", x, {}),
        ("as_is", np.round(x), {"scale": False}),
        ("grey", x[:, :, :1], {}),
        ("channels_first", np.transpose(x, (2, 0, 1)), {"data_format": "channels_first"}),
    ):
        picture = image.array_to_img(value, **options)
        fields[label] = image.img_to_array(picture)
        fields[label + "_mode"] = as_text([picture.mode, list(picture.size)])
    fields["back_first"] = image.img_to_array(picture, data_format="channels_first")
    fields["rank_2"] = outcome_of(image.array_to_img, x[:, :, 0])
    fields["channels_4"] = outcome_of(image.array_to_img, np.zeros((2, 2, 4)))
    fields["back_format"] = outcome_of(image.img_to_array, picture, data_format="unknown")
    return fields


@case("preprocessing_image/load_img", {"smaller": RESIZED, "*": FORWARD})
def load_img(keras, random):
    """A file in colour, in grey, and in another size."""
    image = with_pillow(keras)
    with folder() as place:
        path = os.path.join(place, "picture.png")
        image.array_to_img(pictures(random)[0]).save(path)
        fields = {
            "colour": image.img_to_array(image.load_img(path)),
            "grey": image.img_to_array(image.load_img(path, grayscale=True)),
            "size": as_text(list(image.load_img(path, target_size=(3, 4)).size)),
            "smaller": image.img_to_array(image.load_img(path, target_size=(3, 4))),
            "missing": outcome_of(image.load_img, os.path.join(place, "nowhere.png")),
        }
    return fields


def _class_folders(keras, random, place):
    for name, count in (("cats", 3), ("dogs", 2), ("empty", 0)):
        os.mkdir(os.path.join(place, name))
        for index in range(count):
            picture = keras.preprocessing.image.array_to_img(pictures(random)[0])
            picture.save(os.path.join(place, name, "{}.png".format(index)))
    with open(os.path.join(place, "cats", "notes.txt"), "w") as stream:
        stream.write("no picture")


def _from_directory(**options):
    def run(keras, random):
        """The classes of a folder's folders, and its pictures by their names."""
        generator = with_pillow(keras).ImageDataGenerator(rescale=0.01)
        with folder() as place:
            _class_folders(keras, random, place)
            flow = generator.flow_from_directory(place, target_size=(6, 5), batch_size=5, **options)
            batch = next(flow)
            # a folder lists its files in an order of its own
            order = np.argsort(flow.filenames)
            fields = {"classes": as_text(flow.class_indices), "found": as_text(sorted(flow.filenames))}
        if options.get("class_mode", "") is None:
            fields["images"] = batch[order]
        elif options.get("shuffle", True):
            fields["labels"] = batch[1]
        else:
            fields["images"], fields["labels"] = (part[order] for part in batch)
        return fields

    return run


for _label, _options in (
    ("categorical", {"shuffle": False}),
    ("binary", {"shuffle": False, "class_mode": "binary", "classes": ["dogs", "cats"]}),
    ("sparse", {"shuffle": False, "class_mode": "sparse"}),
    ("input", {"shuffle": False, "class_mode": "input"}),
    ("no_class", {"shuffle": False, "class_mode": None}),
    ("grey", {"shuffle": False, "color_mode": "grayscale"}),
    ("shuffled", {"seed": 8}),
):
    register("preprocessing_image/flow_from_directory_" + _label, _from_directory(**_options), FORWARD)


@case("preprocessing_image/save_to_dir", EXACT)
def save_to_dir(keras, random):
    """The pictures that a flow gives are kept, under the prefix and in the format asked for."""
    generator = with_pillow(keras).ImageDataGenerator()
    with folder() as place:
        flow = generator.flow(
            pictures(random), batch_size=4, shuffle=False, save_to_dir=place, save_prefix="kept", save_format="jpeg"
        )
        next(flow)
        names = names_in(place)
    return {
        "number": len(names),
        "names": as_text(sorted([name.split("_")[0], name.split("_")[1], name.split(".")[-1]] for name in names)),
    }


@case("preprocessing_image/directory_errors", EXACT)
def directory_errors(keras, random):
    generator = with_pillow(keras).ImageDataGenerator()
    with folder() as place:
        _class_folders(keras, random, place)
        return {
            "color_mode": outcome_of(generator.flow_from_directory, place, color_mode="infrared"),
            "class_mode": outcome_of(generator.flow_from_directory, place, class_mode="fuzzy"),
            "missing": outcome_of(generator.flow_from_directory, os.path.join(place, "nowhere")),
        }
