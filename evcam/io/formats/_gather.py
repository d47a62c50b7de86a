"""Recordings that come in pieces: packets, messages, chunks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.io.source import Block

NEVER_US = 1 << 62


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


class Gathered:
    """Small pieces of events, made into blocks of equal size.

    Parameters
    ----------
    max_events : int
        Events per block; the last one may hold fewer.
    first : int or None
        Number of the first event, None where nobody counted.
    """

    def __init__(self, max_events: int, first: int | None) -> None:
        self._max_events = max_events
        self._first = first
        self._held = 0
        self._columns = self._empty()

    def add(self, t_us: NDArray[Any], x: NDArray[Any], y: NDArray[Any], p: NDArray[Any]) -> Iterator[Block]:
        """Take in a piece, and give the blocks that it fills; any polarity but 0 is ON."""
        done = 0
        while done < len(t_us):
            part = slice(done, done + self._max_events - self._held)
            done = min(part.stop, len(t_us))
            into = slice(self._held, self._held + done - part.start)
            columns = self._columns
            columns.t[into], columns.x[into], columns.y[into], columns.p[into] = t_us[part], x[part], y[part], p[part] != 0
            self._held = into.stop
            if self._held == self._max_events:
                yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """The block begun, if there is one."""
        if self._held:
            _, t, x, y, p = self._columns
            yield Block(self._first, t[: self._held], x[: self._held], y[: self._held], p[: self._held])
            self._first = None if self._first is None else self._first + self._held
            self._held, self._columns = 0, self._empty()

    def _empty(self) -> Block:
        n = self._max_events
        return Block(0, np.empty(n, np.int64), np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.bool_))
