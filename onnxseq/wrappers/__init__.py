"""Models as estimators of other libraries."""

from onnxseq.wrappers import scikit_learn as scikit_learn
