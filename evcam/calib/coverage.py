"""What the views of a calibration show: where in the image, how tilted, how far away, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.calib.cells import cells_with_points
from evcam.calib.result import CalibrationResult
from evcam.core.camera import Camera

Array = NDArray[np.float64]

TILT_DEG = 15.0
"""A view counts as tilted from here on."""
SIDES = (("left", (-1.0, 0.0)), ("right", (1.0, 0.0)), ("upper", (0.0, -1.0)), ("lower", (0.0, 1.0)))
"""Names of the board's sides as the image shows them, and the way to them."""

_ZONES = (("top left corner", "top edge", "top right corner"), ("left edge", "middle", "right edge"),
          ("bottom left corner", "bottom edge", "bottom right corner"))
_CELLS = (9, 9)
_LEAST_ZONE = 0.34
_LEAST_SHARE = 0.02
_SAME_WAY = 0.5
_LEAST_RANGE = 1.3


@dataclass(frozen=True, slots=True)
class Zone:
    """A ninth of the image.

    Attributes
    ----------
    name : str
        For people.
    row, column : int
        0 to 2.
    covered : float
        Share of its 3 x 3 cells in which some point was used.
    """

    name: str
    row: int
    column: int
    covered: float

    @property
    def is_missing(self) -> bool:
        """Whether points were used in less than a third of it."""
        return self.covered < _LEAST_ZONE

    def pixels(self, camera: Camera) -> Array:
        """A grid of pixels all over the zone, shape (64, 2)."""
        steps = (np.arange(8) + 0.5) / 24
        x = (self.column / 3 + steps) * camera.width - 0.5
        y = (self.row / 3 + steps) * camera.height - 0.5
        return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


@dataclass(frozen=True, eq=False, slots=True)
class Coverage:
    """What the used views show.

    Attributes
    ----------
    zones : tuple of Zone
        The image in ninths, row by row.
    slopes : ndarray of float64, shape (V, 2)
        How much farther the board gets per metre to the right and down; its length is the tangent of the tilt against the
        image plane.
    distances_m : ndarray of float64, shape (V,)
        Depth of the board's middle.
    """

    zones: tuple[Zone, ...]
    slopes: Array
    distances_m: Array

    @property
    def tilts_deg(self) -> Array:
        """Angle between board and image plane in each view, shape (V,)."""
        tilts: Array = np.degrees(np.arctan(np.linalg.norm(self.slopes, axis=1)))
        return tilts

    @property
    def largest_tilt_deg(self) -> float:
        """Tilt that all but one view in fifty stay below."""
        return float(np.quantile(self.tilts_deg, 1 - _LEAST_SHARE))

    @property
    def missing_sides(self) -> tuple[str, ...]:
        """Sides of the board that hardly any view shows tilted away by 15 degrees or more."""
        least = max(1.0, _LEAST_SHARE * len(self.slopes))
        way = self.slopes / np.maximum(np.linalg.norm(self.slopes, axis=1), 1e-12)[:, None]
        tilted = self.tilts_deg >= TILT_DEG
        return tuple(name for name, side in SIDES if (tilted & (way @ side >= _SAME_WAY)).sum() < least)

    @property
    def distance_range_m(self) -> tuple[float, float]:
        """Distances that a twentieth of the views is below or above."""
        near, far = np.quantile(self.distances_m, [0.05, 0.95])
        return float(near), float(far)

    @property
    def is_one_distance(self) -> bool:
        """Whether the farthest views are less than 1.3 times as far away as the nearest."""
        near, far = self.distance_range_m
        return far < _LEAST_RANGE * near


def measure_coverage(calibration: CalibrationResult) -> Coverage:
    """What the used views of a calibration show."""
    normals = np.array([fit.R_cam_board[:, 2] for fit in calibration.fits])
    middle = calibration.detections.target.object_points.mean(0)
    depths = np.array([fit.R_cam_board[2] @ middle + fit.t_cam_board_m[2] for fit in calibration.fits])
    return Coverage(_zones(calibration), -normals[:, :2] / np.maximum(normals[:, 2:], 1e-6), depths)


def movement_px(calibration: CalibrationResult) -> float:
    """How far the board's points move in the image within the window of a typical view, px; zero before a still board."""
    views = calibration.detections.views
    return float(np.median([np.median(np.linalg.norm(view.velocity, axis=1)) * view.window_us * 1e-6 for view in views]))


def join(names: Sequence[str]) -> str:
    """Names as people list them."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


def _zones(calibration: CalibrationResult) -> tuple[Zone, ...]:
    camera = calibration.camera
    hit = cells_with_points(calibration.inlier_xy, (camera.width, camera.height), _CELLS)
    share = hit.reshape(3, 3, 3, 3).mean((1, 3))
    return tuple(Zone(_ZONES[r][c], r, c, float(share[r, c])) for r in range(3) for c in range(3))
