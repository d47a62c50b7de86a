"""ROS 2 bags in MCAP files, also such as were never closed.

A magic number, then records: their kind (a byte), length (64 bits) and content.  Messages lie in chunks, plain, lz4 or
zstd, or outside; channels (topics) and schemas (types) come before their messages, and once more in the summary at the end,
which a recording that was cut off lacks and which is not needed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

from evcam.io.formats._bag import Message, files_in_order, open_files
from evcam.io.formats._bag_source import BagSource
from evcam.io.formats._chunked_bag import ChunkedBag, Piece
from evcam.io.formats._ros_messages import plain_type
from evcam.io.source import Format

_MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 2, 3, 4, 5, 6, 15
_MAX_CHUNK_HEAD_BYTES = 64
_PLAIN_AT, _PLAIN_HEAD_BYTES = 28, 40  # where a chunk tells its compression, and what lies before its records without one
_MESSAGE_HEAD_BYTES = 22
_LOOSE_PIECE_BYTES = 1 << 20


class McapBag(ChunkedBag):
    """An open MCAP file."""

    def __init__(self, path: Path) -> None:
        self._types: dict[int, str] = {}
        self._checksums: list[int] = []
        super().__init__(path, cdr=True)

    def messages(self, piece: int, topics: Collection[str]) -> Iterator[Message]:
        place = self._pieces[piece]
        where = f"chunk at byte {place.position}"
        data = self._inflated(place)
        if self._checksums[piece] and zlib.crc32(data) != self._checksums[piece]:
            raise self.damaged(where, "its checksum does not fit")
        position = 0
        while position < len(data):
            if position + 9 > len(data):
                raise self.damaged(f"{where}, {position} bytes into it", "cut off within a record")
            kind, size = struct.unpack_from("<BQ", data, position)
            start, position = position + 9, position + 9 + size
            if position > len(data):
                raise self.damaged(f"{where}, {start - 9} bytes into it", f"a record of {size} bytes goes beyond its end")
            if kind != _MESSAGE:
                self._note(kind, data[start:position], where)
            elif size >= _MESSAGE_HEAD_BYTES:
                topic = self._names.get(struct.unpack_from("<H", data, start)[0])
                if topic is not None and topic in topics:
                    yield Message(topic, data[start + _MESSAGE_HEAD_BYTES : position], where)

    def _walk(self) -> None:
        position, complete = len(_MAGIC), False
        while position + 9 <= self._end and not complete:
            self._file.seek(position)
            kind, size = struct.unpack("<BQ", self._file.read(9))
            if not 1 <= kind <= _DATA_END:
                raise self.damaged(f"record at byte {position}", f"kind {kind} is not known")
            if position + 9 + size > self._end:
                head = self._file.read(_MAX_CHUNK_HEAD_BYTES) if kind == _CHUNK else b""
                if head[_PLAIN_AT : _PLAIN_AT + 4] != bytes(4) or len(head) < _PLAIN_HEAD_BYTES:
                    break
                position += 9 + _PLAIN_HEAD_BYTES  # the records of a plain chunk are complete up to the cut
                continue
            if kind == _CHUNK:
                self._add_chunk(position, size)
            elif kind == _MESSAGE:
                self._add_loose(position, 9 + size)
            elif kind in (_SCHEMA, _CHANNEL):
                self._note(kind, self._file.read(size), f"record at byte {position}")
            complete = kind == _FOOTER
            position += 9 + size
        if not complete:
            self.warnings.append(f"the last record, at byte {position}, is incomplete: the file was cut off or not closed")

    def _add_chunk(self, position: int, size: int) -> None:
        head = self._file.read(min(size, _MAX_CHUNK_HEAD_BYTES))
        try:
            inflated_bytes, checksum, letters = struct.unpack_from("<QII", head, 16)
            compression = head[32 : 32 + letters].decode("ascii")
            (packed,) = struct.unpack_from("<Q", head, 32 + letters)
        except (struct.error, UnicodeDecodeError) as error:
            raise self.damaged(f"chunk at byte {position}", error) from None
        if 40 + letters + packed > size:
            raise self.damaged(f"chunk at byte {position}", f"{packed} packed bytes go beyond its end")
        self._pieces.append(Piece(position + 9 + 40 + letters, packed, compression, inflated_bytes))
        self._checksums.append(checksum)

    def _add_loose(self, position: int, length: int) -> None:
        """A message outside of chunks, or several."""
        last = self._pieces[-1] if self._pieces and not self._checksums[-1] else None
        if last and last.compression == "none" and last.position + last.bytes == position and last.bytes < _LOOSE_PIECE_BYTES:
            self._pieces[-1] = Piece(last.position, last.bytes + length, "none", last.bytes + length)
            return
        self._pieces.append(Piece(position, length, "none", length))
        self._checksums.append(0)

    def _note(self, kind: int, content: bytes, where: str) -> None:
        try:
            if kind == _SCHEMA:
                (number,) = struct.unpack_from("<H", content)
                self._types[number] = plain_type(_text(content, 2)[0])
            elif kind == _CHANNEL:
                number, schema = struct.unpack_from("<HH", content)
                topic, position = _text(content, 4)
                encoding, _ = _text(content, position)
                self._names[number] = topic
                # A type that is not CDR is none that can be read here.
                self.topics[topic] = self._types.get(schema, "") if encoding == "cdr" else encoding
        except struct.error as error:
            raise self.damaged(where, error) from None


def _text(data: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, position)
    end = position + 4 + length
    if end > len(data):
        raise struct.error(f"{length} letters go beyond the end of a record")
    return data[position + 4 : end].decode("utf-8", "replace"), end


def _open(path: Path, stream: str | None = None) -> BagSource:
    return BagSource(path, open_files(path, ".mcap", McapBag), stream)


def _matches(head: bytes) -> bool:
    return head.startswith(_MAGIC)


def _matches_folder(path: Path) -> bool:
    return bool(files_in_order(path, ".mcap"))


FORMAT = Format("ROS 2 bag (mcap)", _matches, _open, _open, _matches_folder)
