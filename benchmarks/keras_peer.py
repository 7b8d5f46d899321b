"""A peer that speaks Keras: ours, Keras 3 on any backend, tf_keras and the tf.keras inside TensorFlow 1.4."""

import importlib
import inspect
import time

# Where the Keras namespace of each library is found: module, then attributes below it.
NAMESPACES = {"onnxseq": ("onnxseq", ()), "keras": ("keras", ()), "tf_keras": ("tf_keras", ()),
              "tensorflow": ("tensorflow", ("keras",))}


class KerasPeer:
    """One compiled model and its data.

    Arguments:
        library: a key of NAMESPACES.
        case: the benchmarks.cases.Case to build.
    """

    def __init__(self, library, case):
        self.case = case
        start = time.perf_counter()
        module, attributes = NAMESPACES[library]
        namespace = importlib.import_module(module)
        for attribute in attributes:
            namespace = getattr(namespace, attribute)
        self.import_seconds = time.perf_counter() - start
        self.x, self.y = case.data(case.steps)
        self.x_predict, _ = case.data(case.predict_batches, seed=8)
        self.model = namespace.models.Sequential(case.build(namespace.layers, {"input_shape": case.input_shape}))
        self.model.compile(**case.compile_arguments)
        start = time.perf_counter()
        self.model.train_on_batch(self.x[: case.batch], self.y[: case.batch])
        self.first_step_seconds = time.perf_counter() - start
        # Older Keras prints a bar or takes verbose=0; newer prints unless it is told not to.
        self.quiet = {"verbose": 0} if "verbose" in inspect.signature(self.model.predict).parameters else {}
        self.version = getattr(namespace, "__version__", "?")

    def warm_up(self, verb):
        """Run `verb` once unmeasured, so that everything lazy is built."""
        getattr(self, verb)()

    def train(self):
        """Seconds per training step through `fit`."""
        start = time.perf_counter()
        self.model.fit(self.x, self.y, batch_size=self.case.batch, epochs=1, verbose=0)
        return (time.perf_counter() - start) / self.case.steps

    def predict(self):
        """Seconds per batch through `predict`."""
        start = time.perf_counter()
        self.model.predict(self.x_predict, batch_size=self.case.batch, **self.quiet)
        return (time.perf_counter() - start) / self.case.predict_batches

    def latency(self, repeats=50):
        """Seconds for one sample through `predict_on_batch`: the median of `repeats`."""
        sample = self.x[:1]
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            result = self.model.predict_on_batch(sample)
            # A peer may answer with a tensor that is still being computed; an array is what was asked for.
            if hasattr(result, "numpy"):
                result.numpy()
            seconds.append(time.perf_counter() - start)
        return sorted(seconds)[repeats // 2]

    def small_steps(self, num_steps):
        """Train `num_steps` steps with the smallest Python cost per step that the public methods offer."""
        for _ in range(max(1, num_steps // self.case.steps)):
            self.model.fit(self.x, self.y, batch_size=self.case.batch, epochs=1, verbose=0)
