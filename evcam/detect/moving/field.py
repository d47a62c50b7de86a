"""Values that vary smoothly over a board or an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.detect.moving._field import _smooth

Array = NDArray[np.float64]

# Known values that each degree needs.
_NEEDED = {1: 0, 2: 18, 3: 18, 4: 28}


def smooth_field(
    xy: Array, values: Array, known: NDArray[np.bool_], degree: int, stiffness: float = 1e-3, weights: Array | None = None
) -> Array:
    """Fit a polynomial where values are known, and evaluate it everywhere.

    Parameters
    ----------
    xy : ndarray of float64, shape (N, 2)
        Places.
    values : ndarray of float64, shape (N, M)
        Values there; only the known ones count.
    known : ndarray of bool, shape (N,)
        At least one.
    degree : int
        1 to 4; lower where too few values are known.
    stiffness : float
        Weight on having no slope, beside one known value; it keeps places in a row from inventing a shear.
    weights : ndarray of float64, shape (N,), optional
        Of the known values; all alike by default.

    Returns
    -------
    ndarray of float64, shape (N, M)
    """
    count = int(known.sum())
    degrees = np.array([i == 0 or count >= _NEEDED[i] for i in range(degree + 1)])
    of_each = known.astype(np.float64) if weights is None else np.where(known, weights, 0.0)
    fitted = np.empty(values.shape)
    _smooth(np.ascontiguousarray(xy), np.ascontiguousarray(values), of_each, degrees, stiffness, fitted)
    return fitted
