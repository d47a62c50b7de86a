"""Which pixels are bright and which dark, told by the polarity of the last edge that passed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel
from evcam.flow.crossings import Crossings

_UNKNOWN = 2


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
        Bursts of fewer events do not change a pixel's tone.
    """

    bright: NDArray[np.uint8]
    min_count: int

    @classmethod
    def unknown(cls, width: int, height: int, min_count: int) -> ToneMap:
        """A picture of which nothing is known yet."""
        return cls(np.full((height, width), _UNKNOWN, np.uint8), min_count)

    def assume_before(self, crossings: Crossings) -> None:
        """Fill in what unknown pixels showed before some later crossings: the opposite of what their first edge made them."""
        first = np.full_like(self.bright, _UNKNOWN)
        sure = crossings.count >= self.min_count
        backwards = slice(None, None, -1)
        # The earliest crossing of a pixel is written last and stays.
        first[crossings.y[sure][backwards], crossings.x[sure][backwards]] = ~crossings.p[sure][backwards]
        unknown = self.bright == _UNKNOWN
        self.bright[unknown] = first[unknown]

    def settle(self, *, bright: bool) -> None:
        """Take the pixels that are still unknown for bright, or for dark."""
        self.bright[self.bright == _UNKNOWN] = bright

    def advance(self, crossings: Crossings) -> None:
        """Apply later crossings, which are in order of time."""
        _apply(crossings.x, crossings.y, crossings.p, crossings.count, self.min_count, self.bright)

    def copy(self) -> ToneMap:
        """An independent picture of the same moment."""
        return ToneMap(self.bright.copy(), self.min_count)

    def cleaned(self) -> NDArray[np.uint8]:
        """The picture without single wrong pixels (median of 3 x 3)."""
        return np.asarray(cv2.medianBlur(self.bright, 3), np.uint8)


@kernel
def _apply(x, y, p, count, min_count, bright):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        if count[i] >= min_count:
            bright[y[i], x[i]] = 1 if p[i] else 0
