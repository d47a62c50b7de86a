"""Pose of a plane from its homography."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def planar_pose(matrix: Array) -> tuple[Array, Array]:
    """Rotations and translations of planes z = 0 from their homographies to normalised image coordinates.

    ``H ~ [r1 r2 t]`` (Zhang 2000, sec. 3.1), the rotation taken to the nearest true one, the
    scale such that the origin of the plane lies in front of the camera.

    Parameters
    ----------
    matrix : ndarray of float64, shape (..., 3, 3)
        Homographies from plane coordinates to ``(x / z, y / z)``, of any scale.

    Returns
    -------
    R_cam_plane : ndarray of float64, shape (..., 3, 3)
    t_cam_plane : ndarray of float64, shape (..., 3)
        In the unit of the plane's coordinates.
    """
    lengths = np.linalg.norm(matrix[..., :2], axis=-2).sum(-1)
    sign = np.where(matrix[..., 2, 2] >= 0, 1.0, -1.0)
    scaled = matrix * (2 * sign / lengths)[..., None, None]
    r1, r2, t = scaled[..., 0], scaled[..., 1], scaled[..., 2]
    u, _, vt = np.linalg.svd(np.stack([r1, r2, np.cross(r1, r2)], -1))
    vt[..., 2, :] *= np.linalg.det(u @ vt)[..., None]
    return u @ vt, t
