"""Values that vary smoothly over a board or an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Known values that each degree needs.
_NEEDED = {1: 0, 2: 18, 3: 22}


def smooth_field(xy: Array, values: Array, known: NDArray[np.bool_], degree: int, stiffness: float = 1e-3) -> Array:
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
        1 to 3; lower where too few values are known.
    stiffness : float
        Weight on having no slope, beside one known value; it keeps places in a row from inventing a shear.

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
    prior = np.diag([0.0] + [stiffness] * (len(powers) - 1))
    fitted: Array = design @ np.linalg.solve(rows.T @ rows + prior, rows.T @ values[known])
    return fitted
