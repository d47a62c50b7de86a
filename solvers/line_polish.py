"""Refine a line among outliers: events belong to it with a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.solvers._scoring import _squared_distances
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.line_fits import EventsOfLines, descend

Array = NDArray[np.float64]

_ROUNDS = 8
_SETTLED = 0.01
# Outliers are counted between the threshold and so many of it.
_BESIDE = 4.0
# The median of |normal| in standard deviations.
_MEDIAN_NORMAL = 0.6745


def polish(events: DerotatedEvents, vector: Array, threshold_px: float) -> tuple[Array, Array]:
    """Most likely line and membership of a mixture: normal distances to the line, and outliers evenly spread beside it.

    Expectation and maximisation alternate.  How dense the outliers are is seen just beyond the threshold, on both
    sides of the line.  Unlike inliers chosen by a limit, memberships have no edge at which the estimate could jump, and they
    count the outliers that lie on the line by chance for no more than they are.

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
    squared = np.empty(len(events))
    _squared_distances(events.bearings, events.pixel_jacobians, events.times_s, np.ascontiguousarray(vector), squared)
    near = np.flatnonzero(squared < (_BESIDE * threshold_px) ** 2)
    stack = EventsOfLines.joined([events[near]])
    inside = squared[near] < threshold_px**2
    sigma = np.sqrt(np.median(squared[near][inside])) / _MEDIAN_NORMAL
    members = inside.astype(float)
    for _ in range(_ROUNDS):
        vector = descend(stack.weighted(members), vector[None])[0]
        squared = np.empty(len(near))
        _squared_distances(stack.events.bearings, stack.events.pixel_jacobians, stack.events.times_s, vector, squared)
        before, members = members, _memberships(squared, members, sigma, threshold_px)
        sigma = min(float(np.sqrt(members @ squared / max(members.sum(), 1e-300))), threshold_px)
        if np.abs(members - before).sum() < _SETTLED * members.sum() / np.sqrt(len(near)):
            break
    membership = np.zeros(len(events))
    membership[near] = members
    return vector, membership


def _memberships(squared: Array, members: Array, sigma: float, threshold_px: float) -> Array:
    beside = (squared > threshold_px**2) & (squared < (_BESIDE * threshold_px) ** 2)
    # Events per pixel of distance, whatever its sign.
    outliers = (beside.sum() + 1) / ((_BESIDE - 1) * threshold_px)
    sigma = max(sigma, 1e-9 * threshold_px)
    inliers = members.sum() * np.sqrt(2 / np.pi) / sigma * np.exp(-0.5 * np.minimum(squared / sigma**2, 700.0))
    shares: Array = inliers / (inliers + outliers)
    return shares
