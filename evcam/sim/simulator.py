"""From a scene to events, slab by slab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.sim import _columns as c
from evcam.sim._kernels import advance
from evcam.sim._schedule import SLAB_US, flicker_share, slab_frames
from evcam.sim.noise import background, hot_pixels
from evcam.sim.scene import Board, Scene
from evcam.sim.sensor import Sensor
from evcam.sim.surfaces import Surfaces, board_lights, pixel_rays, plane_homographies
from evcam.sim.truth import Truth

Array = NDArray[np.float64]

_LONGEST_PIXEL_STEP_S = 0.01
"""A hand's acceleration moves the image by some hundredths of a pixel in this time."""


@dataclass(frozen=True, eq=False, slots=True)
class Simulation:
    """A simulated recording.

    Attributes
    ----------
    events : Events
        All events.
    truth : Truth
        What there was to be seen, at any time.
    """

    events: Events
    truth: Truth

    @property
    def imu(self) -> ImuSamples | None:
        """Gyro samples, if the scene has a gyro."""
        return self.truth.imu


def simulate(scene: Scene, seed: int | np.random.Generator = 0, progress: Callable[[float], None] | None = None) -> Simulation:
    """Simulate a whole recording in memory.

    Parameters
    ----------
    scene : Scene
        What is seen and by what.
    seed : int or numpy.random.Generator
        Same scene, same seed, same bytes.
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    Simulation

    See Also
    --------
    simulate_chunks : the same events with bounded memory.

    Examples
    --------
    >>> from evcam.core.camera import Camera
    >>> from evcam.core.target import CircleGrid
    >>> from evcam.core.trajectory import Trajectory
    >>> camera = Camera("pinhole-radtan", [80, 80, 31.5, 23.5, 0, 0, 0, 0, 0], 64, 48)
    >>> board = Board(CircleGrid.asymmetric(rows=4, cols=3, spacing_m=0.05, radius_m=0.02))
    >>> moving = Trajectory.steady(np.eye(3), [-0.1, -0.05, 0.4], [0.5, 0, 0], [0, 0, 0], duration_s=0.1)
    >>> simulation = simulate(Scene(camera, moving, board))
    >>> bool(simulation.events.t[-1] < 100_000)
    True
    """
    rng = np.random.default_rng(seed)
    truth = Truth.of(scene, rng)
    slabs = list(_chunks(scene, rng, progress))
    joined = (np.concatenate([getattr(slab, name) for slab in slabs]) for name in ("t", "x", "y", "p"))
    size = {"width": scene.camera.width, "height": scene.camera.height}
    return Simulation(Events.from_arrays(*joined, **size, where="simulation"), truth)


def simulate_chunks(
    scene: Scene, seed: int | np.random.Generator = 0, progress: Callable[[float], None] | None = None
) -> Iterator[Events]:
    """The events of `simulate` as slabs of 50 ms in the order of time.

    Parameters and errors as for `simulate`; the truth is `Truth.of(scene, seed)` with the same whole number.
    """
    rng = np.random.default_rng(seed)
    Truth.of(scene, rng)  # the gyro's noise comes first from the same stream
    yield from _chunks(scene, rng, progress)


def _chunks(scene: Scene, rng: np.random.Generator, progress: Callable[[float], None] | None) -> Iterator[Events]:
    pixels = _Pixels(scene, rng)
    size = {"width": scene.camera.width, "height": scene.camera.height}
    start_us, stop_us = scene.trajectory.start_us, scene.trajectory.stop_us
    hot = hot_pixels(scene.sensor, len(pixels.x), rng)
    late = np.empty(0, np.int64)
    for slab_us in range(start_us, stop_us, SLAB_US):
        end_us = min(slab_us + SLAB_US, stop_us)
        span_us = slab_us - start_us, end_us - start_us
        parts = [late, pixels.advance(slab_frames(scene, slab_us, end_us))]
        parts += [background(scene.sensor, len(pixels.x), *span_us, rng), hot.events(*span_us, rng)]
        packed = np.sort(np.concatenate(parts))
        # delayed events wait for the slab that they belong to
        packed, late = np.split(packed, [np.searchsorted(packed, span_us[1] << c.PIXEL_BITS)])
        pixel = (packed & ((1 << c.PIXEL_BITS) - 1)) >> 1
        yield Events.from_arrays((packed >> c.PIXEL_BITS) + start_us, pixels.x[pixel], pixels.y[pixel], (packed & 1).astype(bool),
                                 **size, where="simulation")
        if progress is not None:
            progress(span_us[1] / (stop_us - start_us))


class _Pixels:
    """All pixels' state, from one slab to the next."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene = scene
        self.rays, self.x, self.y = pixel_rays(scene.camera)
        n = len(self.rays)
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
        count, pixel, frame = 0, 0, 1
        while True:
            count, pixel, frame = advance(
                pixel, frame, times, H, ground, ink, stops, seen.board, seen.bands, seen.layers, seen.limbs, seen.waves,
                self.rays, self.state, self.random, self.wake, self.sensor, self.buffer, count)
            if pixel == len(self.rays):
                return self.buffer[:count].copy()
            self.buffer = np.concatenate([self.buffer, np.empty_like(self.buffer)])

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
