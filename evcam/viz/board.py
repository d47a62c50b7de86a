"""Boards to print: vector drawings at true scale."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evcam.core.atomic import atomic_path, check_writable
from evcam.core.target import CircleGrid, Target
from evcam.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGES_MM = {"A4": (210, 297), "A3": (297, 420), "A2": (420, 594), "A1": (594, 841), "A0": (841, 1189)}
_MARGIN_MM = 10.0
_HEADER_MM = 8.0
_FOOTER_MM = 18.0
_LEAST_WIDTH_MM = 120.0
_RULER_MM = 100
_MARK_MM = 12.0
_INK = "black"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Page size and where the pattern's blank sheet and its point 0 lie on it, mm from the top left."""

    page: tuple[float, float]
    sheet: tuple[float, float, float, float]
    origin: tuple[float, float]


def draw_board(target: Target, path: str | os.PathLike[str], page: str = "auto", *, force: bool = False) -> None:
    """Draw a target at true scale, with a ruler to check the print by.

    Point 0 and the directions of the board's x and y axes are marked in the margin; sizes are
    stated in words.  The same target gives the same bytes.

    Parameters
    ----------
    target : Target
        Circle grid or checkerboard.
    path : path-like
        The file to write: ``.pdf`` or ``.svg``.
    page : str
        ``"A4"`` to ``"A0"``, upright or across as the board needs; ``"auto"`` takes the smallest
        that holds the board, or a page of its own size if none does.
    force : bool
        Replace an existing file.

    Raises
    ------
    InputError
        Another suffix; an unknown page; a board that the page cannot hold.
    OutputExistsError
        The file exists and ``force`` is not set.

    Notes
    -----
    A print is never better than its printer: measure the ruler with a caliper, and
    give the measured spacing if it differs.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("pdf", "svg"):
        raise InputError(f"{path}: boards are written as .pdf or .svg, not {path.suffix or 'without a suffix'}")
    layout = _lay_out(target, page)
    check_writable(path, force=force)
    import matplotlib
    from matplotlib.figure import Figure

    # A date or a random id would make every file differ from the last.
    metadata = {"Date": None} if kind == "svg" else {"CreationDate": None}
    with matplotlib.rc_context(
        {"svg.hashsalt": "evcam", "path.simplify": False, "font.family": ["DejaVu Sans"], "font.size": 8.0}
    ):
        figure = Figure(figsize=(layout.page[0] / 25.4, layout.page[1] / 25.4))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, layout.page[0]), ylim=(layout.page[1], 0))
        axes.set_axis_off()
        _draw_pattern(axes, target, layout)
        _draw_axes_mark(axes, layout)
        _draw_ruler(axes, layout)
        _draw_words(axes, target, layout)
        with atomic_path(path, force=force) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)


def describe_board(target: Target) -> str:
    """A target's sizes in words, e.g. for the foot of its print."""
    size = f"{target.rows} rows x {target.cols} columns"
    if isinstance(target, CircleGrid):
        kind = "asymmetric" if target.is_asymmetric else "symmetric"
        colours = "dark on light" if target.dark_on_light else "light on dark"
        return f"{kind} circle grid, {size}, spacing {_mm(target.spacing_m)}, radius {_mm(target.radius_m)}, {colours}"
    return f"checkerboard, {size} of inner corners, squares of {_mm(_step_m(target))}"


def _mm(length_m: float) -> str:
    """Millimetres with at least one decimal and as many as the length has, to a micrometre."""
    text = f"{1000 * length_m:.3f}".rstrip("0")
    return f"{text}0 mm" if text.endswith(".") else f"{text} mm"


def _step_m(target: Target) -> float:
    return target.spacing_m if isinstance(target, CircleGrid) else float(target.object_points[1, 0])


def _sheet_m(target: Target) -> tuple[float, float, float, float]:
    """The pattern with half a step of blank sheet around it: left, top, right, bottom in the board's frame, m."""
    points, step = target.object_points[:, :2], _step_m(target)
    beyond = (target.radius_m if isinstance(target, CircleGrid) else step) + step / 2
    (left, top), (right, bottom) = points.min(0) - beyond, points.max(0) + beyond
    return float(left), float(top), float(right), float(bottom)


def _lay_out(target: Target, page: str) -> _Layout:
    left, top, right, bottom = (1000 * length for length in _sheet_m(target))
    width, height = right - left, bottom - top
    needed = (max(width, _LEAST_WIDTH_MM) + 2 * _MARGIN_MM, height + 2 * _MARGIN_MM + _HEADER_MM + _FOOTER_MM)
    size = _page_size(page, needed)
    x = (size[0] - width) / 2
    y = _MARGIN_MM + _HEADER_MM + (size[1] - needed[1]) / 2
    return _Layout(size, (x, y, width, height), (x - left, y - top))


def _page_size(page: str, needed: tuple[float, float]) -> tuple[float, float]:
    """Width and height of the page, mm."""
    if page != "auto" and page not in PAGES_MM:
        raise InputError(f"page: {page!r} is not known; take auto or one of {', '.join(PAGES_MM)}")
    for name, (short, long) in PAGES_MM.items():
        for size in ((float(short), float(long)), (float(long), float(short))):
            if page in ("auto", name) and needed[0] <= size[0] and needed[1] <= size[1]:
                return size
    if page != "auto":
        raise InputError(f"page: the board needs {needed[0]:.0f} x {needed[1]:.0f} mm with its margins, more than {page} holds; "
                         "take a larger page, or auto")
    return float(math.ceil(needed[0])), float(math.ceil(needed[1]))


def _draw_pattern(axes: Axes, target: Target, layout: _Layout) -> None:
    from matplotlib.patches import Circle, Rectangle

    x, y, width, height = layout.sheet
    is_inverse = isinstance(target, CircleGrid) and not target.dark_on_light
    if is_inverse:
        axes.add_patch(Rectangle((x, y), width, height, facecolor=_INK, linewidth=0, gid="sheet"))
    if isinstance(target, CircleGrid):
        for number, point in enumerate(target.object_points[:, :2]):
            centre = tuple(1000 * point + layout.origin)
            colour = "white" if is_inverse else _INK
            axes.add_patch(Circle(centre, 1000 * target.radius_m, facecolor=colour, linewidth=0, gid=f"point-{number}"))
        return
    side = 1000 * _step_m(target)
    for column, row in _dark_squares(target):
        corner = (layout.origin[0] + column * side, layout.origin[1] + row * side)
        axes.add_patch(Rectangle(corner, side, side, facecolor=_INK, linewidth=0, gid=f"square-{column}-{row}"))


def _dark_squares(target: Target) -> Iterator[tuple[int, int]]:
    """Column and row of every dark square, the one that ends at corner 0 among them."""
    for row in range(-1, target.rows):
        for column in range(-1, target.cols):
            if (row + column) % 2 == 0:
                yield column, row


def _draw_axes_mark(axes: Axes, layout: _Layout) -> None:
    """Arrows along x and y in the margin, starting level with point 0."""
    x, y = layout.sheet[:2]
    (x0, y0), length = layout.origin, min(_MARK_MM, layout.sheet[2] / 2, layout.sheet[3] / 2)
    style = {"arrowstyle": "-|>", "color": _INK, "shrinkA": 0, "shrinkB": 0, "linewidth": 0.8}
    axes.annotate("", (x0 + length, y - 3), (x0, y - 3), arrowprops=style)
    axes.annotate("", (x - 3, y0 + length), (x - 3, y0), arrowprops=style)
    axes.text(x0 + length + 1.5, y - 3, "x", va="center", ha="left", color=_INK)
    axes.text(x - 3, y0 + length + 1.5, "y", va="top", ha="center", color=_INK)
    axes.text(x - 3, y - 3, "0", va="center", ha="center", color=_INK, fontweight="bold")
    axes.plot([x0, x0], [y - 4.2, y - 1.8], color=_INK, linewidth=0.8)
    axes.plot([x - 4.2, x - 1.8], [y0, y0], color=_INK, linewidth=0.8)


def _draw_ruler(axes: Axes, layout: _Layout) -> None:
    """Hundred millimetres with a tick at each, centred below the pattern."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    start, base = (layout.page[0] - _RULER_MM) / 2, layout.sheet[1] + layout.sheet[3] + 7.0
    ticks = np.arange(_RULER_MM + 1)
    lengths = np.where(ticks % 10 == 0, 4.0, np.where(ticks % 5 == 0, 3.0, 2.0))
    points = [(start, base), (start + _RULER_MM, base)]
    for tick, length in zip(ticks, lengths, strict=True):
        points += [(start + tick, base), (start + tick, base - length)]
    codes = [Outline.MOVETO, Outline.LINETO] * (len(points) // 2)
    axes.add_patch(PathPatch(Outline(points, codes), fill=False, edgecolor=_INK, linewidth=0.3, gid="ruler"))
    for number in range(0, _RULER_MM + 1, 10):
        axes.text(start + number, base + 0.7, str(number), ha="center", va="top", fontsize=6, color=_INK)
    axes.text(start + _RULER_MM + 4, base, "mm", ha="left", va="bottom", fontsize=6, color=_INK)


def _draw_words(axes: Axes, target: Target, layout: _Layout) -> None:
    top, middle = layout.sheet[1] + layout.sheet[3] + 11.0, layout.page[0] / 2
    style: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 6.5, "color": _INK}
    axes.text(middle, top, describe_board(target), **style)
    axes.text(middle, top + 3.5, f"print at 100 %, not fitted to the page; the ruler must measure {_RULER_MM} mm; "
              "0 marks the first point", **style)
