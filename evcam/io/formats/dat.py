"""Prophesee DAT: events of eight bytes, little-endian, behind a text header.

Time (us, 32 bits: it wraps after 71.6 minutes), then x (bits 0-13), y (14-27), polarity (28); before version 2 x in bits 0-8,
y in 9-16, polarity in 17.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from evcam.errors import FormatError
from evcam.io._check import check_size
from evcam.io.formats import _record_kernels as kernels
from evcam.io.formats._decoding import Coding
from evcam.io.formats._prophesee_header import is_decoded, offset_us, parse_header, read_header, size_of
from evcam.io.formats._stream import Checkpoint, StreamSource
from evcam.io.source import Format

_EVENT_2D, _EVENT_CD, _TRIGGER = 0x00, 0x0C, 0x0E
_RECORD_BYTES = 8
_SAMPLE_RECORDS = 1 << 17
_LAYOUTS = {True: (14, 28), False: (9, 17)}  # from version 2 on: shifts of y and of the polarity
_REPAIRS = {
    "events that came late, held at the latest time": kernels.HELD,
    "damaged times, passed over": kernels.IGNORED,
    "settings back of the camera's clock, after which times go on without a gap": kernels.RESETS,
    "events outside the sensor, left out": kernels.OUTSIDE,
}


class DatSource(StreamSource):
    """A DAT file."""

    def __init__(self, path: Path) -> None:
        values, start = read_header(path)
        with path.open("rb") as file:
            file.seek(start)
            kind = file.read(2)
        if len(kind) < 2 or kind == b"% ":
            raise FormatError(f"{path}: cut off within its header")
        if kind[0] not in (_EVENT_2D, _EVENT_CD) or kind[1] != _RECORD_BYTES:
            holds = "edges on external inputs" if kind[0] == _TRIGGER else f"records of kind {kind[0]}"
            raise FormatError(f"{path}: holds {holds} of {kind[1]} bytes; evcam reads kinds 0 and 12 of 8 bytes")
        size = size_of(values)
        super().__init__(path, size, dict(values), start + 2, _coding(path, values, size))
        self._sampled: list[Checkpoint] | None = None

    def triggers(self) -> None:
        """None: they are kept in files of their own."""

    def trigger_count(self) -> None:
        """None, as `triggers`."""

    def _checkpoint(self, start_us: int | None) -> Checkpoint:
        """As for every stream, or without reading what lies before where times only rise: records are of one size."""
        known = super()._checkpoint(start_us)
        if start_us is None:
            return known
        if self._sampled is None:
            self._sampled = self._sample()
        earlier = [place for place in self._sampled if place.last_us < start_us]
        return max([known, *earlier[-1:]], key=lambda place: place.byte)

    def _sample(self) -> list[Checkpoint]:
        """Places told by single records, none where the times of these do not rise throughout."""
        begin = self._checkpoints[0].byte
        places = []
        with self.path.open("rb") as file:
            for byte in range(begin + _SAMPLE_RECORDS * _RECORD_BYTES, self._stop, _SAMPLE_RECORDS * _RECORD_BYTES):
                file.seek(byte - _RECORD_BYTES)
                stored = int(np.frombuffer(file.read(4), "<u4")[0])
                state = self._coding.start.copy()
                state[kernels.RAW_US] = stored
                state[kernels.LAST_US] = stored + state[kernels.OFFSET_US]
                state[kernels.EVENTS] = (byte - begin) // _RECORD_BYTES
                places.append(Checkpoint(int(state[kernels.LAST_US]) + kernels.LATE_US, byte, state))
        rising = all(a.last_us <= b.last_us for a, b in pairwise(places))
        return places if rising else []


def _coding(path: Path, values: dict[str, str], size: tuple[int, int] | None) -> Coding:
    version = values.get("Version", "0")
    if not version.isdecimal():
        raise FormatError(f"{path}: its header states the version {version!r}, not a number")
    y_shift, p_shift = _LAYOUTS[int(version) >= 2]
    width, height = check_size(size, str(path)) if size else (1 << y_shift, 1 << y_shift)
    start = np.zeros(kernels.STATE_SIZE, np.int64)
    start[kernels.RAW_US], start[kernels.LAST_US], start[kernels.OFFSET_US] = -1, kernels.NEVER_US, offset_us(path, values)
    return Coding(np.dtype("<u4"), 2, kernels.decode_dat, np.array([width, height, y_shift, p_shift]), start, kernels.LAST_US,
                  kernels.EVENTS, kernels.TRIGGERS, _REPAIRS, "too many events outside the sensor")


def _matches(head: bytes) -> bool:
    values, start = parse_header(head)
    return start > 0 and is_decoded(values)


FORMAT = Format("Prophesee DAT", _matches, DatSource)
