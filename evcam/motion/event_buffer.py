"""Events that were pushed and are not done with."""

from __future__ import annotations

from collections import deque

import numpy as np

from evcam.core.events import Events
from evcam.errors import InputError


class EventBuffer:
    """Pieces of events in the order of time, as they came: kept, not copied.

    Parameters
    ----------
    width, height : int
        Of the sensor.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self._pieces: deque[Events] = deque()
        self._none_before_us: int | None = None

    def push(self, events: Events) -> None:
        """Add events that follow those that are there."""
        if self._none_before_us is not None and events.t[0] < self._none_before_us:
            raise InputError(f"velocity: events at {events.t[0]} us, though none were to come before {self._none_before_us} us")
        if self._pieces and events.t[0] < self._pieces[-1].t[-1]:
            raise InputError(f"velocity: events at {events.t[0]} us follow events at {self._pieces[-1].t[-1]} us; "
                             "push them in the order of time")
        self._pieces.append(events)

    def advance(self, t_us: int) -> None:
        """No events before this time will come any more."""
        self._none_before_us = t_us if self._none_before_us is None else max(self._none_before_us, t_us)

    def clear(self) -> None:
        """Forget all."""
        self._pieces.clear()

    @property
    def end_us(self) -> int | None:
        """Just after the last event; None without events."""
        return int(self._pieces[-1].t[-1]) + 1 if self._pieces else None

    @property
    def known_until_us(self) -> int | None:
        """Up to when all events are there."""
        known = [t_us for t_us in (self.end_us, self._none_before_us) if t_us is not None]
        return max(known) if known else None

    def first_from(self, start_us: int) -> int | None:
        """Time of the first event at ``start_us`` or later."""
        for piece in self._pieces:
            if piece.t[-1] >= start_us:
                return int(piece.t[np.searchsorted(piece.t, start_us)])
        return None

    def between(self, start_us: int, stop_us: int) -> Events:
        """Events with ``start_us <= t < stop_us``."""
        pieces = [piece.between(start_us, stop_us) for piece in self._pieces if piece.t[-1] >= start_us and piece.t[0] < stop_us]
        return Events.joined(pieces) if pieces else Events.empty(*self.size)

    def count(self, start_us: int, most: int, silence_us: int) -> tuple[int, int]:
        """So many events from ``start_us`` on, or fewer where a silence follows them or the buffer ends.

        Returns
        -------
        stop_us : int
            Just after the last of them; ``start_us + silence_us`` if a silence comes before the first.
        count : int
            How many there are; ``most`` before a silence as well.
        """
        held, before_us = 0, start_us
        for piece in self._pieces:
            t = piece.t[np.searchsorted(piece.t, start_us):]
            if not len(t):
                continue
            silent = np.flatnonzero(np.diff(t, prepend=before_us) >= silence_us)
            taken = min(len(t), most - held, int(silent[0]) if len(silent) else len(t))
            before_us = int(t[taken - 1]) if taken else before_us
            held += taken
            if len(silent) and taken == silent[0]:
                return (before_us + 1, most) if held else (start_us + silence_us, most)
            if held == most:
                break
        return before_us + 1, held

    def forget_before(self, start_us: int) -> None:
        """Let go of the pieces that end before, but for the last."""
        while len(self._pieces) > 1 and self._pieces[0].t[-1] < start_us:
            self._pieces.popleft()
