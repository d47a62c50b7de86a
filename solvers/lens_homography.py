"""A plane seen through a lens: a homography followed by radial distortion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]

_STEPS = 8
_FREE = 8  # elements of the homography; the last one is 1
# Ridge on k1 and k2: (noise / plausible size)^2, for points good to about 3e-4 of the image's half
# width, coefficients up to about 0.3 and 0.03.  It decides only where the points are too few to tell.
_RIDGE = np.array([1e-6, 1e-4])


@dataclass(frozen=True, eq=False, slots=True)
class LensHomography:
    """``image = centre + scale m (1 + k1 |m|^2 + k2 |m|^4)`` with ``m = H(plane)``.

    Attributes
    ----------
    H : ndarray of float64, shape (3, 3)
        Plane to normalised, undistorted image coordinates.
    k : ndarray of float64, shape (2,)
        Radial distortion, in units of ``scale``.
    centre : ndarray of float64, shape (2,)
        Centre of distortion in the image.
    scale : float
        Image units per normalised unit.
    """

    H: Array
    k: Array
    centre: Array
    scale: float

    def __call__(self, plane: Array) -> Array:
        """Image points (N, 2) of points of the plane (N, 2)."""
        m = transfer(self.H, plane)
        image: Array = self.centre + self.scale * m * _stretch(m, self.k)[:, None]
        return image


def fit_lens_homography(plane: Array, image: Array, centre: Array, scale: float) -> LensHomography:
    """Least-squares fit of homography and radial distortion together.

    A homography fitted alone takes up part of the distortion, and no polynomial on
    top of it gives that back: second derivatives, which decide how far the centre of
    a circle's image lies from the image of its centre, are then wrong by more than noise.

    Parameters
    ----------
    plane, image : ndarray of float64, shape (N, 2)
        Point pairs, N >= 4, not all but one on a line.
    centre : ndarray of float64, shape (2,)
        Centre of distortion, as a rule the middle of the image; an error of some per cent of the
        image matters little.
    scale : float
        Half of the image's width, or so.

    Returns
    -------
    LensHomography
        Nearly a plain homography where the points are too few, or too close, to show distortion.

    Examples
    --------
    >>> plane = np.stack(np.meshgrid([0.0, 1, 2, 3], [0.0, 1, 2]), -1).reshape(-1, 2)
    >>> image = fit_lens_homography(plane, 10 * plane + 5, np.array([20.0, 15.0]), 20.0)(plane)
    >>> bool(np.abs(image - 10 * plane - 5).max() < 1e-6)
    True
    """
    middle = plane.mean(0)
    spread = float(np.abs(plane - middle).max())
    q, y = (plane - middle) / spread, (image - centre) / scale
    H, k = homography_dlt(q, y).matrix, np.zeros(2)
    H = H / H[2, 2]
    for _ in range(_STEPS):
        error, jacobian = _linearised(H, k, q, y)
        normal = jacobian.T @ jacobian
        normal[_FREE:, _FREE:] += np.diag(_RIDGE)
        gradient = jacobian.T @ error
        gradient[_FREE:] -= _RIDGE * k
        step = np.linalg.lstsq(normal, gradient, rcond=None)[0]
        H = H + np.append(step[:_FREE], 0.0).reshape(3, 3)
        k = k + step[_FREE:]
    shift = np.array([[1 / spread, 0, -middle[0] / spread], [0, 1 / spread, -middle[1] / spread], [0, 0, 1]])
    return LensHomography(H @ shift, k, np.asarray(centre, float), float(scale))


def _stretch(m: Array, k: Array) -> Array:
    r2 = (m * m).sum(-1)
    stretch: Array = 1 + r2 * (k[0] + r2 * k[1])
    return stretch


def _linearised(H: Array, k: Array, q: Array, y: Array) -> tuple[Array, Array]:
    """Residuals (2N,) and derivatives of the model (2N, 10)."""
    homogeneous = np.column_stack([q, np.ones(len(q))])
    w = homogeneous @ H.T
    m = w[:, :2] / w[:, 2:]
    r2 = (m * m).sum(1)
    stretch = _stretch(m, k)
    by_m = stretch[:, None, None] * np.eye(2) + 2 * (k[0] + 2 * k[1] * r2)[:, None, None] * m[:, :, None] * m[:, None, :]
    m_by_h = np.zeros((len(q), 2, _FREE))
    m_by_h[:, 0, :3] = m_by_h[:, 1, 3:6] = homogeneous / w[:, 2:]
    m_by_h[:, :, 6:] = -m[:, :, None] * homogeneous[:, None, :2] / w[:, 2:, None]
    by_k = m[:, :, None] * np.stack([r2, r2 * r2], -1)[:, None, :]
    jacobian = np.concatenate([by_m @ m_by_h, by_k], 2).reshape(-1, _FREE + 2)
    return (y - m * stretch[:, None]).ravel(), jacobian
