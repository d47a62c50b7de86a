"""How the pictures of reports look, and their bytes: the same figure gives the same ones."""

from __future__ import annotations

import base64
import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evcam.core.atomic import atomic_path, check_writable
from evcam.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE = "#1f2933", "#5b6875", "#d5dce3"
BLUE, GREEN, AMBER, RED = "#2166ac", "#1a7f4b", "#c2700a", "#b2182b"
DPI = 160
_FILE_DPI = 110

_RC: Any = {
    "font.family": ["DejaVu Sans"], "font.size": 8.5, "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": LINE,
    "axes.linewidth": 0.8, "axes.titlesize": 9, "axes.axisbelow": True, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "xtick.major.size": 2.5, "ytick.major.size": 2.5, "grid.color": LINE,
    "grid.linewidth": 0.6, "legend.frameon": False, "legend.fontsize": 7.5, "svg.hashsalt": "evcam", "path.simplify": False,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing or picture with what is to be said below it.

    Attributes
    ----------
    kind : str
        ``"svg"`` or ``"png"``.
    data : bytes
        The content of such a file.
    caption : str
        What is shown.
    """

    kind: str
    data: bytes
    caption: str

    def _repr_mimebundle_(self, **unused: object) -> dict[str, str]:
        """How notebooks show it."""
        if self.kind == "svg":
            return {"image/svg+xml": self.data.decode(), "text/plain": self.caption}
        return {"image/png": base64.b64encode(self.data).decode(), "text/plain": self.caption}


@contextmanager
def report_style() -> Iterator[None]:
    """Within it, figures look like those of a report."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield


def chart(width_in: float = 4.6, height_in: float = 3.0) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.add_subplot()


def image_plane(width: int, height: int, width_in: float = 4.6, *, room_in: float = 0.25) -> tuple[Figure, Axes]:
    """A figure whose axes are the image of a sensor; ``room_in`` is left below or above it for words and scales."""
    figure, axes = chart(width_in, max(width_in * height / width * 0.93, 1.2) + room_in)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(True)
    return figure, axes


def round_factor(wanted: float) -> float:
    """The largest of 1, 2, 5, 10, 20 ... that is not more than wanted."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return power * max(step for step in (1.0, 2.0, 5.0) if step * power <= wanted * (1 + 1e-9))


def save_png(draw: Callable[[], Figure], path: str | os.PathLike[str], *, force: bool) -> None:
    """Write the figure that ``draw`` makes; whether it can be written is seen before it is drawn.

    Raises
    ------
    InputError, OutputExistsError
        Another suffix than ``.png``; a path that cannot be written.
    """
    if Path(path).suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as .png")
    check_writable(path, force=force)
    figure = draw()
    with atomic_path(path, force=force) as temporary:
        figure.savefig(temporary, format="png", dpi=_FILE_DPI, metadata={"Software": None})


def svg(figure: Figure, caption: str) -> Picture:
    """The figure as a drawing."""
    return Picture("svg", _saved(figure, "svg", {"Date": None}), caption)


def png(figure: Figure, caption: str, dpi: int = DPI) -> Picture:
    """The figure as a picture, for what would be too much to draw."""
    return Picture("png", _saved(figure, "png", {"Software": None}, dpi), caption)


def _saved(figure: Figure, kind: str, metadata: dict[str, Any], dpi: int = DPI) -> bytes:
    buffer = io.BytesIO()
    with report_style():
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=dpi)
    return buffer.getvalue()
