"""Cells of the image in which points lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cells_with_points(xy: NDArray[np.float64], size: tuple[int, int], cells: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of so many equal cells across and down an image of this width and height have points, shape (down, across).

    Parameters
    ----------
    xy : ndarray of float64, shape (N, 2)
        Pixels; those outside the image are passed over.
    size, cells : (int, int)
        Across and down.
    """
    cell = np.floor((xy + 0.5) / size * cells).astype(int)
    cell = cell[((cell >= 0) & (cell < cells)).all(1)]
    hit = np.zeros(cells[::-1], bool)
    hit[cell[:, 1], cell[:, 0]] = True
    return hit
