"""A picture that scenes are drawn into."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evcam.core.atomic import atomic_path, check_writable
from evcam.errors import InputError
from evcam.viz.scene._raster import _fill, _halved, _picture, _segments, _splat, _tint
from evcam.viz.scene.eye import Eye
from evcam.viz.scene.shapes import Colour, Image, Labels, Layer, Lines, Points, Triangles
from evcam.viz.scene.text import text_mask, text_width_px

_BIAS = 2e-3
_INK = np.zeros((1, 3), np.uint8)


class Canvas:
    """A picture with depths.

    Parameters
    ----------
    width, height : int
        Pixels.
    background : (int, int, int)
        Colour before anything is drawn.
    scale : int
        Pixels per point of texts and widths of lines: 2 for a picture that is halved later.

    Attributes
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
    depth : ndarray of float32, shape (height, width)
        Of what is drawn so far, infinite where nothing is.
    """

    def __init__(self, width: int, height: int, background: Colour, scale: int = 1) -> None:
        self.scale = scale
        self.rgb = np.empty((height, width, 3), np.uint8)
        # Whole rows are copied many times as fast as single colours.
        self.rgb[:] = np.broadcast_to(np.array(background, np.uint8), (width, 3)).copy()
        self.depth = np.full((height, width), np.inf, np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def draw(self, layers: Iterable[Layer], eye: Eye) -> None:
        """Draw layers as the eye sees them: what is opaque first, then what shows through, words at the top."""
        shapes = [shape for layer in layers for shape in layer.shapes]
        width, height = self.size
        view = (eye.transform, eye.focal_px(width, height), width / 2, height / 2, eye.near)
        for shape in shapes:
            if isinstance(shape, Points):
                _splat(shape.xyz, shape.rgb, shape.size, *view, self.rgb, self.depth)
        for shape in shapes:
            if isinstance(shape, Lines):
                _segments(shape.start, shape.stop, shape.rgb, shape.width_px * self.scale, shape.opacity, _BIAS, *view,
                          self.rgb, self.depth)
        for shape in shapes:
            if isinstance(shape, Image):
                self._draw_image(shape, eye)
        for shape in shapes:
            if isinstance(shape, Triangles):
                order = np.argsort(-(shape.corners.mean(1) @ eye.axes[2].astype(np.float32)))
                _fill(shape.corners[order], shape.rgb[order], shape.opacity, *view, self.rgb, self.depth)
        for shape in shapes:
            if isinstance(shape, Labels):
                self._draw_labels(shape, eye)

    def text(
        self, x: float, y: float, text: str, colour: Colour, size: int = 13, *, bold: bool = False, anchor: str = "left",
        halo: bool = False, opacity: float = 1.0,
    ) -> None:
        """Write a line.

        Parameters
        ----------
        x, y : float
            Middle of the line's height and its left end, middle or right end, px.
        text : str
        colour : (int, int, int)
        size : int
            Points of the screen.
        anchor : {"left", "middle", "right"}
        halo : bool
            Darken what lies around the letters.
        """
        mask = text_mask(text, size * self.scale, bold)
        left = x - {"left": 0.0, "middle": 0.5, "right": 1.0}[anchor] * mask.shape[1]
        top = y - mask.shape[0] / 2
        if halo:
            for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                self._tint(round(left + dx * self.scale), round(top + dy * self.scale), mask, _INK, 0.7 * opacity)
        self._tint(round(left), round(top), mask, np.array([colour], np.uint8), opacity)

    def text_width(self, text: str, size: int = 13, *, bold: bool = False) -> int:
        """Width of a line, px."""
        return text_width_px(text, size * self.scale, bold)

    def rectangle(self, left: float, top: float, width: float, height: float, colour: Colour, opacity: float = 1.0) -> None:
        """Fill a rectangle."""
        x0, y0 = max(round(left), 0), max(round(top), 0)
        x1, y1 = min(round(left + width), self.size[0]), min(round(top + height), self.size[1])
        if x1 > x0 and y1 > y0:
            part = self.rgb[y0:y1, x0:x1]
            part[:] = (part * (1 - opacity) + np.array(colour) * opacity + 0.5).astype(np.uint8) if opacity < 1 else colour

    def paste(self, rgb: NDArray[np.uint8], left: int, top: int) -> None:
        """Put a picture at a place; what does not fit is cut off."""
        part = self.rgb[top : top + rgb.shape[0], left : left + rgb.shape[1]]
        part[:] = rgb[: part.shape[0], : part.shape[1]]

    def halved(self) -> Canvas:
        """The same picture at half the size, each pixel the mean of four."""
        width, height = self.size
        half = Canvas(width // 2, height // 2, (0, 0, 0), max(self.scale // 2, 1))
        _halved(self.rgb, half.rgb)
        return half

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write a PNG.

        Raises
        ------
        InputError, OutputExistsError
            Another suffix; a path that cannot be written, or exists and ``force`` is not set.
        """
        from PIL import Image as Picture

        if Path(path).suffix.lower() != ".png":
            raise InputError(f"{path}: pictures are written as .png")
        check_writable(path, force=force)
        with atomic_path(path, force=force) as temporary:
            Picture.fromarray(self.rgb).save(temporary, format="PNG", optimize=True)

    def _tint(self, left: int, top: int, mask: NDArray[np.uint8], rgb: NDArray[np.uint8], opacity: float) -> None:
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + mask.shape[1], self.size[0]), min(top + mask.shape[0], self.size[1])
        if x1 > x0 and y1 > y0:
            _tint(mask[y0 - top : y1 - top, x0 - left : x1 - left], rgb, opacity, self.rgb[y0:y1, x0:x1])

    def _draw_labels(self, labels: Labels, eye: Eye) -> None:
        px, _ = eye.project(labels.xyz, *self.size)
        for (x, y), text in zip(px, labels.texts, strict=True):
            if np.isfinite(x) and 0 <= x < self.size[0] and 0 <= y < self.size[1]:
                self.text(x, y, text, labels.colour, 11, anchor="middle", halo=True)

    def _draw_image(self, image: Image, eye: Eye) -> None:
        width, height = self.size
        f, M = eye.focal_px(width, height), eye.transform
        screen = np.array([[f, 0, width / 2], [0, f, height / 2], [0, 0, 1]])
        to_eye = np.column_stack([M[:, :3] @ image.across, M[:, :3] @ image.down, M[:, :3] @ image.origin + M[:, 3]])
        forward = screen @ to_eye
        if abs(np.linalg.det(forward)) < 1e-12:  # seen edge on
            return
        inverse = np.ascontiguousarray(np.linalg.inv(forward))
        # A pixel (x, y, 1) of the image lies at depth to_eye[2] . (x, y, 1), and inverse takes the screen there up to that depth.
        plane = np.ascontiguousarray(inverse[2])
        _picture(image.rgb, inverse, plane, image.opacity, *self._box(image, eye), self.rgb, self.depth)

    def _box(self, image: Image, eye: Eye) -> tuple[int, int, int, int]:
        """Rows and columns that an image may lie in: all of them where a part of it is beside or behind the eye."""
        (rows, columns), (width, height) = image.rgb.shape[:2], self.size
        corners = [image.origin + x * image.across + y * image.down for x in (0, columns) for y in (0, rows)]
        px, _ = eye.project(corners, width, height)
        if not np.isfinite(px).all():
            return 0, height, 0, width
        (left, top), (right, bottom) = np.clip(px.min(0) - 1, 0, None), np.clip(px.max(0) + 2, 0, [width, height])
        return int(top), int(bottom), int(left), int(right)
