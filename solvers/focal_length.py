"""Focal length from homographies of a plane, principal point known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def focal_length(homographies: Array, principal_point: Array) -> float:
    """Focal length (square pixels) from views of a plane.

    The images of the two axes of the plane are orthogonal and equally long (Zhang 2000, eq. 3
    and 4), which gives two equations per view that are linear in 1/f^2.  Views vote by a median
    weighted with how strongly they depend on f, since frontal views say nothing.

    Parameters
    ----------
    homographies : ndarray of float64, shape (M, 3, 3)
        From the plane to pixels.
    principal_point : ndarray of float64, shape (2,)
        Pixels.

    Returns
    -------
    float
        Pixels; NaN if no view determines a focal length (all frontal, or M = 0).
    """
    shift = np.array([[1, 0, -principal_point[0]], [0, 1, -principal_point[1]], [0, 0, 1]])
    h = shift @ np.asarray(homographies, float).reshape(-1, 3, 3)
    h = h / np.linalg.norm(h[:, :2, :2], axis=(1, 2), keepdims=True)
    a = np.stack([h[:, 0, 0] * h[:, 0, 1] + h[:, 1, 0] * h[:, 1, 1],
                  h[:, 0, 0] ** 2 + h[:, 1, 0] ** 2 - h[:, 0, 1] ** 2 - h[:, 1, 1] ** 2], 1)
    b = np.stack([h[:, 2, 0] * h[:, 2, 1], h[:, 2, 0] ** 2 - h[:, 2, 1] ** 2], 1)
    weight = (b * b).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = -(a * b).sum(1) / weight
    usable = np.isfinite(squared) & (squared > 0)
    if not usable.any():
        return float("nan")
    return float(np.sqrt(_weighted_median(squared[usable], np.sqrt(weight[usable]))))


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
