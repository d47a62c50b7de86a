"""How two calibrations differ over the image."""

from __future__ import annotations

import numpy as np

from evcam.calib import Comparison
from evcam.errors import InputError
from evcam.viz.lens import logarithmic_map
from evcam.viz.style import INK, Picture, image_plane, png, report_style, round_factor

_LEAST_PX = 1e-4
_EVERY = 4
_ARROW_SHARE = 0.08


def difference_map(comparison: Comparison) -> Picture:
    """PNG of the difference after the best rotation: its length as colour, its direction and length as arrows, magnified."""
    length = np.maximum(comparison.length_px, _LEAST_PX)
    with report_style():
        figure, axes = image_plane(comparison.a.width, comparison.a.height, room_in=0.75)
        shown = logarithmic_map(axes, comparison.px, length)
        part = (slice(_EVERY // 2, None, _EVERY), slice(_EVERY // 2, None, _EVERY))
        px, vectors = comparison.px[part].reshape(-1, 2), comparison.difference_px[part].reshape(-1, 2)
        longest = max(float(np.nanquantile(np.linalg.norm(vectors, axis=1), 0.9)), 1e-9)
        factor = round_factor(_ARROW_SHARE * comparison.a.width / longest)
        axes.quiver(*px.T, *(factor * vectors).T, angles="xy", scale_units="xy", scale=1, color=INK, width=0.003)
        bar = figure.colorbar(shown, ax=axes, orientation="horizontal", shrink=0.85, aspect=40, pad=0.02)
        bar.set_label("difference, px")
        bar.ax.minorticks_off()
    return png(figure, f"Where B sees what A sees, after the best rotation; arrows are magnified {factor:g} times.")


def significance_map(comparison: Comparison) -> Picture:
    """PNG of the difference in units of the standard deviation that the covariances predict; above 3 is no chance.

    Raises
    ------
    InputError
        Neither camera has a covariance.
    """
    if comparison.expected_px is None:
        raise InputError("significance map: neither camera has a covariance, so no difference is expected of them")
    ratio = comparison.length_px / np.maximum(comparison.expected_px, 1e-3)
    with report_style():
        figure, axes = image_plane(comparison.a.width, comparison.a.height, room_in=0.75)
        levels = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
        shown = axes.contourf(comparison.px[..., 0], comparison.px[..., 1], np.ma.masked_invalid(ratio), levels=levels,
                              cmap="RdYlGn_r", extend="max", vmin=0, vmax=5)
        bar = figure.colorbar(shown, ax=axes, orientation="horizontal", shrink=0.85, aspect=40, pad=0.02)
        bar.set_label("difference / expected standard deviation")
    return png(figure, "The difference in units of the one that the covariances lead to expect; below 2 is what chance makes.")
