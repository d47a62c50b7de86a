"""Prophesee RAW with EVT 3.0 words, with edges on external inputs.

The words hold 24 bits of time, which go on beyond their wraps; a beginning later than that is stated in the header as ``t0``.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from evcam.core.events import Events
from evcam.core.triggers import Triggers
from evcam.errors import InputError
from evcam.io.writers import _kernels as kernels
from evcam.io.writers._writer import Content, Writer, left_out

_NAME = "Prophesee RAW (EVT 3.0)"
_MAX_SIZE_PX = 2048
_MOST_IDS = 16
_TIME_BITS = 24
_LONGEST_WAIT_US = 30 * 86400 * 1_000_000
_WORDS = 1 << 20


def write(path: Path, content: Content) -> tuple[str, ...]:
    """Write a header and the words.

    Raises
    ------
    InputError
        Coordinates, numbers of inputs, times or waits that the words cannot hold.
    """
    edges = content.triggers or Triggers.empty()
    _check(path, content, edges)
    pieces = (piece for piece in content.events if len(piece))
    first = next(pieces, None)
    begin_us = min([int(times[0]) for times in ([] if first is None else [first.t]) + [edges.t] if len(times)], default=0)
    if begin_us < 0:
        raise InputError(f"{path}: EVT 3.0 cannot hold times before 0; the recording begins at {begin_us} us")
    offset_us = begin_us >> _TIME_BITS << _TIME_BITS
    with path.open("wb") as file:
        file.write(_header(content, offset_us))
        encoder = _Encoder(file, path, offset_us, edges)
        for piece in () if first is None else chain([first], pieces):
            encoder.write(piece, last=False)
        encoder.write(Events.empty(content.width, content.height), last=True)
    return left_out(content, _NAME, triggers=True)


class _Encoder:
    """Words behind words, with the edges among the events."""

    def __init__(self, file: BinaryIO, path: Path, offset_us: int, edges: Triggers) -> None:
        self._file, self._path, self._offset_us = file, path, offset_us
        self._edges = edges.t - offset_us, edges.id.copy(), edges.rising.copy()
        self._edge = 0
        self._state = np.full(kernels.STATE_SIZE, -1, np.int64)
        self._words = np.empty(_WORDS, np.dtype("<u2"))
        self._last_us = int(edges.t[0]) if len(edges) else None

    def write(self, events: Events, *, last: bool) -> None:
        self._check_waits(events, last)
        t, x, y, p = events.t - self._offset_us, events.x.copy(), events.y.copy(), events.p.copy()
        first, words = 0, self._words
        while True:
            n, first, self._edge = kernels.encode_evt3(t, x, y, p, first, *self._edges, self._edge, last, self._state, words)
            words[:n].tofile(self._file)
            if first == len(t) and (not last or self._edge == len(self._edges[0])):
                return

    def _check_waits(self, events: Events, last: bool) -> None:
        times = self._edges[0][self._edge :] + self._offset_us if last else events.t
        if not len(times):
            return
        steps = np.diff(times, prepend=times[0] if self._last_us is None else self._last_us)
        self._last_us = int(times[-1])
        if steps.max() > _LONGEST_WAIT_US:
            raise InputError(f"{self._path}: {steps.max() // 86_400_000_000} days pass without an event, more than EVT 3.0 is "
                             "written for; convert the parts before and after on their own")


def _check(path: Path, content: Content, edges: Triggers) -> None:
    if max(content.width, content.height) > _MAX_SIZE_PX:
        raise InputError(f"{path}: EVT 3.0 holds sensors up to {_MAX_SIZE_PX}x{_MAX_SIZE_PX} pixels, not "
                         f"{content.width}x{content.height}; crop the recording")
    if len(edges) and edges.id.max() >= _MOST_IDS:
        raise InputError(f"{path}: EVT 3.0 numbers external inputs up to {_MOST_IDS - 1}, not {edges.id.max()}")


def _header(content: Content, offset_us: int) -> bytes:
    lines = ["evt 3.0", f"format EVT3;height={content.height};width={content.width}",
             f"geometry {content.width}x{content.height}", *([f"t0 {offset_us}"] if offset_us else []), "end"]
    return "".join(f"% {line}\n" for line in lines).encode()


WRITER = Writer(_NAME, (".raw",), write)
