"""Crossings of one polarity sorted by time and place, so that those near a line are found without looking at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.motion._tiles import _sort_by_tile
from evcam.motion.pixels import PixelTable

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_SLICES = 16
_TILE_PX = 16.0
# The image plane beyond the sensor's half size that is divided, too: the camera turns within the window.
_REACH = 1.4
_MOST_TANGENT = 1.5


@dataclass(frozen=True, eq=False, slots=True)
class Tiles:
    """Crossings in slices of the window, and in each slice by square tiles of the image plane.

    Attributes
    ----------
    index : ndarray of int64, shape (N,)
        Crossings of the window, tile by tile.
    packed : ndarray of float64, shape (N, 5)
        Their bearings, times and radians per pixel.
    begins : ndarray of int32
        Where each tile begins; the last of each slice is what lies on none.
    grid : tuple
        Slices, columns, rows; half of the window, s; half width and half height of the plane and a tile's side, tangents.
    most_scale : float
        The most radians that a pixel of the camera covers.
    """

    index: Indices
    packed: Array
    begins: NDArray[np.int32]
    grid: tuple[int, int, int, float, float, float, float]
    most_scale: float

    @classmethod
    def of(cls, chosen: Indices, t_s: Array, f: Array, scale: Array, half_s: float, table: PixelTable) -> Tiles:
        """Sort the chosen crossings of a window, of which are the times (M,), bearings (M, 3) and radians per pixel (M,)."""
        fx, fy = table.camera.params[:2]
        reach_x = min(_REACH * table.camera.width / 2 / fx, _MOST_TANGENT)
        reach_y = min(_REACH * table.camera.height / 2 / fy, _MOST_TANGENT)
        tile = _TILE_PX / float(np.sqrt(fx * fy))
        columns, rows = int(2 * reach_x / tile) + 1, int(2 * reach_y / tile) + 1
        begins, index = np.zeros(_SLICES * (columns * rows + 1) + 1, np.int32), np.empty(len(chosen), np.int64)
        packed = np.empty((len(chosen), 5))
        _sort_by_tile(chosen, t_s, f, scale, _SLICES, half_s, reach_x, reach_y, tile, columns, rows, begins, index, packed)
        grid = _SLICES, columns, rows, half_s, float(reach_x), float(reach_y), tile
        return cls(index, packed, begins, grid, table.most_scale)
