"""What can be said of the normal flow on real recordings, whose edges nobody has measured.

A camera that only translates moves the image of a point at depth Z by A(x) v / Z: whatever the edge's normal n and
its depth, the normal flow has the sign of n . A(x) v.  A known rotation is taken off first.  So the right direction is
known; half of all flows would have it by chance.  A camera that only rotates moves the image as its gyro says, at any
depth, and the magnitude can be compared.  Distortion is taken out of places, and neglected in directions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import evcam
from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.flow import NormalFlow, edge_crossings, normal_flow

Array = NDArray[np.float64]

LEAST_SHARE = 0.2  # edges that lie nearly along their points' motion have no sign to speak of
SPOKES_FOCAL_PX = 250.0  # unknown; matters only for the small rotation about x and y


@dataclass(frozen=True, slots=True)
class RealScore:
    """Figures of one recording.

    Attributes
    ----------
    crossings : int
        Bursts of events, those of one event included.
    known_share : float
        Of these, those with a flow.
    right_sign_share : float
        Of the flows, those in the direction that the camera's motion allows.
    ratio : (float, float, float)
        5th, 50th and 95th percentile of measured over expected magnitude, signed; NaN where depth is unknown.
    """

    crossings: int
    known_share: float
    right_sign_share: float
    ratio: tuple[float, float, float] = (np.nan, np.nan, np.nan)


def translating(folder: Path) -> RealScore:
    """A recording of the RPG data set, with the camera's velocity in ``truth.json``."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    camera = Camera.load(folder / "calib.txt", width=240, height=180)
    velocity = np.array(truth["direction_camera"])
    omega = np.array(truth.get("angular_velocity_camera_radps", [0.0, 0.0, 0.0]))
    with evcam.open(folder / "events.txt", width=240, height=180) as recording:
        crossings, flow = _flow(recording.events(0.06 if "slider" in folder.name else None))
    normal, speed, x, y = _known(flow, camera)
    focal = camera.params[0]
    along = (normal * _by_rotation(x, y, omega, focal)).sum(1)
    parallax = focal * np.stack([-velocity[0] + x * velocity[2], -velocity[1] + y * velocity[2]], 1)
    expected = (normal * parallax).sum(1)
    tells = np.abs(expected) >= LEAST_SHARE * np.hypot(*parallax.T)
    right = ((speed - along) * expected)[tells] > 0
    return RealScore(crossings, float(flow.is_known.sum() / crossings), float(right.mean()))


def rolling(path: Path) -> RealScore:
    """A DAVIS240C that rolls before spokes, against its gyro; the gyro's z opposes the optical axis, x and y are left out."""
    with evcam.open(path) as recording:
        (crossings, flow), imu = _flow(recording.events()), recording.imu()
    assert imu is not None
    camera = Camera("pinhole-radtan", [SPOKES_FOCAL_PX, SPOKES_FOCAL_PX, 119.5, 89.5, 0, 0, 0, 0, 0], 240, 180)
    normal, speed, x, y = _known(flow, camera)
    t_us = flow.crossings.t[flow.is_known]
    roll = np.interp(t_us, imu.t, imu.gyro_radps[:, 2])
    image = SPOKES_FOCAL_PX * roll[:, None] * np.stack([-y, x], 1)
    expected = (normal * image).sum(1)
    tells = (np.abs(expected) >= LEAST_SHARE * np.hypot(*image.T)) & (np.hypot(*image.T) >= 20)
    ratio = (speed / expected)[tells]
    low, middle, high = np.percentile(ratio, [5, 50, 95])
    return RealScore(crossings, float(flow.is_known.sum() / crossings), float((ratio > 0).mean()), (low, middle, high))


def _flow(events: Events) -> tuple[int, NormalFlow]:
    crossings = edge_crossings(events)
    return len(crossings), normal_flow(crossings)


def _known(flow: NormalFlow, camera: Camera) -> tuple[Array, Array, Array, Array]:
    """Unit normals, speeds, and places in normalised coordinates, of the crossings that have a flow."""
    known = flow.is_known
    speed = np.hypot(*flow.flow_pxps[known].T)
    px = np.stack([flow.crossings.x, flow.crossings.y], 1)[known].astype(float)
    x, y = ((camera.undistort_points(px) - camera.params[2:4]) / camera.params[:2]).T
    return flow.flow_pxps[known] / speed[:, None], speed, x, y


def _by_rotation(x: Array, y: Array, omega: Array, focal: float) -> Array:
    """Image motion, px/s, of a camera that rotates with ``omega`` in its own frame."""
    wx, wy, wz = omega
    return focal * np.stack([wx * x * y - wy * (1 + x * x) + wz * y, wx * (1 + y * y) - wy * x * y - wz * x], 1)
