"""Family `utils`: to_categorical, normalize, Progbar's text, sequences and queues, serialized and custom objects."""

import re
import shutil

import numpy as np

from ..case import EXACT, FORWARD, Absent, as_text, case, outcome_of, register
from .helpers import normal, seed_weights, sequential
from .places import printed

CATEGORIES = (
    ("list", lambda u: u.to_categorical([0, 2, 1, 2])),
    ("num_classes", lambda u: u.to_categorical([0, 2], num_classes=5)),
    ("column", lambda u: u.to_categorical(np.array([[1], [0]]))),
    ("matrix", lambda u: u.to_categorical(np.array([[1, 0], [2, 2]]), 3)),
    ("floats", lambda u: u.to_categorical(np.array([1.0, 0.0]))),
    ("one", lambda u: u.to_categorical(3)),
)
NORMALIZED = (
    ("default", lambda u, x: u.normalize(x)),
    ("axis_0", lambda u, x: u.normalize(x, axis=0)),
    ("axis_1", lambda u, x: u.normalize(x, axis=1)),
    ("order_1", lambda u, x: u.normalize(x, order=1)),
    ("order_3", lambda u, x: u.normalize(x, axis=0, order=3)),
    ("zeros", lambda u, x: u.normalize(x * 0.0)),
    ("vector", lambda u, x: u.normalize(x[0])),
)

for _label, _function in CATEGORIES:
    register("utils/to_categorical_" + _label, lambda keras, random, f=_function: {"value": f(keras.utils)}, EXACT)
for _label, _function in NORMALIZED:
    register(
        "utils/normalize_" + _label,
        lambda keras, random, f=_function: {"value": f(keras.utils, normal(random, 3, 4).astype("float64"))},
        FORWARD,
    )


# -- the progress bar -----------------------------------------------------------------------------------------


def _bar(target, reports, **options):
    def run(keras, random):
        """The characters as they are written, times left out."""

        def draw():
            bar = keras.utils.Progbar(target, **dict({"interval": 0.0}, **options))
            for name, arguments in reports:
                getattr(bar, name)(*arguments)

        return {"text": as_text(re.sub(r"[0-9]+s", "TIME", printed(draw)))}

    return run


VALUES = [("loss", 0.5), ("acc", 0.25)]
BARS = (
    ("update", 4, [("update", (1,)), ("update", (3,)), ("update", (4,))], {}),
    ("values", 10, [("update", (2, VALUES)), ("update", (6, [("loss", 1.0)])), ("update", (10, VALUES))], {}),
    ("add", 6, [("add", (2, VALUES)), ("add", (3, [("loss", 2.0)])), ("add", (1, VALUES))], {}),
    ("width", 8, [("update", (2,)), ("update", (8,))], {"width": 10}),
    ("small_values", 2, [("update", (1, [("loss", 1e-5)])), ("update", (2, [("loss", 3e-5)]))], {}),
    ("negative_values", 2, [("update", (1, [("loss", -0.5)])), ("update", (2, [("loss", -1.5)]))], {}),
    ("large_target", 1200, [("update", (7,)), ("update", (640,)), ("update", (1200,))], {}),
    ("interval", 5, [("update", (1,)), ("update", (2,)), ("update", (5,))], {"interval": 1000.0}),
    ("force", 5, [("update", (1,)), ("update", (3, VALUES, True)), ("update", (5, None, True))], {"interval": 1000.0}),
    ("verbose_2", 4, [("update", (2, VALUES)), ("update", (4, VALUES))], {"verbose": 2}),
    ("verbose_0", 4, [("update", (2, VALUES)), ("update", (4, VALUES))], {"verbose": 0}),
    ("shrinking", 3, [("update", (1, [("loss", 123456.0)])), ("update", (3, [("loss", -123456.0)]))], {}),
)
for _label, _target, _reports, _options in BARS:
    register("utils/Progbar_" + _label, _bar(_target, _reports, **_options), EXACT)


# -- sequences and queues -------------------------------------------------------------------------------------


@case("utils/Sequence", EXACT)
def sequence(keras, random):
    """What a subclass must define."""

    class Half(keras.utils.Sequence):
        def __len__(self):
            return 3

    class Whole(Half):
        def __getitem__(self, index):
            return index * index

    return {
        "length": len(Whole()),
        "item": Whole()[2],
        "epoch_end": outcome_of(Whole().on_epoch_end),
        "no_item": outcome_of(lambda: Half()[0]),
        "nothing": outcome_of(keras.utils.Sequence),
    }


@case("utils/Sequence_in_fit_generator", FORWARD)
def sequence_in_training(keras, random):
    """Batches by index, once an epoch, on_epoch_end after each."""
    L = keras.layers
    data = normal(random, 3, 4, 5), normal(random, 3, 4, 2)
    ended = []

    class Batches(keras.utils.Sequence):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return data[0][index], data[1][index]

        def on_epoch_end(self):
            ended.append(1)

    model = sequential(keras, [L.Dense(2, input_shape=(5,))])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    before = np.array(model.evaluate_generator(Batches(), 3))
    predicted = model.predict_generator(Batches(), 3)
    return {"evaluated": before, "predicted": predicted}


@case("utils/GeneratorEnqueuer", EXACT)
def enqueuer(keras, random):
    """One worker keeps the order; it runs from start to stop."""
    queue = keras.utils.GeneratorEnqueuer((index for index in range(100)), wait_time=0.01)
    running = [queue.is_running()]
    queue.start(workers=1, max_queue_size=5)
    running.append(queue.is_running())
    values = queue.get()
    first = [next(values) for _ in range(7)]
    queue.stop()
    running.append(queue.is_running())
    return {"first": as_text(first), "running": as_text(running), "after": as_text(list(values))}


@case("utils/GeneratorEnqueuer_skips_none", EXACT)
def enqueuer_none(keras, random):
    """None is no batch; data of any kind is handed on as it is."""

    def items():
        while True:
            for item in (None, 1, None, (2, 3), {"a": 4}):
                yield item

    queue = keras.utils.GeneratorEnqueuer(items(), wait_time=0.01)
    queue.start()
    values = queue.get()
    first = [next(values) for _ in range(4)]
    queue.stop()
    return {"first": as_text([list(item) if isinstance(item, tuple) else item for item in first])}


@case("utils/SequenceEnqueuer", EXACT)
def abstract_enqueuer(keras, random):
    """The base class cannot be made; the queue of generators is one of its kind."""
    utils = keras.utils
    return {
        "made": outcome_of(utils.SequenceEnqueuer),
        "kind": as_text(issubclass(utils.GeneratorEnqueuer, utils.SequenceEnqueuer)),
    }


# -- objects by name ------------------------------------------------------------------------------------------


def own(x):
    return x


class Own(object):
    def __init__(self, amount=1):
        self.amount = amount

    def get_config(self):
        return {"amount": self.amount}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Nameless(object):
    """Has no configuration and no name."""


@case("utils/serialize_keras_object", EXACT)
def serialize(keras, random):
    dumps = keras.utils.serialize_keras_object
    return {
        "none": as_text(dumps(None)),
        "function": as_text(dumps(own)),
        "object": as_text(dumps(Own(3))),
        "regularizer": as_text(dumps(keras.regularizers.l1(0.5))),
        "constraint": as_text(dumps(keras.constraints.MaxNorm(3))),
        "layer": as_text(dumps(keras.layers.Flatten(name="flat"))),
        "nameless": outcome_of(dumps, Nameless()),
    }


@case("utils/deserialize_keras_object", EXACT)
def deserialize(keras, random):
    loads = keras.utils.deserialize_keras_object
    known = {"Own": Own, "own": own}
    config = {"class_name": "Own", "config": {"amount": 7}}
    with keras.utils.CustomObjectScope(known):
        scoped = loads(config).amount
    return {
        "by_config": loads(config, module_objects=known).amount,
        "by_name": as_text(loads("own", module_objects=known) is own),
        "by_custom": loads(config, module_objects={}, custom_objects=known).amount,
        "custom_first": as_text(loads("own", module_objects={"own": 1}, custom_objects=known) is own),
        "by_scope": scoped,
        "unknown_name": outcome_of(loads, "nobody", module_objects=known, printable_module_name="thing"),
        "unknown_class": outcome_of(loads, {"class_name": "Nobody", "config": {}}, module_objects=known),
        "no_class": outcome_of(loads, {"config": {}}, module_objects=known),
        "number": outcome_of(loads, 3, module_objects=known),
    }


@case("utils/custom_objects", EXACT)
def custom_objects(keras, random):
    """get_custom_objects is one dictionary; a scope adds to it and takes away again, also when an error passes."""
    utils = keras.utils
    found = []
    utils.get_custom_objects().clear()
    utils.get_custom_objects()["lasting"] = own
    with utils.custom_object_scope({"first": own}, {"second": Own}):
        found.append(sorted(utils.get_custom_objects()))
        with utils.CustomObjectScope({"first": 3}):
            found.append(utils.get_custom_objects()["first"])
        found.append(utils.get_custom_objects()["first"] is own)
    found.append(sorted(utils.get_custom_objects()))
    try:
        with utils.CustomObjectScope({"gone": own}):
            raise KeyError("from inside")
    except KeyError:
        found.append(sorted(utils.get_custom_objects()))
    same = utils.get_custom_objects() is utils.get_custom_objects()
    utils.get_custom_objects().clear()
    return {"found": as_text(found), "same": as_text(same)}


# -- models ---------------------------------------------------------------------------------------------------


@case("utils/convert_all_kernels_in_model", FORWARD)
def convert_kernels(keras, random):
    """Convolution kernels are turned around in every spatial axis; others stay; twice is once each way."""
    L = keras.layers
    model = sequential(
        keras,
        [L.Conv2D(2, (2, 3), input_shape=(5, 5, 2)), L.Reshape((12, 2)), L.Conv1D(2, 3), L.Flatten(), L.Dense(2)],
    )
    seed_weights(model, random)
    before = model.get_weights()
    keras.utils.convert_all_kernels_in_model(model)
    fields = {"weight_{}".format(index): value for index, value in enumerate(model.get_weights())}
    fields["output"] = model.predict(normal(random, 2, 5, 5, 2))
    keras.utils.convert_all_kernels_in_model(model)
    fields["twice"] = as_text(all(np.array_equal(a, b) for a, b in zip(before, model.get_weights())))
    return fields


@case("utils/plot_model_without_graphviz", EXACT)
def plot_model(keras, random):
    """Without pydot or graphviz it is an ImportError."""
    if shutil.which("dot"):
        raise Absent("an environment without graphviz")
    model = sequential(keras, [keras.layers.Dense(2, input_shape=(3,))])
    return {"raises": outcome_of(keras.utils.plot_model, model, to_file="nowhere/model.png")}
