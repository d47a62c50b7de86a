"""Common scenes in one call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evcam.core.camera import Camera
from evcam.core.target import Target
from evcam.core.trajectory import Trajectory
from evcam.sim.placing import facing_pose, hand_before
from evcam.sim.scene import Board, Flicker, Gyro, Line, Lines, Scene
from evcam.sim.sensor import Sensor
from evcam.sim.simulator import Simulation, simulate


def circle_grid(
    target: Target, camera: Camera, trajectory: Trajectory | None = None, *, seed: int | np.random.Generator = 0,
    duration_s: float = 5.0, sensor: Sensor | None = None,
) -> Simulation:
    """A camera moving before a printed board.

    Parameters
    ----------
    target : Target
        Circle grid or checkerboard.
    camera : Camera
        Any supported model.
    trajectory : Trajectory, optional
        `evcam.sim.placing.hand_before` for ``duration_s`` by default.
    seed : int or numpy.random.Generator
        Same arguments, same seed, same bytes.
    duration_s : float
        Length if no trajectory is given, s.
    sensor : Sensor, optional
        `Sensor()` by default.
    """
    motion = hand_before(target, camera, duration_s) if trajectory is None else trajectory
    return simulate(Scene(camera, motion, Board(target), sensor or Sensor()), seed)


def checkerboard_flicker(
    target: Target, camera: Camera, trajectory: Trajectory | None = None, *, seed: int | np.random.Generator = 0,
    duration_s: float = 0.5, flicker: Flicker | None = None, sensor: Sensor | None = None,
) -> Simulation:
    """A still camera before a screen that flickers a pattern.

    Parameters as for `circle_grid`; by default the camera faces the screen, which inverts ten times per second
    (``Flicker(5.0)``).
    """
    motion = Trajectory.still(*facing_pose(target, camera), duration_s=duration_s) if trajectory is None else trajectory
    return simulate(Scene(camera, motion, Board(target, flicker=flicker or Flicker(5.0)), sensor or Sensor()), seed)


def line_world(
    lines: Sequence[Line], camera: Camera, trajectory: Trajectory, *, seed: int | np.random.Generator = 0,
    gyro: Gyro | None = None, sensor: Sensor | None = None,
) -> Simulation:
    """A camera with a gyro moving before lines in space; other parameters as for `circle_grid`."""
    return simulate(Scene(camera, trajectory, Lines(tuple(lines)), sensor or Sensor(), gyro or Gyro()), seed)
