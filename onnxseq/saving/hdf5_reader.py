"""HDF5 files as trees of groups, attributes and arrays; read-only, and safe to open whatever the file holds.

The format is read here, in Python, and not by way of h5py: what a file declares is then compared with what it holds
before memory is taken, and a broken file can't bring the process down. With libhdf5 2.0.0 one of 4,000 mutated copies
of a Keras file ended in a segmentation fault, in children forked for the purpose. Files are written by h5py.

Only what Keras's files are made of is read. Soft and external links, arrays stored in other files, virtual, chunked
and compressed arrays, and references are refused when they are met, by their description and before any content.
"""

import io
import math
import struct
import zipfile

import numpy as np

from onnxseq.saving import hdf5_dense
from onnxseq.saving.hdf5_source import (
    MAX_ENTRIES,
    UNDEFINED,
    Source,
    decode,
    heap_object,
    messages,
    table_entries,
)

MAX_RANK = 32
MAX_PARTS = 100
"""Names in one path: a group can hold itself, and a path through it has no end."""

MAX_ATTRIBUTE = 1 << 28
"""Bytes of one attribute's value: a configuration of 256 MB is no configuration."""

_DATASPACE, _LINK_INFO, _DATATYPE, _LINK, _EXTERNAL, _LAYOUT, _FILTERS = 1, 2, 3, 6, 7, 8, 11
_ATTRIBUTE, _SYMBOL_TABLE, _ATTRIBUTE_INFO = 12, 17, 21
_SHARED = 2
_SOFT_LINK, _EXTERNAL_LINK = "a soft link", "an external link"


class File:
    """An HDF5 file for reading, used in a ``with`` block.

    Arguments:
        path: Where it is; or a binary file, with ``who``.
        who: The file's name in messages.

    Raises:
        OSError: There is none, or it is no HDF5 file that is whole.
    """

    def __init__(self, path, who=None):
        is_file = hasattr(path, "read")
        self._file = path if is_file else open(path, "rb")
        self._owned = not is_file
        try:
            self._source = Source(self._file, who or repr(str(path)))
            self.root = Group(self._source, self._source.root(), "")
        except BaseException:
            self._close()
            raise

    def __enter__(self):
        return self.root

    def __exit__(self, *_):
        self._close()

    def _close(self):
        if self._owned:
            self._file.close()


def member(archive, name, limit):
    """Return a member of a zip archive as a binary file, if it takes no more than a number of bytes."""
    with archive.open(name) as packed:
        content = packed.read(limit + 1)
    if len(content) > limit:
        raise zipfile.BadZipFile(f"the member {name.filename!r} holds more than the {limit} bytes that it declares")
    return io.BytesIO(content)


class _Object:
    """A group or an array: what lies behind one object header."""

    def __init__(self, source, address, path, found=None):
        self._source = source
        self._address = address
        self._messages = messages(source, address) if found is None else found
        self.path = path
        self._attributes = None

    def _fault(self, arrived, expected="what Keras writes", action=""):
        return self._source.fault(f"{arrived} at {self.path or '/'!r}", expected, action)

    @property
    def file_size(self):
        """How many bytes the whole file has."""
        return self._source.size

    def _first(self, kind):
        for found, flags, content in self._messages:
            if found == kind:
                if flags & _SHARED:
                    raise self._fault("a description that is kept at another place")
                return content
        return None

    def attributes(self):
        """Return the names of the attributes."""
        return list(self._read_attributes())

    def attribute(self, name):
        """Return an attribute: text, a list of texts, a number or an array; None where there is none of the name."""
        known = self._read_attributes()
        return known[name].value(f"attribute {name!r} of {self.path or '/'!r}") if name in known else None

    def _read_attributes(self):
        if self._attributes is None:
            contents = [content for kind, _, content in self._messages if kind == _ATTRIBUTE]
            information = self._first(_ATTRIBUTE_INFO)
            if information is not None:
                flags = _unpack(self._source, "<BB", information)[1]
                heap, tree = _unpack(self._source, "<QQ", information, 4 if flags & 1 else 2)
                if heap != UNDEFINED:
                    contents += hdf5_dense.dense_objects(self._source, heap, tree, hdf5_dense.ATTRIBUTES)
            found = [_Attribute(self._source, content) for content in contents]
            self._attributes = {attribute.name: attribute for attribute in found}
        return self._attributes


class Group(_Object):
    """A group: named groups and arrays, and attributes."""

    def __init__(self, source, address, path, found=None):
        super().__init__(source, address, path, found)
        self._entries = None
        self._children = {}

    def names(self):
        """Return the names of what is in the group, in no order that means anything."""
        return list(self._read_entries())

    def links(self):
        """Return, by name, what entries are that lead elsewhere: soft and external links."""
        return {name: place for name, place in self._read_entries().items() if isinstance(place, str)}

    def __contains__(self, name):
        return name in self._read_entries()

    def find(self, path):
        """Return the group or array at a path below this one.

        Raises:
            KeyError: There is none.
            OSError: It is a link to elsewhere, or broken.
        """
        found = self
        if path.count("/") >= MAX_PARTS:
            raise self._source.fault(f"a path of {path.count('/') + 1} names at {self.path or '/'!r}",
                                     f"up to {MAX_PARTS}")
        for part in path.split("/"):
            if not isinstance(found, Group) or part not in found:
                raise KeyError(f"{self._source.who}: there is no {path!r} in {self.path or '/'!r}; expected it, as "
                               f"the file names it.")
            found = found._child(part)
        return found

    def _child(self, name):
        if name not in self._children:
            place, path = self._read_entries()[name], f"{self.path}/{name}"
            if isinstance(place, str):
                raise self._source.fault(f"{path!r} is {place}", "groups and arrays of the file itself",
                                         "Links are refused: they lead to places that the file should not choose.")
            found = messages(self._source, place)
            is_array = any(kind == _DATASPACE for kind, _, _ in found)
            self._children[name] = (Array if is_array else Group)(self._source, place, path, found)
        return self._children[name]

    def size(self):
        """Return how many bytes the arrays in the group and in all groups below it take.

        Raises:
            OSError: Something is in two places, as where groups hold each other, or arrays overlap.
        """
        total, groups, seen = 0, [self], {self._address}
        while groups:
            group = groups.pop()
            for name in group.names():
                found = group.find(name)
                if found._address in seen:
                    raise self._source.fault(f"{found.path!r} is in another place too", "a tree of groups and arrays")
                seen.add(found._address)
                if isinstance(found, Group):
                    groups.append(found)
                else:
                    total += found.num_bytes
        if total > self.file_size:
            raise self._source.fault(f"arrays of {total} bytes in a file of {self.file_size}", "arrays of their own")
        return total

    def group(self, path):
        """Return the group at a path; OSError where there is an array."""
        found = self.find(path)
        if not isinstance(found, Group):
            raise self._source.fault(f"{found.path!r} is an array", "a group")
        return found

    def array(self, path):
        """Return the array at a path; OSError where there is a group."""
        found = self.find(path)
        if not isinstance(found, Array):
            raise self._source.fault(f"{found.path!r} is a group", "an array")
        return found

    def _read_entries(self):
        if self._entries is None:
            entries = {}
            for name, place in self._all_entries():
                if name in entries:
                    raise self._fault(f"two entries named {name!r}")
                entries[name] = place
            if len(entries) > MAX_ENTRIES:
                raise self._fault(f"{len(entries)} entries")
            self._entries = entries
        return self._entries

    def _all_entries(self):
        table = self._first(_SYMBOL_TABLE)
        if table is not None:
            for name, address in table_entries(self._source, *_unpack(self._source, "<QQ", table)):
                yield name, _SOFT_LINK if address is None else address
        links = [content for kind, _, content in self._messages if kind == _LINK]
        information = self._first(_LINK_INFO)
        if information is not None:
            flags = _unpack(self._source, "<BB", information)[1]
            heap, tree = _unpack(self._source, "<QQ", information, 10 if flags & 1 else 2)
            if heap != UNDEFINED:
                links += hdf5_dense.dense_objects(self._source, heap, tree, hdf5_dense.LINKS)
        for content in links:
            yield _link(self._source, content)


def _unpack(source, form, content, at=0):
    if len(content) < at + struct.calcsize(form):
        raise source.fault("a description in an object header is cut off")
    return struct.unpack_from(form, content, at)


def _link(source, content):
    version, flags = _unpack(source, "<BB", content)
    at, kind = 2, 0
    if flags & 8:
        kind = _unpack(source, "<B", content, at)[0]
        at += 1
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(content[at : at + width], "little")
    at += width
    if version != 1 or at + length > len(content):
        raise source.fault("a link of an unknown form")
    name = decode(source, content[at : at + length])
    if kind == 0:
        return name, _unpack(source, "<Q", content, at + length)[0]
    return name, _SOFT_LINK if kind == 1 else _EXTERNAL_LINK


class Array(_Object):
    """An array of the file: its shape and dtype at once, its content when asked for.

    Attributes:
        shape: A tuple.
        dtype: A NumPy dtype of numbers, truth values or fixed-length text.
    """

    def __init__(self, source, address, path, found):
        super().__init__(source, address, path, found)
        if self._first(_EXTERNAL) is not None:
            raise self._fault("an array whose content lies in other files", "arrays in the file itself")
        self.shape = _shape(source, self._first(_DATASPACE))
        self.dtype = _dtype(source, self._first(_DATATYPE) or b"", f"array {path!r}")
        if not isinstance(self.dtype, np.dtype):
            raise self._fault("an array of texts of any length", "an array of numbers")
        self.num_bytes = math.prod(self.shape) * self.dtype.itemsize
        self._place, self._inline = self._find_content()

    def _find_content(self):
        layout = self._first(_LAYOUT) or b""
        version, kind = _unpack(self._source, "<BB", layout)
        if version not in (3, 4):
            raise self._fault(f"an array in a layout of version {version}", "version 3 or 4")
        if kind == 2 or self._first(_FILTERS) is not None:
            raise self._fault("an array in chunks or compressed", "arrays in one piece, as Keras writes them",
                              "Rewrite a file that you trust by: h5repack -l CONTI -f NONE old.h5 new.h5")
        if kind == 3:
            raise self._fault("a virtual array, made of others", "arrays of the file itself")
        if kind == 0:
            size = _unpack(self._source, "<H", layout, 2)[0]
            place, inline = None, layout[4 : 4 + size]
        elif kind == 1:
            place, size = _unpack(self._source, "<QQ", layout, 2)
            inline = None
        else:
            raise self._fault(f"an array in a layout of kind {kind}", "one in one piece")
        if self.num_bytes and (size != self.num_bytes or (inline is not None and len(inline) != size)):
            raise self._fault(f"an array of shape {self.shape}, which takes {self.num_bytes} bytes, in {size}",
                              "as many bytes as the shape takes")
        if inline is None and self.num_bytes:
            if place == UNDEFINED or place + self.num_bytes > self._source.size:
                raise self._fault(f"an array of shape {self.shape} that the file does not hold", "its content")
        return place, inline

    def read(self):
        """Return the content."""
        found = np.empty(self.shape, self.dtype)
        if not self.num_bytes:
            return found
        if self._inline is not None:
            return np.frombuffer(self._inline, self.dtype).reshape(self.shape).copy()
        self._source.read_into(found.reshape(-1).view(np.uint8), self._place)
        return found


class _Attribute:
    """One attribute, its value still in bytes."""

    def __init__(self, source, content):
        self._source = source
        version, flags, name_size, type_size, space_size = _unpack(source, "<BBHHH", content)
        if version not in (1, 2, 3) or (version > 1 and flags):
            raise source.fault("an attribute of an unknown form")
        at = 9 if version == 3 else 8
        pieces = []
        for size in (name_size, type_size, space_size):
            if at + size > len(content):
                raise source.fault("an attribute that is cut off")
            pieces.append(content[at : at + size])
            at += (size + 7) // 8 * 8 if version == 1 else size
        self.name = decode(source, pieces[0].split(b"\0")[0])
        self._type, self._space = pieces[1:]
        self._content = content[at:]

    def value(self, where):
        """Return the value; ``where`` names the attribute in messages."""
        source = self._source
        shape, dtype = _shape(source, self._space), _dtype(source, self._type, where)
        count = math.prod(shape)
        item = 16 if dtype is str else dtype.itemsize
        if count * item > min(len(self._content), MAX_ATTRIBUTE):
            raise source.fault(f"{where} declares {count} values and holds {len(self._content)} bytes")
        if dtype is str:
            texts = [self._long_text(at, where) for at in range(0, 16 * count, 16)]
            return texts[0] if shape == () else texts
        found = np.frombuffer(self._content[: count * item], dtype).reshape(shape)
        if dtype.kind == "S":
            texts = [decode(source, raw) for raw in found.reshape(-1).tolist()]
            return texts[0] if shape == () else texts
        return found[()] if shape == () else found.copy()

    def _long_text(self, at, where):
        length, address, index = struct.unpack_from("<IQI", self._content, at)
        if not length:
            return ""
        if length > MAX_ATTRIBUTE:
            raise self._source.fault(f"{where} of {length} bytes", f"up to {MAX_ATTRIBUTE}")
        raw = heap_object(self._source, address, index)
        if len(raw) < length:
            raise self._source.fault(f"{where} is cut off")
        return decode(self._source, raw[:length].split(b"\0")[0])


def _shape(source, content):
    version, rank, _, kind = _unpack(source, "<4B", content or b"")
    if version not in (1, 2) or rank > MAX_RANK:
        raise source.fault(f"a shape of {rank} axes, in form {version}", f"up to {MAX_RANK} axes")
    if version == 2 and kind == 2:  # no values at all
        return (0,)
    return _unpack(source, f"<{rank}Q", content, 8 if version == 1 else 4)


def _dtype(source, content, where):
    """Return the NumPy dtype of a description, or ``str`` for texts of any length."""
    head, bits, size = _unpack(source, "<BBxxI", content)
    kind = head & 15
    order = ">" if bits & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8):
        return np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}")
    if kind == 1 and _is_ieee(content, size):
        return np.dtype(f"{order}f{size}")
    if kind == 3 and 0 < size <= MAX_ATTRIBUTE:
        return np.dtype(f"S{size}")
    if kind == 8 and size == 1:  # as truth values are written
        return np.dtype("?")
    if kind == 9 and bits & 15 == 1:
        return str
    raise source.fault(f"{where} is of a type that is neither numbers nor text (HDF5 class {kind}, {size} bytes)",
                       "numbers or text")


_IEEE = {2: (15, 10, 5, 0, 10, 15), 4: (31, 23, 8, 0, 23, 127), 8: (63, 52, 11, 0, 52, 1023)}


def _is_ieee(content, size):
    """Tell whether a description of a float is that of NumPy's float of the size."""
    if size not in _IEEE or len(content) < 20:
        return False
    return (content[2], *struct.unpack_from("<BBBBI", content, 12)) == _IEEE[size]
