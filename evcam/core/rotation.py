"""Rotations in three dimensions, batched over leading axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def hat(w: ArrayLike) -> Array:
    """Skew matrices of vectors: ``hat(w) @ v == cross(w, v)``; (..., 3) -> (..., 3, 3)."""
    w = np.asarray(w, float)
    out = np.zeros((*w.shape[:-1], 3, 3))
    out[..., 0, 1], out[..., 0, 2], out[..., 1, 2] = -w[..., 2], w[..., 1], -w[..., 0]
    out[..., 1, 0], out[..., 2, 0], out[..., 2, 1] = w[..., 2], -w[..., 1], w[..., 0]
    return out


def exp_so3(w: ArrayLike) -> Array:
    """Rotation matrices of rotation vectors (radians), (..., 3) -> (..., 3, 3).

    Rodrigues' formula, with the series near zero.
    """
    w = np.asarray(w, float)
    theta2 = (w * w).sum(-1)[..., None, None]
    theta = np.sqrt(theta2)
    small = theta2 < 1e-8
    safe = np.where(small, 1.0, theta)
    a = np.where(small, 1 - theta2 / 6, np.sin(safe) / safe)
    b = np.where(small, 0.5 - theta2 / 24, (1 - np.cos(safe)) / safe**2)
    k = hat(w)
    result: Array = np.eye(3) + a * k + b * (k @ k)
    return result


def log_so3(R: ArrayLike) -> Array:
    """Rotation vectors (radians, norm at most pi) of rotation matrices, (..., 3, 3) -> (..., 3)."""
    from scipy.spatial.transform import Rotation

    R = np.asarray(R, float)
    result: Array = Rotation.from_matrix(R.reshape(-1, 3, 3)).as_rotvec().reshape(R.shape[:-1])
    return result


def left_jacobian_so3(w: ArrayLike) -> Array:
    """Left Jacobian of SO(3): ``exp(w + d) ~ exp(J d) exp(w)``; (..., 3) -> (..., 3, 3)."""
    w = np.asarray(w, float)
    theta2 = (w * w).sum(-1)[..., None, None]
    small = theta2 < 1e-8
    theta = np.sqrt(np.where(small, 1.0, theta2))
    a = np.where(small, 0.5 - theta2 / 24, (1 - np.cos(theta)) / theta**2)
    b = np.where(small, 1 / 6 - theta2 / 120, (theta - np.sin(theta)) / theta**3)
    k = hat(w)
    result: Array = np.eye(3) + a * k + b * (k @ k)
    return result


def are_rotations(R: Array) -> bool:
    """Whether matrices (..., 3, 3) are all rotations, to a millionth."""
    return bool(np.allclose(R @ R.swapaxes(-1, -2), np.eye(3), atol=1e-6) and np.all(np.linalg.det(R) > 0))


def orthonormal(matrix: ArrayLike) -> Array:
    """The rotations nearest to matrices (Frobenius norm), (..., 3, 3) -> (..., 3, 3)."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, float))
    flip = np.ones(u.shape[:-1])
    flip[..., 2] = np.sign(np.linalg.det(u @ vt))
    nearest: Array = (u * flip[..., None, :]) @ vt
    return nearest
