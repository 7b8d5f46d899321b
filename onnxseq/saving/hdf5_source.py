"""The bytes of an HDF5 file, read with every offset, count and nesting checked, and the structures that hold names.

The reader is our own, in Python: what a file says is compared with what it holds before anything is made of it, so
that a broken or hostile file ends in an OSError, whatever its bytes are. It knows the part of the format that Keras's
files use, in the layouts of HDF5 1.6 up to 2.0: groups and attributes of both kinds, and plain arrays.

Source: The HDF Group, HDF5 File Format Specification, version 3.0.
"""

import os
import struct

from onnxseq.errors import text

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = (1 << 64) - 1

MAX_MESSAGES = 100_000
"""Messages in one object header, attributes and links included."""

MAX_ENTRIES = 200_000
"""Entries in one group, or attributes of one object."""

MAX_METADATA = 1 << 27
"""Bytes of structure that one file may make the reader look at; each look counts for some bytes more.

Smaller files may ask for less, ``FREE_METADATA`` and some times their size: each piece is looked at a few times.
"""

FREE_METADATA = 1 << 24

_LOOK = 64

_MAX_LEVELS = 32


class Source:
    """Bytes of a file by offset and length, always all or an error.

    Arguments:
        file: A binary file that can seek.
        who: The file's name in messages.
    """

    def __init__(self, file, who):
        self._file = file
        self.who = who
        self.size = file.seek(0, os.SEEK_END)
        self.base = 0
        self.heaps = {}  # found by `heap_object`
        self._looked_at = 0
        self._most = min(MAX_METADATA, FREE_METADATA + 8 * self.size)

    def fault(self, arrived, expected="a whole HDF5 file as Keras writes it", action=""):
        """Return the error for something wrong with the file."""
        return OSError(text(self.who, arrived, expected, action or "Take a copy that is whole, from where you trust."))

    def read(self, offset, length):
        """Return bytes of the file's structure."""
        self._looked_at += length + _LOOK
        if self._looked_at > self._most:
            raise self.fault(f"its structure takes more than {self._most} bytes to follow")
        self._seek(offset, length)
        return self._file.read(length)

    def read_into(self, buffer, offset):
        """Fill a writable buffer with content."""
        view = memoryview(buffer).cast("B")
        self._seek(offset, len(view))
        done = 0
        while done < len(view):
            count = self._file.readinto(view[done:])
            if not count:
                raise self.fault("the file became shorter while it was read")
            done += count

    def _seek(self, offset, length):
        if length < 0 or offset < 0 or offset + self.base + length > self.size:
            raise self.fault(f"bytes {offset} to {offset + length} are named, of {self.size}")
        self._file.seek(offset + self.base)

    def expect(self, offset, signature, length):
        """Return a block that must begin with a signature."""
        block = self.read(offset, length)
        if block[:4] != signature:
            raise self.fault(f"there is no {signature.decode()} block at byte {offset}")
        return block

    def root(self):
        """Return the address of the root group's header."""
        if self.size < 48 or self.read(0, 8) != SIGNATURE:
            raise OSError(text(self.who, "not an HDF5 file", "a file that begins as HDF5 files do",
                               "Pass a file that save() or save_weights() wrote."))
        version = self.read(8, 1)[0]
        if version in (0, 1):
            skip = 24 if version == 0 else 28
            sizes = tuple(self.read(13, 2))
            base, _, end, _, _, address = struct.unpack("<6Q", self.read(skip, 48))
        elif version in (2, 3):
            sizes = tuple(self.read(9, 2))
            base, _, end, address = struct.unpack("<4Q", self.read(12, 32))
        else:
            raise self.fault(f"version {version} of the file's first block", "version 0 to 3")
        if sizes != (8, 8):
            raise self.fault(f"addresses of {sizes[0]} and lengths of {sizes[1]} bytes", "8 bytes each")
        if base != 0:
            raise self.fault(f"content from byte {base} on", "content from the first byte on")
        if end > self.size:
            raise self.fault(f"a truncated file: {self.size} bytes of {end}")
        return address


def messages(source, address):
    """Return the messages of an object header: a list of (type, flags, content)."""
    if source.read(address, 4) == b"OHDR":
        return _messages_2(source, address)
    version, _, _, _, size = struct.unpack("<BBHII", source.read(address, 12))
    if version != 1:
        raise source.fault(f"there is no object header at byte {address}")
    found, blocks, seen = [], [(address + 16, size)], set()
    while blocks:
        offset, length = blocks.pop(0)
        _visit(source, seen, offset)
        block, at = source.read(offset, length), 0
        while at + 8 <= length:
            kind, size, flags = struct.unpack_from("<HHB", block, at)
            content = block[at + 8 : at + 8 + size]
            _keep(source, found, blocks, kind, flags, content, size)
            at += 8 + size
    return found


def _messages_2(source, address):
    version, flags = source.read(address + 4, 2)
    if version != 2:
        raise source.fault(f"version {version} of an object header", "version 1 or 2")
    at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(source.read(at, width), "little")
    found, blocks, seen = [], [(at + width, size)], set()
    head = 6 if flags & 4 else 4
    while blocks:
        offset, length = blocks.pop(0)
        _visit(source, seen, offset)
        if len(seen) > 1:  # a continuation has a signature before and a checksum behind
            source.expect(offset, b"OCHK", 8)
            offset, length = offset + 4, length - 8
        block, at = source.read(offset, length), 0
        while at + head <= length:
            kind, size, message_flags = struct.unpack_from("<BHB", block, at)
            content = block[at + head : at + head + size]
            _keep(source, found, blocks, kind, message_flags, content, size)
            at += head + size
    return found


def _keep(source, found, blocks, kind, flags, content, size):
    if len(content) != size:
        raise source.fault("a message of an object header ends outside of it")
    if kind == 0x10:
        if size < 16:
            raise source.fault("an object header goes on at no place")
        blocks.append(struct.unpack_from("<QQ", content))
    elif kind:
        found.append((kind, flags, content))
    if len(found) + len(blocks) > MAX_MESSAGES:
        raise source.fault(f"an object header of more than {MAX_MESSAGES} messages")


def _visit(source, seen, offset):
    if offset in seen:
        raise source.fault(f"the structure at byte {offset} leads back to itself")
    seen.add(offset)


# Groups of the older kind: a tree of name tables, and a heap of names.


def table_entries(source, tree, heap):
    """Yield (name, address of the object, or None for a soft link) of a group that is a symbol table."""
    size, _, segment = struct.unpack_from("<QQQ", source.expect(heap, b"HEAP", 32), 8)
    names = source.read(segment, size)
    seen, count = set(), 0
    for node in _tree_leaves(source, tree, seen, _MAX_LEVELS):
        num_symbols = struct.unpack_from("<H", source.expect(node, b"SNOD", 8), 6)[0]
        block = source.read(node + 8, 40 * num_symbols)
        for at in range(0, len(block), 40):
            name_at, address, cache = struct.unpack_from("<QQI", block, at)
            end = names.find(b"\0", name_at)
            if name_at >= size or end < 0:
                raise source.fault("a name in a group is outside of the group's names")
            count += 1
            if count > MAX_ENTRIES:
                raise source.fault(f"a group of more than {MAX_ENTRIES} entries")
            yield decode(source, names[name_at:end]), None if cache == 2 else address


def _tree_leaves(source, address, seen, above):
    _visit(source, seen, address)
    kind, level, used = struct.unpack_from("<BBH", source.expect(address, b"TREE", 24), 4)
    if kind != 0 or level >= above:
        raise source.fault(f"the tree of a group is broken at byte {address}")
    block = source.read(address + 24, 16 * used)
    for at in range(8, len(block), 16):
        child = struct.unpack_from("<Q", block, at)[0]
        if level:
            yield from _tree_leaves(source, child, seen, level)
        else:
            _visit(source, seen, child)
            yield child


def decode(source, raw):
    """Return the text of a name or a value."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise source.fault(f"text that is no UTF-8: {raw[:40]!r}") from error


# Variable-length values.


def heap_object(source, address, index):
    """Return one object of the global heap."""
    if address not in source.heaps:
        source.heaps[address] = _heap_objects(source, address)
    place = source.heaps[address].get(index)
    if place is None:
        raise source.fault(f"a value that the heap at byte {address} does not hold")
    return source.read(*place)


def _heap_objects(source, address):
    """Return where the objects of a heap are: (offset, length) by their numbers."""
    size = struct.unpack_from("<Q", source.expect(address, b"GCOL", 16), 8)[0]
    if size > source.size:
        raise source.fault(f"a heap of {size} bytes, in a file of {source.size}")
    found = {}
    at, end = address + 16, address + size
    while at + 16 <= end:
        number, _, _, length = struct.unpack("<HHIQ", source.read(at, 16))
        if number == 0:
            break
        if at + 16 + length > end:
            raise source.fault(f"the heap at byte {address} holds more than its size")
        found.setdefault(number, (at + 16, length))
        at += 16 + (length + 7) // 8 * 8
    return found
