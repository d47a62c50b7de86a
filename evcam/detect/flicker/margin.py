"""Where a checkerboard ends: corners have four fields around them, the ends of squares on the margin have not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from evcam.core.target import Checkerboard

_FIELDS = ((0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5))  # around a corner, in steps: neighbours follow each other
_HALF_FIELD = 0.25
_SAMPLES = 5
_MIN_DIFFERENCE = 1 / 3

Place = tuple[NDArray[np.float64], NDArray[np.float64]]


def alternates(image: NDArray[np.float64], xy: NDArray[np.float64], steps_px: NDArray[np.float64]) -> bool | None:
    """Whether the four fields around a corner are bright and dark in turn.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
        Contrast of the pattern.
    xy : ndarray of float64, shape (2,)
        The corner, px.
    steps_px : ndarray of float64, shape (2, 2)
        Vectors to the next corners along the two edges, one per row, px.

    Returns
    -------
    bool or None
        Whether any two neighbouring fields differ, in the same sense all around, by a third of what they
        differ by on average; None where a field lies outside of the image.
    """
    grid = np.linspace(-_HALF_FIELD, _HALF_FIELD, _SAMPLES)
    within = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    places = xy + (np.array(_FIELDS)[:, None] + within) @ steps_px
    if (places < 0).any() or (places > [image.shape[1] - 1, image.shape[0] - 1]).any():
        return None
    at = places.astype(np.float32)
    fields = cv2.remap(image.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR).mean(1)
    first, second = sorted((fields[::2], fields[1::2]), key=np.mean)
    return bool(second.min() - first.max() > _MIN_DIFFERENCE * (second.mean() - first.mean()))


def beyond_pattern(
    image: NDArray[np.float64], target: Checkerboard, places: Mapping[int, Place], found: Iterable[int]
) -> set[int]:
    """Points of outer rows and columns that are no corners by most of their places.

    Where squares end on the margin, edges meet as well, and beside a pattern that alternates with its negative they can
    be fitted like corners.  A single corner may have a neighbour in the shade, so rows and columns stay or go as a whole.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
    target : Checkerboard
        Perhaps larger than the pattern.
    places : mapping of int to (ndarray of float64, shape (2,); ndarray of float64, shape (2, 2))
        Where each point, found or not, is or should be, and the steps to the next ones, px.
    found : iterable of int
        Ids of the points that were fitted.

    Returns
    -------
    set of int
        Ids among those found.
    """
    numbers = np.array(sorted(found), np.int64)
    kept = np.ones(len(numbers), bool)
    corner = {number: alternates(image, *place) for number, place in places.items()}
    cells = np.stack(np.divmod(numbers, target.cols), -1)
    while kept.any():
        low, high = cells[kept].min(0), cells[kept].max(0)
        sides = [(axis, line) for axis in (0, 1) for line in (low[axis], high[axis])]
        gone = [side for side in sides if _is_no_line(corner, target.cols, *side, low, high)]
        if not gone:
            break
        for axis, line in gone:
            kept &= cells[:, axis] != line
    return set(numbers[~kept].tolist())


def _is_no_line(
    corner: Mapping[int, bool | None], cols: int, axis: int, line: int, low: NDArray[np.int64], high: NDArray[np.int64]
) -> bool:
    """Whether fewer than half of a row's (axis 0) or column's (axis 1) places that can be seen are corners."""
    along = range(int(low[1 - axis]), int(high[1 - axis]) + 1)
    numbers = [line * cols + k if axis == 0 else k * cols + line for k in along]
    seen = [verdict for number in numbers if (verdict := corner.get(number)) is not None]
    return 2 * sum(seen) < len(seen)
