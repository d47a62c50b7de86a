"""Direction of a line whose motion is partly hidden by noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from evcam.solvers.line_fits import tangent_of_b
from evcam.solvers.line_motion import cross, line_frame

Array = NDArray[np.float64]

_ANGLES = 60
_TURNS = 21
_REACH_SIGMA = 4.0
# Angles are spaced by a third of their standard deviation where they are densest.
_SPACING_SIGMA = 3.0
_STEPS = 12
# Share of each variance that is added where a covariance has to be inverted.
_REGULAR = 1e-10
# Squared sine below which an angle counts no longer linearly, but by its square.
_SMALL = 0.03


def middle_of_posterior(vector: Array, covariance: Array, most_1_s: float = np.inf) -> Array:
    """The vector whose direction of motion has the smallest expected angle to the true one.

    The depth component u_z of the motion is seen only through the square of time; where noise hides it, the most likely u_z is
    almost any number, and the most likely direction leans towards the line's normal e3.  Beforehand, however, every direction
    across the line, every orientation of the line and every speed over distance r = |u| are equally likely, in
    ``da = r u_y dr dphi dtheta``.  With a normal distribution of a around its estimate, r integrates in closed form.

    Parameters
    ----------
    vector : ndarray of float64, shape (6,)
        The most likely ``[b, a]``.
    covariance : ndarray of float64, shape (6, 6)
    most_1_s : float
        Bound of the speed over distance.

    Returns
    -------
    ndarray of float64, shape (6,)
        Of this direction the one that the covariance allows most readily: it fits the events about as well as `vector`.
    """
    b, a = vector[:3], vector[3:]
    frame, (u_y, u_z) = line_frame(b, a)
    e1, e3 = frame[:, 0], frame[:, 2]
    # Changes of u_z, u_y and of the motion along e1, in the frame that turns with b.
    along = a @ b
    rows = np.stack([np.concatenate([-a, -b]), np.concatenate([-along * e3, e3]), np.concatenate([-along * e1, e1])])
    spread = rows @ covariance @ rows.T
    precision = np.linalg.inv(spread + 1e-10 * np.trace(spread) * np.eye(3))
    pull = precision @ np.array([u_z, u_y, 0.0])
    phi, theta, areas = _grid(u_z, u_y, spread)
    sine, cosine = np.sin(phi), np.cos(phi)
    ways = np.stack([sine, cosine * np.cos(theta), cosine * np.sin(theta)], 1)
    weights = areas * _radial(((ways @ precision) * ways).sum(1), ways @ pull, most_1_s)
    normals = np.cos(theta)[:, None] * e3 + np.sin(theta)[:, None] * e1
    along_line = cross(b, _middle_axis(normals, weights))
    direction = _middle_axis(cosine[:, None] * b + sine[:, None] * normals, weights)
    middle = _likeliest_with(vector, covariance, along_line, direction)
    # The same plane with b and a of opposite sign has the line behind the camera.
    return middle * np.sign(middle[:3] @ b)


def _likeliest_with(vector: Array, covariance: Array, e1: Array, direction: Array) -> Array:
    """The vector of this direction of line and motion that has the smallest deviation, by the covariance, from ``vector``.

    With m1 the direction and ``m2 = e1 x m1``, all of them are ``b = cos m1 + sin m2``, ``a = r m2``: linear in three numbers.
    """
    b = vector[:3]
    first = direction - (direction @ e1) * e1
    first /= np.sqrt(first @ first)
    ways = np.zeros((6, 3))
    ways[:3, 0], ways[:3, 1] = first, cross(e1, first)
    ways[3:, 2] = ways[:3, 1]
    tangent = tangent_of_b(b)
    # A change of the scale of [b, a] is no deviation.
    deviations = tangent.T @ (ways - vector[:, None] * (b @ ways[:3]))
    across = tangent.T @ covariance @ tangent
    sizes = np.sqrt(np.diag(across))
    shape = np.linalg.inv(across / np.outer(sizes, sizes) + _REGULAR * np.eye(5))
    deviations /= sizes[:, None]
    squares = deviations.T @ shape @ deviations
    turn = squares[:2, :2] - np.outer(squares[:2, 2], squares[2, :2]) / squares[2, 2]
    angles = np.linalg.eigh(turn)[1][:, 0]
    size = -(squares[2, :2] @ angles) / squares[2, 2]
    likeliest: Array = ways @ np.append(angles, size)
    return likeliest


def _radial(curvature: Array, pull: Array, most: float) -> Array:
    """Integral over r from 0 to ``most`` of the normal density with this curvature and slope at r = 0, up to a factor."""
    width = 1 / np.sqrt(curvature)
    inside = log_ndtr(pull * width)
    if np.isfinite(most):
        beyond = log_ndtr((pull / curvature - most) / width)
        inside = inside + np.log(np.maximum(-np.expm1(np.minimum(beyond - inside, 0.0)), 1e-300))
    logs = 0.5 * (pull * width) ** 2 + np.log(width) + inside
    weights: Array = np.exp(logs - logs.max())
    return weights


def _grid(u_z: float, u_y: float, spread: Array) -> tuple[Array, Array, Array]:
    """Angles of the motion around e1, all around but densest where it is likeliest, of e3 around b, and areas."""
    slope = np.array([u_y, -u_z]) / (u_y**2 + u_z**2)
    density = np.arcsinh(2 * _SPACING_SIGMA * 2 * np.pi / _ANGLES / float(np.sqrt(slope @ spread[:2, :2] @ slope)))
    place = (2 * np.arange(_ANGLES) + 1 - _ANGLES) / _ANGLES
    phi = np.arctan2(u_z, u_y) + np.pi * np.sinh(density * place) / np.sinh(density)
    turn = min(_REACH_SIGMA * float(np.sqrt(spread[2, 2])) / u_y, np.pi / 2)
    theta = turn * (2 * np.arange(_TURNS) + 1 - _TURNS) / _TURNS
    first, second = np.meshgrid(phi, theta, indexing="ij")
    return first.ravel(), second.ravel(), np.repeat(np.cosh(density * place), _TURNS)


def _middle_axis(directions: Array, weights: Array) -> Array:
    """Axis of the smallest expected angle (Weiszfeld's iteration on the sphere, from the principal axis)."""
    axis = np.linalg.eigh((directions * weights[:, None]).T @ directions)[1][:, 2]
    for _ in range(_STEPS):
        near = directions @ axis
        axis = (weights * np.sign(near) / np.sqrt(np.maximum(1 - near * near, _SMALL))) @ directions
        axis /= np.linalg.norm(axis)
    return np.asarray(axis)
