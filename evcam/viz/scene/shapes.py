"""What a scene is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[int, int, int]
Places = NDArray[np.float32]
Colours = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Points:
    """Points, drawn as squares.

    Attributes
    ----------
    xyz : ndarray of float32, shape (N, 3)
    rgb : ndarray of uint8, shape (N, 3)
    size : float
        Side in the units of the scene.
    """

    xyz: Places
    rgb: Colours
    size: float = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class Lines:
    """Straight segments.

    Attributes
    ----------
    start, stop : ndarray of float32, shape (N, 3)
    rgb : ndarray of uint8, shape (N, 3)
    width_px : float
        On the screen, whatever the distance.
    opacity : float
        0 to 1.
    """

    start: Places
    stop: Places
    rgb: Colours
    width_px: float = 1.5
    opacity: float = 1.0

    @classmethod
    def between(
        cls, start: ArrayLike, stop: ArrayLike, colour: Colour | Colours, width_px: float = 1.5, opacity: float = 1.0
    ) -> Lines:
        """Segments (N, 3) to (N, 3) in one colour, or one each."""
        a, b = places(start), places(stop)
        return cls(a, b, colours(colour, len(a)), width_px, opacity)

    @classmethod
    def along(cls, path: ArrayLike, colour: Colour | Colours, width_px: float = 1.5, opacity: float = 1.0) -> Lines:
        """The path through points (N, 3); a colour for each point colours the segment that begins there."""
        p = places(path)
        rgb = colours(colour, len(p))
        return cls(p[:-1], p[1:], rgb[:-1], width_px, opacity)


@dataclass(frozen=True, eq=False, slots=True)
class Triangles:
    """Translucent surfaces.

    Attributes
    ----------
    corners : ndarray of float32, shape (N, 3, 3)
    rgb : ndarray of uint8, shape (N, 3)
    opacity : float
        0 to 1; opaque ones hide what lies behind them.
    """

    corners: NDArray[np.float32]
    rgb: Colours
    opacity: float = 0.3

    @classmethod
    def strip(cls, left: ArrayLike, right: ArrayLike, colour: Colour | Colours, opacity: float = 0.3) -> Triangles:
        """The ribbon between two paths (N, 3); a colour each goes with the pair where a piece begins."""
        a, b = places(left), places(right)
        corners = np.concatenate([np.stack([a[:-1], b[:-1], a[1:]], 1), np.stack([b[:-1], b[1:], a[1:]], 1)])
        rgb = colours(colour, len(a))[:-1]
        return cls(np.ascontiguousarray(corners), np.concatenate([rgb, rgb]), opacity)


@dataclass(frozen=True, eq=False, slots=True)
class Image:
    """A picture in the scene, with its edges along x and y of its plane.

    Attributes
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
    origin : ndarray of float64, shape (3,)
        Where the outer corner of the top-left pixel lies.
    across, down : ndarray of float64, shape (3,)
        One pixel's way to the right and downwards.
    opacity : float
    """

    rgb: Colours
    origin: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    opacity: float = 1.0


@dataclass(frozen=True, eq=False, slots=True)
class Labels:
    """Words at places in the scene.

    Attributes
    ----------
    xyz : ndarray of float32, shape (N, 3)
    texts : tuple of str
    colour : (int, int, int)
    """

    xyz: Places
    texts: tuple[str, ...]
    colour: Colour = (235, 235, 240)


Shape = Points | Lines | Triangles | Image | Labels


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """Shapes that are shown or hidden together.

    Attributes
    ----------
    name : str
        Short and unique, e.g. ``"events"``.
    shapes : tuple of shapes
    note : str
        What is in it, in a few words, e.g. ``"12,034"``; empty if there is nothing to say.
    """

    name: str
    shapes: tuple[Shape, ...] = field(default=())
    note: str = ""

    def of(self, kind: type[Shape]) -> list[Shape]:
        """Its shapes of one kind."""
        return [shape for shape in self.shapes if isinstance(shape, kind)]


def places(xyz: ArrayLike) -> Places:
    """Points as the renderer wants them: float32, shape (N, 3), contiguous."""
    return np.ascontiguousarray(np.asarray(xyz, np.float32).reshape(-1, 3))


def colours(colour: Colour | Colours, count: int) -> Colours:
    """One colour for each of ``count`` things."""
    return np.ascontiguousarray(np.broadcast_to(np.asarray(colour, np.uint8), (count, 3)))
