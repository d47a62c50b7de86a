"""Which pixels are bright and which dark, told by the polarity of the last edge that passed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel
from evcam.core.events import Events
from evcam.flow.crossings import Crossings, first_polarities

SMALL_COUNT = 3
SUPPORT_US = 40_000
_UNKNOWN = 2
_LONG_AGO_US = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, eq=False)
class ToneMap:
    """A two-tone picture of the scene, kept up to date by edge crossings.

    A pixel whose last edge made it darker shows something dark until the next
    edge passes.  So a dark disc is a connected dark region, however slowly it
    moves, and also while it stands still.

    Attributes
    ----------
    bright : ndarray of uint8, shape (height, width)
        1 where bright, 0 where dark.
    min_count : int
        Bursts of fewer events do not change a pixel's tone, unless the pixel's bursts are all small and
        neighbours change alike.
    last_count : ndarray of uint16, shape (height, width)
        Events of the last burst that changed each pixel.
    last_us : ndarray of int64, shape (2, height, width)
        When each pixel last darkened (0) and brightened (1), by however small a burst.
    """

    bright: NDArray[np.uint8]
    min_count: int
    last_count: NDArray[np.uint16]
    last_us: NDArray[np.int64]

    @classmethod
    def unknown(cls, width: int, height: int, min_count: int) -> ToneMap:
        """A picture of which nothing is known yet."""
        return cls(
            np.full((height, width), _UNKNOWN, np.uint8), min_count, np.zeros((height, width), np.uint16),
            np.full((2, height, width), _LONG_AGO_US),
        )

    @property
    def unknown_pixels(self) -> NDArray[np.bool_]:
        """Where nothing has told the tone yet, shape (height, width)."""
        unknown: NDArray[np.bool_] = self.bright == _UNKNOWN
        return unknown

    def assume_before(self, events: Events) -> None:
        """Fill in what unknown pixels showed before some later events: the opposite of what their first edge made them."""
        first = first_polarities(events, self.unknown_pixels, self.min_count)
        told = first >= 0
        self.bright[told] = 1 - first[told]

    def settle(self, *, bright: bool) -> None:
        """Take the pixels that are still unknown for bright, or for dark."""
        self.bright[self.unknown_pixels] = bright

    def advance(self, crossings: Crossings) -> None:
        """Apply later crossings, which are in order of time."""
        _apply(
            crossings.t, crossings.x, crossings.y, crossings.p, crossings.count, self.min_count, self.last_count, self.last_us,
            self.bright,
        )

    def copy(self) -> ToneMap:
        """An independent picture of the same moment."""
        return ToneMap(self.bright.copy(), self.min_count, self.last_count.copy(), self.last_us.copy())

    def cleaned(self) -> NDArray[np.uint8]:
        """The picture without single wrong pixels (the tone of most of 3 x 3), once all tones are settled."""
        cleaned = np.empty_like(self.bright)
        _most_around(self.bright, np.empty(self.bright.shape[1] + 2, np.uint8), cleaned)
        return cleaned


@kernel
def _apply(t, x, y, p, count, min_count, last_count, last_us, bright):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        tone = 1 if p[i] else 0
        if count[i] >= min_count:
            bright[y[i], x[i]] = tone
            last_count[y[i], x[i]] = count[i]
        elif last_count[y[i], x[i]] <= SMALL_COUNT and _supported(t[i], int(x[i]), int(y[i]), last_us[tone]):
            bright[y[i], x[i]] = tone
        last_us[tone, y[i], x[i]] = t[i]


@kernel
def _supported(t, x, y, last_us):  # type: ignore[no-untyped-def]
    """Whether at least two of the eight neighbours have changed alike just before."""
    support = 0
    for v in range(max(y - 1, 0), min(y + 2, last_us.shape[0])):
        for u in range(max(x - 1, 0), min(x + 2, last_us.shape[1])):
            if (u != x or v != y) and t - last_us[v, u] < SUPPORT_US:
                support += 1
    return support >= 2


@kernel
def _most_around(bright, columns, cleaned):  # type: ignore[no-untyped-def]
    """Write 1 where at least five of a pixel and its eight neighbours are bright; the border's pixels stand for those beyond."""
    height, width = bright.shape
    for y in range(height):
        above, here, below = bright[max(y - 1, 0)], bright[y], bright[min(y + 1, height - 1)]
        for x in range(width):
            columns[x + 1] = above[x] + here[x] + below[x]
        columns[0], columns[width + 1] = columns[1], columns[width]
        out = cleaned[y]
        for x in range(width):
            out[x] = columns[x] + columns[x + 1] + columns[x + 2] >= 5
