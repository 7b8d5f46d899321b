"""Where newer HDF5 files keep the links of large groups and the attributes of objects that have many.

Both lie in a heap whose blocks double in size, and a tree names the place of each.
"""

import struct

from onnxseq.saving.hdf5_source import MAX_ENTRIES, UNDEFINED

LINKS = 5
"""Records of the tree that finds links by name."""

ATTRIBUTES = 8
"""Records of the tree that finds attributes by name."""

_ID_AT = {LINKS: (4, 7), ATTRIBUTES: (0, 8)}  # kind: where a record holds the heap's identifier, and its length
_MAX_DEPTH = 16


def dense_objects(source, heap_address, tree_address, kind):
    """Yield the content of each link or attribute message of a dense store."""
    heap = _Heap(source, heap_address)
    start, length = _ID_AT[kind]
    for record in _records(source, tree_address, kind):
        yield heap.read(record[start : start + length])


class _Heap:
    """A fractal heap: direct blocks with the objects, found through indirect blocks."""

    def __init__(self, source, address):
        block = source.expect(address, b"FRHP", 142)
        self.source = source
        filters, self.flags = struct.unpack_from("<HB", block, 7)
        max_object = struct.unpack_from("<I", block, 10)[0]
        self.width, self.start_size, self.max_direct, self.bits, _, self.root, self.num_rows = struct.unpack_from(
            "<HQQHHQH", block, 110
        )
        is_power = all(size and size & (size - 1) == 0 for size in (self.start_size, self.max_direct))
        if filters or not is_power or not 0 < self.bits <= 64 or not 0 < self.width <= 1024 or self.num_rows > 64:
            raise source.fault("the heap of a group or of attributes is of an unknown form")
        self.offset_width = (self.bits + 7) // 8
        of_block = (self.max_direct.bit_length() - 1 + 7) // 8
        self.length_width = min(of_block, _bytes_for(max(max_object, 1)))
        self.num_direct_rows = self.max_direct.bit_length() - self.start_size.bit_length() + 2

    def read(self, identifier):
        """Return the object of an identifier."""
        if len(identifier) < 1 + self.offset_width + self.length_width or identifier[0] & 0xF0:
            raise self.source.fault("an attribute or link that is too large for its heap")
        middle = 1 + self.offset_width
        offset = int.from_bytes(identifier[1:middle], "little")
        length = int.from_bytes(identifier[middle : middle + self.length_width], "little")
        if self.num_rows == 0:
            return self._read_direct(self.root, self.start_size, offset, length)
        return self._read_indirect(self.root, self.num_rows, offset, length, _MAX_DEPTH)

    def _read_direct(self, address, size, offset, length):
        self.source.expect(address, b"FHDB", 5)
        if offset + length > size:
            raise self.source.fault("an object of a heap ends outside of its block")
        return self.source.read(address + offset, length)

    def _read_indirect(self, address, num_rows, offset, length, depth):
        if depth == 0:
            raise self.source.fault("a heap is nested too deeply")
        self.source.expect(address, b"FHIB", 5)
        entry = address + 13 + self.offset_width
        start = 0
        for row in range(num_rows):
            size = self.start_size << max(0, row - 1)
            if offset < start + size * self.width:
                column = (offset - start) // size
                place = entry + 8 * (row * self.width + column)
                child = struct.unpack("<Q", self.source.read(place, 8))[0]
                if child == UNDEFINED:
                    break
                inside = offset - start - column * size
                if row < self.num_direct_rows:
                    return self._read_direct(child, size, inside, length)
                rows = (size // self.start_size // self.width).bit_length()
                return self._read_indirect(child, rows, inside, length, depth - 1)
            start += size * self.width
        raise self.source.fault("an object of a heap is in no block of it")


def _records(source, address, kind):
    block = source.expect(address, b"BTHD", 38)
    found_kind, node_size, record_size, depth = struct.unpack_from("<BIHH", block, 5)
    root, num_records, total = struct.unpack_from("<QHQ", block, 16)
    start, length = _ID_AT[kind]
    if found_kind != kind or record_size < start + length or depth > _MAX_DEPTH or not 0 < node_size <= 1 << 20:
        raise source.fault(f"the tree at byte {address} is of an unknown form")
    if total > MAX_ENTRIES:
        raise source.fault(f"{total} links or attributes of one object", f"up to {MAX_ENTRIES}")
    if total == 0 or root == UNDEFINED:
        return
    yield from _node_records(source, root, num_records, depth, _Sizes(source, node_size, record_size, depth), set())


class _Sizes:
    """How wide the fields of a tree's inner nodes are, which follows from how many records fit below."""

    def __init__(self, source, node_size, record_size, depth):
        self.record = record_size
        most = (node_size - 10) // record_size
        if most < 1:
            raise source.fault("the nodes of a tree are too small for a record")
        self.count = _bytes_for(most)
        self.total = [0]
        largest = most
        for _ in range(depth):
            pointer = 8 + self.count + self.total[-1]
            most = (node_size - 10 - pointer) // (record_size + pointer)
            largest = (most + 1) * largest + most
            self.total.append(_bytes_for(max(largest, 1)))


def _bytes_for(limit):
    return (limit.bit_length() - 1) // 8 + 1


def _node_records(source, address, num_records, depth, sizes, seen):
    if address in seen:
        raise source.fault(f"the structure at byte {address} leads back to itself")
    seen.add(address)
    source.expect(address, b"BTIN" if depth else b"BTLF", 6)
    block = source.read(address + 6, num_records * sizes.record)
    records = [block[at : at + sizes.record] for at in range(0, len(block), sizes.record)]
    if depth == 0:
        yield from records
        return
    width = 8 + sizes.count + sizes.total[depth - 1]
    pointers = source.read(address + 6 + len(block), width * (num_records + 1))
    for index in range(num_records + 1):
        at = index * width
        child = struct.unpack_from("<Q", pointers, at)[0]
        count = int.from_bytes(pointers[at + 8 : at + 8 + sizes.count], "little")
        yield from _node_records(source, child, count, depth - 1, sizes, seen)
        if index < num_records:
            yield records[index]
