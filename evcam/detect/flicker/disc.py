"""Circles of a board in an image of contrast: find blobs, then fit each one's blurred elliptic outline."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from evcam.detect.flicker.fit import PointFit, patch_around, solve

_MIN_AREA_PX = 6
_MAX_ASPECT = 4.0
_FILLING = (0.75, 1.3)
_PATCH_STEPS = 0.5
_MIN_EXPLAINED = 0.5
_BLUR_PX = (0.25, 0.8, 4.0)


def find_blobs(image: NDArray[np.float64], reach_px: float, dark: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compact elliptic regions on the other side of half the local contrast.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
        Contrast of the pattern.
    reach_px : float
        How far to look for the local contrast; a little more than a disc's diameter.
    dark : bool
        Discs are darker than their ground.

    Returns
    -------
    (ndarray of float64, shape (N, 2); ndarray of float64, shape (N,))
        Centres, px, and weights: 1 for a blob of the most frequent size.
    """
    size = 2 * int(np.ceil(reach_px)) + 1
    kernel = np.ones((size, size), np.uint8)
    smooth = cv2.GaussianBlur(image, (0, 0), 0.6)
    low, high = cv2.erode(smooth, kernel), cv2.dilate(smooth, kernel)
    contrasted = high - low > 0.15 * np.ptp(np.percentile(smooth, [1, 99]))
    bright = smooth > cv2.blur(0.5 * (low + high), (size, size))
    mask = contrasted & (~bright if dark else bright)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    found = [blob for k in range(1, count) if (blob := _ellipse_blob(labels, k, stats[k])) is not None]
    if not found:
        return np.empty((0, 2)), np.empty(0)
    xy, area = np.array([blob[0] for blob in found]), np.array([blob[1] for blob in found])
    return xy, np.exp(-np.abs(np.log(area / np.median(area))))


def _ellipse_blob(labels: NDArray[np.int32], label: int, stats: NDArray[np.int32]) -> tuple[NDArray[np.float64], float] | None:
    """Centre and area of a region that fills its own moment ellipse and does not touch the image's border."""
    x0, y0, width, height, area = (int(v) for v in stats)
    touches = x0 == 0 or y0 == 0 or x0 + width == labels.shape[1] or y0 + height == labels.shape[0]
    if area < _MIN_AREA_PX or touches:
        return None
    y, x = np.nonzero(labels[y0 : y0 + height, x0 : x0 + width] == label)
    # A pixel is a square, not a point: its own second moment is 1/12.
    spread = np.cov(np.stack([x, y]).astype(float), bias=True) + np.eye(2) / 12
    minor, major = np.sqrt(np.linalg.eigvalsh(spread))
    filling = area / (4 * np.pi * minor * major)
    if major > _MAX_ASPECT * minor or not _FILLING[0] < filling < _FILLING[1]:
        return None
    return np.array([x0 + x.mean(), y0 + y.mean()]), float(area)


def fit_disc(image: NDArray[np.float64], start: NDArray[np.float64], steps_px: NDArray[np.float64]) -> PointFit | None:
    """Fit a disc's image to sub-pixel accuracy.

    The model is an ellipse of one brightness on a ground of another, its outline
    blurred by a Gaussian.  The point is the ellipse's centre, which is not
    the image of the disc's centre: see `evcam.detect.board_map.with_circle_centers`.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
        Contrast of the pattern.
    start : ndarray of float64, shape (2,)
        Centre to within a pixel or two.
    steps_px : ndarray of float64, shape (2, 2)
        Vectors to the next discs, one per row, px.

    Returns
    -------
    PointFit or None
        None where the patch is too small, the fit leaves it, or it is no disc.
    """
    patch = patch_around(image, start, steps_px, _PATCH_STEPS)
    if patch is None:
        return None
    offset, value = patch
    radius = 0.25 * np.linalg.norm(steps_px, axis=1).mean()
    reach = 0.5 * np.linalg.norm(steps_px, axis=1).min()
    contrast, ground = _linear_part(np.array([0.0, 0.0, 1 / radius, 0.0, 1 / radius, _BLUR_PX[1]]), offset, value)
    first = np.array([0.0, 0.0, 1 / radius, 0.0, 1 / radius, _BLUR_PX[1], contrast, ground])
    low = np.array([-reach, -reach, 0.5 / reach, -2 / radius, 0.5 / reach, _BLUR_PX[0], -np.inf, -np.inf])
    high = np.array([reach, reach, 4 / radius, 2 / radius, 4 / radius, _BLUR_PX[2], np.inf, np.inf])

    def residuals(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(q[6] * _disc(q, offset) + q[7] - value)

    q, cov, squared_error = solve(residuals, first, (low, high))
    explained = 1 - squared_error / max(((value - value.mean()) ** 2).sum(), 1e-300)
    if not (explained > _MIN_EXPLAINED and np.isfinite(cov).all() and np.abs(q[:2]).max() < reach):
        return None
    return PointFit(start + q[:2], cov[:2, :2], float(q[6]))


def _disc(q: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blurred indicator of the ellipse ``|L (p - c)| <= 1``, with L upper triangular."""
    d = offset - q[:2]
    u, v = q[2] * d[:, 0] + q[3] * d[:, 1], q[4] * d[:, 1]
    rho = np.sqrt(u * u + v * v + 1e-12)
    # First-order distance to the outline: (1 - rho) over the length of rho's gradient.
    gradient = np.hypot(q[2] * u, q[3] * u + q[4] * v) / rho
    inside: NDArray[np.float64] = 0.5 * (1 + erf((1 - rho) / (np.sqrt(2) * q[5] * np.maximum(gradient, 1e-9))))
    return inside


def _linear_part(q: NDArray[np.float64], offset: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    shape = _disc(q, offset)
    return np.asarray(np.linalg.lstsq(np.column_stack([shape, np.ones(len(shape))]), value, rcond=None)[0], float)
