"""TensorBoard: what a training looks like, as event files."""

import os
import tempfile

import numpy as np

from onnxseq import backend as K
from onnxseq.callbacks.base import Callback
from onnxseq.errors import text
from onnxseq.layers.embeddings import Embedding
from onnxseq.optional import Package

tensorboard_x = Package("tensorboardX", "tensorboard", "TensorBoard")

NOT_SHOWN = ("batch", "size", "num_steps")
"""Names in the logs that are no results."""


class TensorBoard(Callback):
    """Write event files for TensorBoard: the logs of every epoch, the model's graph, histograms, images, embeddings.

    Histograms of an epoch are those of each weight, of its gradient (the one of the loss over all of the validation
    data, as in testing) and of each layer's outputs on that data. The graph is that of the ONNX model.

    Arguments:
        log_dir: Folder of the files, made where it is not there.
        histogram_freq: Number of epochs from one set of histograms to the next; 0 makes none.
        batch_size: Samples per batch of the validation data in computing histograms.
        write_graph: Whether to write the graph.
        write_grads: Whether to make histograms of gradients too.
        write_images: Whether to draw the weights as images too; takes Pillow.
        embeddings_freq: Number of epochs from one set of embeddings to the next; 0 writes none.
        embeddings_layer_names: Names of the Embedding layers to write; None for all.
        embeddings_metadata: A file with one label a line for the rows of the embeddings, or a dict of such files by
            names of layers.

    Raises:
        ImportError: When training begins: tensorboardX is not installed.
        ValueError: Histograms are asked for and there is no validation data, or it comes from a generator; a layer
            of `embeddings_layer_names` is no Embedding of the model.
    """

    def __init__(
        self,
        log_dir="./logs",
        histogram_freq=0,
        batch_size=32,
        write_graph=True,
        write_grads=False,
        write_images=False,
        embeddings_freq=0,
        embeddings_layer_names=None,
        embeddings_metadata=None,
    ):
        super().__init__()
        self.log_dir = log_dir
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.writer = None
        self._functions = None

    def on_train_begin(self, logs=None):
        """Open a new file of events and write the graph."""
        self._close()
        self._embeddings = self._chosen_embeddings() if self.embeddings_freq else []
        self._functions = None
        self.writer = tensorboard_x.SummaryWriter(os.fspath(self.log_dir))
        if self.write_graph:
            self._write_graph()

    def on_epoch_end(self, epoch, logs=None):
        """Write the logs, and what is due in this epoch."""
        if self.histogram_freq and not self.validation_data:
            raise ValueError(
                text("TensorBoard", f"histogram_freq is {self.histogram_freq!r} and there is no validation data",
                     "validation data in arrays",
                     "Give fit validation_data=(x, y) or validation_split; a generator will not do.")
            )  # fmt: skip
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            for layer in self._embeddings:
                self.writer.add_embedding(
                    np.asarray(layer.get_weights()[0]), self._labels(layer), global_step=epoch, tag=layer.name
                )
        for name, value in (logs or {}).items():
            if name not in NOT_SHOWN:
                self.writer.add_scalar(name, float(value), epoch)
        self.writer.flush()

    def on_train_end(self, _=None):
        """Close the file."""
        self._close()

    def _close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _write_graph(self):
        model = self.model
        proto = K.function(list(model._feed_inputs), list(model.outputs), name=model.name).onnx_model()
        handle, path = tempfile.mkstemp(suffix=".onnx")
        try:
            with open(handle, "wb") as file:
                file.write(proto.SerializeToString())
            self.writer.add_onnx_graph(path)
        finally:
            os.unlink(path)

    # Histograms and images.

    def _write_histograms(self, epoch):
        model = self.model
        if self._functions is None:
            self._functions = self._make_functions()
        outputs_of, gradients_of, shown_outputs, shown_weights = self._functions
        outputs, gradients = self._over_validation(outputs_of, gradients_of)
        gradients = dict(zip(shown_weights, gradients, strict=True))
        outputs = iter(zip(shown_outputs, outputs, strict=True))
        for layer in model.layers:
            for weight, value in zip(layer.weights, layer.get_weights(), strict=True):
                tag = weight.name.replace(":", "_")
                self.writer.add_histogram(tag, value, epoch)
                if weight in gradients:
                    self.writer.add_histogram(f"{tag}_grad", gradients[weight], epoch)
                if self.write_images:
                    image = as_image(value)
                    if image is not None:
                        self.writer.add_image(f"{tag}/image", image, epoch, dataformats="HW")
        for tag, value in outputs:
            self.writer.add_histogram(tag, value, epoch)

    def _make_functions(self):
        """Return the functions of layers' outputs and of gradients, with the names and weights of what they return."""
        model = self.model
        shown = [pair for layer in model.layers for pair in self._outputs(layer)]
        outputs_of = K.function(list(model._feed_inputs), [tensor for _, tensor in shown], name="histograms")
        gradients_of, weights = None, []
        if self.write_grads:
            found = zip(model.trainable_weights, K.gradients(model.total_loss, model.trainable_weights), strict=True)
            found = {weight: gradient for weight, gradient in found if gradient is not None}
            weights, fed = list(found), model.objective.fed
            feeds = [*model._feed_inputs, *(head.target for head in fed), *(head.weights for head in fed)]
            gradients_of = K.function(feeds, list(found.values()), name="gradients")
        return outputs_of, gradients_of, [tag for tag, _ in shown], weights

    def _outputs(self, layer):
        """Return what a layer computes in this model, and not elsewhere, as pairs of a tag and a tensor."""
        nodes = [node for node in layer._inbound_nodes if node in self.model._network_nodes]
        tensors = [tensor for node in nodes for tensor in node.output_tensors if tensor not in self.model._feed_inputs]
        if len(tensors) == 1:
            return [(f"{layer.name}_out", tensors[0])]
        return [(f"{layer.name}_out_{i}", tensor) for i, tensor in enumerate(tensors)]

    def _over_validation(self, outputs_of, gradients_of):
        """Return the outputs for all of the validation data, and the gradients averaged over its samples."""
        model, data = self.model, self.validation_data
        num_inputs, fed = len(model._feed_inputs), model.objective.fed
        arrays = [np.asarray(array) for array in data[: num_inputs + 2 * len(fed)]]
        size = len(arrays[0])
        outputs, gradients = [], []
        for start in range(0, size, self.batch_size):
            batch = [array[start : start + self.batch_size] for array in arrays]
            outputs.append([np.copy(value) for value in outputs_of(batch[:num_inputs])])
            if gradients_of is not None:
                share = len(batch[0]) / size
                gradients.append([value * share for value in gradients_of(batch)])
        joined = [np.concatenate([np.ravel(part) for part in parts]) for parts in zip(*outputs, strict=True)]
        return joined, [np.sum(parts, axis=0) for parts in zip(*gradients, strict=True)]

    # Embeddings.

    def _chosen_embeddings(self):
        layers = [layer for layer in self.model.layers if isinstance(layer, Embedding)]
        if self.embeddings_layer_names:
            known = [layer.name for layer in layers]
            for name in self.embeddings_layer_names:
                if name not in known:
                    arrived = f"embeddings_layer_names has {name!r}"
                    raise ValueError(text("TensorBoard", arrived, f"names of Embedding layers: {known}"))
            layers = [layer for layer in layers if layer.name in self.embeddings_layer_names]
        return layers

    def _labels(self, layer):
        files = self.embeddings_metadata
        path = files.get(layer.name) if isinstance(files, dict) else files
        if not path:
            return None
        with open(os.path.join(self.log_dir, path), encoding="utf-8") as file:
            labels = file.read().splitlines()
        if len(labels) != layer.input_dim:
            raise ValueError(
                text("TensorBoard", f"{path!r} has {len(labels)} labels", f"{layer.input_dim}, one for each row of "
                     f"{layer.name!r}")
            )  # fmt: skip
        return labels


def as_image(value):
    """Return a weight as a grey image of rows and columns from 0 to 1, or None for one that is none.

    A vector is one column, a matrix lies with its longer side across; kernels of images stand in a grid with one row
    for each channel and one column for each filter.
    """
    value = np.asarray(value, dtype="float32")
    if value.ndim == 1:
        value = value[:, np.newaxis]
    elif value.ndim == 2:
        value = value.T if value.shape[0] > value.shape[1] else value
    elif value.ndim == 3:
        value = np.transpose(value, (1, 0, 2)).reshape(value.shape[1], -1)
    elif value.ndim == 4:
        height, width, channels, filters = value.shape
        value = np.transpose(value, (2, 0, 3, 1)).reshape(channels * height, filters * width)
    else:
        return None
    low, high = value.min(initial=np.inf), value.max(initial=-np.inf)
    return (value - low) / (high - low) if high > low else np.zeros_like(value)
