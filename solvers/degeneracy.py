"""Why events do not determine a moving line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.solvers.status import Status

Array = NDArray[np.float64]

_ENOUGH_INSTANTS = 3
_RANK_OF_POINT = 3
_ROUNDING = 1e-8


def why_undetermined(bearings: Array, times_s: Array) -> Status:
    """Name the degeneracy of a system ``[f, -t f]`` that has no single null vector.

    Parameters
    ----------
    bearings : ndarray of float64, shape (N, 3)
    times_s : ndarray of float64, shape (N,)

    Returns
    -------
    Status

    Notes
    -----
    A line that does not move in the derotated image spans four dimensions, a single point three, and events at
    one or two instants at most four; a point that stays in one place looks like an instant, and is called a point.
    """
    if len(times_s) == 0:
        return Status.TOO_FEW
    half = max(float(np.ptp(times_s)) / 2, np.finfo(float).tiny)
    t = (times_s - (times_s.max() + times_s.min()) / 2) / half
    if len(np.unique(np.round(t, 9))) < _ENOUGH_INSTANTS or np.ptp(times_s) == 0:
        return Status.TOO_FEW_INSTANTS
    if _rank(np.concatenate([bearings, -t[:, None] * bearings], 1)) <= _RANK_OF_POINT:
        return Status.SINGLE_POINT
    return Status.STILL_LINE if _rank(bearings) < bearings.shape[1] else Status.UNDETERMINED


def _rank(rows: Array) -> int:
    sizes = np.linalg.svd(rows, compute_uv=False)
    return int((sizes > _ROUNDING * sizes[0]).sum())
