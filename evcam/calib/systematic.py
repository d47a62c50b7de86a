"""What errors of the points that repeat in every view do to the intrinsics.

However many views there are, a detector's errors do not all average out: some depend on where in the
image a point lies, smoothly, like the lens itself, and the intrinsics take them up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.calib.bundle import Estimate, Loss, design_rows, weighted_products, whitened_norm
from evcam.calib.observations import Observations
from evcam.core.camera import CameraModel

Array = NDArray[np.float64]

_DEGREE = 5


def systematic_covariance(
    model: CameraModel, estimate: Estimate, obs: Observations, basis: Array, loss: Loss, information: Array,
    size: tuple[int, int], std_px: float,
) -> Array:
    """Covariance of the free intrinsics that a smooth, repeated error of the points causes.

    The error is a polynomial of fifth degree of the place in the image, in either axis, each of
    whose coefficients (on the image's half diagonal) is normal with ``std_px``.

    Parameters
    ----------
    model, estimate, obs, basis, loss
        The adjustment at its minimum.
    information : ndarray of float64, shape (n, n)
        Normal matrix of the intrinsics, the poses eliminated.
    size : (int, int)
        Sensor width and height, px.
    std_px : float
        Size of the error.

    Returns
    -------
    ndarray of float64, shape (n, n)
    """
    n = basis.shape[1]
    px, rows = design_rows(model, estimate, obs, basis)
    rows = np.concatenate([rows, _fields(px, size)], -1)
    product = weighted_products(obs.whitening @ rows, whitened_norm(px - obs.xy, obs), obs, loss)
    pose = slice(n, n + 6)
    eliminated = np.linalg.solve(product[:, pose, pose], product[:, pose, n + 6 :])
    scores = (product[:, :n, n + 6 :] - product[:, :n, pose] @ eliminated).sum(0)
    shifts = np.linalg.solve(information, scores) * std_px
    covariance: Array = shifts @ shifts.T
    return covariance


def _fields(px: Array, size: tuple[int, int]) -> Array:
    """Monomials of the image's place, in x and in y: (V, K, 2) -> (V, K, 2, M)."""
    half = (np.array(size) - 1) / 2
    x, y = np.moveaxis((px - half) / np.linalg.norm(half), -1, 0)
    terms = np.stack([x**i * y**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)], -1)
    none = np.zeros_like(terms)
    return np.stack([np.concatenate([terms, none], -1), np.concatenate([none, terms], -1)], -2)
