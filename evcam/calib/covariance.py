"""Covariance of the intrinsics that stays true when neighbouring views have correlated errors.

Detections of neighbouring windows share events, and even those that do not share any err alike
while the board moves alike.  The naive covariance takes every point for independent and is then
too small.  Here stretches of time are the independent units (cluster-robust, "sandwich").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.calib.observations import timeline
from evcam.core.detections import View

Array = NDArray[np.float64]

_MIN_BLOCK_US = 100_000
_BLOCK_PER_CORRELATION = 5.0
_MIN_CLUSTERS = 15
_NOISE_CORRELATION = 0.05
_LEAST_FREEDOM = 0.05
_MAX_END_CORRECTION = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Clusters:
    """Stretches of time that are taken as independent.

    Attributes
    ----------
    labels : ndarray of int64, shape (V,)
        Cluster of each view.
    block_us : int
        Length of a stretch.
    correlation_us : float
        Time over which the residuals forget themselves (integrated autocorrelation time).
    """

    labels: NDArray[np.int64]
    block_us: int
    correlation_us: float

    def __len__(self) -> int:
        return int(self.labels.max()) + 1 if len(self.labels) else 0


def time_clusters(views: Sequence[View], whitened: Array) -> Clusters:
    """Cut recordings into blocks that are long compared with the correlation of the residuals.

    Parameters
    ----------
    views : sequence of View
        Used views, in order of recording and time.
    whitened : ndarray of float64, shape (V, I, 2)
        Residuals by *id*, zero where a view lacks a point.

    Notes
    -----
    A block is five times as long as the residuals stay correlated, at least two windows and 100 ms, but short enough to leave
    fifteen blocks.  Views of different recordings never share a block.
    """
    recording, t_us = timeline(views)
    spacing_us = _spacing_us(recording, t_us)
    correlation_us = _correlation_length(whitened, recording, t_us, spacing_us) * spacing_us
    window_us = max(view.window_us for view in views)
    of_each = [t_us[recording == i] for i in range(recording.max() + 1)]
    span_us = sum(float(np.ptp(times)) + spacing_us for times in of_each)
    block_us = max(_MIN_BLOCK_US, 2 * window_us, int(_BLOCK_PER_CORRELATION * (correlation_us - spacing_us)))
    block_us = max(int(min(block_us, span_us / _MIN_CLUSTERS)), 1)
    start_us = np.array([times.min() for times in of_each])
    keys = np.column_stack([recording, (t_us - start_us[recording]) // block_us])
    labels = np.unique(keys, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    return Clusters(labels, block_us, max(correlation_us, 0.0))


def cluster_robust_covariance(information: Array, gradient: Array, clusters: Clusters, spacing_us: float) -> Array:
    """Sandwich covariance of the intrinsics, the poses eliminated.

    Parameters
    ----------
    information : ndarray of float64, shape (V, n, n)
        Schur complement of each view.
    gradient : ndarray of float64, shape (V, n)
        Gradient of each view at the minimum; their sum is zero.
    clusters : Clusters
        Views that err together.
    spacing_us : float
        Time between neighbouring views.

    Returns
    -------
    ndarray of float64, shape (n, n)

    Notes
    -----
    Small samples: each cluster's score is freed of the shrinkage that fitting causes (Bell &
    McCaffrey 2002, CR2), and the matrix in the middle is shrunk towards a multiple of the naive one
    by the rule of Ledoit & Wolf (2004), since a few clusters cannot determine all its entries.
    Correlation across the ends of the blocks is added for the mean correlation time.
    What it does not measure: a bias that all clusters share, e.g. a board of the wrong size.
    """
    total = information.sum(0)
    values, vectors = np.linalg.eigh(total)
    root = (vectors / np.sqrt(values)) @ vectors.T
    count = len(clusters)
    scores, parts = np.zeros((count, len(total))), np.zeros((count, *total.shape))
    np.add.at(scores, clusters.labels, gradient)
    np.add.at(parts, clusters.labels, information)
    share, directions = np.linalg.eigh(root @ parts @ root)
    freed = 1 / np.sqrt(np.maximum(1 - share, _LEAST_FREEDOM))
    white = np.einsum("cij,cj,ckj,ck->ci", directions, freed, directions, scores @ root)
    middle = _shrunk(white) * _end_correction(clusters, spacing_us)
    covariance: Array = root @ middle @ root
    return (covariance + covariance.T) / 2


def view_spacing_us(views: Sequence[View]) -> float:
    """Typical time between neighbouring views of one recording."""
    return _spacing_us(*timeline(views))


def _shrunk(white: Array) -> Array:
    """Second moment of cluster scores, shrunk to a multiple of the identity (Ledoit & Wolf 2004, lemma 3.2-3.4)."""
    count, n = white.shape
    moment = white.T @ white
    level = np.trace(moment) / n
    spread = ((moment - level * np.eye(n)) ** 2).sum()
    outer = count * white[:, :, None] * white[:, None, :]
    noise = ((outer - moment) ** 2).sum() / count**2
    share = min(1.0, noise / spread) if spread > 0 else 1.0
    shrunk: Array = share * level * np.eye(n) + (1 - share) * moment
    return shrunk


def _end_correction(clusters: Clusters, spacing_us: float) -> float:
    """Variance lost where correlated views lie on both sides of a block's end (exact for long blocks)."""
    beyond = max(clusters.correlation_us - spacing_us, 0.0)
    return min(1 / max(1 - beyond / (2 * clusters.block_us), 1e-3), _MAX_END_CORRECTION)


def _spacing_us(recording: NDArray[np.int64], t_us: NDArray[np.int64]) -> float:
    gaps = np.diff(t_us)[np.diff(recording) == 0]
    return float(np.median(gaps)) if len(gaps) else 1.0


def _correlation_length(whitened: Array, recording: NDArray[np.int64], t_us: NDArray[np.int64], spacing_us: float) -> float:
    """Integrated autocorrelation time of the residuals, in views: 1 if they are white."""
    length = 1.0
    for lag in range(1, max(len(t_us) // 4, 2)):
        a, b = whitened[:-lag], whitened[lag:]
        near = (recording[:-lag] == recording[lag:]) & (t_us[lag:] - t_us[:-lag] <= 1.5 * lag * spacing_us)
        a, b = a[near], b[near]
        both = a.any(-1) & b.any(-1)
        power = np.sqrt((a[both] ** 2).sum() * (b[both] ** 2).sum())
        correlation = float((a[both] * b[both]).sum() / power) if power > 0 else 0.0
        if correlation < _NOISE_CORRELATION:
            break
        length += 2 * correlation
    return length
