"""Pictures of estimates of motion: direction over time, and the lines behind one of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.motion import VelocityEstimate
from evcam.viz.style import save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_SIZE_IN = (13.0, 6.5)
_LINE, _OPEN = "#118011", "#e07b00"
_TEXT = {"fontsize": 8, "color": _LINE, "bbox": {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}}


def save_velocity_picture(
    estimates: Sequence[VelocityEstimate], path: str | os.PathLike[str], *, drawn: VelocityEstimate | None = None,
    events: Events | None = None, start_us: int = 0, title: str = "", force: bool = False,
) -> None:
    """Draw `velocity_figure` into a PNG.

    Raises
    ------
    InputError, OutputExistsError
        Another suffix; a path that cannot be written.
    """
    save_png(lambda: velocity_figure(estimates, drawn=drawn, events=events, start_us=start_us, title=title), path, force=force)


def window_to_draw(estimates: Sequence[VelocityEstimate]) -> VelocityEstimate | None:
    """The window whose lines are worth a look: with a direction if there is one, and with the most lines."""
    return max(estimates, key=lambda estimate: (bool(estimate), len(estimate.lines)), default=None)


def velocity_figure(
    estimates: Sequence[VelocityEstimate], *, drawn: VelocityEstimate | None = None, events: Events | None = None,
    start_us: int = 0, title: str = "",
) -> Figure:
    """Figure of directions over time with one standard deviation, and of one window's events with its lines.

    Parameters
    ----------
    estimates : sequence of VelocityEstimate
        In order of time.
    drawn : VelocityEstimate, optional
        The window of the picture on the right, see `window_to_draw`.
    events : Events, optional
        The events of that window.
    start_us : int
        Where the seconds count from.
    title : str
        Above everything.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    figure.suptitle(title, fontsize=12)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.2, 1.0))
    upper = figure.add_subplot(grid[0, 0])
    lower = figure.add_subplot(grid[1, 0], sharex=upper)
    _draw_angles(upper, estimates, start_us)
    _draw_depths(lower, estimates, start_us)
    _draw_lines(figure.add_subplot(grid[:, 1]), drawn, events, start_us)
    return figure


def _draw_angles(axes: Axes, estimates: Sequence[VelocityEstimate], start_us: int) -> None:
    answers = [estimate for estimate in estimates if estimate]
    angles = np.array([np.degrees(np.arctan2(answer.direction[1], answer.direction[0])) for answer in answers])
    _draw_answers(axes, answers, angles, np.degrees([answer.in_plane_std_rad for answer in answers]), start_us)
    for estimate in estimates:
        if not estimate:
            axes.axvspan(*((t_us - start_us) * 1e-6 for t_us in (estimate.start_us, estimate.stop_us)), color="0.9", linewidth=0)
    axes.set(ylim=(-200, 200), yticks=range(-180, 181, 90), ylabel="angle in the image, degrees")
    axes.set_title("direction in the image plane, 0 to the right, 90 down; grey: no direction", fontsize=10)


def _draw_depths(axes: Axes, estimates: Sequence[VelocityEstimate], start_us: int) -> None:
    answers = [estimate for estimate in estimates if estimate]
    angles = np.array([np.degrees(np.arcsin(np.clip(answer.direction[2], -1, 1))) for answer in answers])
    _draw_answers(axes, answers, angles, np.array([_forward_std_deg(answer) for answer in answers]), start_us)
    axes.set(ylim=(-100, 100), yticks=range(-90, 91, 45), ylabel="angle forward, degrees", xlabel="time, s")
    axes.set_title("direction out of the image plane, 90 straight ahead", fontsize=10)


def _draw_answers(axes: Axes, answers: Sequence[VelocityEstimate], angles: Array, stds: Array, start_us: int) -> None:
    seconds = np.array([(answer.t_us - start_us) * 1e-6 for answer in answers])
    resolved = np.array([answer.sign_resolved for answer in answers], bool)
    for which, colour, label in ((resolved, _LINE, "sign resolved"), (~resolved, _OPEN, "an axis: the sign is open")):
        if which.any():
            bars = axes.errorbar(seconds[which], angles[which], stds[which], fmt="o", color=colour, label=label)
            bars[0].set_markersize(3)
    if len(answers):
        axes.legend(fontsize=8)
    axes.grid(alpha=0.3)


def _forward_std_deg(answer: VelocityEstimate) -> float:
    """Standard deviation of ``asin(z)``."""
    level = float(np.sqrt(max(1.0 - answer.direction[2] ** 2, 1e-6)))
    return float(np.degrees(np.sqrt(max(float(answer.covariance[2, 2]), 0.0)) / level))


def _draw_lines(axes: Axes, drawn: VelocityEstimate | None, events: Events | None, start_us: int) -> None:
    if drawn is None or events is None:
        axes.set_axis_off()
        return
    axes.imshow(_balance(events), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    for line in drawn.lines:
        axes.plot(*line.ends_px.T, color=_LINE, linewidth=2)
        axes.annotate(str(line.id), line.ends_px.mean(0), **_TEXT)  # type: ignore[arg-type]
    if drawn:
        _draw_arrow(axes, drawn, events)
    axes.set(xlim=(-0.5, events.width - 0.5), ylim=(events.height - 0.5, -0.5), aspect="equal")
    seconds = [(t_us - start_us) * 1e-6 for t_us in (drawn.start_us, drawn.stop_us)]
    axes.set_title(f"{len(drawn.lines)} lines among the events from {seconds[0]:.3f} to {seconds[1]:.3f} s", fontsize=10)
    axes.set_xlabel("ON red, OFF blue; arrow: the camera's motion in the image plane" if drawn else drawn.reason, fontsize=9)


def _balance(events: Events) -> Array:
    """ON less OFF events of each pixel, over what is much for a pixel."""
    count = np.zeros((events.height, events.width))
    np.add.at(count, (events.y, events.x), np.where(events.p, 1.0, -1.0))
    much = float(np.percentile(np.abs(count[count != 0]), 90)) if count.any() else 1.0
    balance: Array = count / (1.5 * much)
    return balance


def _draw_arrow(axes: Axes, drawn: VelocityEstimate, events: Events) -> None:
    middle = events.width / 2, events.height / 2
    way = drawn.direction[:2] * min(middle) * 2 / 3
    end = middle[0] + float(way[0]), middle[1] + float(way[1])
    axes.annotate("", end, middle, arrowprops={"arrowstyle": "->" if drawn.sign_resolved else "<->", "linewidth": 2})
