"""Minimum of a function of a few numbers that has no useful derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def minimize_simplex(
    function: Callable[[Array], float], simplex: Array, low: Array, high: Array, *,
    x_tolerance: float, f_tolerance: float, max_evaluations: int,
) -> Array:
    """Walk a simplex downhill within bounds (Nelder and Mead, Computer Journal 1965).

    The same walk as SciPy's, whose optimisers take a quarter of a second to import.

    Parameters
    ----------
    function : callable
        From ndarray (N,) to the value to be made small.
    simplex : ndarray of float64, shape (N + 1, N)
        Where to start.
    low, high : ndarray of float64, shape (N,)
        Bounds; what lies beyond is moved onto them.
    x_tolerance, f_tolerance : float
        Done when the other corners lie this near to the best one, and so do their values.
    max_evaluations : int
        No new step begins after so many.

    Returns
    -------
    ndarray of float64, shape (N,)
        The best corner.
    """
    corners: list[Array] = [np.clip(corner, low, high) for corner in np.asarray(simplex, np.float64)]
    values = [function(corner) for corner in corners]
    used = len(values)
    while True:
        order = np.argsort(values, kind="stable")
        corners, values = [corners[k] for k in order], [values[k] for k in order]
        size = max(float(np.abs(corner - corners[0]).max()) for corner in corners[1:])
        if used >= max_evaluations or (size <= x_tolerance and values[-1] - values[0] <= f_tolerance):
            return corners[0]
        # The worst corner goes over to the other side, further if that is best of all, less far if it is no good there.
        middle = np.mean(corners[:-1], axis=0)
        way = middle - corners[-1]
        corner = np.clip(middle + way, low, high)
        value = function(corner)
        used += 1
        if value < values[0]:
            further = np.clip(middle + 2 * way, low, high)
            there = function(further)
            used += 1
            if there < value:
                corner, value = further, there
        elif value >= values[-2]:
            outside = value < values[-1]
            corner = np.clip(middle + (0.5 if outside else -0.5) * way, low, high)
            nearer = function(corner)
            used += 1
            if nearer > value if outside else nearer >= values[-1]:
                corners[1:] = [np.clip(0.5 * (corners[0] + other), low, high) for other in corners[1:]]
                values[1:] = [function(other) for other in corners[1:]]
                used += len(corners) - 1
                continue
            value = nearer
        corners[-1], values[-1] = corner, value
