"""``python -m onnxseq``: the command line."""

import sys

from onnxseq.cli import main

if __name__ == "__main__":
    sys.exit(main())
