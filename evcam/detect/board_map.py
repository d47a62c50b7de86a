"""A smooth map from the board to the image: a homography, bent by what a lens adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]

_POINTS_PER_COEFFICIENT = 2.5


@dataclass(frozen=True, eq=False, slots=True)
class BoardMap:
    """``image = homography(board) + polynomial(board)``, the polynomial of the degree that the points carry."""

    H: Array
    middle: Array
    scale: float
    coefficients: Array

    @classmethod
    def fitted(cls, board: Array, image: Array) -> BoardMap:
        """Fit to points (N, 2) of board and image, N >= 4.

        The polynomial is cubic, as radial distortion is, from 25 points on, quadratic
        from 15 on, and absent with fewer.
        """
        H = homography_dlt(board, image).matrix
        middle = board.mean(0)
        scale = max(float(np.abs(board - middle).max()), 1e-12)
        terms = _terms((board - middle) / scale)
        degree_terms = next((n for n in (10, 6) if len(board) >= _POINTS_PER_COEFFICIENT * n), 0)
        coefficients = np.zeros((10, 2))
        if degree_terms:
            coefficients[:degree_terms] = np.linalg.lstsq(terms[:, :degree_terms], image - transfer(H, board))[0]
        return cls(H, middle, scale, coefficients)

    def __call__(self, board: Array) -> Array:
        """Image points (N, 2) of board points (N, 2)."""
        image: Array = transfer(self.H, board) + _terms((board - self.middle) / self.scale) @ self.coefficients
        return image


def _terms(xy: Array) -> Array:
    x, y = xy.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3], -1)
