"""The command line: ``onnxseq demo`` and ``onnxseq check``."""

import argparse
import pathlib
import time
from collections.abc import Sequence

import numpy as np

from onnxseq.compiler.session import Session, runtime_version
from onnxseq.compiler.targets import current
from onnxseq.datasets import digits
from onnxseq.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from onnxseq.models import Sequential
from onnxseq.saving.report import report

_BATCH = 32


def digits_model() -> Sequential:
    """Return the demo's network: a small convolutional classifier of 8x8 images."""
    model = Sequential(
        [
            Conv2D(32, 3, padding="same", activation="relu", input_shape=(8, 8, 1)),
            Conv2D(64, 3, padding="same", activation="relu"),
            MaxPooling2D(),
            Dropout(0.25),
            Flatten(),
            Dense(128, activation="relu"),
            Dropout(0.5),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def demo(folder: pathlib.Path, epochs: int = 15) -> float:
    """Train on handwritten digits, export the model, run the export in a fresh session; return the validation accuracy.

    Arguments:
        folder: where ``digits.onnx`` is written.
        epochs: passes over the training images.
    """
    np.random.seed(1)
    train, test = digits.load_data()
    (x_train, y_train), (x_test, y_test) = (((x[..., np.newaxis] / 16).astype("float32"), y) for x, y in (train, test))
    model = digits_model()
    print(f"ONNX Runtime {runtime_version()} on {current().provider}")
    model.summary()
    start = time.perf_counter()
    history = model.fit(x_train, y_train, batch_size=_BATCH, epochs=epochs, validation_data=(x_test, y_test))
    seconds = time.perf_counter() - start
    steps = epochs * -(-len(x_train) // _BATCH)

    path = folder / "digits.onnx"
    model.export(path)
    session = Session(path.read_bytes(), "CPUExecutionProvider")
    exported = session.run({model.input_names[0]: x_test})[0]
    difference = float(np.abs(exported - model.predict(x_test)).max())
    accuracy = history.history["val_acc"][-1]
    print(f"validation accuracy {accuracy:.4f} on {len(x_test)} images not trained on")
    step = f"{seconds / steps * 1e3:.2f} ms per training step of {_BATCH} images"
    print(f"{step} (validation and first compile included)")
    size = f"{path.name}: {path.stat().st_size:,} bytes"
    print(f"{size}; largest difference from predict in a fresh session {difference:.1e}")
    return accuracy


def check(path: str) -> int:
    """Print what a file holds and whether it is safe; return 0 where it is, else 1."""
    found = report(path)
    print("\n".join(found.lines))
    return 0 if found.is_safe else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="onnxseq", description="tf.keras r1.4's Sequential API on ONNX Runtime.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "demo", help="train a small network on real handwritten digits, write digits.onnx here and check it"
    )
    command.add_argument("--epochs", type=int, default=15, help="passes over the training images (default: 15)")
    command = commands.add_parser(
        "check", help="tell what a model file holds and whether it is safe, without loading it"
    )
    command.add_argument("file", help="an HDF5 file of a model or of weights, or a .keras archive")
    options = parser.parse_args(arguments)
    if options.command == "check":
        return check(options.file)
    accuracy = demo(pathlib.Path.cwd(), options.epochs)
    return 0 if accuracy >= 0.97 else 1
