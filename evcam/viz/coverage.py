"""Where, how tilted and how far away a calibration saw its board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evcam.calib import Calibration
from evcam.calib.coverage import TILT_DEG, measure_coverage
from evcam.viz.style import AMBER, BLUE, LINE, MUTED, Picture, chart, image_plane, png, report_style, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RINGS_DEG = (15, 30, 45, 60)


def image_coverage(calibration: Calibration) -> Picture:
    """PNG of all points used, and the ninths of the image in which there are hardly any."""
    from matplotlib.patches import Rectangle

    camera = calibration.camera
    with report_style():
        figure, axes = image_plane(camera.width, camera.height)
        size = (camera.width / 3, camera.height / 3)
        for zone in measure_coverage(calibration).zones:
            if zone.is_missing:
                corner = (zone.column * size[0] - 0.5, zone.row * size[1] - 0.5)
                axes.add_patch(Rectangle(corner, *size, facecolor=AMBER, alpha=0.18, linewidth=0, hatch="///", edgecolor=AMBER))
                axes.text(corner[0] + size[0] / 2, corner[1] + size[1] / 2, "hardly\nany points", ha="center", va="center",
                          color=AMBER, fontsize=8, fontweight="bold")
        points = calibration.inlier_xy
        axes.plot(*points.T, ".", color=BLUE, markersize=2, alpha=float(np.clip(2000 / len(points), 0.15, 0.8)), rasterized=True)
        for share in (1 / 3, 2 / 3):
            axes.axvline(share * camera.width - 0.5, color=LINE, linewidth=0.8)
            axes.axhline(share * camera.height - 0.5, color=LINE, linewidth=0.8)
    return png(figure, f"All {len(points)} points used, over the image, in pixels.")


def tilts(calibration: Calibration) -> Picture:
    """SVG of the tilts: the way that each view's board leans back, and how far; colour is distance."""
    coverage = measure_coverage(calibration)
    length = np.linalg.norm(coverage.slopes, axis=1)
    at = coverage.slopes * (coverage.tilts_deg / np.maximum(length, 1e-12))[:, None]
    with report_style():
        figure, axes = chart(4.6, 4.4)
        reach = max(float(coverage.tilts_deg.max()) * 1.1, 35.0)
        _rings(axes, reach)
        dots = axes.scatter(at[:, 0], at[:, 1], c=coverage.distances_m, s=9, cmap="viridis", linewidths=0, alpha=0.85)
        axes.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
        axes.set_axis_off()
        style: dict[str, Any] = {"color": MUTED, "fontsize": 8}
        axes.text(0, -reach, "upper side farther away", ha="center", va="bottom", **style)
        axes.text(0, reach, "lower side farther away", ha="center", va="top", **style)
        axes.text(-reach, 0, "left side farther away", ha="right", va="center", rotation=90, **style)
        axes.text(reach, 0, "right side farther away", ha="left", va="center", rotation=270, **style)
        bar = figure.colorbar(dots, ax=axes, orientation="horizontal", shrink=0.7, aspect=36, pad=0.05)
        bar.set_label("distance, m")
        bar.outline.set_visible(False)
    return svg(figure, "How the board leaned in each view, and to which side; colour is distance. Views beyond the dashed ring "
                       f"({TILT_DEG:.0f} degrees) count as tilted.")


def _rings(axes: Axes, reach: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 121)
    for ring in _RINGS_DEG:
        if ring <= reach:
            colour, style = (MUTED, "--") if ring == TILT_DEG else (LINE, "-")
            axes.plot(ring * np.cos(angle), ring * np.sin(angle), linewidth=0.8, color=colour, linestyle=style)
            axes.text(ring * 0.71, ring * 0.71, f"{ring}°", color=MUTED, fontsize=7)
    axes.plot([-reach, reach], [0, 0], color=LINE, linewidth=0.6)
    axes.plot([0, 0], [-reach, reach], color=LINE, linewidth=0.6)


def distances(calibration: Calibration) -> Picture:
    """SVG of how many views were how far away."""
    coverage = measure_coverage(calibration)
    with report_style():
        figure, axes = chart(4.6, 2.2)
        axes.hist(coverage.distances_m, bins=np.linspace(0, 1.1 * coverage.distances_m.max(), 45).tolist(), color=BLUE)
        axes.set_xlabel("distance of the board's middle, m")
        axes.set_ylabel("views")
        axes.locator_params(axis="y", integer=True)
    return svg(figure, "How far away the board was. A wrong spacing in the target file scales these distances and nothing "
                       "else: compare them with what you remember.")
