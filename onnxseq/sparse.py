"""Matrices of SciPy, known by what they can do: SciPy itself is never imported.

Everything here computes densely. Data may come in a sparse form, which stays as it is until its rows are fed: a batch
is cut out first and made dense then, so that no more than one batch is ever held densely.
"""


def is_sparse(values):
    """Return whether values are a sparse matrix or array of SciPy, of any format."""
    return hasattr(values, "tocsr") and hasattr(values, "toarray")


def by_rows(values):
    """Return sparse values in a form that rows can be taken from in any order; dense where they are no matrix."""
    return values.tocsr() if len(values.shape) == 2 else values.toarray()


def dense(values):
    """Return sparse values as an array, anything else as it is."""
    return values.toarray() if is_sparse(values) else values
