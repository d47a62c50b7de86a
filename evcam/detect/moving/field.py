"""Values that vary smoothly over a board or an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    middle = xy[known].mean(0)
    scale = max(float(np.abs(xy[known] - middle).max()), 1.0)
    x, y = ((xy - middle) / scale).T
    count = int(known.sum())
    powers = [(i - j, j) for i in range(degree + 1) for j in range(i + 1) if i == 0 or count >= _NEEDED[i]]
    design = np.stack([x**i * y**j for i, j in powers], -1)
    rows = design[known]
    weighted = rows.T if weights is None else rows.T * weights[known]
    prior = np.diag([0.0] + [stiffness] * (len(powers) - 1))
    fitted: Array = design @ np.linalg.solve(weighted @ rows + prior, weighted @ values[known])
    return fitted
