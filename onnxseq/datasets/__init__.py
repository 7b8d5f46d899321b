"""Small data sets ready to use."""

from onnxseq.datasets import digits as digits
