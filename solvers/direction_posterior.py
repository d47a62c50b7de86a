"""Posterior of one direction of motion over the half sphere, from the rates of many lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.solvers.distance_costs import MotionsAcross, distance_costs, sign_costs
from evcam.solvers.line_motion import cross

Array = NDArray[np.float64]

_COARSE = 600
# About the distance of neighbours on the coarse lattice.
_COARSE_RAD = 0.1
_WIDE_RAD = 0.35
# A patch has so many directions a side, at sinh of even steps: it reaches sinh(3.2) = 12 units.
_SIDE = 19
_DENSE = 3.2
_UNIT_SIGMA = 1.5
_STAGES = 6
_MOST_PAIRS = 200
_NEWTON_STEPS = 6
# Lines farther from the direction than this many standard deviations have no say in the step towards the maximum.
_FAR_SIGMA = 4.0
# Ratios of the deviations on a patch to those it was laid out for, between which it was neither too small nor too coarse.
_MATCH = (0.6, 1.6)
# Rounding of exact data, rad^2.
_LEAST_VARIANCE = 1e-20
_MOST_LOG_ODDS = 4.0
# Relative variance of a line's motion across its plane above which its logarithm is not normally distributed.
_VAGUE = 0.01


@dataclass(frozen=True, eq=False, slots=True)
class Rates:
    """What each line says of the direction: it is orthogonal to a.

    Attributes
    ----------
    b, a : ndarray of float64, shape (M, 3)
        Oriented such that the line lies in front of the camera.
    covariance : ndarray of float64, shape (M, 3, 3)
        Of a, 1/s^2.
    log_weight : float
        What else speaks for these rates, when they are one of several hypotheses.
    """

    b: Array
    a: Array
    covariance: Array
    log_weight: float = 0.0

    def errors(self, direction: Array) -> Array:
        """``v.a`` of each line in standard deviations, (M,)."""
        variance = np.einsum("i,mij,j->m", direction, self.covariance, direction)
        errors: Array = self.a @ direction / np.sqrt(np.maximum(variance, 1e-300))
        return errors


@dataclass(frozen=True, slots=True)
class Posterior:
    """Principal axes (columns, the mean last), variances along the first two, least cost, and the likeliest hypothesis."""

    axes: Array
    variances: Array
    cost: float
    likeliest: int


def posterior(hypotheses: Sequence[Rates], wrong_share: float, spreads: Array) -> Posterior:
    """Integrate over the half sphere: coarsely, then on a patch around the maximum, or on ever smaller ones.

    Parameters
    ----------
    hypotheses : sequence of Rates
        Integrated over.
    wrong_share : float
        Prior share of lines that are none.
    spreads : ndarray of float64, shape (K,)
        Standard deviations of log distance to integrate over; an infinite one leaves the distances free but has the lines in
        front, an empty array assumes nothing.
    """
    def at(directions: Array, areas: Array) -> Posterior:
        costs = [direction_costs(directions, rates, wrong_share, spreads) - rates.log_weight for rates in hypotheses]
        return moments(directions, np.stack(costs), areas)

    lattice = np.concatenate([half_sphere(_COARSE), _meeting_points(hypotheses[0].a)])
    result = at(lattice, np.ones(len(lattice)))
    if result.variances[1] > _WIDE_RAD**2:
        return result
    sharp = _sharp(hypotheses[result.likeliest], result.axes[:, 2])
    # The maximum may be a narrow ridge with wide wings: wings are covered, and the patch follows what it finds.
    for _ in range(_STAGES):
        before = np.sqrt(sharp.variances)
        sharp = at(*patch_around(sharp.axes, before))
        ratio = np.sqrt(sharp.variances) / before
        if (ratio > _MATCH[0]).all() and (ratio < _MATCH[1]).all():
            break
    return sharp


def direction_costs(directions: Array, rates: Rates, wrong_share: float, spreads: Array) -> Array:
    """Negative log posterior of each direction, (D,).

    A line's rate must be orthogonal to the motion: ``v.a = 0`` to within its covariance, or the line is none.
    """
    towards = directions @ rates.covariance
    variance = np.maximum((towards * directions).sum(-1), 1e-300)
    gain = rates.a @ directions.T / variance
    density = np.exp(-0.5 * np.minimum(gain * gain * variance, 1400.0)) / np.sqrt(2 * np.pi * variance)
    span = np.sqrt((rates.a * rates.a).sum(1, keepdims=True)) + 1e-300
    costs: Array = -np.log((1 - wrong_share) * density + 0.5 * wrong_share / span + 1e-300).sum(0)
    if len(spreads) == 0:
        return costs
    motions = _motions_across(rates, directions, towards, variance, gain)
    doubt = np.minimum(motions.radial / motions.size, 1.0)
    return costs + distance_costs(motions, spreads) + sign_costs(motions.along, doubt)


def _motions_across(rates: Rates, directions: Array, towards: Array, variance: Array, gain: Array) -> MotionsAcross:
    """The part w of the most likely rate, of those that are orthogonal to the motion, across the plane of the line."""
    b, covariance = rates.b, rates.covariance
    across = rates.a[:, None] - towards * gain[..., None]
    across -= (across * b[:, None]).sum(-1, keepdims=True) * b[:, None]
    size = (across * across).sum(-1) + 1e-300
    radial = ((across @ covariance) * across).sum(-1) - (towards * across).sum(-1) ** 2 / variance
    radial = np.maximum(radial / size, 0.0)
    whole = np.trace(covariance, axis1=1, axis2=2) - np.einsum("mi,mij,mj->m", b, covariance, b)
    seen = (towards * towards).sum(-1) - (towards @ b[:, :, None])[..., 0] ** 2
    sideways = np.maximum(whole[:, None] - seen / variance - radial, 0.0)
    w = rates.a - (rates.a * b).sum(1, keepdims=True) * b
    vague = np.einsum("mi,mij,mj->m", w, covariance, w) > _VAGUE * (w * w).sum(1) ** 2
    return MotionsAcross(b @ directions.T, size, radial, sideways, vague)


def sign_log_odds(rates: Rates, direction: Array, covariance: Array) -> float:
    """Sum over the lines of the log odds that ``direction`` has ``v.b > 0``, as every line in front demands.

    A line counts for less where v.b, or the motion that told front from behind, is uncertain.
    """
    along = rates.b @ direction
    spread = np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", rates.b, covariance, rates.b), 1e-12))
    across = rates.a - (rates.a * rates.b).sum(1, keepdims=True) * rates.b
    size = np.linalg.norm(across, axis=1)
    variance = np.maximum(np.einsum("mi,mij,mj->m", across, rates.covariance, across), 1e-300)
    doubt = np.sqrt(variance) / np.maximum(size, 1e-150) ** 2
    # Logistic approximation of the normal distribution.
    return float((np.tanh(0.85 * along / spread) * np.minimum(1.7 / np.maximum(doubt, 1e-12), _MOST_LOG_ODDS)).sum())


def moments(directions: Array, costs: Array, areas: Array) -> Posterior:
    """Mean axis and spread of the posterior that directions (D, 3) with these areas have at costs (H, D)."""
    weights = np.exp(costs.min() - costs) * areas
    total = weights.sum(0)
    # Second moments about the best direction: about the origin, those of narrow posteriors would drown in rounding.
    best = directions[costs.min(0).argmin()]
    turned = directions * np.where(directions @ best < 0, -1.0, 1.0)[:, None]
    mean = total @ turned
    mean /= np.linalg.norm(mean)
    basis = plane_across(mean)
    apart = (turned - mean) @ basis
    variances, axes = np.linalg.eigh((apart * total[:, None]).T @ apart / total.sum())
    frame = np.concatenate([basis @ axes, mean[:, None]], 1)
    return Posterior(frame, np.maximum(variances, _LEAST_VARIANCE), float(costs.min()), int(weights.sum(1).argmax()))


def _sharp(rates: Rates, direction: Array) -> Posterior:
    """Maximum and curvature of the lines' agreement alone, by Gauss-Newton steps on the sphere."""
    information = np.eye(2)
    for _ in range(_NEWTON_STEPS):
        basis = plane_across(direction)
        errors, rows = rates.errors(direction), rates.a @ basis
        variance = np.maximum(np.einsum("i,mij,j->m", direction, rates.covariance, direction), 1e-300)
        weights = (np.abs(errors) < _FAR_SIGMA) / variance
        information = (rows * weights[:, None]).T @ rows + 1e-12 * (rows * rows / variance[:, None]).sum() * np.eye(2)
        step = -np.linalg.solve(information, rows.T @ (weights * (rates.a @ direction)))
        direction = direction + basis @ (step * min(1.0, _COARSE_RAD / max(float(np.hypot(*step)), 1e-300)))
        direction /= np.linalg.norm(direction)
    sizes, axes = np.linalg.eigh(information)
    frame = np.concatenate([plane_across(direction) @ axes[:, ::-1], direction[:, None]], 1)
    return Posterior(frame, np.clip(1 / np.maximum(sizes[::-1], 1e-300), _LEAST_VARIANCE, _WIDE_RAD**2), np.inf, 0)


def plane_across(direction: Array) -> Array:
    """Two orthogonal unit vectors across a unit vector, columns (3, 2)."""
    return np.asarray(np.linalg.svd(direction[None])[2][1:].T)


def _meeting_points(a: Array) -> Array:
    """Directions that two lines agree on (Gao et al., CVPR 2024: ``a_1 x a_2``), of at most a few hundred pairs."""
    i, j = np.triu_indices(len(a), 1)
    some = np.linspace(0, len(i) - 1, min(len(i), _MOST_PAIRS)).astype(int)
    meet = cross(a[i[some]], a[j[some]])
    size = np.linalg.norm(meet, axis=1, keepdims=True)
    unit: Array = (meet / np.maximum(size, 1e-300))[size[:, 0] > 0]
    return unit


def half_sphere(count: int) -> Array:
    """Directions evenly spread over a half sphere (a Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z, angle = i / count, np.pi * (1 + np.sqrt(5)) * i
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], 1)


def patch_around(axes: Array, sigmas: Array) -> tuple[Array, Array]:
    """Directions around the last axis, dense within a standard deviation and reaching far, and their areas."""
    place = np.linspace(-_DENSE, _DENSE, _SIDE)
    side, width = np.sinh(place), np.cosh(place)
    reach = np.minimum(_UNIT_SIGMA * sigmas, np.pi / 2 / side[-1])
    first, second = (grid.ravel() for grid in np.meshgrid(side * reach[0], side * reach[1]))
    directions = axes[:, 2] + first[:, None] * axes[:, 0] + second[:, None] * axes[:, 1]
    norms = np.linalg.norm(directions, axis=1)
    # The area of the tangent plane shrinks on the sphere with the third power.
    return directions / norms[:, None], np.outer(width, width).ravel() / norms**3
