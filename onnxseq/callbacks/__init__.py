"""What runs beside training: at its begin and end, and at those of every epoch and batch.

`fit` calls, for every event, BaseLogger first, then the user's callbacks in their order, then History, then
ProgbarLogger. The logs of a batch hold 'batch' (its index), 'size' (its samples) and, at its end, the loss and each
metric; those of an epoch's end hold the averages over the epoch, and validation's under 'val_' names.
"""

from onnxseq.callbacks.base import Callback, CallbackList
from onnxseq.callbacks.checkpoint import ModelCheckpoint
from onnxseq.callbacks.records import BaseLogger, CSVLogger, History, ProgbarLogger, RemoteMonitor
from onnxseq.callbacks.rules import (
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from onnxseq.callbacks.tensorboard import TensorBoard

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
]
