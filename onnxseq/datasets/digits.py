"""Handwritten digits, small enough to travel with the package.

The 1,797 images of the test part of the UCI data set "Optical Recognition of Handwritten Digits" by
E. Alpaydin and C. Kaynak (1998), licensed CC BY 4.0, https://doi.org/10.24432/C50P49. Each is 8x8 pixels of 0 to 16.
"""

import importlib.resources

import numpy as np

Split = tuple[np.ndarray, np.ndarray]


def load_data(test_split: float = 0.2, seed: int = 113) -> tuple[Split, Split]:
    """Return shuffled images and labels for training and for testing.

    Arguments:
        test_split: the share of the samples to keep for testing, from 0 to 1.
        seed: of the shuffling.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: x of shape (samples, 8, 8), uint8 from 0 to 16; y of shape (samples,),
        0 to 9.

    Raises:
        ValueError: for a share outside 0 to 1.

    Source: UCI Machine Learning Repository, data set 80.
    """
    if not 0 <= test_split <= 1:
        raise ValueError(f"digits.load_data: test_split is {test_split!r}; expected a number from 0 to 1.")
    with importlib.resources.files(__package__).joinpath("digits.npz").open("rb") as file:
        with np.load(file, allow_pickle=False) as arrays:
            x, y = arrays["x"], arrays["y"]
    order = np.random.RandomState(seed).permutation(len(x))
    x, y = x[order], y[order]
    split = len(x) - round(len(x) * test_split)
    return (x[:split], y[:split]), (x[split:], y[split:])
