"""Which of very many views to use: those that cover the image, the tilts, the distances and the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.calib.observations import Observations

Array = NDArray[np.float64]

_CELLS = 5


def select_views(obs: Observations, width: int, height: int, max_views: int) -> NDArray[np.int64]:
    """Positions of at most ``max_views`` views, in order.

    Views are put in bins by where the board lies, how large it is and how it is foreshortened;
    the bins take turns, and within a bin the views are taken spread in time.  The residuals play
    no part: low residuals favour easy views.
    """
    if len(obs) <= max_views:
        return np.arange(len(obs))
    bins = _bins(obs, width, height)
    turn = np.empty(len(obs), np.int64)
    for value in np.unique(bins):
        members = np.flatnonzero(bins == value)
        turn[members[_spread_order(len(members))]] = np.arange(len(members))
    chosen = np.lexsort((bins, turn))[:max_views]
    return np.sort(chosen)


def _bins(obs: Observations, width: int, height: int) -> NDArray[np.int64]:
    weight = obs.mask[..., None] / np.maximum(obs.mask.sum(1), 1)[:, None, None]
    centre = (obs.xy * weight).sum(1)
    board = (obs.object_m[..., :2] - (obs.object_m[..., :2] * weight).sum(1, keepdims=True)) * obs.mask[..., None]
    image = (obs.xy - centre[:, None]) * obs.mask[..., None]
    gram = board.transpose(0, 2, 1) @ board + 1e-12 * np.eye(2)
    affine = np.linalg.solve(gram, board.transpose(0, 2, 1) @ image)
    u, s, _ = np.linalg.svd(affine.transpose(0, 2, 1))
    cell = np.clip(centre / (width, height) * _CELLS, 0, _CELLS - 1).astype(int)
    scale = np.round(2 * np.log2(np.maximum(s.prod(1), 1e-12))).astype(int)
    tilt = np.minimum((1 - s[:, 1] / np.maximum(s[:, 0], 1e-12)) * 8, 3).astype(int)
    direction = np.where(tilt > 0, (np.arctan2(u[:, 1, 0], u[:, 0, 0]) / (np.pi / 4)).astype(int) % 4, 0)
    keys = np.column_stack([cell, scale - scale.min(), tilt, direction])
    return np.unique(keys, axis=0, return_inverse=True)[1].ravel().astype(np.int64)


def _spread_order(n: int) -> NDArray[np.int64]:
    """Positions 0..n-1 in the order of the van der Corput sequence, so that every beginning is spread."""
    bits = max(n - 1, 1).bit_length()
    order = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(2**bits)]
    return np.array([i for i in order if i < n], np.int64)
