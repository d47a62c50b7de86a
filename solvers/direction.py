"""Posterior of one direction of motion over the half sphere, from the rates of many lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import NotEnoughDataError
from evcam.solvers._posterior import _direction_costs
from evcam.solvers.status import Status

Array = NDArray[np.float64]

_COARSE = 600
# About the distance of neighbours on the coarse lattice.
_COARSE_RAD = 0.1
_WIDE_RAD = 0.35
_SIDE = 15
_STAGES = 12
_REACH_SIGMA = 3.5
_MOST_PAIRS = 200
# Rounding of exact data, rad^2.
_LEAST_VARIANCE = 1e-20
_MOST_LOG_ODDS = 4.0


@dataclass(frozen=True, eq=False, slots=True)
class DirectionEstimate:
    """Direction of the camera's linear velocity.

    Attributes
    ----------
    status : Status
    vector : ndarray of float64, shape (3,)
        Unit direction in the reference frame; of either sign unless `sign_resolved`.
    covariance : ndarray of float64, shape (3, 3)
        On the tangent plane, rad^2.
    sign_resolved : bool
        Whether the lines' being in front of the camera decides the sign.
    sign_log_odds : float
        Sum over the lines of the log odds for this sign.
    line_errors : ndarray of float64, shape (M,)
        Absolute ``v.a`` of each line in standard deviations: large for wrong lines.
    scatter_rad_s : float
        Disagreement of the lines beyond their own covariances, as an angular velocity (a gyro that is off); 0 if there is none.
    assumed_distances : bool
        Whether the estimate used that the lines' distances scatter about a common, unknown mean.
    """

    status: Status
    vector: Array
    covariance: Array
    sign_resolved: bool
    sign_log_odds: float
    line_errors: Array
    scatter_rad_s: float
    assumed_distances: bool

    @classmethod
    def missing(cls, status: Status) -> DirectionEstimate:
        """No answer, for this reason."""
        return cls(status, np.zeros(3), np.zeros((3, 3)), False, 0.0, np.zeros(0), 0.0, False)

    @property
    def reason(self) -> str:
        """The status in one sentence."""
        return self.status.reason

    def __bool__(self) -> bool:
        return self.status.has_answer

    @property
    def direction(self) -> Array:
        """The unit direction, (3,)."""
        if not self:
            raise NotEnoughDataError(f"direction: no answer ({self.reason}); look at `status` first")
        return self.vector


@dataclass(frozen=True, eq=False, slots=True)
class Rates:
    """What each line says of the direction: it is orthogonal to a.

    Attributes
    ----------
    b, a : ndarray of float64, shape (M, 3)
        Oriented such that the line lies in front of the camera.
    covariance : ndarray of float64, shape (M, 3, 3)
        Of a, 1/s^2.
    """

    b: Array
    a: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Posterior:
    """Principal axes (columns, the mean last), variances along the first two, least cost, most likely scatter."""

    axes: Array
    variances: Array
    cost: float
    scatter: float


def posterior(rates: Rates, scatters: Array, wrong_share: float, spreads: Array) -> Posterior:
    """Integrate over the half sphere, coarsely and then on ever smaller patches around the mean.

    Parameters
    ----------
    rates : Rates
    scatters : ndarray of float64, shape (S,)
        Standard deviations of the isotropic scatter to integrate over, 1/s.
    wrong_share : float
        Prior share of lines that are none.
    spreads : ndarray of float64, shape (K,)
        Standard deviations of log distance to integrate over; empty to assume nothing.
    """
    def at(directions: Array) -> Posterior:
        costs = np.stack([_costs(directions, rates, s, wrong_share, spreads) for s in scatters])
        return _moments(directions, costs, scatters)

    result = at(np.concatenate([_half_sphere(_COARSE), _meeting_points(rates.a)]))
    spacing = np.full(2, _COARSE_RAD)
    for _ in range(_STAGES):
        spread = np.sqrt(result.variances[:2])
        if spread[1] > _WIDE_RAD or (spread > spacing).all():
            break
        reach = _REACH_SIGMA * np.maximum(spread, spacing)
        spacing = 2 * reach / (_SIDE - 1)
        result = at(_patch(result.axes, reach))
    return result


def _moments(directions: Array, costs: Array, scatters: Array) -> Posterior:
    weights = np.exp(costs.min() - costs)
    total = weights.sum(0)
    # Second moments about the best direction: about the origin, those of narrow posteriors would drown in rounding.
    best = directions[costs.min(0).argmin()]
    turned = directions * np.where(directions @ best < 0, -1.0, 1.0)[:, None]
    mean = total @ turned
    mean /= np.linalg.norm(mean)
    basis = np.linalg.svd(mean[None])[2][1:].T
    apart = (turned - mean) @ basis
    variances, axes = np.linalg.eigh((apart * total[:, None]).T @ apart / total.sum())
    frame = np.concatenate([basis @ axes, mean[:, None]], 1)
    return Posterior(frame, np.maximum(variances, _LEAST_VARIANCE), float(costs.min()), float(scatters[weights.sum(1).argmax()]))


def _meeting_points(a: Array) -> Array:
    """Directions that two lines agree on (Gao et al., CVPR 2024: ``a_1 x a_2``), of at most a few hundred pairs."""
    i, j = np.triu_indices(len(a), 1)
    some = np.linspace(0, len(i) - 1, min(len(i), _MOST_PAIRS)).astype(int)
    meet = np.cross(a[i[some]], a[j[some]])
    size = np.linalg.norm(meet, axis=1, keepdims=True)
    unit: Array = (meet / np.maximum(size, 1e-300))[size[:, 0] > 0]
    return unit


def sign_log_odds(rates: Rates, direction: Array, covariance: Array) -> float:
    """Sum over the lines of the log odds that ``direction`` has ``v.b > 0``, as every line in front demands.

    A line counts for less where v.b, or the motion that told front from behind, is uncertain.
    """
    vb = rates.b @ direction
    spread = np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", rates.b, covariance, rates.b), 1e-12))
    across = rates.a - (rates.a * rates.b).sum(1, keepdims=True) * rates.b
    size = np.linalg.norm(across, axis=1)
    doubt = np.sqrt(np.maximum(np.einsum("mi,mij,mj->m", across, rates.covariance, across), 1e-300)) / size**2
    # Logistic approximation of the normal distribution.
    return float((np.tanh(0.85 * vb / spread) * np.minimum(1.7 / np.maximum(doubt, 1e-12), _MOST_LOG_ODDS)).sum())


def _costs(directions: Array, rates: Rates, scatter: float, wrong_share: float, spreads: Array) -> Array:
    out = np.empty(len(directions))
    _direction_costs(directions, rates.b, rates.a, rates.covariance, float(scatter) ** 2, float(wrong_share), spreads, out)
    return out


def _half_sphere(count: int) -> Array:
    """Directions evenly spread over a half sphere (a Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z, angle = i / count, np.pi * (1 + np.sqrt(5)) * i
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], 1)


def _patch(axes: Array, reach: Array) -> Array:
    side = np.linspace(-1, 1, _SIDE)
    first, second = np.meshgrid(side * reach[0], side * reach[1])
    directions = axes[:, 2] + first.reshape(-1, 1) * axes[:, 0] + second.reshape(-1, 1) * axes[:, 1]
    unit: Array = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.ascontiguousarray(unit)
