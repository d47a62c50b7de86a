"""Region of interest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.filters import _kernels as kernels
from evcam.filters._filter import Filter, Step, guarded, is_whole


@dataclass(frozen=True)
class RegionOfInterest(Filter):
    """Keeps events of a rectangle; pixels keep their numbers, so that a calibration still holds.

    Attributes
    ----------
    left, top, right, bottom : int
        Pixels with ``left <= x < right`` and ``top <= y < bottom`` are kept.
    """

    left: int
    top: int
    right: int
    bottom: int

    def start(self, width: int, height: int) -> Step:
        whole = is_whole(self.left, 0, width) and is_whole(self.right, 0, width)
        whole = whole and is_whole(self.top, 0, height) and is_whole(self.bottom, 0, height)
        if not (whole and self.left < self.right and self.top < self.bottom):
            raise InputError(f"region of interest: {self.left}..{self.right} x {self.top}..{self.bottom} is empty or not within "
                             f"a sensor of {width}x{height} pixels")

        def step(events: Events) -> NDArray[np.bool_]:
            keep = np.empty(len(events), np.bool_)
            kernels.keep_inside(events.x, events.y, self.left, self.top, self.right, self.bottom, keep)
            return keep

        return guarded(step, width, height)
