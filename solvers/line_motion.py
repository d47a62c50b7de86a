"""What the eventail vector [b; a] says: frame of the line, partial velocity, two-plane parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def cross(u: Array, v: Array) -> Array:
    """As `numpy.cross`, which costs ten times as much for a single pair; (..., 3)."""
    x, y, z = u[..., 0], u[..., 1], u[..., 2]
    p, q, r = v[..., 0], v[..., 1], v[..., 2]
    return np.stack([y * r - z * q, z * p - x * r, x * q - y * p], -1)


def line_frame(b: Array, a: Array) -> tuple[Array, Array]:
    """Frame of the line and velocity over distance in it (Gao et al., CVPR 2024).

    Parameters
    ----------
    b : ndarray of float64, shape (..., 3)
        Unit normal of the plane through line and camera at the reference instant.
    a : ndarray of float64, shape (..., 3)
        Its rate, 1/s: ``n(t) = b - t a``.

    Returns
    -------
    R_ref_line : ndarray of float64, shape (..., 3, 3)
        Columns e1 (along the line), e2 (= b), e3 (from the line's closest point to the camera).
    u : ndarray of float64, shape (..., 2)
        ``(u_y >= 0, u_z)``, 1/s: camera velocity along e2 and e3 over the distance of the line.

    Notes
    -----
    Undefined where a is parallel to b (``u_y = 0``); the solvers report such data as `Status.STILL_LINE`.
    """
    along = (a * b).sum(-1, keepdims=True)
    w = a - along * b
    u_y = np.sqrt((w * w).sum(-1, keepdims=True))
    e3 = w / u_y
    frame = np.stack([cross(b, e3), b, e3], -1)
    return frame, np.concatenate([u_y, -along], -1)


def partial_velocity(b: Array, a: Array) -> Array:
    """Velocity orthogonal to the line over the line's distance, 1/s: ``u_y e2 + u_z e3 = (b |a|^2 - a (a.b)) / |b x a|``.

    The velocity along the line cannot be seen (aperture problem), nor can the distance.

    Parameters
    ----------
    b, a : ndarray of float64, shape (..., 3)
        As in `line_frame`.

    Returns
    -------
    ndarray of float64, shape (..., 3)

    Examples
    --------
    A line straight ahead along x, camera moving up to it along z and down along y:

    >>> partial_velocity(np.array([0.0, 1.0, 0.0]), np.array([0.0, 2.0, -3.0])).tolist()
    [0.0, 3.0, 2.0]
    """
    along = (a * b).sum(-1, keepdims=True)
    w = a - along * b
    u_y = np.sqrt((w * w).sum(-1, keepdims=True))
    velocity: Array = u_y * b - along / u_y * w
    return velocity


def partial_velocity_jacobian(b: Array, a: Array) -> Array:
    """Derivative of `partial_velocity` by changes of ``[b, a]`` that keep |b|.

    Parameters
    ----------
    b, a : ndarray of float64, shape (..., 3)
        As in `line_frame`.

    Returns
    -------
    ndarray of float64, shape (..., 3, 6)
    """
    frame, u = line_frame(b, a)
    e3 = frame[..., 2]
    u_y, u_z = u[..., :1, None], u[..., 1:, None]
    one = np.broadcast_to(np.eye(3), (*b.shape, 3))
    # w = a - (a.b) b = u_y e3 and u_z = -a.b.
    by_w = across_jacobian(b, a)
    by_depth = -np.concatenate([a, b], -1)[..., None, :]
    turning = one - e3[..., :, None] * e3[..., None, :]
    jacobian: Array = (b[..., :, None] * (e3[..., None, :] @ by_w) + e3[..., :, None] * by_depth + u_z / u_y * (turning @ by_w))
    jacobian[..., :3] += u_y * one
    return jacobian


def across_jacobian(b: Array, a: Array) -> Array:
    """Derivative of ``a - (a.b) b = u_y e3``, the motion across the plane of line and camera, by [b, a]; (..., 3, 6)."""
    one = np.eye(3)
    along = (a * b).sum(-1)[..., None, None]
    by_b, by_a = -along * one - b[..., :, None] * a[..., None, :], one - b[..., :, None] * b[..., None, :]
    jacobian: Array = np.concatenate([by_b, by_a], -1)
    return jacobian


def two_plane_parameters(b: Array, a: Array) -> Array:
    """Parameters (vy, vz, ya, za, zb, yb) of the polynomial five-point solver (Gao et al., ICCV 2023).

    There the line meets the planes X = -1 and X = 1 in ``Pa = (-1, ya, za)`` and ``Pb = (1, yb, zb)``, the
    partial velocity is ``vy (Pb x Pa) + vz ((Pb - Pa) x (Pb x Pa))``, and the free scale of the scene is
    chosen such that this velocity has unit length.

    Parameters
    ----------
    b, a : ndarray of float64, shape (..., 3)
        As in `line_frame`.  ``(-b, -a)`` gives the second root of the polynomial solver.

    Returns
    -------
    ndarray of float64, shape (..., 6)

    Notes
    -----
    Lines parallel to the planes have no such parameters; the values grow without bound towards them.
    """
    frame, u = line_frame(b, a)
    e1, e3 = frame[..., 0], frame[..., 2]
    ahead = e1[..., :1]
    closest = -e3 / np.linalg.norm(u, axis=-1, keepdims=True)
    at_a = closest + (-1.0 - closest[..., :1]) / ahead * e1
    at_b = closest + (1.0 - closest[..., :1]) / ahead * e1
    # |Pb x Pa| = 2 d / |e1_x|, and e2 changes its sign with e1_x.
    vy, vz = u[..., :1] * ahead / 2, u[..., 1:] * ahead**2 / 4
    return np.concatenate([vy, vz, at_a[..., 1:], at_b[..., 2:], at_b[..., 1:2]], -1)
