"""What the distances of lines, and their being in front of the camera, say of the direction of motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

Array = NDArray[np.float64]

# Gauss-Hermite rule of four points along w times four across it, of which two differ: deviations and weights, (8, 1, 1).
_FOUR = np.sqrt(3 + np.sqrt(6) * np.array([-1.0, 1.0]))
_HALVES = (3 + np.sqrt(6) * np.array([1.0, -1.0])) / 12
_RADIAL = np.tile([*_FOUR, *-_FOUR], 2)[:, None, None]
_SIDEWAYS = np.repeat(_FOUR, 4)[:, None, None]
_WEIGHTS = np.outer(2 * _HALVES, np.tile(_HALVES, 2)).reshape(-1, 1, 1)
_ONE_POINT = (np.zeros((1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1, 1)))
# Share of a certain line's hold on the mean that the most uncertain one is given.
_LEAST_HOLD = 0.1
_LEAST_SIGN_ERROR = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class MotionsAcross:
    """What each line's motion w across its plane may be, if the camera moves in each direction v; arrays (M, D).

    Attributes
    ----------
    along : ndarray of float64
        ``v.b``.
    size : ndarray of float64
        Square of the most likely w.
    radial, sideways : ndarray of float64
        Variances of w, along itself and across.
    vague : ndarray of bool, shape (M,)
        Lines whose ``|w|`` is not known well enough for its logarithm to be normally distributed.
    """

    along: Array
    size: Array
    radial: Array
    sideways: Array
    vague: NDArray[np.bool_]

    def points(self) -> Iterator[_Points]:
        """Those of the certain lines, one each, and of the vague ones."""
        for chosen, rule in ((~self.vague, _ONE_POINT), (self.vague, (_RADIAL, _SIDEWAYS, _WEIGHTS))):
            if chosen.any():
                radial, sideways, weights = rule
                length = np.sqrt(self.size[chosen]) + radial * np.sqrt(self.radial[chosen])
                squares = length * length + sideways * sideways * self.sideways[chosen] + 1e-300
                yield _Points(0.5 * np.log(squares) - np.log(np.abs(self.along[chosen]) + 1e-12), weights / squares, weights)


@dataclass(frozen=True, eq=False, slots=True)
class _Points:
    """Of a rule of P points: log inverse distances and densities (P, M, D), and weights (P, 1, 1)."""

    logs: Array
    densities: Array
    weights: Array

    def held(self, variance: float) -> tuple[Array, Array]:
        """Weights of the lines' logarithms for the mean, and sum of the weighted logarithms, (D,)."""
        middle = (self.weights * self.logs).sum(0)
        weights = 1 / (variance + (self.weights * (self.logs - middle) ** 2).sum(0))
        return weights.sum(0), (weights * middle).sum(0)

    def near(self, mean: Array, variance: float) -> tuple[Array, Array, Array]:
        """Log density of all lines for this mean, its slope and its negative curvature, (D,)."""
        off = self.logs - mean
        squares = off * off / (2 * variance)
        least = squares.min(0)
        mixed = self.densities * np.exp(least - squares)
        chance = mixed.sum(0)
        middle = (mixed * off).sum(0) / chance
        doubts = (mixed * off * off).sum(0) / chance - middle * middle
        hold = np.maximum(1 - doubts / variance, _LEAST_HOLD) / variance
        return (np.log(chance) - least).sum(0), middle.sum(0) / variance, hold.sum(0)


def distance_costs(motions: MotionsAcross, spreads: Array) -> Array:
    """Negative log density of the rates of all lines, up to a constant, given what is thought of their distances; (D,).

    A line at distance r moves across its plane by ``|w| = |v.b| / r``, in any direction of that plane: a density p(log r) of the
    distance is one of ``|v.b| / |w|^2 p(log |v.b| - log |w|)`` of the rates that are orthogonal to v.  The true w is not the
    estimated one, and for slow lines its logarithm is far from normally distributed: there the density is averaged over what the
    noise makes of w, by a rule of some points.

    Distances are log-normal around an unknown mean, which is integrated out to second order, with a width that is one of
    ``spreads``; with an infinite one they may be anything.
    """
    points = list(motions.points())
    total = np.full(motions.along.shape[1], -np.inf)
    for spread in spreads:
        if np.isinf(spread):
            chance = sum(np.log(part.densities.sum(0)).sum(0) for part in points)
        else:
            chance = _log_normal(points, len(motions.vague), spread * spread)
        total = np.logaddexp(total, chance)
    costs: Array = -np.log(np.abs(motions.along) + 1e-12).sum(0) - total
    return costs


def _log_normal(points: list[_Points], count: int, variance: float) -> Array:
    """Log of the integral over the mean."""
    weights, sums = (sum(parts) for parts in zip(*(part.held(variance) for part in points), strict=True))
    chance, pull, hold = (sum(parts) for parts in zip(*(part.near(sums / weights, variance) for part in points), strict=True))
    logarithm: Array = chance - 0.5 * count * np.log(variance) + 0.5 * (pull * pull / hold - np.log(hold))
    return logarithm


def sign_costs(along: Array, doubt: Array) -> Array:
    """Every line seen in front has v.b > 0, or every one has v.b < 0 if v is to be turned around; (D,)."""
    wrong = np.maximum(0.5 * erfc(1 / np.sqrt(2 * doubt + 1e-12)), _LEAST_SIGN_ERROR)
    yes, no = np.log1p(-wrong), np.log(wrong)
    front = along > 0
    costs: Array = -np.maximum(np.where(front, yes, no).sum(0), np.where(front, no, yes).sum(0))
    return costs
