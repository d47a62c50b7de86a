"""Hot pixels: found in one pass, left out in another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.filters import _kernels as kernels
from evcam.filters._filter import Filter, Step, guarded

_NEIGHBOURHOOD_PX = 5
_SIGNIFICANCE = 6.0


@dataclass(frozen=True, eq=False)
class HotPixels(Filter):
    """Leaves out the events of given pixels.

    Attributes
    ----------
    mask : ndarray of bool, shape (height, width)
        Pixels to leave out, e.g. from `find_hot_pixels`.
    """

    mask: NDArray[np.bool_]

    def start(self, width: int, height: int) -> Step:
        mask = np.ascontiguousarray(self.mask, np.bool_)
        if mask.shape != (height, width):
            raise InputError(f"hot pixels: a mask of shape {mask.shape} for a sensor of {width}x{height} pixels; needed: "
                             f"({height}, {width})")

        def step(events: Events) -> NDArray[np.bool_]:
            keep = np.empty(len(events), np.bool_)
            kernels.keep_outside_mask(events.x, events.y, mask, keep)
            return keep

        return guarded(step, width, height)


def find_hot_pixels(events: Events | Iterable[Events], *, factor: float = 5.0, minimum_hz: float = 10.0) -> NDArray[np.bool_]:
    """Pixels that fire far more often than those around them.

    Parameters
    ----------
    events : Events, or iterable of Events
        Pieces of one recording, gone through once; a few seconds with motion all over the image are best.
    factor : float
        How many times as often as the median of the 5 x 5 pixels around it a hot pixel fires.
    minimum_hz : float
        Least rate of a hot pixel.

    Returns
    -------
    ndarray of bool, shape (height, width)

    Raises
    ------
    InputError
        No piece at all, pieces of different sensors, a factor that is not positive or a negative rate.

    Notes
    -----
    A pixel must also stand out from its neighbours' counts by six standard deviations.  A pixel that sees a flickering
    light alone is found too.  Of a cluster of more than 12 hot pixels within 5 x 5 the inner ones are not.
    """
    if not (factor > 0 and minimum_hz >= 0):
        raise InputError(f"hot pixels: factor {factor} must be positive and least rate {minimum_hz} Hz not negative")
    counts: NDArray[np.int64] | None = None
    first_us, last_us = kernels.NEVER_US, kernels.NEVER_US
    for piece in [events] if isinstance(events, Events) else events:
        if counts is None:
            counts = np.zeros((piece.height, piece.width), np.int64)
        if counts.shape != (piece.height, piece.width):
            raise InputError(f"hot pixels: a piece of a {piece.width}x{piece.height} sensor follows pieces of another")
        if len(piece):
            first_us = int(piece.t[0]) if first_us == kernels.NEVER_US else first_us
            last_us = int(piece.t[-1])
            kernels.add_counts(piece.x, piece.y, counts)
    if counts is None:
        raise InputError("hot pixels: not even an empty piece of events to find them in")
    around = median_filter(counts, _NEIGHBOURHOOD_PX, mode="nearest").astype(np.float64)
    least = max(minimum_hz * (last_us - first_us) * 1e-6, 1.0)
    stands_out = counts > around + _SIGNIFICANCE * np.sqrt(around + 1.0)
    hot: NDArray[np.bool_] = stands_out & (counts >= factor * around) & (counts >= least)
    return hot
