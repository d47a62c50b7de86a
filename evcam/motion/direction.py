"""Direction of motion from the lines of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.motion.posterior import Depths, DirectionCosts, Hypothesis, LineRates
from evcam.solvers.direction_posterior import half_sphere, moments, patch_around

Array = NDArray[np.float64]

_COARSE = 800
_WIDE_RAD = 0.35
_LATTICE_RAD = 0.06
_SHRINK = 3.0
_STAGES = 8
_MATCH = (0.6, 1.6)
_WRONG_SIGMA = 3.5
_ROUNDS = 4
_HYPOTHESES = tuple(
    Hypothesis(Depths(common, reach, own), acceleration, inflation)
    for common, reach in ((0.5, 0.04), (0.5, 0.2))
    for own in (0.2, 0.6)
    for acceleration, inflation in ((0.5, 1.0), (5.0, 2.0), (20.0, 16.0))
)


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
        Lines that were used; the others contradict the rest.
    errors : ndarray of float64, shape (M,)
        The larger misfit of each line, in standard deviations.
    gyro_mean, gyro_covariance : ndarray of float64
        Error of the gyro.
    hypothesis : Hypothesis
        The likeliest.
    """

    vector: Array
    covariance: Array
    sign_log_odds: float
    right: NDArray[np.bool_]
    errors: Array
    gyro_mean: Array
    gyro_covariance: Array
    hypothesis: Hypothesis


def direction_of_motion(rates: LineRates, gyro_mean: Array, gyro_covariance: Array) -> Motion:
    """Mean and covariance of the posterior over the sphere; lines that contradict the others are left out."""
    right = np.ones(len(rates), bool)
    for _ in range(_ROUNDS):
        costs = DirectionCosts(rates[right], _HYPOTHESES, gyro_mean, gyro_covariance)
        axes, variances, best = _integrated(costs)
        whole = DirectionCosts(rates, (best,), gyro_mean, gyro_covariance)
        depth, across = whole.misfits(best, axes[:, 2])
        errors = np.maximum(np.abs(depth), np.abs(across))
        agree = errors < _WRONG_SIGMA
        if (agree == right).all() or agree.sum() < 3:
            break
        right = agree
    vector, covariance = axes[:, 2], (axes[:, :2] * variances) @ axes[:, :2].T
    sides = costs(vector[None])
    odds = float(_log_sum(-sides[0, :, 0]) - _log_sum(-sides[1, :, 0]))
    if odds < 0:
        vector, odds = -vector, -odds
    return Motion(vector, covariance, odds, right, errors, *costs.gyro(best, vector), best)


def _log_sum(logs: Array) -> float:
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).sum()))


def _integrated(costs: DirectionCosts) -> tuple[Array, Array, Hypothesis]:
    """Principal axes (the mean last), variances along the first two, and the likeliest hypothesis."""
    def axial(directions: Array) -> Array:
        sides = costs(directions)
        return np.asarray(-np.logaddexp(-sides[0], -sides[1]))

    lattice = half_sphere(_COARSE)
    result = moments(lattice, axial(lattice), np.ones(len(lattice)))
    if result.variances[1] < _WIDE_RAD**2:
        # A narrow maximum falls between the directions of the lattice, and is approached step by step.
        scale = np.maximum(np.sqrt(result.variances), _LATTICE_RAD)
        for _ in range(_STAGES):
            directions, areas = patch_around(result.axes, scale)
            result = moments(directions, axial(directions), areas)
            sigma = np.sqrt(result.variances)
            if ((sigma > _MATCH[0] * scale) & (sigma < _MATCH[1] * scale)).all():
                break
            scale = np.maximum(sigma, scale / _SHRINK)
    return result.axes, result.variances, costs.hypotheses[result.likeliest]
