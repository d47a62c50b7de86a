"""Refractory time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.filters import _kernels as kernels
from evcam.filters._filter import LONGEST_US, Filter, Step, guarded, is_whole


@dataclass(frozen=True)
class Refractory(Filter):
    """Keeps at most one event per pixel and period, whatever their polarities: the first of a burst.

    Where an edge is located by the whole burst, as evcam's detection does, this throws information away.

    Attributes
    ----------
    period_us : int
        Least time between two events that a pixel keeps.
    """

    period_us: int

    def start(self, width: int, height: int) -> Step:
        if not is_whole(self.period_us, 1, LONGEST_US):
            raise InputError(f"refractory filter: a period of {self.period_us} us; it must be positive and whole")
        last_us = np.full((height, width), kernels.NEVER_US, np.int64)

        def step(events: Events) -> NDArray[np.bool_]:
            keep = np.empty(len(events), np.bool_)
            kernels.keep_rested(events.t, events.x, events.y, self.period_us, last_us, keep)
            return keep

        return guarded(step, width, height)
