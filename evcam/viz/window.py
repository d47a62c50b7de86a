"""The events up to an instant, whatever the length of the recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from evcam.core.events import Events
from evcam.io import Recording

_CHUNK_EVENTS = 100_000
_REREAD_US = 2_000_000


class EventWindow:
    """Reads a recording forwards as the present moves, and from anew where it jumps.

    Only what lies between the window's beginning and the present is held, and the piece that was read last.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._pieces: deque[Events] = deque()
        self._coming: Iterator[Events] = iter(())
        self._begin_us = 0
        self._read_us = -1
        self._ended = False
        self._latest: tuple[tuple[int, int], Events] | None = None

    @property
    def held(self) -> int:
        """Events in memory."""
        return sum(map(len, self._pieces))

    def between(self, start_us: int, stop_us: int) -> Events:
        """Events with ``start_us <= t < stop_us``."""
        if self._latest is not None and self._latest[0] == (start_us, stop_us):
            return self._latest[1]
        if start_us < self._begin_us or start_us > self._read_us + _REREAD_US or self._read_us < 0:
            self._enter(start_us)
        while self._read_us < stop_us and not self._ended:
            self._read_on()
        while self._pieces and int(self._pieces[0].t[-1]) < start_us:
            self._begin_us = int(self._pieces.popleft().t[-1]) + 1
        if not self._pieces:
            return Events.empty(self._recording.width, self._recording.height)
        first = max(0, next((i for i, piece in enumerate(self._pieces) if int(piece.t[0]) >= start_us), len(self._pieces)) - 1)
        parts = [piece.between(start_us, stop_us) for piece in list(self._pieces)[first:] if int(piece.t[0]) < stop_us]
        events = Events.joined(parts) if parts else Events.empty(self._recording.width, self._recording.height)
        self._latest = ((start_us, stop_us), events)
        return events

    def _enter(self, start_us: int) -> None:
        self._pieces.clear()
        origin_us = self._recording.start_us
        self._coming = self._recording.between(max(0, start_us - origin_us) * 1e-6).chunks(_CHUNK_EVENTS)
        self._begin_us = start_us
        self._read_us, self._ended = start_us, False

    def _read_on(self) -> None:
        piece = next(self._coming, None)
        if piece is None:
            self._ended = True
            return
        self._pieces.append(piece)
        self._read_us = int(piece.t[-1])
