"""Refine a line among outliers: events belong to it with a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.solvers._scoring import _squared_distances
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.line_fits import UNKNOWNS, EventsOfLines, descend, tangent_of_b

Array = NDArray[np.float64]

_ROUNDS = 20
_SETTLED = 0.01
# Events with less weight do not count.
_LEAST = 1e-4
# Outliers are counted between the threshold and so many of it.
_BESIDE = 4.0
# The median of |normal| in standard deviations.
_MEDIAN_NORMAL = 0.6745
# Events with this leverage can hold the line where nothing else wants it; at most so many are left out.
_HOLDS = 0.1
_MOST_HOLDERS = 6


@dataclass(frozen=True, eq=False, slots=True)
class _Mixture:
    """Where expectation and maximisation have settled, and how likely the events are there."""

    vector: Array
    squared: Array
    members: Array
    sigma: float

    def log_likelihood(self, outliers: float) -> float:
        """Of all events as a Poisson process, with so many outliers per pixel of distance, up to what all lines share."""
        count = float(self.members.sum())
        return float(np.log1p(_density(self.squared, count, self.sigma) / outliers).sum()) - count


def polish(events: DerotatedEvents, vector: Array, threshold_px: float) -> tuple[Array, Array]:
    """Most likely line and membership of a mixture: normal distances to the line, and outliers evenly spread beside it.

    Expectation and maximisation alternate.  How dense the outliers are is seen just beyond the threshold, on both
    sides of the line.  Unlike inliers chosen by a limit, memberships have no edge at which the estimate could jump, and they
    count the outliers that lie on the line by chance for no more than they are.

    An outlier far from all other events, in place or time, has the line to itself there: once it counts as an inlier it holds the
    line, and that is a maximum of the likelihood, but often not the highest.  The line is settled without such events, too.

    Parameters
    ----------
    events : DerotatedEvents
    vector : ndarray of float64, shape (6,)
        ``[b, a]`` near the line.
    threshold_px : float
        Distance within which inliers lie.

    Returns
    -------
    vector : ndarray of float64, shape (6,)
    membership : ndarray of float64, shape (N,)
        Probability of each event to belong to the line.
    """
    squared = _squared(events, vector)
    inside = squared < threshold_px**2
    sigma = float(np.sqrt(np.median(squared[inside]))) / _MEDIAN_NORMAL
    best = _settled(events, vector, inside.astype(float), sigma, threshold_px)
    outliers = _outliers(best.squared, threshold_px)
    likeliest = best.log_likelihood(outliers)
    first, holders = best, _holders(events, best)
    for count in range(1, len(holders) + 1):
        # Outliers that agree by chance hold the line together: take away one, two, ... of the worst.
        out = holders[:count]
        if first.members.sum() - count <= UNKNOWNS:
            break
        free = _settled(events, first.vector, first.members, first.sigma, threshold_px, out)
        other = _settled(events, free.vector, free.members, free.sigma, threshold_px)
        likelihood = other.log_likelihood(outliers)
        if likelihood > likeliest:
            best, likeliest = other, likelihood
    return best.vector, best.members


def _settled(
    events: DerotatedEvents, vector: Array, members: Array, sigma: float, threshold_px: float,
    out: NDArray[np.int64] | None = None,
) -> _Mixture:
    """Expectation and maximisation until they settle, with some events left out."""
    squared, left_out = members, np.empty(0, np.int64) if out is None else out
    members = members.copy()
    members[left_out] = 0.0
    for _ in range(_ROUNDS):
        some = np.flatnonzero(members > _LEAST)
        vector = descend(EventsOfLines.joined([events[some]], members[some]), vector[None])[0]
        # Of all events: those that lay too far from the first line may belong to this one.
        squared = _squared(events, vector)
        inliers = _density(squared, float(members.sum()), max(sigma, 1e-9 * threshold_px))
        before, members = members, inliers / (inliers + _outliers(squared, threshold_px))
        members[left_out] = 0.0
        sigma = min(float(np.sqrt(members @ squared / max(members.sum(), 1e-300))), threshold_px)
        if np.abs(members - before).sum() < _SETTLED * np.sqrt(members.sum()):
            break
    return _Mixture(vector, squared, members, max(sigma, 1e-9 * threshold_px))


def _holders(events: DerotatedEvents, mixture: _Mixture) -> NDArray[np.int64]:
    """Members that determine a good part of one of the five unknowns on their own, by their leverage; the worst first."""
    some = np.flatnonzero(mixture.members > 0.5)
    x, t = mixture.vector, events.times_s[some]
    n = x[:3] - t[:, None] * x[3:]
    slopes = np.einsum("nij,ni->nj", events.pixel_jacobians[some], n)
    f = events.bearings[some] / np.sqrt((slopes * slopes).sum(1))[:, None]
    rows = np.concatenate([f, -t[:, None] * f], 1) @ tangent_of_b(x[:3])
    information = rows.T @ (mixture.members[some, None] * rows)
    sizes = np.sqrt(np.diag(information))
    inverse = np.linalg.inv(information / np.outer(sizes, sizes) + 1e-12 * np.eye(len(sizes)))
    rows /= sizes
    leverages = ((rows @ inverse) * rows).sum(1)
    worst = np.argsort(-leverages, kind="stable")[:_MOST_HOLDERS]
    holders: NDArray[np.int64] = some[worst[leverages[worst] > _HOLDS]]
    return holders


def _squared(events: DerotatedEvents, vector: Array) -> Array:
    squared = np.empty(len(events))
    _squared_distances(events.bearings, events.pixel_jacobians, events.times_s, np.ascontiguousarray(vector), squared)
    return squared


def _outliers(squared: Array, threshold_px: float) -> float:
    """Outliers per pixel of distance, whatever its sign."""
    beside = (squared > threshold_px**2) & (squared < (_BESIDE * threshold_px) ** 2)
    return float(beside.sum() + 1) / ((_BESIDE - 1) * threshold_px)


def _density(squared: Array, count: float, sigma: float) -> Array:
    """Inliers per pixel of distance."""
    density: Array = count * np.sqrt(2 / np.pi) / sigma * np.exp(-0.5 * np.minimum(squared / sigma**2, 700.0))
    return density
