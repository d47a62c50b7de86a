"""What a calibration's model leaves of the points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evcam.calib import Calibration
from evcam.calib.observations import gather
from evcam.calib.residual_pattern import residual_pattern
from evcam.viz.style import AMBER, BLUE, INK, MUTED, RED, Picture, chart, image_plane, png, report_style, round_factor, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_MOST_VECTORS = 2500
_ARROW_SHARE = 0.035


def residual_vectors(calibration: Calibration) -> Picture:
    """PNG of the residuals of single points over the image, magnified; evenly thinned if there are very many."""
    xy, residual = calibration.inlier_xy, calibration.inlier_residuals_px
    some = np.unique(np.linspace(0, len(xy) - 1, min(len(xy), _MOST_VECTORS)).round().astype(int))
    camera = calibration.camera
    with report_style():
        figure, axes = image_plane(camera.width, camera.height)
        factor = _magnification(residual, camera.width)
        _arrows(axes, xy[some], factor * residual[some], BLUE, 0.0016)
    left = f"{len(some)} of {len(xy)} points" if len(some) < len(xy) else f"All {len(xy)} points"
    return png(figure, f"{left} used: observed minus projected, magnified {factor:g} times. "
                       "Disorder is what you want to see.")


def mean_residuals(calibration: Calibration) -> Picture:
    """SVG of mean residuals over cells of the image, magnified, those that chance does not explain in red."""
    pattern = residual_pattern(calibration)
    camera = calibration.camera
    with report_style():
        figure, axes = image_plane(camera.width, camera.height)
        factor = _magnification(pattern.means, camera.width, 1.5) if len(pattern.means) else 1.0
        sure = pattern.is_significant
        _arrows(axes, pattern.centres[~sure], factor * pattern.means[~sure], MUTED, 0.004)
        _arrows(axes, pattern.centres[sure], factor * pattern.means[sure], RED, 0.006)
    return svg(figure, f"Mean residuals over cells of the image, magnified {factor:g} times; red: beyond three standard "
                       f"deviations, {sure.sum()} of {len(sure)} cells. A pattern of long arrows is an error of the lens model.")


def residual_histogram(calibration: Calibration) -> Picture:
    """SVG of the residuals in units of their stated standard deviations, beside what was expected."""
    values = whitened_residuals(calibration).ravel()
    scale = noise_scale(values)
    reach = 4 * max(scale, 1.0)
    bins = np.linspace(-reach, reach, 81)
    axis = np.linspace(-reach, reach, 400)
    with report_style():
        figure, axes = chart(4.6, 2.8)
        axes.hist(np.clip(values, -reach, reach), bins=bins.tolist(), density=True, color=BLUE, alpha=0.55, label="found")
        axes.plot(axis, _normal(axis, 1.0), color=INK, linewidth=1.3, label="expected: normal, as stated")
        wider = f"normal, {scale:.2g} times as wide"
        axes.plot(axis, _normal(axis, scale), color=AMBER, linewidth=1.3, linestyle="--", label=wider)
        axes.set_xlabel("residual of one axis, in stated standard deviations")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
        axes.legend(loc="upper left", ncols=1)
    return svg(figure, "Residuals of either axis in units of their stated standard deviations. The parameters' covariance "
                       "follows what is found, not what was stated.")


def residuals_by_view(calibration: Calibration) -> Picture:
    """SVG of every view's rms error in order of time, recordings one after another."""
    rms = view_rms_px(calibration)
    names = [calibration.detections.views[fit.view].recording for fit in calibration.fits]
    with report_style():
        figure, axes = chart(4.6, 2.4)
        axes.plot(np.arange(len(rms)), rms, ".", color=BLUE, markersize=4 if len(rms) < 400 else 2)
        axes.axhline(calibration.rms_px, color=INK, linewidth=0.9)
        axes.annotate(f"all: {calibration.rms_px:.3f} px", (len(rms) - 1, calibration.rms_px), xytext=(0, 3),
                      textcoords="offset points", ha="right", fontsize=7.5)
        starts = [k for k in range(1, len(names)) if names[k] != names[k - 1]]
        for start in starts if len(starts) < 40 else []:
            axes.axvline(start - 0.5, color=MUTED, linewidth=0.5, alpha=0.4)
        axes.set_ylim(0, None)
        axes.set_xlabel("view used, in order of time")
        axes.set_ylabel("rms, px")
    return svg(figure, "Reprojection error of every view used" + ("; lines part recordings." if starts else "."))


def view_rms_px(calibration: Calibration) -> Array:
    """Two-dimensional rms error of each used view's inliers, shape (V,)."""
    pairs = zip(calibration.residuals_px, calibration.fits, strict=True)
    return np.array([np.sqrt((residual[fit.inliers] ** 2).sum(1).mean()) for residual, fit in pairs])


def whitened_residuals(calibration: Calibration) -> Array:
    """Residuals of the used points in units of their stated standard deviations, shape (M, 2)."""
    views = [calibration.detections.views[fit.view] for fit in calibration.fits]
    obs = gather(views, calibration.detections.target, calibration.options.min_std_px)
    rows = zip(calibration.residuals_px, calibration.fits, obs.whitening, strict=True)
    return np.concatenate([(w[: len(fit.inliers)][fit.inliers] @ r[fit.inliers][..., None])[..., 0] for r, fit, w in rows])


def noise_scale(values: Array) -> float:
    """Robust standard deviation of residuals that should have one of 1."""
    return max(1.4826 * float(np.median(np.abs(values))), 1e-3)


def _normal(x: Array, std: float) -> Array:
    density: Array = np.exp(-((x / std) ** 2) / 2) / np.sqrt(2 * np.pi) / std
    return density


def _magnification(vectors: Array, width: int, part: float = 1.0) -> float:
    """A round factor that makes the typical long vector a small share of the image."""
    long = max(float(np.quantile(np.linalg.norm(vectors, axis=1), 0.9)), 1e-6)
    wanted = part * _ARROW_SHARE * width / long
    return round_factor(wanted)


def _arrows(axes: Axes, xy: Array, vectors: Array, colour: str, width: float) -> None:
    if len(xy):
        axes.quiver(*xy.T, *vectors.T, angles="xy", scale_units="xy", scale=1, color=colour, width=width)
