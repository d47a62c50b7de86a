"""Which points and views a calibration leaves out, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evcam.calib.bundle import Estimate, points_in_camera, residuals_px, robust_scale, whitened_norm
from evcam.calib.observations import Observations
from evcam.calib.options import CalibrationOptions
from evcam.core.camera import CameraModel
from evcam.core.detections import Rejection, View

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class ViewLedger:
    """Views still in use, and the reason for each that is not.

    Attributes
    ----------
    views : tuple of View
        All views.
    kept : ndarray of int64
        Positions of those in use, increasing.
    rejected : list of (int, Rejection)
        Position and reason of the others, in the order of their rejection.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self.views = tuple(views)
        self.kept = np.arange(len(self.views))
        self.rejected: list[tuple[int, Rejection]] = []

    def keep(self, keep: Mask, reason: str, details: Sequence[str] | None = None) -> None:
        """Reject the views in use for which ``keep`` is False."""
        for i in np.flatnonzero(~keep).tolist():
            view = self.views[self.kept[i]]
            detail = details[i] if details is not None else ""
            self.rejected.append((int(self.kept[i]), Rejection(view.recording, view.mid_us if len(view) else 0, reason, detail)))
        self.kept = self.kept[keep]


def first_sightings(views: Sequence[View]) -> Mask:
    """Views whose points no view before them holds: the same data again are no new evidence."""
    seen: set[tuple[bytes, bytes]] = set()
    first = np.zeros(len(views), bool)
    for i, view in enumerate(views):
        points = view.ids.tobytes(), view.xy.tobytes()
        first[i] = points not in seen
        seen.add(points)
    return first


def faces_like_the_rest(estimate: Estimate) -> Mask:
    """Views that see the same side of the board as most do; a mirrored labelling shows the other side."""
    normal = estimate.R_cam_board[:, :, 2]
    front = (normal * estimate.t_cam_board_m).sum(1) > 0
    majority = front.sum() * 2 >= len(front)
    same: Mask = front == majority
    return same


def inlier_points(model: CameraModel, estimate: Estimate, obs: Observations, options: CalibrationOptions) -> tuple[Mask, float]:
    """Points of ``obs`` within the outlier limit and the model's valid region, and the scale of the limit."""
    norm = whitened_norm(residuals_px(model, estimate, obs), obs)
    scale = robust_scale(norm, obs)
    points = points_in_camera(estimate, obs.object_m)
    valid = np.hypot(points[..., 0], points[..., 1]) <= model.valid_radius(estimate.params[4:]) * points[..., 2]
    return obs.mask & valid & (norm <= options.outlier_sigma * scale), scale


def typical_views(norm: Array, inliers: Mask, options: CalibrationOptions) -> tuple[Mask, list[str]]:
    """Views whose rms is not far above the median view's, with the figures."""
    count = np.maximum(inliers.sum(1), 1)
    rms = np.sqrt((np.where(inliers, norm, 0.0) ** 2).sum(1) / count)
    limit = options.view_sigma * float(np.median(rms))
    return rms <= limit, [f"{value:.3g} times its stated noise, limit {limit:.3g}" for value in rms]
