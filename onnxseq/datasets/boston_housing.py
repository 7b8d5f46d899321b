"""Prices of houses in Boston of the seventies: 506 rows of 13 numbers."""

from onnxseq.datasets.files import located, read_arrays
from onnxseq.datasets.words import shuffled
from onnxseq.errors import text

HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path="boston_housing.npz", seed=113, test_split=0.2):
    """Return the data set, fetched at the first time.

    Arguments:
        path: Name in the cache, or the whole path of a file of one's own with x and y.
        seed: Of the shuffling.
        test_split: Share of the rows that are kept for testing.

    Returns: ``(x_train, y_train), (x_test, y_test)``: float64, x of shape (rows, 13), y thousands of dollars.

    Raises:
        ValueError: The file is broken or not the one meant, or the share is outside 0 to 1.
        OSError: It cannot be fetched.

    Source: Harrison, Rubinfeld, Hedonic housing prices and the demand for clean air (1978).
    """
    who = "boston_housing.load_data"
    if not 0 <= test_split < 1:
        raise ValueError(text(who, f"test_split is {test_split!r}", "a number from 0, below 1"))
    x, y = shuffled(seed, *read_arrays(who, located(path, "boston_housing.npz", HASH), ("x", "y")))
    split = int(len(x) * (1 - test_split))
    return (x[:split], y[:split]), (x[split:], y[split:])
