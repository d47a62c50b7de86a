"""What readers of inertial samples share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STANDARD_GRAVITY_MPS2 = 9.80665


def strictly_later(t: NDArray[np.int64]) -> tuple[NDArray[np.bool_], int]:
    """Which times are later than all before them, and how many are not."""
    keep = np.ones(len(t), bool)
    keep[1:] = t[1:] > np.maximum.accumulate(t)[:-1]
    return keep, int(len(t) - keep.sum())
