"""AEDAT4, as DV writes it: events, inertial samples, triggers; plain, lz4 or zstd.

``#!AER-DAT4.0``, the header's length and its FlatBuffer (compression, position of the table of
packets, and XML that describes the streams), then packets: stream number and length (32 bits each),
then a FlatBuffer behind its own length, compressed.  Events are records of 16 bytes: time (us, 64 bits),
x, y (16 bits each), polarity.  Inertial values are g and degrees/s.

The packets are walked by their lengths; the table at the end, which a recording that was cut off
lacks, is not needed to find one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import FormatError
from evcam.io.formats._flatbuffer import Table
from evcam.io.formats._gather import NEVER_US, Gathered, first_piece
from evcam.io.formats._imu import STANDARD_GRAVITY_MPS2, strictly_later
from evcam.io.formats._inflate import inflate
from evcam.io.formats._packed_kernels import unpack_aedat4
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source, the_stream

_MAGIC = b"#!AER-DAT4.0\r\n"
_COMPRESSIONS = {0: "none", 1: "lz4", 2: "lz4", 3: "zstd", 4: "zstd"}
_MAX_HEADER_BYTES, _MAX_XML_BYTES, _MAX_PACKET_BYTES = 1 << 24, 1 << 20, 1 << 27
_EVENT_BYTES = 16
_IMU_FIELDS = {0: "<i8", 2: "<f4", 3: "<f4", 4: "<f4", 5: "<f4", 6: "<f4", 7: "<f4"}
_TRIGGER_FIELDS = {0: "<i8", 1: "i1"}
_RISING, _EDGES = 1, (1, 2)  # rising and falling edges of the input; the others are pulses, resets, exposures, outputs
_HEADER_FIELD_COMPRESSION, _HEADER_FIELD_TABLE, _HEADER_FIELD_XML = 0, 1, 2


class _Packet(NamedTuple):
    position: int
    stream: int
    bytes: int


class Aedat4Source(Source):
    """An AEDAT4 file."""

    def __init__(self, path: Path, stream: str | None = None) -> None:
        super().__init__(path, None, {})
        self._file_bytes = path.stat().st_size
        header, self._start = _read_header(path)
        try:
            self._compression = _compression(header)
            self._table_position = int(header.scalar(_HEADER_FIELD_TABLE, "<q", -1))
            self._streams = _streams(header.text(_HEADER_FIELD_XML))
        except ValueError as error:
            raise FormatError(f"{path}: damaged header at byte {len(_MAGIC)}: {error}") from None
        self._wanted = int(the_stream(path, self._numbers("EVTS"), stream, "stream"))
        info = self._streams[self._wanted]
        self.metadata = {name: value for name, value in info.items() if name != "typeIdentifier"}
        width, height = info.get("sizeX"), info.get("sizeY")
        if isinstance(width, int) and isinstance(height, int):
            self.size = (width, height)

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Packets of the stream, entered by bisection at ``start_us``."""
        packets = [packet for packet in self._packets if packet.stream == self._wanted]
        entry = 0 if start_us is None else first_piece(len(packets), lambda i: self._time(packets, i), start_us)
        gathered = Gathered(max_events, 0 if entry == 0 else None, self.warn_count)
        with FileIO(self.path) as file:
            for packet in packets[entry:]:
                words = self._words(packet, file)
                columns = gathered.room(len(words) // 2)
                unpack_aedat4(words, *columns)
                yield from gathered.add(*columns)
        yield from gathered.rest()

    def has_imu(self) -> bool:
        """Whether there are packets of inertial samples."""
        numbers = {int(number) for number in self._numbers("IMUS")}
        return any(packet.stream in numbers for packet in self._packets)

    def imu(self) -> ImuSamples | None:
        """Samples of the camera's inertial sensor, in the axes of the file."""
        if not self.has_imu():
            return None
        number = int(self._numbers("IMUS")[0])
        with FileIO(self.path) as file:
            parts = [self._columns(packet, file, _IMU_FIELDS) for packet in self._packets if packet.stream == number]
        columns = {field: np.concatenate([part[field] for part in parts]) for field in _IMU_FIELDS}
        keep, left_out = strictly_later(columns[0])
        self.warn_count("inertial samples not later than the one before, left out", left_out)
        self.warn("how the IMU sits on the camera (R_cam_imu) is not stated: its axes are taken for the camera's")
        accel, gyro = (np.stack([columns[i][keep] for i in fields], 1).astype(np.float64) for fields in ((2, 3, 4), (5, 6, 7)))
        return ImuSamples(columns[0][keep], np.deg2rad(gyro), accel * STANDARD_GRAVITY_MPS2)

    def triggers(self) -> Triggers:
        """Edges on the camera's external input; other special signals are left out."""
        numbers = {int(number) for number in self._numbers("TRIG")}
        with FileIO(self.path) as file:
            parts = [self._columns(packet, file, _TRIGGER_FIELDS) for packet in self._packets if packet.stream in numbers]
        t, kind = (np.concatenate([np.empty(0, np.int64), *(part[field] for part in parts)]) for field in _TRIGGER_FIELDS)
        edges = np.isin(kind, _EDGES)
        self.warn_count("special signals that are no edges, left out", int(len(edges) - edges.sum()))
        order = np.argsort(t[edges], kind="stable")
        return Triggers(t[edges][order], np.zeros(len(order), np.uint8), (kind[edges] == _RISING)[order])

    @cached_property
    def _packets(self) -> list[_Packet]:
        """Where all packets lie; what lies behind a cut is left out with a warning."""
        end = self._file_bytes
        if self._start <= self._table_position <= end:
            end = self._table_position
        elif self._table_position >= 0:
            self.warn(f"the table of packets should be at byte {self._table_position} of {end}: the file was cut off or damaged")
        packets = []
        position = self._start
        with FileIO(self.path) as file:
            while position + 8 <= end:
                stream, size = struct.unpack("<ii", _read(file, position, 8))
                if stream not in self._streams or not 0 <= size <= _MAX_PACKET_BYTES:
                    raise FormatError(f"{self.path}: damaged packet at byte {position}: stream {stream} of {size} bytes")
                if position + 8 + size > end:
                    break
                packets.append(_Packet(position + 8, stream, size))
                position += 8 + size
        if position < end:
            self.warn(f"the last packet, at byte {position}, is incomplete and left out: the file was cut off")
        return packets

    def _numbers(self, kind: str) -> list[str]:
        return [str(number) for number, info in self._streams.items() if info.get("typeIdentifier") == kind]

    def _content(self, packet: _Packet, file: FileIO) -> bytes:
        return inflate(self._compression, _read(file, packet.position, packet.bytes))

    def _words(self, packet: _Packet, file: FileIO) -> NDArray[np.int64]:
        """The events of a packet, each of them two words; aligned and read-only, as the compiled code wants it."""
        try:
            data = self._content(packet, file)
            start, count = Table.root(data, 4).vector(0, _EVENT_BYTES)
        except ValueError as error:
            raise self._damaged(packet, error) from None
        if start % 8:
            data, start = data[start:], 0
        return np.frombuffer(data, "<i8", 2 * count, start) if count else np.frombuffer(b"", "<i8")

    def _columns(self, packet: _Packet, file: FileIO, layout: dict[int, str]) -> dict[int, NDArray[Any]]:
        try:
            return Table.root(self._content(packet, file), 4).columns(0, layout)
        except ValueError as error:
            raise self._damaged(packet, error) from None

    def _damaged(self, packet: _Packet, error: ValueError) -> FormatError:
        return FormatError(f"{self.path}: damaged packet at byte {packet.position - 8}: {error}")

    def _time(self, packets: list[_Packet], index: int) -> int:
        """Time of the first event from packet ``index`` on."""
        with FileIO(self.path) as file:
            for packet in packets[index:]:
                words = self._words(packet, file)
                if len(words):
                    return int(words[0])
        return NEVER_US


def _read(file: FileIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _read_header(path: Path) -> tuple[Table, int]:
    """The header's table and the position of the first packet."""
    with path.open("rb") as file:
        file.seek(len(_MAGIC))
        prefix = file.read(4)
        size = int.from_bytes(prefix, "little")
        if len(prefix) == 4 and size > _MAX_HEADER_BYTES:
            raise FormatError(f"{path}: its header claims {size} bytes, more than the {_MAX_HEADER_BYTES} that are read")
        data = file.read(size)
    if len(prefix) < 4 or len(data) < size:
        raise FormatError(f"{path}: cut off within its header, {len(_MAGIC) + 4 + len(data)} bytes into it")
    try:
        return Table.root(data), len(_MAGIC) + 4 + size
    except ValueError as error:
        raise FormatError(f"{path}: damaged header at byte {len(_MAGIC)}: {error}") from None


def _compression(header: Table) -> str:
    number = header.scalar(_HEADER_FIELD_COMPRESSION, "<i", 0)
    if number not in _COMPRESSIONS:
        raise ValueError(f"compression {number} is not known")
    return _COMPRESSIONS[number]


def _streams(text: str) -> dict[int, dict[str, Any]]:
    """What the XML says of each stream."""
    if len(text) > _MAX_XML_BYTES or "<!" in text:
        raise ValueError(f"{len(text)} characters of XML, or XML with declarations, which could expand without bound")
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"its XML cannot be read: {error}") from None
    found = {}
    for node in tree.iterfind("./node[@name='outInfo']/node"):
        name = node.get("name", "")
        if not name.isdecimal():
            raise ValueError(f"a stream is named {name!r} instead of numbered")
        found[int(name)] = {attr.get("key", ""): _value(attr) for attr in node.iter("attr")}
    return found


def _value(attr: ElementTree.Element) -> Any:
    text = attr.text or ""
    whole = attr.get("type") in ("int", "long") and text.lstrip("-").isdecimal() and len(text) < 20
    return int(text) if whole else text


def _matches(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = Format("AEDAT4", _matches, Aedat4Source, Aedat4Source)
