"""Event Stream 2 (.es): DVS events, and those among ATIS events, as differences of time.

The stream's times begin at 0, its y runs upwards: evcam's y = height - 1 - stored y.  Bytes that tell the time passed without
an event lie between events of five bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evcam.errors import FormatError
from evcam.io._check import check_size
from evcam.io.formats import _record_kernels as kernels
from evcam.io.formats._decoding import Coding
from evcam.io.formats._stream import StreamSource
from evcam.io.source import Format

_SIGNATURE = b"Event Stream"
_HEADER_BYTES = 20
_VERSION = 2
_KINDS = ("generic events", "DVS events", "ATIS events", "display events", "colour events")
_DVS, _ATIS = 1, 2
_REPAIRS = {
    "events outside the sensor, left out": kernels.OUTSIDE,
    "exposure measurements, left out": kernels.NOT_DVS,
}


class EventStreamSource(StreamSource):
    """An Event Stream file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
        if len(head) >= 13 and head[12] != _VERSION:
            raise FormatError(f"{path}: Event Stream of version {head[12]}; evcam reads version {_VERSION}")
        if len(head) < _HEADER_BYTES:
            raise FormatError(f"{path}: cut off within its header")
        kind = head[15]
        if kind not in (_DVS, _ATIS):
            holds = _KINDS[kind] if kind < len(_KINDS) else f"events of kind {kind}"
            raise FormatError(f"{path}: holds {holds}; evcam reads DVS and ATIS events")
        width, height = (int(n) for n in np.frombuffer(head[16:], "<u2"))
        check_size((width, height), str(path))
        start = np.zeros(kernels.STATE_SIZE, np.int64)
        coding = Coding(np.dtype(np.uint8), 1, kernels.decode_es, np.array([width, height, kind == _ATIS]), start,
                        kernels.LAST_US, kernels.EVENTS, kernels.TRIGGERS, _REPAIRS, "too many events outside the sensor")
        metadata = {"version": ".".join(str(n) for n in head[12:15]), "content": _KINDS[kind]}
        super().__init__(path, (width, height), metadata, _HEADER_BYTES, coding)

    def triggers(self) -> None:
        """None: the format has no place for them."""

    def trigger_count(self) -> None:
        """None, as `triggers`."""


def _matches(head: bytes) -> bool:
    return head.startswith(_SIGNATURE)


FORMAT = Format("Event Stream", _matches, EventStreamSource)
