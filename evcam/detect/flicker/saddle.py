"""Checkerboard corners in an image of contrast: find saddle points, then fit each one's two edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from evcam.detect.flicker.fit import PointFit, patch_around, solve

_MIN_STRENGTH = 0.15
_MAX_CANDIDATES = 2000
_PATCH_STEPS = (0.5, 0.6)
_PATCH_REACH_PX = (3.5, 16.0)
_MIN_PURITY = 0.5
_MIN_EXPLAINED = 0.5
_BLUR_PX = (0.25, 1.0, 4.0)


@dataclass(frozen=True, eq=False, slots=True)
class Saddles:
    """Candidates for checkerboard corners.

    Attributes
    ----------
    xy : ndarray of float64, shape (N, 2)
        Pixels, to about half a pixel of the image they were found in.
    strength : ndarray of float64, shape (N,)
        Response, 1 for a typical strong corner.
    """

    xy: NDArray[np.float64]
    strength: NDArray[np.float64]


def find_saddles(image: NDArray[np.float64], blur_px: float) -> Saddles:
    """Local maxima of the saddle response ``Ixy^2 - Ixx Iyy`` of a blurred, contrast-normalised image.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
        Contrast of the pattern.
    blur_px : float
        Standard deviation of the blur; about a sixth of a square serves best.
    """
    smooth = cv2.GaussianBlur(_normalised(image, 4 * blur_px), (0, 0), blur_px)
    xx, yy, xy = (cv2.Sobel(smooth, cv2.CV_64F, dx, dy, ksize=3) for dx, dy in ((2, 0), (0, 2), (1, 1)))
    response = np.maximum(xy * xy - xx * yy, 0.0)
    size = 2 * int(np.ceil(1.5 * blur_px)) + 1
    peaks = (response == cv2.dilate(response, np.ones((size, size), np.uint8))) & (response > 0)
    if not peaks.any():
        return Saddles(np.empty((0, 2)), np.empty(0))
    rows, cols = np.nonzero(peaks)
    strength = np.sqrt(response[rows, cols])
    order = np.argsort(-strength, kind="stable")[:_MAX_CANDIDATES]
    strength = strength[order] / strength[order[: max(4, min(24, len(order)))]].mean()
    order = order[strength > _MIN_STRENGTH]
    rows, cols = rows[order], cols[order]
    return Saddles(np.column_stack([cols, rows]).astype(float), strength[: len(order)])


def _normalised(image: NDArray[np.float64], reach_px: float) -> NDArray[np.float64]:
    """Divide by the local contrast, so that faint squares count nearly as much as bright ones."""
    size = 2 * int(np.ceil(reach_px)) + 1
    local = cv2.dilate(np.abs(image), np.ones((size, size), np.uint8))
    local = cv2.GaussianBlur(local, (0, 0), reach_px / 2)
    normalised: NDArray[np.float64] = image / np.maximum(local, 0.1 * np.percentile(np.abs(image), 99) + 1e-12)
    return normalised


def fit_saddle(image: NDArray[np.float64], start: NDArray[np.float64], steps_px: NDArray[np.float64]) -> PointFit | None:
    """Fit a checkerboard corner to sub-pixel accuracy.

    The model is ``a + b S + c T + d S T``, where S and T are straight edges,
    blurred by the same Gaussian, through the corner: the four fields may differ
    in brightness, and what log intensity and saturation do to both edges alike leaves
    the corner, a centre of symmetry, where it is.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
        Contrast of the pattern.
    start : ndarray of float64, shape (2,)
        Corner to within about a quarter of a square, px.
    steps_px : ndarray of float64, shape (2, 2)
        Vectors to the next corners along the two edges, one per row, px.

    Returns
    -------
    PointFit or None
        None where the patch is too small, the fit leaves it, or it is no corner.
    """
    patch = patch_around(image, start, steps_px, _patch_share(steps_px))
    if patch is None:
        return None
    offset, value = patch
    normals = np.linalg.inv(steps_px.T)
    angles = np.arctan2(normals[:, 1], normals[:, 0])
    reach = 0.5 * np.linalg.norm(steps_px, axis=1).min()
    first = np.array([0.0, 0.0, *angles, _BLUR_PX[1]])
    low = np.array([-reach, -reach, *(angles - 0.5), _BLUR_PX[0]])
    high = np.array([reach, reach, *(angles + 0.5), _BLUR_PX[2]])

    def residuals(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return _saddle_residuals(q, offset, value)

    def jacobian(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return _saddle_jacobian(q, offset)

    start_values = np.r_[first, _linear_part(first, offset, value)]
    q, cov, squared_error = solve(residuals, start_values, (np.r_[low, [-np.inf] * 4], np.r_[high, [np.inf] * 4]), jacobian)
    explained = 1 - squared_error / max(((value - value.mean()) ** 2).sum(), 1e-300)
    b, c, d = q[6:]
    # Where only one of the four squares is bright, an outer corner of the board, b^2 = c^2 = d^2.
    is_corner = d * d > _MIN_PURITY * (b * b + c * c + d * d)
    if not (is_corner and explained > _MIN_EXPLAINED and np.isfinite(cov).all() and np.abs(q[:2]).max() < reach):
        return None
    return PointFit(start + q[:2], cov[:2, :2], float(d))


def _patch_share(steps_px: NDArray[np.float64]) -> float:
    """Reach of a corner's patch in steps.

    A lens bends edges, and long ones would pull the corner towards the image's middle;
    small squares need nearly all of their pixels.
    """
    sides_px = np.linalg.norm(steps_px, axis=1)
    share = np.clip(_PATCH_REACH_PX[0] / sides_px.min(), *_PATCH_STEPS)
    return float(min(share, _PATCH_REACH_PX[1] / sides_px.max()))


def _edges(q: NDArray[np.float64], offset: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Signed distances to the two edges in blurs, and the blurred edges."""
    d = offset - q[:2]
    s = (d[:, 0] * np.cos(q[2]) + d[:, 1] * np.sin(q[2])) / q[4]
    t = (d[:, 0] * np.cos(q[3]) + d[:, 1] * np.sin(q[3])) / q[4]
    return s, t, erf(s / np.sqrt(2)), erf(t / np.sqrt(2))


def _linear_part(q: NDArray[np.float64], offset: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    _, _, S, T = _edges(q, offset)
    return np.asarray(np.linalg.lstsq(np.column_stack([np.ones(len(S)), S, T, S * T]), value, rcond=None)[0], float)


def _saddle_residuals(q: NDArray[np.float64], offset: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    _, _, S, T = _edges(q, offset)
    residuals: NDArray[np.float64] = q[5] + q[6] * S + q[7] * T + q[8] * S * T - value
    return residuals


def _saddle_jacobian(q: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivatives by corner x, y, the two normals' angles, blur and the four linear coefficients."""
    s, t, S, T = _edges(q, offset)
    d = offset - q[:2]
    by_s = (q[6] + q[8] * T) * np.sqrt(2 / np.pi) * np.exp(-0.5 * s * s)
    by_t = (q[7] + q[8] * S) * np.sqrt(2 / np.pi) * np.exp(-0.5 * t * t)
    (c1, s1), (c2, s2) = ((np.cos(a), np.sin(a)) for a in q[2:4])
    return np.column_stack([
        -(by_s * c1 + by_t * c2) / q[4],
        -(by_s * s1 + by_t * s2) / q[4],
        by_s * (d[:, 1] * c1 - d[:, 0] * s1) / q[4],
        by_t * (d[:, 1] * c2 - d[:, 0] * s2) / q[4],
        -(by_s * s + by_t * t) / q[4],
        np.ones(len(s)), S, T, S * T,
    ])
