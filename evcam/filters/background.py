"""Background activity: events that no neighbour supports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.filters import _kernels as kernels
from evcam.filters._filter import LONGEST_US, Filter, Step, guarded, is_whole

_NEIGHBOURS = 8


@dataclass(frozen=True)
class BackgroundActivity(Filter):
    """Keeps events shortly before which other pixels around had events too (Delbruck, 2008).

    Attributes
    ----------
    window_us : int
        How far back the neighbours' latest events may lie.  With a noise of r Hz per pixel, a share of
        about ``1 - exp(-8 r window)`` of the noise stays.
    support : int
        How many of the eight neighbours it takes.

    Notes
    -----
    The first events of an edge that comes into a quiet region are lost, and those of edges slower than about a pixel per
    window.  A pixel's own events do not count, so that hot
    pixels go unless they have company; neighbours support each other, so that pairs of hot pixels stay: mask them first.
    """

    window_us: int = 10_000
    support: int = 1

    def start(self, width: int, height: int) -> Step:
        if not (is_whole(self.window_us, 1, LONGEST_US) and is_whole(self.support, 1, _NEIGHBOURS)):
            raise InputError(f"background filter: a window of {self.window_us} us and {self.support} neighbours; the window must "
                             f"be positive, the neighbours 1 to {_NEIGHBOURS}, both whole numbers")
        last_us = np.full((height + 2, width + 2), kernels.NEVER_US, np.int64)

        def step(events: Events) -> NDArray[np.bool_]:
            keep = np.empty(len(events), np.bool_)
            kernels.keep_supported(events.t, events.x, events.y, self.window_us, self.support, last_us, keep)
            return keep

        return guarded(step, width, height)
