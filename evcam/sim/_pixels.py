"""All pixels of a sensor, from one slab to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.sim import _columns as c
from evcam.sim._kernels import FRAME_SHARE, advance
from evcam.sim._nearby import Tiles
from evcam.sim._schedule import flicker_share
from evcam.sim.scene import Board, Scene
from evcam.sim.sensor import Sensor
from evcam.sim.surfaces import Surfaces, board_lights, pixel_rays, plane_homographies

Array = NDArray[np.float64]

_LONGEST_PIXEL_STEP_S = 0.01
"""A hand's acceleration moves the image by some hundredths of a pixel in this time."""


class Pixels:
    """State and surroundings of the pixels that see anything.

    Attributes
    ----------
    x, y : ndarray of uint16, shape (N,)
        Where they are.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene = scene
        self.rays, self.x, self.y = pixel_rays(scene.camera)
        n = len(self.rays)
        self.tiles = Tiles.of(self.rays, self.x, self.y)
        self.surfaces = Surfaces.of(scene.world, scene.trajectory)
        self.sensor = _sensor_constants(scene)
        self.state = _fresh_state(scene.sensor, n, rng)
        self.random = rng.integers(0, 2**64, n, np.uint64)
        self.wake = np.zeros(n)
        self.buffer = np.empty(1 << 18, np.int64)

    def advance(self, frames_us: Array) -> NDArray[np.int64]:
        """Packed events between the first and the last of these frames."""
        seconds = (frames_us - self.scene.trajectory.start_us) * 1e-6
        times = np.append(seconds, 2 * seconds[-1] - seconds[-2])
        H, (ground, ink), seen = plane_homographies(self.scene, frames_us), self._lights(frames_us), self.surfaces
        changes = np.flatnonzero((np.diff(ground) != 0) | (np.diff(ink) != 0)) + 1
        stops = np.append(changes, len(frames_us))[np.searchsorted(changes, np.arange(len(frames_us)))]
        near_first, near, near_pxps = self._nearby(H, seconds)
        count, pixel, frame = 0, 0, 1
        while True:
            count, pixel, frame = advance(
                pixel, frame, times, H, ground, ink, stops, seen.board, seen.bands, self.tiles.of_pixel, near_first, near,
                near_pxps, seen.layers, seen.limbs, seen.waves, self.rays, self.state, self.random, self.wake, self.sensor,
                self.buffer, count)
            if pixel == len(self.rays):
                return self.buffer[:count].copy()
            self.buffer = np.concatenate([self.buffer, np.empty_like(self.buffer)])

    def _nearby(self, H: Array, seconds: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
        bands = self.surfaces.bands
        fastest_pxps = FRAME_SHARE * self.scene.step_px / np.diff(seconds).min()
        planes = H.reshape(len(seconds), -1, 3, 3)[:, : len(bands)]
        return self.tiles.nearby(planes, seconds, bands, fastest_pxps, self.sensor[c.INV_SIGMA])

    def _lights(self, frames_us: Array) -> tuple[Array, Array]:
        world = self.scene.world
        if not isinstance(world, Board):
            return np.full(len(frames_us), world.background), np.zeros(len(frames_us))
        relative_us = frames_us - self.scene.trajectory.start_us
        share = flicker_share(world.flicker, relative_us) if world.flicker is not None else np.zeros(len(frames_us))
        return board_lights(world, share)


def _sensor_constants(scene: Scene) -> c.Constants:
    sensor, out = scene.sensor, np.zeros(c.SENSOR_SIZE)
    out[c.INV_SIGMA] = 1.0 / np.sqrt(sensor.psf_px**2 + 1.0 / 12.0)
    out[c.NOISE], out[c.REFRACTORY] = sensor.threshold_noise, sensor.refractory_s
    out[c.TAU] = 1.0 / (2 * np.pi * sensor.cutoff_hz) if sensor.cutoff_hz > 0 else 0.0
    out[c.LATENCY], out[c.JITTER] = sensor.latency_s, sensor.latency_jitter_s
    out[c.FLOOR], out[c.STEP_PX] = _threshold_floor(sensor), scene.step_px
    flickers = isinstance(scene.world, Board) and scene.world.flicker is not None
    out[c.LONGEST] = 0.0 if flickers else _LONGEST_PIXEL_STEP_S  # no pixel may sleep into a change of the screen
    return tuple(out.tolist())


def _threshold_floor(sensor: Sensor) -> float:
    """No pixel is more sensitive, whatever its mismatch and noise."""
    return 0.1 * min(sensor.threshold_on, sensor.threshold_off)


def _fresh_state(sensor: Sensor, n: int, rng: np.random.Generator) -> Array:
    state = np.zeros((n, c.STATE_SIZE))
    state[:, c.LEVEL], state[:, c.RELEASE] = np.nan, -1.0
    nominal, floor = np.array([sensor.threshold_on, sensor.threshold_off]), _threshold_floor(sensor)
    base = np.maximum(nominal + sensor.mismatch * rng.standard_normal((n, 2)), floor)
    state[:, [c.BASE_ON, c.BASE_OFF]] = base
    state[:, [c.ON, c.OFF]] = np.maximum(base + sensor.threshold_noise * rng.standard_normal((n, 2)), floor)
    return state
