"""Events that nothing in the scene has caused: background activity and hot pixels.

They are independent of the pixels' reference levels and refractory periods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.sim._columns import PIXEL_BITS
from evcam.sim.sensor import Sensor

Packed = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class HotPixels:
    """Pixels that fire at a constant rate."""

    pixels: NDArray[np.int64]
    hz: float

    def events(self, start_us: int, stop_us: int, rng: np.random.Generator) -> Packed:
        """Poisson events, of either polarity alike, in no order."""
        return _poisson(self.pixels, self.hz, start_us, stop_us, rng)


def hot_pixels(sensor: Sensor, pixel_count: int, rng: np.random.Generator) -> HotPixels:
    """Choose the sensor's hot pixels."""
    chosen = rng.choice(pixel_count, min(sensor.hot_pixels, pixel_count), replace=False)
    return HotPixels(chosen.astype(np.int64), sensor.hot_hz)


def background(sensor: Sensor, pixel_count: int, start_us: int, stop_us: int, rng: np.random.Generator) -> Packed:
    """Background activity of all pixels, in no order."""
    return _poisson(np.arange(pixel_count), sensor.background_hz, start_us, stop_us, rng)


def _poisson(pixels: NDArray[np.int64], hz: float, start_us: int, stop_us: int, rng: np.random.Generator) -> Packed:
    count = int(rng.poisson(len(pixels) * hz * (stop_us - start_us) * 1e-6))
    which = rng.integers(0, max(len(pixels), 1), count)
    packed: Packed = (rng.integers(start_us, stop_us, count) << PIXEL_BITS) | (pixels[which] << 1) | rng.integers(0, 2, count)
    return packed
