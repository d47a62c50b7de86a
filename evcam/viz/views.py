"""Single views of a calibration, and windows that gave none, as small pictures."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evcam.calib import Calibration, ViewFit
from evcam.calib.observations import points_at_middle
from evcam.core.detections import Rejection
from evcam.core.events import Events
from evcam.detect.inspection import FlickerInspection, Inspection, instant_us
from evcam.viz.residuals import view_rms_px
from evcam.viz.style import AMBER, BLUE, GREEN, MUTED, RED, Picture, image_plane, png, report_style, round_factor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_WIDTH_IN = 3.2
_DPI = 140
_ARROW_PX_SHARE = 0.03
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 33)), np.sin(np.linspace(0, 2 * np.pi, 33))])


def view_picture(calibration: Calibration, position: int, events: Events | None = None) -> Picture:
    """PNG of one used view: its points, magnified residuals, where the calibration puts the board, and the events if given.

    Parameters
    ----------
    calibration : Calibration
    position : int
        Position in ``calibration.fits``.
    events : Events, optional
        Those of the view's window, drawn behind.
    """
    camera, fit = calibration.camera, calibration.fits[position]
    residual, factor = calibration.residuals_px[position], view_magnification(calibration)
    xy = points_at_middle(calibration.detections.views[fit.view])
    with report_style():
        figure, axes = image_plane(camera.width, camera.height, _WIDTH_IN, room_in=0.0)
        _bare(axes)
        if events is not None:
            axes.imshow(event_image(events), cmap="RdBu_r", vmin=-1, vmax=1, alpha=0.8, interpolation="nearest")
        axes.plot(*_board_outline(calibration, fit).T, color=GREEN, linewidth=0.9)
        axes.plot(*xy[fit.inliers].T, "o", color=BLUE, markersize=2.2, markeredgewidth=0)
        axes.plot(*xy[~fit.inliers].T, "x", color=RED, markersize=5)
        good = xy[fit.inliers]
        axes.quiver(*good.T, *(factor * residual[fit.inliers]).T, angles="xy", scale_units="xy", scale=1, color=RED, width=0.004)
    return png(figure, _describe(calibration, position), _DPI)


def view_magnification(calibration: Calibration) -> float:
    """How much the residuals of single views are magnified, the same for all."""
    return round_factor(_ARROW_PX_SHARE * calibration.camera.width / max(calibration.rms_px, 1e-6))


def _describe(calibration: Calibration, position: int) -> str:
    fit = calibration.fits[position]
    view = calibration.detections.views[fit.view]
    left_out = f", {(~fit.inliers).sum()} left out" if not fit.inliers.all() else ""
    rms = view_rms_px(calibration)[position]
    where = f"View {view.index} of {view.recording}, at {view.mid_us * 1e-6:.3f} s"
    return f"{where}: {rms:.3f} px rms, {fit.inliers.sum()} points{left_out}"


def event_image(events: Events) -> Array:
    """Events per pixel, ON less OFF, squeezed into -1..1."""
    image = np.zeros((events.height, events.width))
    np.add.at(image, (events.y, events.x), np.where(events.p, 1.0, -1.0))
    squeezed: Array = np.tanh(image / 2)
    return squeezed


def rejection_picture(inspection: Inspection) -> Picture:
    """PNG of what a rejected window showed: dark regions with candidates for discs, or the contrast of a flickering pattern."""
    from matplotlib.collections import LineCollection

    with report_style():
        if isinstance(inspection, FlickerInspection):
            return _contrast(inspection)
        picture = inspection.stages.picture
        figure, axes = image_plane(picture.shape[1], picture.shape[0], _WIDTH_IN, room_in=0.0)
        _bare(axes)
        axes.imshow(1.0 - 0.5 * picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        regions = inspection.stages.regions
        outlines = regions.centers[:, None] + (regions.shapes @ _CIRCLE).transpose(0, 2, 1)
        axes.add_collection(LineCollection(list(outlines), colors=AMBER, linewidths=1.2), autolim=False)
    return png(figure, _describe_rejection(inspection), _DPI)


def _contrast(inspection: FlickerInspection) -> Picture:
    image = inspection.image
    height, width = (3, 4) if image is None else image.shape
    figure, axes = image_plane(width, height, _WIDTH_IN, room_in=0.0)
    _bare(axes)
    if image is None:
        axes.text(0.5, 0.5, "no common frequency", transform=axes.transAxes, ha="center", va="center", color=MUTED)
    else:
        limit = max(float(np.percentile(np.abs(image), 99.5)), 1e-9)
        axes.imshow(image, cmap="gray", vmin=-limit, vmax=limit, interpolation="nearest")
    return png(figure, _describe_rejection(inspection), _DPI)


def _describe_rejection(inspection: Inspection) -> str:
    outcome = inspection.outcome
    reason = f"{outcome.reason} ({outcome.detail})" if isinstance(outcome, Rejection) and outcome.detail else ""
    return f"{outcome.recording} at {instant_us(outcome) * 1e-6:.3f} s" + (f": {reason}" if reason else "")


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])


def _board_outline(calibration: Calibration, fit: ViewFit) -> Array:
    """The border of the target's points as the calibration projects it, straight edges bent by the lens."""
    points = calibration.detections.target.object_points
    (x0, y0), (x1, y1) = points[:, :2].min(0), points[:, :2].max(0)
    corners = np.array([[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0], [x0, y0, 0]])
    s = np.linspace(0, 1, 12)[:, None]
    edge = np.concatenate([a + s * (b - a) for a, b in pairwise(corners)])
    return calibration.camera.project(edge @ fit.R_cam_board.T + fit.t_cam_board_m)
