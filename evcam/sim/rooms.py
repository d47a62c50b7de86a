"""Rooms full of straight edges, seen by a camera that flies through them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError
from evcam.sim.scene import Gyro, Line, Lines, Scene
from evcam.sim.sensor import Sensor, check_range

Array = NDArray[np.float64]

NEAREST_M, FARTHEST_M = 0.5, 5.0
_TURN_HZ = 0.5
_BEND_RADPS = 0.5
_KNOTS_PER_S = 100
_TRIES = 10_000


def random_room(
    camera: Camera, seed: int | np.random.Generator = 0, *, segments: int = 30, speed_mps: float = 1.0, turn_radps: float = 1.0,
    duration_s: float = 1.0, sensor: Sensor | None = None, gyro: Gyro | None = None,
) -> Scene:
    """A scene of straight bands at random, and a camera with a gyro that passes them.

    The camera flies at a constant speed along an arc in a random direction (its velocity turns at 0.5 rad/s in the room)
    while it turns to and fro, once in two seconds, about a random axis of its own.  Every segment is drawn where some
    moment of the flight sees its middle, 0.5 to 5 m away, and none comes nearer than 0.5 m; lengths are 0.3 to 1.5 m, widths
    4 to 30 pixels, intensities 0.15 to 0.5 or 2 to 5 times that of the background.

    Parameters
    ----------
    camera : Camera
        Any supported model.
    seed : int or numpy.random.Generator
        Chooses room and flight; the noise of events and gyro follows the seed of `simulate`.
    segments : int
        Number of bands, each with two long edges.
    speed_mps : float
        Speed, m/s.
    turn_radps : float
        Largest angular velocity, rad/s.
    duration_s : float
        Length, s.
    sensor : Sensor, optional
        `Sensor()` by default.
    gyro : Gyro, optional
        By default 1 kHz with a bias of 0.01 rad/s (one sigma) on each axis.

    Raises
    ------
    InputError
        Values that no room can have.

    Examples
    --------
    >>> camera = Camera("pinhole-radtan", [80, 80, 31.5, 23.5, 0, 0, 0, 0, 0], 64, 48)
    >>> scene = random_room(camera, seed=3, segments=12, speed_mps=0.5)
    >>> len(scene.world.lines)
    12
    """
    if isinstance(segments, bool) or not isinstance(segments, int) or not 1 <= segments <= 10_000:
        raise InputError(f"room: segments must be a whole number between 1 and 10000, not {segments!r}")
    check_range("room", "speed_mps", speed_mps, 0.0, 100.0, "m/s")
    check_range("room", "turn_radps", turn_radps, 0.0, 50.0, "rad/s")
    rng = np.random.default_rng(seed)
    trajectory = _flight(rng, speed_mps, turn_radps, duration_s)
    bias = rng.normal(0.0, 0.01, 3)
    lines = _lines(rng, camera, trajectory, segments)
    return Scene(camera, trajectory, Lines(lines), sensor or Sensor(), gyro or Gyro(bias_radps=tuple(bias.tolist())))


def _flight(rng: np.random.Generator, speed_mps: float, turn_radps: float, duration_s: float) -> Trajectory:
    stop_us = Trajectory.still(np.eye(3), np.zeros(3), duration_s=duration_s).stop_us  # checks the duration
    t_us = np.linspace(0, stop_us, max(4, int(duration_s * _KNOTS_PER_S) + 1)).round().astype(np.int64)
    s = (t_us * 1e-6)[:, None]
    ahead, inwards = np.linalg.qr(rng.standard_normal((3, 2)))[0].T
    bend = _BEND_RADPS * s
    eye = speed_mps / _BEND_RADPS * (np.sin(bend) * ahead + (1 - np.cos(bend)) * inwards)
    phase = 2 * np.pi * (_TURN_HZ * s + rng.uniform())
    R = exp_so3(turn_radps / (2 * np.pi * _TURN_HZ) * np.sin(phase) * _unit(rng))
    return Trajectory.from_poses(t_us, R, -np.einsum("nij,nj->ni", R, eye))


def _lines(rng: np.random.Generator, camera: Camera, trajectory: Trajectory, count: int) -> tuple[Line, ...]:
    R, t = trajectory.pose(np.linspace(trajectory.start_us, trajectory.stop_us, 200))
    eyes = -np.einsum("nji,nj->ni", R, t)
    lines: list[Line] = []
    for _ in range(_TRIES * count):
        if len(lines) == count:
            return tuple(lines)
        line = _line(rng, camera, R, eyes)
        if line is not None:
            lines.append(line)
    raise InputError(f"room: no place for {count} segments along this flight; ask for fewer or a shorter flight")


def _line(rng: np.random.Generator, camera: Camera, R: Array, eyes: Array) -> Line | None:
    """A band in view of one of the poses; None if it comes too near to the flight or is seen end on."""
    k = rng.integers(len(eyes))
    bearing = R[k].T @ camera.unproject(rng.uniform(-0.5, [camera.width - 0.5, camera.height - 0.5]))
    away_m = rng.uniform(NEAREST_M, FARTHEST_M)
    along, length_m = _unit(rng), rng.uniform(0.3, 1.5)
    width_m = away_m / camera.params[0] * 4.0 * (30 / 4.0) ** rng.uniform()
    brightness = rng.uniform(0.15, 0.5) if rng.uniform() < 0.5 else rng.uniform(2.0, 5.0)
    facing = -bearing + rng.normal(0.0, 0.3, 3)
    if not np.isfinite(bearing).all() or abs(along @ bearing) > 0.85 * np.linalg.norm(bearing):
        return None
    middle = eyes[k] + away_m * bearing / np.linalg.norm(bearing)
    start, end = middle - along * length_m / 2, middle + along * length_m / 2
    part = np.clip((eyes - start) @ along, 0.0, length_m)
    if np.linalg.norm(start + part[:, None] * along - eyes, axis=1).min() < NEAREST_M:
        return None
    return Line(tuple(start.tolist()), tuple(end.tolist()), float(width_m), float(brightness), tuple(facing.tolist()))


def _unit(rng: np.random.Generator) -> Array:
    v = rng.standard_normal(3)
    unit: Array = v / np.linalg.norm(v)
    return unit
