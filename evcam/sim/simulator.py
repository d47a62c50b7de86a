"""From a scene to events, slab by slab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.sim import _columns as c
from evcam.sim._pixels import Pixels
from evcam.sim._schedule import SLAB_US, slab_frames
from evcam.sim.noise import background, hot_pixels
from evcam.sim.scene import Scene
from evcam.sim.truth import Truth


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
    >>> from evcam.sim import Board
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
    pixels = Pixels(scene, rng)
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
