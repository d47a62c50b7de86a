"""What the sub-pixel fits of corners and discs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

_MIN_PIXELS = 16
_MIN_SINE = 0.2
_MAX_EVALUATIONS = 40


@dataclass(frozen=True, eq=False, slots=True)
class PointFit:
    """A sub-pixel point.

    Attributes
    ----------
    xy : ndarray of float64, shape (2,)
        Pixel.
    cov : ndarray of float64, shape (2, 2)
        Covariance from the residuals of the fit, px^2.
    contrast : float
        Signed height of the pattern: brightness of a disc over its ground, of a corner's first
        diagonal (the squares between its two directions) over the other diagonal.
    """

    xy: NDArray[np.float64]
    cov: NDArray[np.float64]
    contrast: float


def patch_around(
    image: NDArray[np.float64], centre: NDArray[np.float64], steps_px: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Pixels within a parallelogram.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
    centre : ndarray of float64, shape (2,)
        Middle of the parallelogram, px.
    steps_px : ndarray of float64, shape (2, 2)
        Its directions, one per row, px.
    reach : float
        How far it extends to either side, in steps.

    Returns
    -------
    (ndarray of float64, shape (N, 2); ndarray of float64, shape (N,)) or None
        Offsets from the centre and values; None when hardly any pixel lies inside, or the directions are nearly parallel.
    """
    if abs(np.linalg.det(steps_px)) < _MIN_SINE * np.prod(np.linalg.norm(steps_px, axis=1)):
        return None
    extent = reach * np.abs(steps_px).sum(0)
    low = np.maximum(np.ceil(centre - extent), 0).astype(int)
    high = np.minimum(np.floor(centre + extent), [image.shape[1] - 1, image.shape[0] - 1]).astype(int)
    if (high < low).any():
        return None
    y, x = np.mgrid[low[1] : high[1] + 1, low[0] : high[0] + 1]
    offset = np.stack([x, y], -1) - centre
    inside = np.abs(offset @ np.linalg.inv(steps_px)).max(-1) <= reach
    if inside.sum() < _MIN_PIXELS:
        return None
    return offset[inside], image[y[inside], x[inside]]


def solve(
    residuals: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    start: NDArray[np.float64],
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    jacobian: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Bounded least squares.

    Parameters
    ----------
    residuals : callable
        Parameters (P,) to residuals (N,).
    start : ndarray of float64, shape (P,)
    bounds : pair of ndarray of float64, shape (P,)
    jacobian : callable, optional
        Parameters (P,) to derivatives (N, P); by differences without.

    Returns
    -------
    (ndarray of float64, shape (P,); ndarray of float64, shape (P, P); float)
        Parameters, their covariance from the residuals (infinite where they are not determined)
        and the sum of squared residuals.
    """
    fit = least_squares(residuals, start, jac=jacobian or "2-point", bounds=bounds, x_scale="jac", max_nfev=_MAX_EVALUATIONS)
    squared_error = 2 * float(fit.cost)
    return np.asarray(fit.x), _covariance(np.asarray(fit.jac), squared_error), squared_error


def _covariance(jacobian: NDArray[np.float64], squared_error: float) -> NDArray[np.float64]:
    normal = jacobian.T @ jacobian
    scale = np.sqrt(np.diag(normal))
    freedom = len(jacobian) - len(scale)
    if freedom <= 0 or (scale <= 0).any() or np.linalg.cond(normal / np.outer(scale, scale)) > 1e12:
        return np.full_like(normal, np.inf)
    inverse: NDArray[np.float64] = np.linalg.inv(normal / np.outer(scale, scale)) / np.outer(scale, scale)
    return inverse * squared_error / freedom
