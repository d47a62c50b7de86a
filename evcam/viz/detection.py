"""Pictures of a detection's stages, so that a person sees why a window gave a view or none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import View
from evcam.detect.inspection import FlickerInspection, Inspection, MovingInspection, instant_us
from evcam.detect.moving.discs import FITTED
from evcam.detect.moving.sighting import Sighting
from evcam.flow import SurfaceOfActiveEvents, normal_flow
from evcam.viz.style import save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN = {1: 9.0, 2: 14.0}
_HEAD_IN = 0.6
_GAP_IN = 0.8
_WINDOW_US = 40_000
_DECAY_SHARE = 0.5
_MOST_ARROWS = 2500
_ARROW_PX = 5.0
_ON, _OFF, _GOOD, _POOR = "#d62728", "#1f77b4", "#118011", "#e07b00"
_LABEL = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 49)), np.sin(np.linspace(0, 2 * np.pi, 49))])


def save_inspection(inspection: Inspection, path: str | os.PathLike[str], *, start_us: int = 0, force: bool = False) -> None:
    """Draw `inspection_figure` into a PNG.

    Parameters
    ----------
    inspection : MovingInspection or FlickerInspection
        From `evcam.detect.inspection.inspect`.
    path : path-like
        The file to write, ``.png``.
    start_us : int
        Where the seconds in the title count from.
    force : bool
        Replace an existing file.

    Raises
    ------
    InputError, OutputExistsError
        Another suffix; a path that cannot be written.
    """
    save_png(lambda: inspection_figure(inspection, start_us=start_us), path, force=force)


def inspection_figure(inspection: Inspection, *, start_us: int = 0) -> Figure:
    """Figure of what led to a view or rejection.

    Of a moving board: surface of active events, normal flow, two-tone picture with the regions that may be
    discs, and the crossings of leading and trailing arcs with the fitted ellipses, their velocities and ids.
    Of a flickering board: the image of contrast with points and ids.
    """
    if isinstance(inspection, FlickerInspection):
        return _flicker_figure(inspection, start_us)
    height, width = inspection.stages.picture.shape
    figure, panels = _figure(_title(inspection, start_us), width, height, 2)
    window_us = _window_us(inspection)
    _draw_surface(panels[0], inspection, window_us)
    _draw_flow(panels[1], inspection, window_us)
    _draw_regions(panels[2], inspection)
    _draw_arcs(panels[3], inspection, window_us)
    return figure


def _figure(title: str, width: int, height: int, across: int) -> tuple[Figure, list[Axes]]:
    """A figure of ``across`` x ``across`` panels that each show the sensor in its own proportions."""
    from matplotlib.figure import Figure

    width_in = _WIDTH_IN[across]
    panel_in = (width_in - (across + 1) * 0.45) / across
    figure = Figure(figsize=(width_in, _HEAD_IN + across * (panel_in * height / width + _GAP_IN)), layout="constrained")
    figure.suptitle(title, fontsize=13)
    panels = [figure.add_subplot(across, across, k + 1) for k in range(across**2)]
    for axes in panels:
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
        axes.tick_params(labelsize=7)
    return figure, panels


def _title(inspection: Inspection, start_us: int) -> str:
    outcome = inspection.outcome
    at = f"{outcome.recording} at {(instant_us(outcome) - start_us) * 1e-6:.3f} s"
    if isinstance(outcome, View):
        return f"{at}: view {outcome.index}, {len(outcome)} points"
    return f"{at}: rejected, {outcome.reason}" + (f"\n{outcome.detail}" if outcome.detail else "")


def _window_us(inspection: MovingInspection) -> int:
    """The view's own window, or a usual one."""
    outcome = inspection.outcome
    return outcome.window_us if isinstance(outcome, View) else _WINDOW_US


def _draw_surface(axes: Axes, inspection: MovingInspection, window_us: int) -> None:
    events, decay_us = inspection.events, _DECAY_SHARE * window_us
    surface = SurfaceOfActiveEvents(events.width, events.height)
    surface.update(events)
    axes.imshow(surface.decayed(inspection.stages.t_us, decay_us), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_title(f"surface of active events: ON red, OFF blue, fading within {decay_us / 1000:.0f} ms", fontsize=10)


def _draw_flow(axes: Axes, inspection: MovingInspection, window_us: int) -> None:
    from matplotlib.colors import hsv_to_rgb

    flow = normal_flow(inspection.stages.crossings)
    crossings = flow.crossings
    within = np.abs(crossings.t - inspection.stages.t_us) <= window_us / 2
    shown = np.flatnonzero(within & flow.is_known)
    axes.set_title(f"normal flow of {len(shown)} of {within.sum()} edge crossings within {window_us / 1000:.0f} ms", fontsize=10)
    if not len(shown):
        return
    shown = shown[:: -(-len(shown) // _MOST_ARROWS)]
    velocity = flow.flow_pxps[shown]
    speed = np.linalg.norm(velocity, axis=1)
    usual = max(float(np.median(speed)), 1e-9)
    # A few wild arrows would cover the others.
    arrows = velocity * (np.minimum(speed, 2 * usual) / np.maximum(speed, 1e-9) / usual * _ARROW_PX)[:, None]
    hue = (np.arctan2(velocity[:, 1], velocity[:, 0]) / (2 * np.pi)) % 1.0
    colours = hsv_to_rgb(np.stack([hue, np.ones_like(hue), np.full_like(hue, 0.8)], -1))
    xy = np.stack([crossings.x, crossings.y])[:, shown]
    axes.quiver(*xy, *arrows.T, color=colours, angles="xy", scale_units="xy", scale=1, width=0.002)
    axes.set_xlabel(f"arrows of {_ARROW_PX:.0f} px: {usual:.0f} px/s; colour: direction", fontsize=9)


def _draw_regions(axes: Axes, inspection: MovingInspection) -> None:
    stages = inspection.stages
    axes.imshow(0.95 - 0.45 * stages.picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _draw_ellipses(axes, stages.regions.centers, stages.regions.shapes, _POOR, "-")
    axes.set_title(f"two-tone picture: {len(stages.regions)} elliptic regions (orange), candidates for discs", fontsize=10)
    found = stages.sighting
    if isinstance(found, Sighting):
        axes.plot(*found.centers[found.seen].T, "+", color=_GOOD, markersize=5)
        axes.plot(*found.centers[~found.seen].T, "x", color=_ON, markersize=5)
        text = f"green +: {found.seen.sum()} discs of the board; red x: {(~found.seen).sum()} expected, not seen as regions"
    else:
        text = f"board not placed: {found.reason} ({found.detail})"
    axes.set_xlabel(text, fontsize=9)


def _draw_arcs(axes: Axes, inspection: MovingInspection, window_us: int) -> None:
    stages, fits = inspection.stages, inspection.stages.fits
    near = stages.crossings.between(stages.t_us - window_us / 2, stages.t_us + window_us / 2 + 1)
    for polarity, colour in ((True, _ON), (False, _OFF)):
        axes.plot(near.x[near.p == polarity], near.y[near.p == polarity], ".", color=colour, markersize=2, alpha=0.6)
    axes.set_title(f"edge crossings within {window_us / 1000:.0f} ms: brighter red, darker blue", fontsize=10)
    if fits is None:
        axes.set_xlabel("no ellipses: the board was not placed here, or not just before and after", fontsize=9)
        return
    fitted = fits.status == FITTED
    good = np.zeros_like(fitted)
    if isinstance(inspection.outcome, View):
        good[inspection.outcome.ids] = True
    _draw_ellipses(axes, fits.centers[fitted & ~good], fits.shapes[fitted & ~good], _POOR, "--")
    _draw_ellipses(axes, fits.centers[good], fits.shapes[good], _GOOD, "-")
    _draw_velocities(axes, fits.centers[fitted], fits.velocities[fitted])
    for k in np.flatnonzero(fitted):
        x, y = fits.centers[k]
        axes.text(x, y, str(k), fontsize=7, ha="center", va="center", color="black", clip_on=True)
    axes.set_xlabel(f"ellipses: {good.sum()} accepted (green), {(fitted & ~good).sum()} refused (orange), "
                    f"{(~fitted).sum()} not fitted; numbers are ids", fontsize=9)


def _draw_velocities(axes: Axes, centers: NDArray[np.float64], velocities: NDArray[np.float64]) -> None:
    if len(centers):
        scale = max(float(np.median(np.linalg.norm(velocities, axis=1))), 1e-9) / (3 * _ARROW_PX)
        axes.quiver(*centers.T, *velocities.T, angles="xy", scale_units="xy", scale=scale, width=0.002, color="#555555")


def _draw_ellipses(axes: Axes, centers: NDArray[np.float64], shapes: NDArray[np.float64], colour: str, style: str) -> None:
    from matplotlib.collections import LineCollection

    outlines = centers[:, None] + (shapes @ _CIRCLE).transpose(0, 2, 1)
    axes.add_collection(LineCollection(list(outlines), colors=colour, linestyles=style, linewidths=1.0), autolim=False)


def _flicker_figure(inspection: FlickerInspection, start_us: int) -> Figure:
    image, outcome, evidence = inspection.image, inspection.outcome, inspection.evidence
    height, width = (3, 4) if image is None else image.shape
    figure, (axes,) = _figure(_title(inspection, start_us), width, height, 1)
    if image is None:
        axes.set_title("no common frequency, hence no image", fontsize=10)
        return figure
    limit = max(float(np.percentile(np.abs(image), 99.5)), 1e-9)
    axes.imshow(image, cmap="gray", vmin=-limit, vmax=limit, interpolation="nearest")
    flicker = f"{evidence.frequency_hz:.2f} Hz, coherence {evidence.coherence:.2f}"
    axes.set_title(f"contrast in phase with the flicker of {flicker}", fontsize=10)
    if isinstance(outcome, View):
        axes.plot(*outcome.xy.T, "+", color=_ON, markersize=9)
        for k, xy in zip(outcome.ids, outcome.xy, strict=True):
            axes.annotate(str(k), xy, xytext=(4, 4), textcoords="offset points", fontsize=8, bbox=_LABEL)
    return figure
