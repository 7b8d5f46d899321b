"""tf.keras r1.4's Sequential API as a light library on ONNX Runtime."""

from onnxseq import activations as activations
from onnxseq import applications as applications
from onnxseq import backend as backend
from onnxseq import callbacks as callbacks
from onnxseq import constraints as constraints
from onnxseq import datasets as datasets
from onnxseq import initializers as initializers
from onnxseq import layers as layers
from onnxseq import losses as losses
from onnxseq import metrics as metrics
from onnxseq import models as models
from onnxseq import optimizers as optimizers
from onnxseq import preprocessing as preprocessing
from onnxseq import regularizers as regularizers
from onnxseq import utils as utils
from onnxseq import wrappers as wrappers
from onnxseq.layers import Input as Input

__version__ = "0.1.0"
