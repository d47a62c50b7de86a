"""Which pixels are bright and which dark, told by the polarity of the last edge that passed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel
from evcam.flow.crossings import Crossings


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
    def before(cls, crossings: Crossings, min_count: int) -> ToneMap:
        """The picture before the first of some crossings: each pixel's first edge tells what it was; the rest is bright."""
        bright = np.ones((crossings.height, crossings.width), np.uint8)
        sure = crossings.count >= min_count
        backwards = slice(None, None, -1)
        # The earliest crossing of a pixel is written last and stays.
        bright[crossings.y[sure][backwards], crossings.x[sure][backwards]] = ~crossings.p[sure][backwards]
        return cls(bright, min_count)

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
