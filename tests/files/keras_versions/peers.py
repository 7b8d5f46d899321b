"""What loads of the files beside this one: in onnxseq, in Keras 3 and in tf_keras, each in its own process.

    PYTHON peers.py try BACKEND OUTPUT.json      under a Python that has the BACKEND: onnxseq, keras or tf_keras
    PYTHON peers.py table OUTPUT.json ...        prints docs/files.md's table
"""

import collections
import importlib
import json
import os
import pathlib
import sys
import warnings

import numpy as np

FOLDER = pathlib.Path(__file__).parent
MODELS = ("mlp", "regularized", "convolutional", "text", "nested", "functional", "lstm", "gru", "simple_rnn")
TOLERANCE = 1e-5
os.environ.setdefault("KERAS_BACKEND", "jax")


def outcome(models, path, recorded, name):
    """Return 'yes', 'other numbers' or the reason why a file does not load."""
    inputs = [recorded[key] for key in sorted(recorded) if key.startswith(name + "/input")]
    try:
        model = models.load_model(str(path))
        found = np.asarray(model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0))
    except Exception as error:  # whatever a peer raises is its result
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:160]
    difference = float(np.abs(found - recorded[name + "/output"]).max())
    return "yes" if difference <= TOLERANCE else f"other numbers, by {difference:.1g}"


def try_all(backend, output):
    """Write what comes of every file."""
    models = importlib.import_module(backend).models
    results = {}
    for folder in sorted(path for path in FOLDER.iterdir() if (path / "expected.npz").exists()):
        with np.load(folder / "expected.npz") as arrays:
            recorded = {key: arrays[key] for key in arrays.files}
        for name in MODELS:
            path = next(each for each in folder.glob(name + ".*")
                        if each.suffix in (".h5", ".keras") and ".weights." not in each.name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results[f"{folder.name}/{name}"] = outcome(models, path, recorded, name)
    pathlib.Path(output).write_text(json.dumps({"backend": backend, "results": results}, indent=1))


def table(outputs):
    """Print how many models of each version load with the right outputs, and then what the others end in."""
    found = [json.loads(pathlib.Path(output).read_text()) for output in outputs]
    versions = sorted({key.split("/")[0] for each in found for key in each["results"]})
    print("| written by | " + " | ".join(each["backend"] for each in found) + " |")
    print("|---|" + "---:|" * len(found))
    for version in versions:
        cells = []
        for each in found:
            results = [each["results"][f"{version}/{name}"] for name in MODELS]
            others = sum(result.startswith("other numbers") for result in results)
            cells.append(f"{results.count('yes')} of {len(MODELS)}" + (f", {others} wrong" if others else ""))
        print(f"| {version} | " + " | ".join(cells) + " |")
    for each in found:
        reasons = collections.Counter(result.split(",")[0].split(":")[0] for result in each["results"].values())
        others = [f"{reason} {count} times" for reason, count in sorted(reasons.items()) if reason != "yes"]
        if others:
            print(f"\n{each['backend']} ends in {', '.join(others)}.")


if __name__ == "__main__":
    if sys.argv[1] == "try":
        try_all(*sys.argv[2:4])
    else:
        table(sys.argv[2:])
