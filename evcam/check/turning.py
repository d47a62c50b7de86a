"""How fast the camera turns, as its events see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.rotation import hat
from evcam.errors import InputError
from evcam.flow import NormalFlow

Array = NDArray[np.float64]

SLICE_US = 10_000
_FEWEST = 40
_CELLS = (6, 4)
_LOOSE = 0.05
"""Share of its speed by which a flow may be off beyond its own standard deviation."""
_STEPS = 12
_MOST_SCATTER_PX = 0.6
_SLOWED_PER_PX2 = 0.37
"""Crossings that scatter in time make a flow slow, by this times the variance of the scatter: by a hundredth at 0.16 px."""
_CAUCHY = 2.4
_DRIFT_SHARE = np.array([0.5, 0.5, 0.17])
"""Of the speed over a common depth: what other depths do to the turning about x, y, z."""
_ROLL_DRIFT_SHARE = np.array([0.0, 0.0, 0.2])
"""Of the image's translation over half its width: what depths and perspective do to its roll."""
_FASTEST_RADPS = 50.0
_FASTEST_PER_S = 5.0
_FASTEST_PXPS = 1e4


@dataclass(frozen=True, eq=False, slots=True)
class TurnRates:
    """Angular velocity of the camera in short slices of time.

    Attributes
    ----------
    t_us : ndarray of float64, shape (K,)
        Mean time of the flows of each slice, on the recording's clock.
    rate_radps : ndarray of float64, shape (K, 3)
        In the camera's frame; zero along axes that cannot be told at all.
    information : ndarray of float64, shape (K, 3, 3)
        Inverse covariance; zero along axes that cannot be told.  Without a camera only the roll about z is known.
    drift_radps : ndarray of float64, shape (K, 3)
        How far it may be off, one sigma, as slowly as the scene changes: by the unknown depth of what the camera passes, without
        a camera also by perspective.
    """

    t_us: Array
    rate_radps: Array
    information: Array
    drift_radps: Array

    def __len__(self) -> int:
        return len(self.t_us)

    @classmethod
    def joined(cls, parts: list[TurnRates]) -> TurnRates:
        """The slices of all parts."""
        if not parts:
            return cls(np.empty(0), np.empty((0, 3)), np.empty((0, 3, 3)), np.empty((0, 3)))
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def __getitem__(self, index: NDArray[np.bool_]) -> TurnRates:
        return TurnRates(*(getattr(self, field.name)[index] for field in fields(TurnRates)))


Design = Callable[[NormalFlow], Array]


def design_of(camera: Camera | None, width: int, height: int) -> tuple[Design, Array]:
    """How normal speeds follow from the motion, for flows of a sensor of this size.

    Returns
    -------
    design : callable
        Rows of shape (N, P): normal speed in px/s per unit of the P unknowns, NaN where the camera sees nothing.  With a
        camera these are the angular velocity (rad/s) and the linear one over a common depth (1/s); without one the roll
        about the optical axis (rad/s) and a translation of the image (px/s).
    largest : ndarray of float64, shape (P,)
        The largest values that can be.

    Raises
    ------
    InputError
        A camera of another sensor size.
    """
    if camera is None:
        return _roll_design, np.array([_FASTEST_RADPS, _FASTEST_PXPS, _FASTEST_PXPS])
    if (camera.width, camera.height) != (width, height):
        raise InputError(f"events of a {width}x{height} sensor do not belong to a {camera.width}x{camera.height} camera")
    px = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    bearings = camera.unproject(px)
    with np.errstate(invalid="ignore", divide="ignore"):
        points = bearings / bearings[..., 2:]
    by_point = camera.project_jacobians(points)[1]
    # A point P moves by -w x P - v before the camera: by hat(m) w - v / Z at depth 1.
    table = np.concatenate([by_point @ hat(points), -by_point], -1)

    def design(flow: NormalFlow) -> Array:
        rows: Array = np.einsum("ni,nij->nj", flow.normal, table[flow.crossings.y, flow.crossings.x])
        return rows

    return design, np.repeat([_FASTEST_RADPS, _FASTEST_PER_S], 3)


def _roll_design(flow: NormalFlow) -> Array:
    """The image turns against the camera: a point at (x, y) from the middle moves by w (y, -x)."""
    crossings, normal = flow.crossings, flow.normal
    x = crossings.x - (crossings.width - 1) / 2
    y = crossings.y - (crossings.height - 1) / 2
    return np.stack([normal[:, 0] * y - normal[:, 1] * x, normal[:, 0], normal[:, 1]], -1)


def turn_rates(flow: NormalFlow, design: Design, largest: Array) -> TurnRates:
    """Angular velocity in slices of `SLICE_US`, by robust least squares over the normal flows of each.

    Parameters
    ----------
    flow : NormalFlow
        Known flows, in order of time.
    design, largest
        From `design_of`.

    Notes
    -----
    The covariance comes from how the misfits of whole parts of the image scatter, since flows of one place share
    their depth, and so what one common depth leaves of the translation.
    """
    rows = design(flow)
    seen = np.isfinite(rows).all(1) & (flow.scatter_px < _MOST_SCATTER_PX)
    flow, rows = flow[seen], rows[seen]
    number = flow.crossings.t // SLICE_US
    _, first, count = np.unique(number, return_index=True, return_counts=True)
    enough = count >= _FEWEST
    if not enough.any():
        return TurnRates.joined([])
    keep = np.repeat(enough, count)
    flow, rows, count = flow[keep], rows[keep], count[enough]
    first = np.cumsum(count) - count
    speed = flow.speed_pxps * (1 + _SLOWED_PER_PX2 * flow.scatter_px**2)
    variance = flow.speed_std_pxps**2 + (_LOOSE * speed) ** 2
    solution, weights, naive = _robust(rows, speed, variance, first, count, largest)
    covariance = naive + _sandwich(rows, speed, weights, solution, flow, first, count, naive)
    t_us = np.add.reduceat(weights * flow.crossings.t, first) / np.add.reduceat(weights, first)
    if rows.shape[1] == 6:
        precision = np.asarray(np.linalg.inv(covariance[:, :3, :3]), np.float64)
        return TurnRates(t_us, solution[:, :3], precision, _lengths(solution[:, 3:]) * _DRIFT_SHARE)
    rate, information = np.zeros((len(t_us), 3)), np.zeros((len(t_us), 3, 3))
    rate[:, 2] = solution[:, 0]
    information[:, 2, 2] = 1 / covariance[:, 0, 0]
    return TurnRates(t_us, rate, information, _lengths(solution[:, 1:]) * 2 / flow.crossings.width * _ROLL_DRIFT_SHARE)


def _lengths(vectors: Array) -> Array:
    lengths: Array = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return lengths


def _robust(
    rows: Array, speed: Array, variance: Array, first: NDArray[np.int64], count: NDArray[np.int64], largest: Array
) -> tuple[Array, Array, Array]:
    """Unknowns of every slice, weights of the flows, and inverse normal matrices scaled by the scatter."""
    outer = rows[:, :, None] * rows[:, None, :]
    prior = np.diag(largest**-2.0)
    weights: Array = 1 / variance
    solution: Array = np.zeros((len(first), rows.shape[1]))
    inverse: Array = np.zeros((len(first), rows.shape[1], rows.shape[1]))
    for _ in range(_STEPS):
        normal = np.add.reduceat(weights[:, None, None] * outer, first) + prior
        inverse = np.asarray(np.linalg.inv(normal), np.float64)
        solution = np.einsum("kij,kj->ki", inverse, np.add.reduceat((weights * speed)[:, None] * rows, first))
        misfit2 = _misfits(rows, speed, solution, count) ** 2 / variance
        scale = max(float(np.sqrt(np.median(misfit2))) * 1.4826, 0.1)
        weights = 1 / (variance * scale**2) / (1 + misfit2 / (_CAUCHY * scale) ** 2)
    return solution, weights, inverse


def _misfits(rows: Array, speed: Array, solution: Array, count: NDArray[np.int64]) -> Array:
    misfits: Array = speed - (rows * np.repeat(solution, count, 0)).sum(1)
    return misfits


def _sandwich(
    rows: Array, speed: Array, weights: Array, solution: Array, flow: NormalFlow, first: NDArray[np.int64],
    count: NDArray[np.int64], inverse: Array,
) -> Array:
    """Covariance from the scatter of the scores of the image's parts."""
    across, down = _CELLS
    cell = flow.crossings.x.astype(np.int64) * across // flow.crossings.width
    cell += across * (flow.crossings.y.astype(np.int64) * down // flow.crossings.height)
    key = cell + across * down * np.repeat(np.arange(len(first)), count)
    score = (weights * _misfits(rows, speed, solution, count))[:, None] * rows
    unknowns = rows.shape[1]
    sums = np.stack([np.bincount(key, score[:, i], across * down * len(first)) for i in range(unknowns)], -1)
    sums = sums.reshape(len(first), across * down, unknowns)
    used = np.bincount(key, minlength=across * down * len(first)).reshape(len(first), -1) > 0
    few = used.sum(1) / np.maximum(used.sum(1) - unknowns, 1)
    between = np.einsum("kci,kcj->kij", sums, sums) * few[:, None, None]
    covariance: Array = inverse @ between @ inverse
    return covariance

