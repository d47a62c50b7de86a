"""Direction of motion from the lines of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.motion.posterior import Depths, DirectionCosts, GyroPrior, Hypothesis, LineRates
from evcam.solvers.direction_posterior import Posterior, half_sphere, moments, patch_around

Array = NDArray[np.float64]

_COARSE = 500
_WIDE_RAD = 0.35
_LATTICE_RAD = 0.05
_SHRINK = 3.0
_STAGES = 8
_MATCH = (0.6, 1.6)
_WRONG_SIGMA = 3.5
# Degrees of freedom of Student's distribution.
_TAIL = 4.0
_ROUNDS = 6
_SETTLED = 0.1
_HYPOTHESES = tuple(
    Hypothesis(Depths(common, reach, own), acceleration, inflation)
    for common, reach in ((0.5, 0.04), (1.0, 0.4))
    for own in (0.4, 1.0)
    for acceleration, inflation in ((0.5, 3.0), (5.0, 8.0), (20.0, 20.0))
)
# Hypotheses that lag behind the likeliest by more are dropped, in log probability.
_UNLIKELY = 6.0


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """Direction of motion with what came along.

    Attributes
    ----------
    vector : ndarray of float64, shape (3,)
    covariance : ndarray of float64, shape (3, 3)
    sign_log_odds : float
        For this sign; never negative.
    right : ndarray of bool, shape (M,)
        Lines that agree with the others.
    errors : ndarray of float64, shape (M,)
        The larger misfit of each line, in standard deviations.
    hypotheses : tuple of Hypothesis
        Those that were likely.
    likeliest : Hypothesis
    doubts : ndarray of float64, shape (2, M)
        Factors of the lines' variances that they got.
    axes, variances : ndarray of float64, shapes (3, 3) and (2,)
        Principal axes (the direction last, of either sign) and variances along the others.
    """

    vector: Array
    covariance: Array
    sign_log_odds: float
    right: NDArray[np.bool_]
    errors: Array
    hypotheses: tuple[Hypothesis, ...]
    likeliest: Hypothesis
    doubts: Array
    axes: Array
    variances: Array


def direction_of_motion(rates: LineRates, gyro: GyroPrior) -> Motion:
    """Mean and covariance of the posterior over the sphere; lines that contradict the others lose their weight.

    Their misfits are taken for a draw from Student's distribution, whose scale each line has of its own: reweighted anew from
    each result.
    """
    doubts, hypotheses = np.ones((2, len(rates))), _HYPOTHESES
    for k in range(_ROUNDS):
        costs = DirectionCosts(rates, hypotheses, gyro, doubts)
        if k == 0:
            result, hypotheses = _surveyed(costs, hypotheses)
        result = _refined(costs, hypotheses, result)
        axes, best = result.axes, hypotheses[result.likeliest]
        misfits = np.stack(costs.misfits(best, axes[:, 2]))
        before, doubts = doubts, np.maximum((_TAIL + misfits**2) / (_TAIL + 1), 1.0)
        if np.abs(np.log(doubts / before)).max() < _SETTLED:
            break
    errors = np.abs(misfits).max(0)
    vector, covariance = axes[:, 2], (axes[:, :2] * result.variances) @ axes[:, :2].T
    sides = costs(vector[None], hypotheses)
    odds = float(_log_sum(-sides[0, :, 0]) - _log_sum(-sides[1, :, 0]))
    if odds < 0:
        vector, odds = -vector, -odds
    return Motion(vector, covariance, odds, errors < _WRONG_SIGMA, errors, hypotheses, best, costs.doubts,
                  axes, result.variances)


def moved_direction(motion: Motion, rates: LineRates, gyro: GyroPrior) -> Array:
    """The direction (3,) that these lines give instead, everything else being taken from ``motion``."""
    costs = DirectionCosts(rates, motion.hypotheses, gyro, motion.doubts)
    scale = np.sqrt(motion.variances)
    directions, areas = patch_around(motion.axes, scale)
    axis = moments(directions, _axial(costs, motion.hypotheses, directions), areas).axes[:, 2]
    return np.asarray(axis * np.sign(axis @ motion.vector))


def _log_sum(logs: Array) -> float:
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).sum()))


def _axial(costs: DirectionCosts, hypotheses: tuple[Hypothesis, ...], directions: Array) -> Array:
    sides = costs(directions, hypotheses)
    return np.asarray(-np.logaddexp(-sides[0], -sides[1]))


def _surveyed(costs: DirectionCosts, hypotheses: tuple[Hypothesis, ...]) -> tuple[Posterior, tuple[Hypothesis, ...]]:
    """The posterior on a lattice over the half sphere, and the hypotheses that are likely."""
    lattice = half_sphere(_COARSE)
    values = _axial(costs, hypotheses, lattice)
    likely = values.min(1) < values.min() + _UNLIKELY
    result = moments(lattice, values[likely], np.ones(len(lattice)))
    return result, tuple(h for h, kept in zip(hypotheses, likely, strict=True) if kept)


def _refined(costs: DirectionCosts, hypotheses: tuple[Hypothesis, ...], result: Posterior) -> Posterior:
    """The posterior on patches around it; a narrow one falls between the lattice's directions, and is approached in steps."""
    if result.variances[1] > _WIDE_RAD**2:
        lattice = half_sphere(_COARSE)
        return moments(lattice, _axial(costs, hypotheses, lattice), np.ones(len(lattice)))
    scale = np.maximum(np.sqrt(result.variances), _LATTICE_RAD)
    for _ in range(_STAGES):
        directions, areas = patch_around(result.axes, scale)
        result = moments(directions, _axial(costs, hypotheses, directions), areas)
        sigma = np.sqrt(result.variances)
        if ((sigma > _MATCH[0] * scale) & (sigma < _MATCH[1] * scale)).all():
            break
        scale = np.maximum(sigma, scale / _SHRINK)
    return result
