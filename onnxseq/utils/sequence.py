"""Sequence: a data set that hands out one batch by its index."""


class Sequence:
    """Base of a data set read batch by batch; workers may fetch its batches in any order, each exactly once an epoch.

    A subclass defines `__getitem__(index)`, which returns the batch as `train_on_batch` takes it, and `__len__()`,
    the number of batches. `on_epoch_end()` may be defined; it runs after the last batch of an epoch was fetched.
    """

    def __getitem__(self, index):
        """Return batch number `index`, from 0."""
        raise NotImplementedError(
            f"{type(self).__name__}: __getitem__ is not defined; expected one that returns batch {index}. Define it."
        )

    def __len__(self):
        """Return the number of batches."""
        raise NotImplementedError(
            f"{type(self).__name__}: __len__ is not defined; expected a method that returns the number of batches. "
            "Define it."
        )

    def on_epoch_end(self):
        """Runs after each epoch; does nothing unless a subclass defines it."""
