"""ROS 1 bags (format 2.0), also such as were never closed.

``#ROSBAG V2.0``, then records: a header of ``name=value`` fields behind its length, and data behind theirs.
Messages lie in chunks, plain, bz2 or lz4; a chunk begins with the connections (topics) that are new in it.
Read are the chunks in their order, without the index at the end, which a bag that was cut off lacks.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from evcam.io.formats._bag import Message
from evcam.io.formats._bag_source import BagSource
from evcam.io.formats._chunked_bag import ChunkedBag, Piece
from evcam.io.formats._ros_messages import plain_type
from evcam.io.source import Format

_MAGIC = b"#ROSBAG V2.0\n"
_MESSAGE, _CHUNK, _CONNECTION = 2, 5, 7
_KNOWN = range(2, 8)
_MAX_HEADER_BYTES = 1 << 22
_UNCLOSED_PIECE_BYTES = 1 << 20

_Fields = dict[bytes, bytes]


class Rosbag1(ChunkedBag):
    """An open ROS 1 bag."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, cdr=False)

    def messages(self, piece: int, topics: Collection[str]) -> Iterator[Message]:
        place = self._pieces[piece]
        data = self._inflated(place)
        where = f"chunk at byte {place.position}"
        position = 0
        while position < len(data):
            try:
                fields, start, size = _record(data, position)
            except ValueError as error:
                raise self.damaged(f"{where}, {position} bytes into it", error) from None
            if start + size > len(data):
                raise self.damaged(f"{where}, {position} bytes into it", f"a record of {size} bytes goes beyond its end")
            kind = _number(fields, b"op")
            if kind == _CONNECTION:
                self._connect(fields, data[start : start + size], where)
            elif kind == _MESSAGE:
                topic = self._names.get(_number(fields, b"conn"))
                if topic is not None and topic in topics:
                    yield Message(topic, data[start : start + size], where)
            position = start + size

    def _walk(self) -> None:
        position = len(_MAGIC)
        while position < self._end:
            try:
                fields, start, size = _record_of_file(self._file, position)
                kind = _number(fields, b"op")
                if kind not in _KNOWN:
                    raise ValueError(f"a record of the unknown kind {kind}")
            except EOFError:
                break
            except ValueError as error:
                raise self.damaged(f"record at byte {position}", error) from None
            if start + size > self._end:
                if kind != _CHUNK or fields.get(b"compression", b"none") != b"none":
                    break
                size = 0  # the records of a plain chunk are complete up to the cut
            self._note(kind, fields, position, start, size)
            position = start + size
        if position < self._end:
            self.warnings.append(f"the last record, at byte {position}, is incomplete and left out: the file was cut off")

    def _note(self, kind: int, fields: _Fields, position: int, start: int, size: int) -> None:
        if kind == _CHUNK:
            compression = fields.get(b"compression", b"none").decode("ascii", "replace")
            # A chunk that was being written, or was cut off, is taken as none: its records follow as if they lay outside.
            if size:
                self._pieces.append(Piece(start, size, compression, _number(fields, b"size")))
        elif kind == _CONNECTION:
            self._file.seek(start)
            self._connect(fields, self._file.read(size), f"record at byte {position}")
        elif kind == _MESSAGE:
            last = self._pieces[-1] if self._pieces else None
            length = start + size - position
            if last and last.position + last.bytes == position and last.bytes < _UNCLOSED_PIECE_BYTES and last.compression == "":
                self._pieces[-1] = Piece(last.position, last.bytes + length, "", last.bytes + length)
            else:
                self._pieces.append(Piece(position, length, "", length))

    def _connect(self, fields: _Fields, data: bytes, where: str) -> None:
        try:
            topic = fields[b"topic"].decode("utf-8", "replace")
            kind = plain_type(_fields(data)[b"type"].decode("utf-8", "replace"))
        except (KeyError, ValueError) as error:
            raise self.damaged(f"connection in {where}", f"no {error}") from None
        self._names[_number(fields, b"conn")] = topic
        self.topics[topic] = kind


def _record(data: bytes, position: int) -> tuple[_Fields, int, int]:
    """Header fields of a record, where its data begin, and how long they are."""
    if position + 4 > len(data):
        raise ValueError("cut off within a record")
    (length,) = struct.unpack_from("<I", data, position)
    start = position + 4 + length
    if start + 4 > len(data):
        raise ValueError(f"a record's header of {length} bytes goes beyond the end")
    return _fields(data[position + 4 : start]), start + 4, struct.unpack_from("<I", data, start)[0]


def _record_of_file(file: BinaryIO, position: int) -> tuple[_Fields, int, int]:
    file.seek(position)
    prefix = file.read(4)
    length = int.from_bytes(prefix, "little")
    if len(prefix) == 4 and length > _MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes, more than the {_MAX_HEADER_BYTES} that are read")
    header, suffix = file.read(length), file.read(4)
    if len(suffix) < 4:
        raise EOFError
    return _fields(header), position + 8 + length, int.from_bytes(suffix, "little")


def _fields(data: bytes) -> _Fields:
    fields = {}
    position = 0
    while position + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, position)
        name, equals, value = data[position + 4 : position + 4 + length].partition(b"=")
        if not equals or position + 4 + length > len(data):
            raise ValueError(f"a header field of {length} bytes is none")
        fields[name] = value
        position += 4 + length
    return fields


def _number(fields: _Fields, name: bytes) -> int:
    return int.from_bytes(fields.get(name, b""), "little")


def _open(path: Path, stream: str | None = None) -> BagSource:
    return BagSource(path, Rosbag1(path), stream)


def _matches(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = Format("ROS 1 bag", _matches, _open, _open)
