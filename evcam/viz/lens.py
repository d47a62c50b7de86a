"""What a calibration says of the lens, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evcam.calib import Calibration
from evcam.core.camera import Camera, get_model
from evcam.viz.style import BLUE, INK, LINE, MUTED, Picture, chart, image_plane, png, report_style, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

Array = NDArray[np.float64]

_LEVELS_PX = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_ACROSS = 120
_RANGE = 100.0


def uncertainty_map(calibration: Calibration) -> Picture:
    """PNG of the standard deviation of projection over the image, rotation taken off, with the outline of what was seen."""
    camera = calibration.camera
    px = _grid(camera)
    std = calibration.projection_std(px, rotation_free=True)
    with report_style():
        figure, axes = image_plane(camera.width, camera.height, room_in=0.75)
        shown = logarithmic_map(axes, px, std)
        _outline(axes, calibration)
        bar = figure.colorbar(shown, ax=axes, orientation="horizontal", shrink=0.85, aspect=40, pad=0.02)
        bar.set_label("standard deviation, px")
        bar.ax.minorticks_off()
    return png(figure, "How surely it is known where the camera sees a direction; a common rotation of the camera is taken off. "
                       "Grey line: around all points used; beyond it the lens model speaks alone.")


def logarithmic_map(axes: Axes, px: Array, values: Array) -> QuadContourSet:
    """Filled contours of a length in pixels at round levels; what is not known stays blank."""
    from matplotlib.colors import BoundaryNorm

    finite = values[np.isfinite(values)]
    high = float(finite.max())
    low = max(float(finite.min()), high / _RANGE)
    first = max((k for k, level in enumerate(_LEVELS_PX) if level <= low), default=0)
    last = min((k for k, level in enumerate(_LEVELS_PX) if level >= high), default=len(_LEVELS_PX) - 1)
    levels = _LEVELS_PX[first : max(last, first + 1) + 1]
    norm = BoundaryNorm(levels, 256)
    clipped = np.ma.masked_invalid(np.clip(values, levels[0], levels[-1]))
    shown = axes.contourf(px[..., 0], px[..., 1], clipped, levels=levels, cmap="YlGnBu", norm=norm)
    axes.contour(px[..., 0], px[..., 1], clipped, levels=levels[1:-1], colors="white", linewidths=0.6)
    return shown


def distortion_curve(calibration: Calibration) -> Picture:
    """SVG of how far the lens moves a point along its radius, by the angle from the axis, with two standard deviations."""
    camera = calibration.camera
    angle, seen = _angles(camera), _seen_angle(calibration)
    curve, std = radial_shift_px(calibration, angle)
    with report_style():
        figure, axes = chart(4.6, 2.8)
        degrees = np.degrees(angle)
        axes.axhline(0, color=LINE, linewidth=0.8)
        axes.fill_between(degrees, curve - 2 * std, curve + 2 * std, color=BLUE, alpha=0.25, linewidth=0,
                          label="two standard deviations")
        axes.plot(degrees, curve, color=BLUE, linewidth=1.6)
        axes.axvline(np.degrees(seen), color=INK, linestyle="--", linewidth=0.9)
        axes.annotate("outermost point used", (np.degrees(seen), 1), xycoords=("data", "axes fraction"), xytext=(-4, -2),
                      textcoords="offset points", rotation=90, ha="right", va="top", fontsize=7, color=MUTED)
        axes.set_xlim(0, degrees[-1])
        axes.set_xlabel("angle from the optical axis, degrees")
        axes.set_ylabel("shift along the radius, px")
        axes.legend(loc="lower left")
    ideal = "f times the angle" if camera.model == "pinhole-equidistant" else "f times its tangent"
    return svg(figure, f"Distortion: how far the lens moves a point from {ideal}, up to the farthest corner of the image.")


def radial_shift_px(calibration: Calibration, angle: Array) -> tuple[Array, Array]:
    """Distorted radius less that of an ideal lens (pinhole f tan, fisheye f angle), and its standard deviation, px."""
    camera = calibration.camera
    focal = float(np.sqrt(camera.params[0] * camera.params[1]))
    model, radius = get_model(camera.model), np.tan(angle)
    ideal = angle if camera.model == "pinhole-equidistant" else radius

    def shift(coefficients: Array) -> Array:
        curve: Array = focal * (model.distorted_radius(coefficients, radius) - ideal)
        return curve

    covariance = calibration.covariance[4:, 4:]
    steps = np.diag(np.maximum(np.sqrt(np.diag(covariance)), 1e-9) * 1e-3)
    by_coefficient = np.stack(
        [(shift(camera.distortion + step) - shift(camera.distortion - step)) / (2 * step.sum()) for step in steps])
    variance = np.einsum("in,ij,jn->n", by_coefficient, covariance, by_coefficient)
    return shift(camera.distortion), np.sqrt(np.maximum(variance, 0.0))


def _angles(camera: Camera) -> Array:
    bearings = camera.unproject(_border(camera))
    z = bearings[np.isfinite(bearings).all(1), 2]
    return np.linspace(0, float(np.arccos(z.min())), 200)


def _border(camera: Camera) -> Array:
    s = np.linspace(0, 1, 40)
    w, h = camera.width - 1, camera.height - 1
    sides = ((s * w, 0 * s), (s * w, 0 * s + h), (0 * s, s * h), (0 * s + w, s * h))
    return np.concatenate([np.stack(side, -1) for side in sides])


def _seen_angle(calibration: Calibration) -> float:
    bearings = calibration.camera.unproject(calibration.inlier_xy)
    return float(np.arccos(np.nanmin(bearings[:, 2])))


def _grid(camera: Camera) -> Array:
    down = max(round(_ACROSS * camera.height / camera.width), 2)
    return np.stack(np.meshgrid(np.linspace(-0.5, camera.width - 0.5, _ACROSS), np.linspace(-0.5, camera.height - 0.5, down)), -1)


def _outline(axes: Axes, calibration: Calibration) -> None:
    from scipy.spatial import ConvexHull

    points = calibration.inlier_xy
    corners = points[ConvexHull(points).vertices]
    axes.fill(*corners.T, facecolor="none", edgecolor=MUTED, linewidth=1.0)
