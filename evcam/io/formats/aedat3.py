"""AEDAT 3.1, as cAER writes it: packets of polarity, special and inertial events; frames are counted.

Text lines that begin with '#' up to ``#!END-HEADER``, then packets, little-endian: a header of 28 bytes (kind, source,
bytes per event, position of the time within an event, wraps of the clock, capacity, numbers of all and of valid
events) and the events.  A time has 31 bits of us and wraps after 35.8 minutes; the packet's header counts the wraps.
Pixels count from the top left; inertial values are g and degrees/s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import FormatError
from evcam.io.formats._clock import PacketClock
from evcam.io.formats._gather import Gathered, first_piece
from evcam.io.formats._imu import STANDARD_GRAVITY_MPS2, strictly_later
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source, the_stream

_MAGIC, _END = b"#!AER-DAT3.1", b"#!END-HEADER"
_MAX_LINES, _MAX_LINE_BYTES, _MAX_PACKET_BYTES = 10_000, 1 << 16, 1 << 28
_HEADER = struct.Struct("<hhiiiiii")
_SPECIAL, _POLARITY, _FRAME, _IMU6, _IMU9 = 0, 1, 2, 3, 4
_EVENT_BYTES = {_SPECIAL: 8, _POLARITY: 8, _IMU6: 36, _IMU9: 48}
_MAX_KIND, _TIME_AT = 100, 4
_RISING, _FALLING = 2, 3
_COMPRESSED = 1 << 15
_SIZES = {"DVS128": (128, 128), "DAVIS128": (128, 128), "DAVIS208": (208, 192), "DAVIS240": (240, 180), "DAVIS346": (346, 260),
          "DAVIS640": (640, 480), "DAVISRGB": (640, 480), "DVXPLORER": (640, 480)}


class _Packet(NamedTuple):
    """Where a packet's events lie, and what turns their times into those of the recording."""

    position: int
    kind: int
    source: int
    events: int
    offset_us: int


class Aedat3Source(Source):
    """An AEDAT 3.1 file."""

    def __init__(self, path: Path, stream: str | None = None) -> None:
        lines, self._start = _read_header(path)
        metadata = {key: value.strip() for key, _, value in (line.lstrip("#! ").partition(": ") for line in lines) if value}
        coding = metadata.get("Format", "RAW").strip()
        if coding != "RAW":
            raise FormatError(f"{path}: AEDAT 3.1 in the format {coding} is not read, only RAW is; convert it with cAER")
        super().__init__(path, None, metadata)
        sources = sorted({packet.source for packet in self._packets if packet.kind == _POLARITY})
        self._source: int | None = None
        if sources or stream is not None:
            self._source = int(the_stream(path, [str(number) for number in sources], stream, "source"))
            self.size = _size(metadata.get(f"Source {self._source}", ""))

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Packets of the camera's polarity events, entered by bisection at ``start_us``."""
        packets = self._of(_POLARITY)
        with self.path.open("rb") as file:
            entry = 0 if start_us is None else first_piece(
                len(packets), lambda i: _time(file, packets[i].position) + packets[i].offset_us, start_us)
            gathered = Gathered(max_events, 0 if entry == 0 else None, self.warn_count)
            for packet in packets[entry:]:
                words = self._words(packet, file)
                words = words[(words["data"] & 1) == 1]
                data = words["data"]
                t = words["t"].astype(np.int64) + packet.offset_us
                yield from gathered.add(t, (data >> 17) & 0x7FFF, (data >> 2) & 0x7FFF, data & 2)
            yield from gathered.rest()

    def has_imu(self) -> bool:
        """Whether there are packets of inertial samples."""
        return bool(self._of(_IMU6) or self._of(_IMU9))

    def imu(self) -> ImuSamples | None:
        """Samples of the camera's inertial sensor, in the axes of the file."""
        packets = self._of(_IMU6) or self._of(_IMU9)
        if not packets:
            return None
        with self.path.open("rb") as file:
            parts = [(self._words(packet, file), packet.offset_us) for packet in packets]
        parts = [(words[(words["data"] & 1) == 1], offset_us) for words, offset_us in parts]
        t = np.concatenate([words["t"].astype(np.int64) + offset_us for words, offset_us in parts])
        accel, gyro = (np.concatenate([words[name] for words, _ in parts]).astype(np.float64) for name in ("accel", "gyro"))
        keep, left_out = strictly_later(t)
        self.warn_count("inertial samples not later than the one before, left out", left_out)
        self.warn("how the IMU sits on the camera (R_cam_imu) is not stated: its axes are taken for the camera's")
        return ImuSamples(t[keep], np.deg2rad(gyro[keep]), accel[keep] * STANDARD_GRAVITY_MPS2)

    def triggers(self) -> Triggers:
        """Edges on the camera's external input, among the special events."""
        t, rising = [np.empty(0, np.int64)], [np.empty(0, bool)]
        with self.path.open("rb") as file:
            for packet in self._of(_SPECIAL):
                words = self._words(packet, file)
                kinds = (words["data"] >> 1) & 0x7F
                edges = ((words["data"] & 1) == 1) & np.isin(kinds, (_RISING, _FALLING))
                t.append(words["t"][edges].astype(np.int64) + packet.offset_us)
                rising.append(kinds[edges] == _RISING)
        times, ups = np.concatenate(t), np.concatenate(rising)
        order = np.argsort(times, kind="stable")
        return Triggers(times[order], np.zeros(len(order), np.uint8), ups[order])

    def frame_count(self) -> int:
        """Valid intensity frames."""
        return sum(packet.events for packet in self._of(_FRAME))

    @cached_property
    def _packets(self) -> list[_Packet]:
        """Where all packets lie; what lies behind a cut is left out with a warning."""
        packets, clock = [], PacketClock()
        position, end = self._start, self.path.stat().st_size
        with self.path.open("rb") as file:
            while position + _HEADER.size <= end:
                file.seek(position)
                kind, source, size, time_at, wraps, _, count, valid = _HEADER.unpack(file.read(_HEADER.size))
                self._check(position, kind, size, time_at, wraps, count, valid)
                if position + _HEADER.size + size * count > end:
                    break
                if kind == _FRAME:
                    packets.append(_Packet(position, kind, source, valid, 0))
                elif kind in _EVENT_BYTES and count:
                    start = position + _HEADER.size
                    offset_us = clock.offset_us(wraps, *(_time(file, start + i * size) for i in (0, count - 1)))
                    packets.append(_Packet(start, kind, source, count, offset_us))
                position += _HEADER.size + size * count
        if position < end:
            self.warn(f"the last packet, at byte {position}, is incomplete and left out: the file was cut off")
        for message, times in clock.repairs.items():
            self.warn_count(message, times)
        return packets

    def _check(self, position: int, kind: int, size: int, time_at: int, wraps: int, count: int, valid: int) -> None:
        reason = ""
        if kind & _COMPRESSED:
            reason = "it is compressed, which is not read"
        elif not 0 <= kind <= _MAX_KIND or size <= 0 or not 0 <= valid <= count or not 0 <= wraps:
            reason = f"kind {kind}, {count} events ({valid} valid) of {size} bytes, {wraps} wraps of the clock"
        elif kind in _EVENT_BYTES and (size, time_at) != (_EVENT_BYTES[kind], _TIME_AT):
            expected = f"{_EVENT_BYTES[kind]} bytes, their time at byte {_TIME_AT}"
            reason = f"events of kind {kind} have {expected}, not {size}, {time_at}"
        elif size * count > _MAX_PACKET_BYTES:
            reason = f"it claims {size * count} bytes; at most {_MAX_PACKET_BYTES} are read at once"
        if reason:
            raise FormatError(f"{self.path}: damaged packet at byte {position}: {reason}")

    def _of(self, kind: int) -> list[_Packet]:
        return [packet for packet in self._packets if packet.kind == kind and self._source in (None, packet.source)]

    def _words(self, packet: _Packet, file: BinaryIO) -> NDArray[Any]:
        fields: list[Any] = [("data", "<u4"), ("t", "<i4")]
        if packet.kind in (_IMU6, _IMU9):
            fields += [("accel", "<f4", 3), ("gyro", "<f4", 3), ("rest", "<f4", 1 if packet.kind == _IMU6 else 4)]
        file.seek(packet.position)
        return np.fromfile(file, np.dtype(fields), packet.events)


def _time(file: BinaryIO, position: int) -> int:
    """The time of the event at a position."""
    file.seek(position + _TIME_AT)
    return int.from_bytes(file.read(4), "little")


def _read_header(path: Path) -> tuple[list[str], int]:
    """Header lines and the position of the first packet."""
    lines: list[str] = []
    with path.open("rb") as file:
        while len(lines) < _MAX_LINES:
            line = file.readline(_MAX_LINE_BYTES)
            if not (line.startswith(b"#") and line.endswith(b"\n")):
                break
            if line.startswith(_END):
                return lines, file.tell()
            lines.append(line.decode("utf-8", "replace").strip())
        raise FormatError(f"{path}: cut off or damaged within its header, at byte {file.tell() - len(line)}")


def _size(camera: str) -> tuple[int, int] | None:
    return next((size for name, size in _SIZES.items() if camera.upper().startswith(name)), None)


def _matches(head: bytes) -> bool:
    return head.startswith(_MAGIC)


FORMAT = Format("AEDAT 3.1", _matches, Aedat3Source, Aedat3Source)
