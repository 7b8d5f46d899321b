"""Networks known from the literature, ready to be trained or with weights that were trained on ImageNet."""

from onnxseq.applications import inception_v3, mobilenet, resnet50, vgg16, vgg19, xception
from onnxseq.applications.inception_v3 import InceptionV3
from onnxseq.applications.mobilenet import MobileNet
from onnxseq.applications.resnet50 import ResNet50
from onnxseq.applications.vgg16 import VGG16
from onnxseq.applications.vgg19 import VGG19
from onnxseq.applications.xception import Xception

__all__ = [
    "VGG16",
    "VGG19",
    "InceptionV3",
    "MobileNet",
    "ResNet50",
    "Xception",
    "inception_v3",
    "mobilenet",
    "resnet50",
    "vgg16",
    "vgg19",
    "xception",
]
