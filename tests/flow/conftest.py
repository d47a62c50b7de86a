"""A straight edge that passes over a small sensor at a known speed and angle."""

from dataclasses import dataclass

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.trajectory import Trajectory
from evcam.sim import Line, Lines, Scene, Sensor, simulate

FOCAL_PX = 60.0
CAMERA = Camera("pinhole-radtan", [FOCAL_PX, FOCAL_PX, 31.5, 23.5, 0, 0, 0, 0, 0], 64, 48)
START_M = 0.75  # off the image


@dataclass(frozen=True)
class MovingEdge:
    events: Events
    normal: np.ndarray  # into the side that comes in
    flow_pxps: np.ndarray

    def distance_px(self, t_us, x, y):
        """How far pixels lie within the side that comes in."""
        edge = FOCAL_PX * START_M + np.multiply.outer(np.asarray(t_us) * 1e-6, self.flow_pxps) @ self.normal
        return np.stack([x - 31.5, y - 23.5], -1) @ self.normal - edge


def moving_edge(angle_deg, speed_pxps, brightness=0.2, sensor=None):
    """An edge whose far side is ``brightness`` times as bright; seven thresholds of contrast, none left over."""
    angle = np.deg2rad(angle_deg)
    normal, along = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    middle = np.array([0, 0, 1]) + 2.0 * normal
    band = Line(tuple(middle - 4 * along), tuple(middle + 4 * along), width_m=4.0, brightness=brightness, normal=(0, 0, -1))
    velocity = speed_pxps / FOCAL_PX * normal
    motion = Trajectory.steady(np.eye(3), START_M * normal, velocity, [0, 0, 0], duration_s=2 * START_M * FOCAL_PX / speed_pxps)
    sensor = sensor or Sensor.ideal(float(abs(np.log(brightness)) / 6.02))
    events = simulate(Scene(CAMERA, motion, Lines((band,), 0.5), sensor)).events
    return MovingEdge(events, normal[:2], -speed_pxps * normal[:2])


@pytest.fixture(scope="session")
def make_edge():
    return moving_edge
