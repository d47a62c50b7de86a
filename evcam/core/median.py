"""The median of a few numbers, hundreds of times a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[np.float64]) -> Any:
    """As `numpy.median` along the first axis, in a tenth of its time for tens of finite numbers.

    Parameters
    ----------
    values : ndarray of float64, shape (N, ...)
        At least one.

    Returns
    -------
    float64 or ndarray of float64, shape (...)

    Examples
    --------
    >>> float(median(np.array([3.0, 1.0, 10.0, 2.0])))
    2.5
    """
    ordered = np.sort(values, axis=0)
    return 0.5 * (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2])
