"""Recordings that come in pieces: packets, messages, chunks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.io.formats._clock import LateEvents
from evcam.io.source import Block

NEVER_US = 1 << 62
MARK_EVENTS = 250_000
_CACHED_EVENTS = 1 << 16


def first_piece(count: int, time_us: Callable[[int], int], start_us: int) -> int:
    """Number of the piece to begin with so that no event from ``start_us`` on is missed.

    Parameters
    ----------
    count : int
        How many pieces there are.
    time_us : callable
        Time of the first event of a piece, or of the next piece that has one; asked for
        about log2(count) pieces.
    start_us : int
    """
    return max(bisect_left(range(count), start_us, key=time_us) - 1, 0)


class Mark(NamedTuple):
    """A place that reading may begin at: events before it, their latest time, and what a decoder has to remember."""

    position: int
    events: int
    last_us: int
    state: Any


class Marks:
    """Places to enter a recording that can only be decoded from its beginning, left behind while it is read.

    The first visit to a late stretch reads everything before it, later ones only what lies behind the last mark.

    Parameters
    ----------
    state : object
        What a decoder remembers at the beginning.
    """

    def __init__(self, state: Any = None) -> None:
        self._marks = [Mark(0, 0, -NEVER_US, state)]

    @property
    def beginning(self) -> Mark:
        """The first of them."""
        return self._marks[0]

    @property
    def latest(self) -> Mark:
        """The one nearest to the end."""
        return self._marks[-1]

    def is_due(self, position: int, events: int) -> bool:
        """Whether a mark here would be far enough behind the latest."""
        return position > self.latest.position and events - self.latest.events >= MARK_EVENTS

    def leave(self, mark: Mark) -> None:
        """Remember a mark that is due."""
        self._marks.append(mark)

    def before(self, start_us: int, read_on: Callable[[Mark], Iterator[NDArray[np.int64]]]) -> Mark:
        """The last mark that no event from ``start_us`` on lies before.

        ``read_on`` decodes from a mark on, leaves marks on its way, and gives the times that it comes to.
        """
        if self.latest.last_us < start_us:
            for t_us in read_on(self.latest):
                if len(t_us) and t_us[-1] >= start_us:
                    break
        return self._marks[bisect_left(self._marks, start_us, key=lambda mark: mark.last_us) - 1]


class Gathered:
    """Small pieces of events, made into blocks of equal size, the last one apart; late events are held, and counted.

    Parameters
    ----------
    max_events : int
        Most events per block; they are no larger than what stays in the processor's cache.
    first : int or None
        Number of the first event, None where nobody counted.
    warn_count : callable
        `Source.warn_count` of whoever reads.
    """

    def __init__(self, max_events: int, first: int | None, warn_count: Callable[[str, int], None]) -> None:
        self._max_events = min(max_events, _CACHED_EVENTS)
        self._first = first
        self._warn_count = warn_count
        self._late = LateEvents()
        self._held = 0
        self._columns = _columns(self._max_events)

    def room(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.bool_]]:
        """Columns to unpack the next piece of ``count`` events into: what is then given to `add` mostly need not be copied."""
        part, block = slice(self._held, self._held + count), self._columns
        if part.stop > self._max_events:
            part, block = slice(count), _columns(count)
        return block.t[part], block.x[part], block.y[part], block.p[part]

    def add(self, t_us: NDArray[Any], x: NDArray[Any], y: NDArray[Any], p: NDArray[Any]) -> Iterator[Block]:
        """Take in a piece, and give the blocks that it fills; any polarity but 0 is ON."""
        done, lies_there = 0, t_us.base is self._columns.t
        while done < len(t_us):
            part = slice(done, done + self._max_events - self._held)
            done = min(part.stop, len(t_us))
            into = slice(self._held, self._held + done - part.start)
            if not lies_there:
                columns = self._columns
                columns.t[into], columns.x[into], columns.y[into] = t_us[part], x[part], y[part]
                np.not_equal(p[part], 0, out=columns.p[into])
            self._held = into.stop
            if self._held == self._max_events:
                yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """The block begun, if there is one."""
        if self._held:
            _, t, x, y, p = self._columns
            t = self._late.hold(t[: self._held])
            for message, count in self._late.repairs.items():
                self._warn_count(message, count)
            yield Block(self._first, t, x[: self._held], y[: self._held], p[: self._held])
            self._first = None if self._first is None else self._first + self._held
            self._held, self._columns = 0, _columns(self._max_events)


def _columns(count: int) -> Block:
    return Block(0, np.empty(count, np.int64), np.empty(count, np.uint16), np.empty(count, np.uint16), np.empty(count, np.bool_))
