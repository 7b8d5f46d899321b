"""What a model keeps of memory: one block for the values of a step, and nothing beside it."""

import pathlib
import subprocess
import sys

import pytest

STATM = pathlib.Path("/proc/self/statm")

# An LSTM of 128 units holds 14.5 values of a unit at once where its gradient begins: the four parts of the input
# product, ten values that the way back reads, and the inputs.
PROGRAM = """
import os, pathlib
import numpy as np
from onnxseq.layers import LSTM, Dense
from onnxseq.models import Sequential

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def growth(steps, runs):
    model = Sequential([LSTM(128, input_shape=(steps, 64)), Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.zeros((32, steps, 64), "float32"), np.zeros((32, 1), "float32")
    before = resident()
    for _ in range(runs):
        model.train_on_batch(x, y)
    return resident() - before

growth(8, 3)
print(growth(500, 3))
"""


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from Linux's /proc")
def test_a_long_loop_keeps_its_values_once():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    held = 14.5 * 500 * 32 * 128 * 4 / 1e6
    assert float(done.stdout) < 1.7 * held
