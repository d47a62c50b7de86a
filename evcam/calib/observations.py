"""Views of a board as padded arrays, the form in which they are adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import View
from evcam.core.target import Target
from evcam.solvers.homography import homography_dlt

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEAST_WIDTH_PX = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class Observations:
    """V views of up to K points.

    Attributes
    ----------
    object_m : ndarray of float64, shape (V, K, 3)
        Points on the board; zero where padded.
    xy : ndarray of float64, shape (V, K, 2)
        Pixels at the middle of the view's time.
    whitening : ndarray of float64, shape (V, K, 2, 2)
        Inverse Cholesky factors of the points' covariances, 1 / px.
    mask : ndarray of bool, shape (V, K)
        Points that take part.
    """

    object_m: Array
    xy: Array
    whitening: Array
    mask: Mask

    def __len__(self) -> int:
        return len(self.mask)

    def take(self, index: NDArray[np.int64] | Mask) -> Observations:
        """Some of the views."""
        return Observations(self.object_m[index], self.xy[index], self.whitening[index], self.mask[index])

    def masked(self, mask: Mask) -> Observations:
        """The same views with other points taking part."""
        return replace(self, mask=mask)


def points_at_middle(view: View) -> Array:
    """Points of a view moved along their own velocities to the middle of its time, shape (N, 2) px."""
    moved: Array = view.xy + view.velocity * ((view.mid_us - view.t_us) * 1e-6)[:, None]
    return moved


def timeline(views: Sequence[View]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the views' recordings, in the order in which they come up, and middles of the views' times, us; (V,) each."""
    names = {name: i for i, name in enumerate(dict.fromkeys(view.recording for view in views))}
    return np.array([names[view.recording] for view in views], np.int64), np.array([view.mid_us for view in views], np.int64)


def gather(views: Sequence[View], target: Target, min_std_px: float) -> Observations:
    """Pad views to the size of the largest."""
    size = max((len(view) for view in views), default=0)
    shape = (len(views), size)
    object_m, xy = np.zeros((*shape, 3)), np.zeros((*shape, 2))
    whitening, mask = np.zeros((*shape, 2, 2)), np.zeros(shape, bool)
    board = target.object_points
    for i, view in enumerate(views):
        n = len(view)
        object_m[i, :n], xy[i, :n] = board[view.ids], points_at_middle(view)
        whitening[i, :n], mask[i, :n] = _whitening(view.cov, min_std_px), True
    return Observations(object_m, xy, whitening, mask)


def spread_out(obs: Observations) -> Mask:
    """Views whose points lie neither on one line of the board or the image nor in one place, shape (V,)."""
    determined = np.asarray(homography_dlt(obs.object_m[..., :2], obs.xy, obs.mask).is_determined)
    weight = obs.mask / np.maximum(obs.mask.sum(1, keepdims=True), 1)
    off = obs.xy - np.einsum("vk,vki->vi", weight, obs.xy)[:, None]
    width_px = np.sqrt(np.maximum(np.linalg.eigvalsh(np.einsum("vk,vki,vkj->vij", weight, off, off))[:, 0], 0.0))
    spread: Mask = determined & (width_px > _LEAST_WIDTH_PX)
    return spread


def _whitening(cov: Array, min_std_px: float) -> Array:
    """Inverse Cholesky factors, eigenvalues of the covariances raised to the least variance."""
    values, vectors = np.linalg.eigh(cov)
    values = np.maximum(values, max(min_std_px, 1e-6) ** 2)
    raised = (vectors * values[:, None, :]) @ vectors.transpose(0, 2, 1)
    inverse: Array = np.linalg.inv(np.linalg.cholesky(raised))
    return inverse
