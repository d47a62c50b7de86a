"""What a calibration estimated, with its evidence, and the figures that follow from it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.calib.cells import cells_with_points
from evcam.calib.observations import points_at_middle
from evcam.calib.options import CalibrationOptions
from evcam.calib.uncertainty import image_grid, projection_covariance
from evcam.core.camera import Camera
from evcam.core.detections import Detections, Rejection

Array = NDArray[np.float64]

_CELLS = (8, 8)


@dataclass(frozen=True, eq=False, slots=True)
class ViewFit:
    """One used view.

    Attributes
    ----------
    view : int
        Position in the views of the detections.
    R_cam_board : ndarray of float64, shape (3, 3)
    t_cam_board_m : ndarray of float64, shape (3,)
        Pose of the board at the middle of the view's time.
    inliers : ndarray of bool, shape (N,)
        Points of the view that were used.
    """

    view: int
    R_cam_board: Array
    t_cam_board_m: Array
    inliers: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CalibrationResult:
    """What a `Calibration` is but for its words and files: the estimate and all figures that follow from it."""

    camera: Camera
    covariance: Array
    fits: tuple[ViewFit, ...]
    rejected: tuple[Rejection, ...]
    detections: Detections
    options: CalibrationOptions
    independent_stretches: int
    versions: Mapping[str, str]

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of ``camera.params`` and ``covariance``."""
        return Camera.param_names(self.camera.model)

    @property
    def stds(self) -> Array:
        """Standard deviations of the parameters, zero where held, shape (P,)."""
        deviations: Array = np.sqrt(np.diag(self.covariance))
        return deviations

    @cached_property
    def residuals_px(self) -> tuple[Array, ...]:
        """Observed minus projected points of each used view, outliers included, arrays of shape (N, 2)."""
        return tuple(self._residual(fit) for fit in self.fits)

    @property
    def inlier_residuals_px(self) -> Array:
        """Residuals of all points that were used, shape (M, 2)."""
        return np.concatenate([r[fit.inliers] for r, fit in zip(self.residuals_px, self.fits, strict=True)])

    @property
    def inlier_xy(self) -> Array:
        """Pixels of all points that were used, shape (M, 2)."""
        views = self.detections.views
        return np.concatenate([points_at_middle(views[fit.view])[fit.inliers] for fit in self.fits])

    @property
    def rms_px(self) -> float:
        """Two-dimensional reprojection error of the used points: sqrt(mean(dx^2 + dy^2))."""
        return float(np.sqrt((self.inlier_residuals_px**2).sum(1).mean()))

    @property
    def coverage(self) -> float:
        """Share of 8 x 8 cells of the image in which some point was used."""
        return float(cells_with_points(self.inlier_xy, (self.camera.width, self.camera.height), _CELLS).mean())

    def rejection_counts(self) -> dict[str, int]:
        """Reasons for which windows gave no view or views were left out, most frequent first."""
        counts = Counter(self.detections.rejection_counts())
        counts.update(rejection.reason for rejection in self.rejected)
        return dict(counts.most_common())

    def projection_std(self, px: ArrayLike, *, rotation_free: bool = False) -> Array:
        """Standard deviation of where the camera sees a fixed bearing, (..., 2) -> (...) px.

        Parameters
        ----------
        px : array_like, shape (..., 2)
            Where the bearing is seen.
        rotation_free : bool
            Without what a small rotation of the camera explains over the whole image: poses absorb that.

        Returns
        -------
        ndarray of float64
            Square root of the variances' sum over both axes; NaN outside the valid region.
        """
        covariance = projection_covariance(self.camera, self.covariance, np.asarray(px, float), rotation_free)
        deviation: Array = np.sqrt(np.trace(covariance, axis1=-2, axis2=-1))
        return deviation

    def image_std(self) -> Array:
        """`projection_std` on a grid over the image, rotation taken off, shape (12, 16) px."""
        return self.projection_std(image_grid(self.camera), rotation_free=True)

    def image_std_p90(self) -> float:
        """What nine tenths of `image_std` stay below, px."""
        return float(np.nanquantile(self.image_std(), 0.9))

    def _residual(self, fit: ViewFit) -> Array:
        view = self.detections.views[fit.view]
        points = self.detections.target.object_points[view.ids] @ fit.R_cam_board.T + fit.t_cam_board_m
        return points_at_middle(view) - self.camera.project(points)


def software_versions() -> dict[str, str]:
    """Versions that a calibration was made with."""
    return {"evcam": version("evcam"), "numpy": np.__version__, "python": platform.python_version()}
