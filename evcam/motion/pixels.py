"""Bearings of all pixels of a camera, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PixelTable:
    """What the camera sees in each of its pixels.

    Attributes
    ----------
    camera : Camera
    bearings : ndarray of float64, shape (H, W, 3)
        Unit vectors; NaN where the camera's model ends.
    jacobians : ndarray of float64, shape (H, W, 3, 2)
        Derivative of the bearing by the pixel.
    scales : ndarray of float64, shape (H, W)
        Radians per pixel.
    most_scale : float
        The largest of them.
    """

    camera: Camera
    bearings: Array
    jacobians: Array
    scales: Array
    most_scale: float

    @classmethod
    def of(cls, camera: Camera) -> PixelTable:
        """The table of a camera."""
        x, y = np.meshgrid(np.arange(-1.0, camera.width + 1), np.arange(-1.0, camera.height + 1))
        wide = camera.unproject(np.stack([x, y], -1))
        bearings = np.ascontiguousarray(wide[1:-1, 1:-1])
        jacobians = np.stack([wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]], -1) / 2
        scales = np.sqrt((jacobians**2).sum((2, 3)) / 2)
        return cls(camera, bearings, np.ascontiguousarray(jacobians), scales, float(np.nanmax(scales)))
