"""Decoding of a stream of words, resumable at any word, whatever the coding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.core.triggers import Triggers

_TRIGGERS = 4096
_MANY_PIECES = 64  # of edges: columns are full of them, too
_SPARE = 32  # kernels stop when a vector of events might not fit


class Columns(NamedTuple):
    """Decoded events: t (int64, us), x, y (uint16), p (bool), and the edges among them."""

    t: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.bool_]
    triggers: Triggers


@dataclass(frozen=True, eq=False)
class Coding:
    """How events are packed into words.

    Attributes
    ----------
    word : dtype
        Of the words that ``kernel`` takes.
    record : int
        Words that belong together.
    kernel : callable
        ``kernel(words, begin, final, parameters, state, t, x, y, p, trigger_t, trigger_id, trigger_rising)`` decodes from word
        ``begin`` on and returns the number of events, of edges, the first word that was not decoded, and `DONE`, `FULL`, `MORE`
        (it has to see what follows, unless ``final``) or `DAMAGED`.
    parameters, start : ndarray of int64
        The kernel's parameters, and its state before the first word.
    last_us, events, triggers : int
        Places in the state: time of the latest event, numbers of events and edges so far.
    repairs : mapping of str to int
        What was repaired or left out, as `Source.warn_count` wants it, and the place of its number.
    damage : str
        What makes the kernel give up.
    """

    word: np.dtype[Any]
    record: int
    kernel: Callable[..., tuple[int, int, int, int]]
    parameters: NDArray[np.int64]
    start: NDArray[np.int64]
    last_us: int
    events: int
    triggers: int
    repairs: Mapping[str, int]
    damage: str


DONE, FULL, MORE, DAMAGED = range(4)


class Decoder:
    """A coding's kernel, its state, and the columns that it fills.

    Attributes
    ----------
    state : ndarray of int64
        Where the stream stands; a copy of it resumes there.
    """

    def __init__(self, coding: Coding, state: NDArray[np.int64] | None = None) -> None:
        self.coding = coding
        self.state = (coding.start if state is None else state).copy()
        self._new_columns(0)

    def _new_columns(self, capacity: int) -> None:
        self._t, self._p = np.empty(capacity + _SPARE, np.int64), np.empty(capacity + _SPARE, np.bool_)
        self._x, self._y = np.empty(capacity + _SPARE, np.uint16), np.empty(capacity + _SPARE, np.uint16)
        self._count = 0
        self._edges = [(np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.bool_))]

    def begin(self, capacity: int) -> None:
        """Start new columns for about ``capacity`` events."""
        self._new_columns(capacity)

    def feed(self, words: NDArray[Any], position: int, final: bool) -> tuple[int, int]:
        """Decode from word ``position`` on; the next word's position, and why it ended there."""
        words = words.view()
        words.flags.writeable = False  # the same for everybody, so that the kernel is compiled once
        edges = np.empty(_TRIGGERS, np.int64), np.empty(_TRIGGERS, np.uint8), np.empty(_TRIGGERS, np.bool_)
        while True:
            done = self._count
            n, k, position, status = self.coding.kernel(
                words, position, final, self.coding.parameters, self.state, self._t[done:], self._x[done:], self._y[done:],
                self._p[done:], *edges,
            )
            self._count += n
            if k:
                self._edges.append((edges[0][:k].copy(), edges[1][:k].copy(), edges[2][:k].copy()))
            if status != FULL or k < _TRIGGERS or len(self._edges) > _MANY_PIECES:
                return position, status

    def end(self) -> Columns:
        """The columns filled since `begin`."""
        n = self._count
        t, x, y, p = self._t[:n], self._x[:n], self._y[:n], self._p[:n]
        if 2 * n < len(self._t):
            t, x, y, p = t.copy(), x.copy(), y.copy(), p.copy()  # whoever keeps few events should not keep many
        t_edges, numbers, rising = (np.concatenate([edges[i] for edges in self._edges]) for i in range(3))
        return Columns(t, x, y, p, Triggers(t_edges, numbers, rising))
