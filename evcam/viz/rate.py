"""How many events a recording has when, learnt piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.io import Recording

_BINS = 1024
_FIRST_BIN_US = 1000


class RateProfile:
    """Event counts over time, in bins that double in width whenever the recording turns out to be longer.

    Parameters
    ----------
    recording : Recording
        Read through by `advance`; an open file of its own, if others read too.

    Attributes
    ----------
    start_us, stop_us : int
        First event, and the latest one seen so far.
    complete : bool
        Whether the end has been reached.
    """

    def __init__(self, recording: Recording) -> None:
        self._pieces: Iterator[Events] = recording.chunks()
        self.start_us = self.stop_us = recording.start_us
        self._bin_us = _FIRST_BIN_US
        self._counts = np.zeros(_BINS, np.int64)
        self.complete = False

    def advance(self) -> None:
        """Read one more piece."""
        piece = next(self._pieces, None)
        if piece is None:
            self.complete = True
            return
        self.stop_us = int(piece.t[-1])
        while self.stop_us - self.start_us >= self._bin_us * _BINS:
            self._counts = np.concatenate([self._counts.reshape(-1, 2).sum(1), np.zeros(_BINS // 2, np.int64)])
            self._bin_us *= 2
        self._counts += np.bincount((piece.t - self.start_us) // self._bin_us, minlength=_BINS)

    def finish(self) -> None:
        """Read all that is left."""
        while not self.complete:
            self.advance()

    def bars(self, count: int) -> NDArray[np.float64]:
        """Rate over the time seen so far, relative to its peak, in so many equal parts, shape (count,)."""
        span_us = max(self.stop_us - self.start_us, 1)
        grown = np.concatenate([[0], np.cumsum(self._counts)])
        edges = np.linspace(0, span_us / self._bin_us, count + 1)
        rate = np.diff(np.interp(edges, np.arange(_BINS + 1), grown))
        bars: NDArray[np.float64] = rate / max(float(rate.max()), 1e-12)
        return bars
