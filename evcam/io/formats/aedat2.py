"""AEDAT 2.0, as jAER writes it: DVS128 and DAVIS240 layouts.

Text lines that begin with '#', then records of two big-endian 32-bit words, address
and time in us.  The header's AEChip line names the camera; without one it is a DVS128.

DVS128, 128x128: bit 15 external input, bits 14-8 y, 7-1 x, bit 0 polarity (0 = ON).
DAVIS240, 240x180: bit 31 set = frame or inertial data (bits 11-10: 0 reset read,
1 signal read, 3 inertial), else an event: bits 30-22 y, 21-12 x, 11 polarity
(1 = ON), 10 external input.

Both cameras' raw x runs from right to left and y upwards; evcam's x = width - 1 -
raw x and y = height - 1 - raw y.  Times are signed 32-bit and wrap after 71.6 minutes,
in files of some other programs after 35.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.errors import FormatError
from evcam.io.formats._clock import LateEvents, WrappingClock
from evcam.io.formats._davis_imu import imu_samples
from evcam.io.formats._gather import Mark, Marks
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source

_RECORD_BYTES = 8
_MAX_LINE_BYTES = 1 << 22
_FRAME_OR_IMU, _IMU_KIND, _SIGNAL_READ_KIND = 1 << 31, 3, 1

_Words = NDArray[np.uint32]


@dataclass(frozen=True)
class _Layout:
    """Where an address keeps what; shifts in bits."""

    width: int
    height: int
    x_shift: int
    x_mask: int
    y_shift: int
    y_mask: int
    p_shift: int
    on: int
    external: int
    has_frames: bool

    def decode(self, words: _Words) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        x = (self.width - 1) - ((words >> self.x_shift) & self.x_mask).astype(np.int32)
        y = (self.height - 1) - ((words >> self.y_shift) & self.y_mask).astype(np.int32)
        return x, y, ((words >> self.p_shift) & 1) == self.on


_DVS128 = _Layout(128, 128, 1, 0x7F, 8, 0x7F, 0, 0, 1 << 15, False)
_DAVIS240 = _Layout(240, 180, 12, 0x3FF, 22, 0x1FF, 11, 1, 1 << 10, True)


class Aedat2Source(Source):
    """An AEDAT 2.0 file."""

    def __init__(self, path: Path) -> None:
        lines, self._start = _read_header(path)
        metadata = _header_values(lines)
        self._layout = _layout(metadata.get("AEChip"), path)
        super().__init__(path, (self._layout.width, self._layout.height), metadata)
        payload = path.stat().st_size - self._start
        self._records = payload // _RECORD_BYTES
        if payload % _RECORD_BYTES:
            self.warn(f"the last record is incomplete ({payload % _RECORD_BYTES} of {_RECORD_BYTES} bytes) and left out: "
                      "the file was cut off")
        self._marks = Marks()
        self._imu: ImuSamples | None = None
        self._frames = 0
        self._scanned = not self._layout.has_frames

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Blocks of records, entered where an earlier pass left a mark: wraps of the clock have to be counted."""
        mark = self._marks.beginning
        if start_us is not None:
            mark = self._marks.before(start_us, lambda mark: (t for _, _, t in self._events_from(mark, BLOCK_EVENTS)))
        for first, words, t in self._events_from(mark, max_events):
            yield Block(first, t, *self._layout.decode(words))

    def imu(self) -> ImuSamples | None:
        """Samples of the camera's inertial sensor."""
        self._scan()
        return self._imu

    def frame_count(self) -> int | None:
        """Complete intensity frames: full sensors of signal reads."""
        self._scan()
        return self._frames if self._layout.has_frames else None

    def _events_from(self, mark: Mark, count: int) -> Iterator[tuple[int, _Words, NDArray[np.int64]]]:
        """Number of the first event, addresses and times, of the events among ``count`` records at a time; leaves marks."""
        clock, late = (WrappingClock(), LateEvents()) if mark.state is None else deepcopy(mark.state)
        events, last_us = mark.events, mark.last_us
        for first in range(mark.position, self._records, count):
            if self._marks.is_due(first, events):
                self._marks.leave(Mark(first, events, last_us, deepcopy((clock, late))))
            words, t = self._read(first, count, clock)
            keep = self._events_among(words)
            words, t = words[keep], late.hold(t[keep])
            for message, times in (clock.repairs | late.repairs).items():
                self.warn_count(message, times)
            yield events, words, t
            events += len(t)
            last_us = max(last_us, int(t.max())) if len(t) else last_us

    def _read(self, first: int, count: int, clock: WrappingClock) -> tuple[_Words, NDArray[np.int64]]:
        number = min(count, self._records - first)
        raw = np.fromfile(self.path, ">u4", 2 * number, offset=self._start + first * _RECORD_BYTES).reshape(-1, 2)
        if len(raw) < number:
            raise FormatError(f"{self.path}: became shorter while it was read")
        return raw[:, 0].astype(np.uint32), clock.go_on(raw[:, 1].astype(np.uint32).view(np.int32))

    def _events_among(self, words: _Words) -> NDArray[np.bool_]:
        if not self._layout.has_frames and np.any(words >> 16):
            raise FormatError(f"{self.path}: its header names no camera (AEChip), and its addresses are not those of a DVS128")
        keep: NDArray[np.bool_] = (words & self._layout.external) == 0
        if self._layout.has_frames:
            events = (words & _FRAME_OR_IMU) == 0
            external = bool(np.any(events & ~keep))
            keep &= events
        else:
            external = not keep.all()
        if external:
            self.warn("signals on the camera's external input are left out")
        return keep

    def _scan(self) -> None:
        """Collect what is not events, once."""
        if self._scanned:
            return
        imu: list[tuple[_Words, NDArray[np.int64]]] = []
        signal_reads = 0
        clock = WrappingClock()
        for first in range(0, self._records, BLOCK_EVENTS):
            words, t = self._read(first, BLOCK_EVENTS, clock)
            kind = np.where(words & _FRAME_OR_IMU, (words >> 10) & 3, -1)
            imu.append((words[kind == _IMU_KIND], t[kind == _IMU_KIND]))
            signal_reads += int((kind == _SIGNAL_READ_KIND).sum())
        self._frames = signal_reads // (self._layout.width * self._layout.height)
        self._assemble(imu)
        self._scanned = True

    def _assemble(self, parts: list[tuple[_Words, NDArray[np.int64]]]) -> None:
        if not any(len(words) for words, _ in parts):
            return
        self._imu, left_out = imu_samples(np.concatenate([words for words, _ in parts]), np.concatenate([t for _, t in parts]))
        if left_out:
            self.warn(f"{left_out} words of incomplete or repeated inertial samples are left out")


def _read_header(path: Path) -> tuple[list[str], int]:
    """Header lines and the position of the first record.

    A record may itself begin with '#'; a header line also has to be text and end with a line feed.
    """
    lines: list[str] = []
    with path.open("rb") as file:
        while True:
            position = file.tell()
            line = file.readline(_MAX_LINE_BYTES)
            text = line.rstrip(b"\r\n")
            if not (line.startswith(b"#") and _is_text(text)):
                break
            if not line.endswith(b"\n"):
                raise FormatError(f"{path}: cut off within its header")
            lines.append(text.decode("utf-8", "replace"))
    opened, closed = (any(f"{word} of Preferences" in line for line in lines) for word in ("Start", "End"))
    if opened and not closed:
        raise FormatError(f"{path}: cut off within its header")
    return lines, position


def _is_text(line: bytes) -> bool:
    return all(byte >= 32 or byte == 9 for byte in line)


def _header_values(lines: list[str]) -> dict[str, Any]:
    """The 'key: value' lines in front of the camera's dumped preferences."""
    values: dict[str, Any] = {}
    for line in lines:
        if "Start of Preferences" in line:
            break
        text = line.lstrip("#! ")
        key, colon, value = text.partition(": ")
        if text.startswith("created "):
            values["created"] = text.removeprefix("created ")
        elif colon and " " not in key:
            values[key] = value.strip()
    return values


def _layout(chip: str | None, path: Path) -> _Layout:
    name = (chip or "DVS128").rpartition(".")[2].upper()
    if name.startswith("DVS128"):
        return _DVS128
    if name.startswith("DAVIS240"):
        return _DAVIS240
    raise FormatError(f"{path}: AEDAT 2.0 of the camera {chip} is not supported; DVS128 and DAVIS240 are")


def _matches(head: bytes) -> bool:
    return head.startswith(b"#!AER-DAT2.0")


FORMAT = Format("AEDAT 2.0", _matches, Aedat2Source)
