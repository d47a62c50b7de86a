"""Which of very many views to use: those that cover the image, the tilts, the distances and the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.calib.observations import Observations

Array = NDArray[np.float64]

_TIME_WEIGHT = 0.3


def select_views(obs: Observations, t_us: NDArray[np.int64], width: int, height: int, max_views: int) -> NDArray[np.int64]:
    """Positions of at most ``max_views`` views, in order.

    Farthest-point sampling: each view taken is the one that differs most from those already taken
    in where the board lies, how large it is, how it is foreshortened and when it was seen.
    The residuals play no part: low residuals favour easy views.

    Parameters
    ----------
    obs : Observations
    t_us : ndarray of int64, shape (V,)
        Times of the views.
    width, height : int
        Size of the image, px.
    max_views : int
    """
    if len(obs) <= max_views:
        return np.arange(len(obs))
    features = np.column_stack([_appearance(obs, width, height), _TIME_WEIGHT * (t_us - t_us.min()) / max(np.ptp(t_us), 1)])
    chosen = [int(((features - np.median(features, 0)) ** 2).sum(1).argmin())]
    distance = ((features - features[chosen[0]]) ** 2).sum(1)
    while len(chosen) < max_views:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(1))
        distance[chosen] = -1.0
    return np.sort(np.array(chosen))


def _appearance(obs: Observations, width: int, height: int) -> Array:
    """Centre of the board in image sizes, its size in octaves, and its foreshortening as a vector, shape (V, 5)."""
    weight = obs.mask[..., None] / np.maximum(obs.mask.sum(1), 1)[:, None, None]
    centre = (obs.xy * weight).sum(1)
    board = (obs.object_m[..., :2] - (obs.object_m[..., :2] * weight).sum(1, keepdims=True)) * obs.mask[..., None]
    image = (obs.xy - centre[:, None]) * obs.mask[..., None]
    gram = board.transpose(0, 2, 1) @ board + 1e-12 * np.eye(2)
    affine = np.linalg.solve(gram, board.transpose(0, 2, 1) @ image).transpose(0, 2, 1)
    u, s, _ = np.linalg.svd(affine)
    octaves = np.log2(np.maximum(s[:, 0], 1e-12))
    shortened = 1 - s[:, 1] / np.maximum(s[:, 0], 1e-12)
    # The direction of foreshortening has no sign: doubling its angle makes it a vector.
    twice = 2 * np.arctan2(u[:, 1, 0], u[:, 0, 0])
    return np.column_stack([centre / (width, height), octaves, shortened * np.cos(twice), shortened * np.sin(twice)])
