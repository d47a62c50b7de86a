"""Homographies between two planes, from point pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIN_POINTS = 4
_DETERMINED = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class HomographySolution:
    """A homography, and how well the points determine it.

    Attributes
    ----------
    matrix : ndarray of float64, shape (3, 3)
        Maps homogeneous source to target points, unit Frobenius norm.
    conditioning : float
        Second smallest over largest singular value of the design matrix; about zero when the points
        (all on a line, or fewer than four) allow a whole family of homographies.
    """

    matrix: Array
    conditioning: float

    @property
    def is_determined(self) -> bool:
        """Whether the points fix the homography."""
        return self.conditioning > _DETERMINED


def homography_dlt(source: Array, target: Array) -> HomographySolution:
    """Direct linear transform on normalised points (Hartley & Zisserman, alg. 4.2).

    Parameters
    ----------
    source, target : ndarray of float64, shape (N, 2)
        Point pairs.

    Notes
    -----
    Undetermined (see `HomographySolution.is_determined`) with fewer than four points,
    and when all but one of them lie on a line.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> h = homography_dlt(square, 2 * square + 3).matrix
    >>> bool(np.allclose(h / h[2, 2], [[2, 0, 3], [0, 2, 3], [0, 0, 1]]))
    True
    """
    if len(source) < MIN_POINTS:
        return HomographySolution(np.eye(3) / np.sqrt(3), 0.0)
    normalise_source, a = _normalised(source)
    normalise_target, b = _normalised(target)
    rows = np.zeros((2 * len(a), 9))
    rows[0::2, 0:3] = rows[1::2, 3:6] = a
    rows[0::2, 6:9] = -b[:, :1] * a
    rows[1::2, 6:9] = -b[:, 1:2] * a
    _, singular, vt = np.linalg.svd(rows.T @ rows)
    h = np.linalg.solve(normalise_target, vt[-1].reshape(3, 3) @ normalise_source)
    return HomographySolution(h / np.linalg.norm(h), float(np.sqrt(singular[-2] / singular[0])))


def homography_refine(matrix: Array, source: Array, target: Array, *, huber: float = np.inf, iterations: int = 10) -> Array:
    """Minimise the transfer error in the target plane by Gauss-Newton steps.

    Parameters
    ----------
    matrix : ndarray of float64, shape (3, 3)
        Start, e.g. from `homography_dlt`.
    source, target : ndarray of float64, shape (N, 2)
        Point pairs, N >= 4.
    huber : float
        Errors beyond this multiple of their robust scale (median / 1.18) get the weight of Huber's loss.

    Returns
    -------
    ndarray of float64, shape (3, 3)
        Homography of unit Frobenius norm.
    """
    h = matrix / np.linalg.norm(matrix)
    homogeneous = np.column_stack([source, np.ones(len(source))])
    for _ in range(iterations):
        error, jacobian = _transfer(h, homogeneous, target)
        norm = np.linalg.norm(error, axis=1)
        scale = np.median(norm) / 1.1774
        weight = np.sqrt(np.minimum(1.0, huber * scale / np.maximum(norm, 1e-300))) if scale > 0 else np.ones(len(norm))
        # The scale of h is free; the minimum-norm step leaves it alone.
        step = np.linalg.lstsq((jacobian * weight[:, None, None]).reshape(-1, 9), (error * weight[:, None]).ravel())[0]
        h = h - step.reshape(3, 3)
        h = h / np.linalg.norm(h)
        if np.abs(step).max() < 1e-12:
            break
    return h


def transfer(matrix: Array, points: Array) -> Array:
    """Points (..., 2) mapped by a homography."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    plane: Array = mapped[..., :2] / mapped[..., 2:]
    return plane


def _transfer(h: Array, homogeneous: Array, target: Array) -> tuple[Array, Array]:
    mapped = homogeneous @ h.T
    value = mapped[:, :2] / mapped[:, 2:]
    jacobian = np.zeros((len(mapped), 2, 9))
    scaled = homogeneous / mapped[:, 2:]
    jacobian[:, 0, 0:3] = jacobian[:, 1, 3:6] = scaled
    jacobian[:, :, 6:9] = -value[:, :, None] * scaled[:, None, :]
    return value - target, jacobian


def _normalised(points: Array) -> tuple[Array, Array]:
    centre = points.mean(0)
    spread = float(np.sqrt(((points - centre) ** 2).sum(1).mean()))
    s = np.sqrt(2) / spread if spread > 0 else 1.0
    matrix = np.array([[s, 0, -s * centre[0]], [0, s, -s * centre[1]], [0, 0, 1]])
    return matrix, np.column_stack([points, np.ones(len(points))]) @ matrix.T
