"""Data sets: one that is here, and those that are fetched when first asked for."""

from onnxseq.datasets import boston_housing as boston_housing
from onnxseq.datasets import cifar10 as cifar10
from onnxseq.datasets import cifar100 as cifar100
from onnxseq.datasets import digits as digits
from onnxseq.datasets import imdb as imdb
from onnxseq.datasets import mnist as mnist
from onnxseq.datasets import reuters as reuters
