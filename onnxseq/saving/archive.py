"""Models in Keras 3's archives: a configuration, metadata and weights in one zip file. Read only."""

import zipfile
import zlib

from onnxseq.errors import text
from onnxseq.saving import hdf5_reader
from onnxseq.saving.safety import MAX_TEXT, read_json

MAX_RATIO = 10
FREE_SIZE = 1 << 24
"""A member may say that it is so many times the archive, or up to so many bytes; Keras compresses nothing."""


def is_archive(path):
    """Tell whether a file is a zip archive."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


class Archive:
    """A Keras 3 archive for reading, used in a ``with`` block.

    Attributes:
        config: The model's configuration.
        version: The Keras that wrote it.
        weights: The root group of the weights.

    Raises:
        OSError: It is no archive that is whole.
        ValueError: It holds no model.
    """

    def __init__(self, who, path):
        self._who = who
        self._zip = None
        try:
            self._zip = zipfile.ZipFile(path)
            self._size = max(self._zip.fp.seek(0, 2), 1)
            self.config = self._json("config.json")
            metadata = self._json("metadata.json")
            content = self._member("model.weights.h5", max(MAX_RATIO * self._size, FREE_SIZE))
        except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, zlib.error) as error:
            self._close()
            raise OSError(text(who, f"the archive cannot be read ({error})", "an archive of Keras 3 that is whole",
                               "Take a copy that is whole, from where you trust.")) from error
        except BaseException:
            self._close()
            raise
        version = metadata.get("keras_version") if isinstance(metadata, dict) else None
        self.version = version if isinstance(version, str) else "3"
        self.weights = hdf5_reader.File(content, who=f"{who}: 'model.weights.h5'").root

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._close()

    def _close(self):
        if self._zip is not None:
            self._zip.close()

    def _json(self, name):
        return read_json(self._who, self._member(name, MAX_TEXT).read(), name)

    def _member(self, name, limit):
        found = [info for info in self._zip.infolist() if info.filename == name]
        if len(found) != 1:
            raise ValueError(text(self._who, f"the archive holds {len(found)} members {name!r}", "one"))
        if found[0].file_size > limit:
            raise ValueError(text(self._who, f"{name} of {found[0].file_size} bytes", f"up to {limit}"))
        return hdf5_reader.member(self._zip, found[0], found[0].file_size)
