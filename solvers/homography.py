"""Homographies between two planes from point pairs, batched over leading axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.solvers._homography import _normal_matrices

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_DETERMINED = 1e-6
_CONVERGED = 1e-12
_RIDGE = 1e-15


@dataclass(frozen=True, eq=False, slots=True)
class HomographySolution:
    """Homographies, and how well the points determine them.

    Attributes
    ----------
    matrix : ndarray of float64, shape (..., 3, 3)
        Maps homogeneous source to target points, unit Frobenius norm.
    conditioning : ndarray of float64, shape (...)
        Second smallest over largest singular value of the design matrix; about zero when the points
        (all but one on a line, or fewer than four) allow a whole family of homographies.
    """

    matrix: Array
    conditioning: Array

    @property
    def is_determined(self) -> Mask:
        """Whether the points fix the homography."""
        determined: Mask = np.asarray(self.conditioning) > _DETERMINED
        return determined


def homography_dlt(source: Array, target: Array, mask: Mask | None = None) -> HomographySolution:
    """Direct linear transform on normalised points (Hartley & Zisserman, alg. 4.2).

    Parameters
    ----------
    source, target : ndarray of float64, shape (..., N, 2)
        Point pairs.
    mask : ndarray of bool, shape (..., N), optional
        Pairs that take part; the others may hold anything finite.

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
    mask = np.ones(source.shape[:-1], bool) if mask is None else mask
    batch, count = source.shape[:-2], source.shape[-2]
    mask = np.ascontiguousarray(mask, np.bool_).reshape(-1, count)
    of_source, of_target, normal = (np.empty((len(mask), n, n)) for n in (3, 3, 9))
    flat_source, flat_target = (np.ascontiguousarray(points, np.float64).reshape(-1, count, 2) for points in (source, target))
    _normal_matrices(flat_source, flat_target, mask, of_source, of_target, normal)
    values, vectors = np.linalg.eigh(normal)
    dlt = np.linalg.solve(of_target, vectors[..., 0].reshape(-1, 3, 3) @ of_source)
    conditioning = np.sqrt(np.maximum(values[..., 1], 0.0) / np.maximum(values[..., -1], 1e-300))
    return HomographySolution(_unit(np.asarray(dlt, float)).reshape(*batch, 3, 3), conditioning.reshape(batch))


def homography_refine(
    matrix: Array, source: Array, target: Array, mask: Mask | None = None, *, huber: float = np.inf, iterations: int = 10
) -> Array:
    """Minimise the transfer error in the target plane by Gauss-Newton steps.

    Parameters
    ----------
    matrix : ndarray of float64, shape (..., 3, 3)
        Start, e.g. from `homography_dlt`.
    source, target : ndarray of float64, shape (..., N, 2)
        Point pairs, at least four of them in the mask.
    mask : ndarray of bool, shape (..., N), optional
        Pairs that take part; the others may hold anything finite.
    huber : float
        Errors beyond this multiple of their robust scale (median / 1.18) get the weight of Huber's loss.
    iterations : int
        Largest number of steps.

    Returns
    -------
    ndarray of float64, shape (..., 3, 3)
        Homographies of unit Frobenius norm.
    """
    mask = np.ones(source.shape[:-1], bool) if mask is None else mask
    h = _unit(matrix)
    homogeneous = np.concatenate([source, np.ones_like(source[..., :1])], -1)
    for _ in range(iterations):
        error, jacobian = _transfer(h, homogeneous, target)
        weight = _huber_weights(np.linalg.norm(error, axis=-1), mask, huber)[..., None]
        rows = np.concatenate([jacobian, error[..., None]], -1) * np.sqrt(weight)[..., None]
        rows = rows.reshape(*rows.shape[:-3], -1, 10)
        product = np.swapaxes(rows, -1, -2) @ rows
        # The scale of h is free, and the step must be orthogonal to it; the ridge keeps degenerate sets solvable.
        flat = h.reshape(*h.shape[:-2], 9)
        size = np.trace(product[..., :9, :9], axis1=-2, axis2=-1)[..., None, None]
        gauge = flat[..., :, None] * flat[..., None, :] + _RIDGE * np.eye(9)
        step = np.linalg.solve(product[..., :9, :9] + size * gauge, product[..., :9, 9:])[..., 0]
        h = _unit(h - step.reshape(h.shape))
        if np.abs(step).max(initial=0.0) < _CONVERGED:
            break
    return h


def transfer(matrix: Array, points: Array) -> Array:
    """Points (..., N, 2) mapped by homographies (..., 3, 3)."""
    mapped = points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]
    plane: Array = mapped[..., :2] / mapped[..., 2:]
    return plane


def _transfer(h: Array, homogeneous: Array, target: Array) -> tuple[Array, Array]:
    mapped = homogeneous @ np.swapaxes(h, -1, -2)
    value = mapped[..., :2] / mapped[..., 2:]
    jacobian = np.zeros((*value.shape, 9))
    scaled = homogeneous / mapped[..., 2:]
    jacobian[..., 0, 0:3] = jacobian[..., 1, 3:6] = scaled
    jacobian[..., :, 6:9] = -value[..., :, None] * scaled[..., None, :]
    return value - target, jacobian


def _huber_weights(norm: Array, mask: Mask, huber: float) -> Array:
    if np.isinf(huber):
        return mask.astype(float)
    middle = np.maximum(mask.sum(-1, keepdims=True) - 1, 0) // 2
    median = np.take_along_axis(np.sort(np.where(mask, norm, np.inf), axis=-1), middle, -1)
    limit = huber * median / 1.1774
    weight = np.where(norm <= limit, 1.0, limit / np.maximum(norm, 1e-300))
    return np.where(mask, np.where(median > 0, weight, 1.0), 0.0)


def _unit(matrix: Array) -> Array:
    unit: Array = matrix / np.linalg.norm(matrix, axis=(-2, -1), keepdims=True)
    return unit
