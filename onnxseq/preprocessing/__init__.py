"""Making arrays of pictures, sequences and texts."""

from onnxseq.preprocessing import image as image
from onnxseq.preprocessing import sequence as sequence
from onnxseq.preprocessing import text as text
