"""Small scenes of straight edges with what is true of them."""

from dataclasses import dataclass

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.sim import Board, Gyro, Line, Lines, Scene, Sensor, Simulation, random_room, simulate

CAMERA = Camera("pinhole-radtan", [200, 200, 119.5, 89.5, -0.1, 0.02, 0, 0, 0], 240, 180)


@dataclass(frozen=True)
class Seen:
    """A simulation and its true directions."""

    simulation: Simulation

    @property
    def events(self):
        return self.simulation.events

    @property
    def imu(self):
        return self.simulation.imu

    def direction(self, t_us):
        velocity, _ = self.simulation.truth.scene.trajectory.velocity(t_us)
        return velocity / np.linalg.norm(velocity)

    def error_deg(self, estimate):
        return float(np.degrees(np.arccos(np.clip(estimate.direction @ self.direction(estimate.t_us), -1, 1))))


@pytest.fixture(scope="session")
def camera():
    return CAMERA


@pytest.fixture(scope="session")
def room():
    scene = random_room(CAMERA, 1, segments=25, speed_mps=1.0, turn_radps=1.0, duration_s=0.3)
    return Seen(simulate(scene, 1))


def before_lines(lines, velocity_mps, omega_radps, duration_s=0.2):
    """A camera at the origin that flies and turns steadily, before lines in its first frame."""
    motion = Trajectory.steady(np.eye(3), np.zeros(3), velocity_mps, omega_radps, duration_s=duration_s)
    return Seen(simulate(Scene(CAMERA, motion, Lines(tuple(lines)), Sensor(), Gyro(noise_radps=0.0)), 0))


def star(count, depth_m=1.0):
    """Bands in all directions, at slightly different depths."""
    lines = []
    for k in range(count):
        along = exp_so3([0, 0, np.pi * k / count]) @ [0.12, 0, 0]
        middle = np.array([0.35 * np.cos(2.4 * k), 0.25 * np.sin(2.4 * k), depth_m + 0.02 * k])
        lines.append(Line(tuple(middle - along), tuple(middle + along), 0.03, 0.25))
    return lines


@pytest.fixture(scope="session")
def turning():
    return before_lines(star(12), [0, 0, 0], [0.5, -1.0, 0.3])


@pytest.fixture(scope="session")
def parallel():
    bars = [Line((x, -0.4, 1 + 0.1 * k), (x, 0.4, 1 + 0.1 * k), 0.03, 0.25) for k, x in enumerate(np.linspace(-0.4, 0.4, 6))]
    return before_lines(bars, [1.0, 0, 0], [0, 0, 0])


@pytest.fixture(scope="session")
def discs():
    target = CircleGrid.asymmetric(rows=5, cols=4, spacing_m=0.1, radius_m=0.04)
    motion = Trajectory.steady(np.eye(3), [-0.35, -0.2, 0.7], [0.6, 0.2, 0], [0, 0, 0], duration_s=0.2)
    world = Board(target, margin_m=2.0)
    return Seen(simulate(Scene(CAMERA, motion, world, Sensor()), 0))
