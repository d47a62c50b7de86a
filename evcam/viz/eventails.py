"""Lines that sweep past the camera, as ruled surfaces in space and time with the edge crossings that lie on them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.motion import LineConstraint, VelocityEstimate, VelocityOptions, estimate_velocity
from evcam.motion.gyro import GyroBuffer
from evcam.motion.rotation import Rotation
from evcam.viz import theme
from evcam.viz.scene import Layer, Lines, Points, Triangles
from evcam.viz.spacetime import SpaceTime

Array = NDArray[np.float64]

_INSTANTS = 17
_ALONG = 9
_GYRO_MARGIN_US = 50_000
_ROUNDING_US = 10


@dataclass(frozen=True, eq=False, slots=True)
class Swept:
    """The lines of one window.

    Attributes
    ----------
    estimate : VelocityEstimate
        With the lines behind it.
    camera : Camera
    rotation : Rotation
        Of the camera over the window, relative to its middle.
    """

    estimate: VelocityEstimate
    camera: Camera
    rotation: Rotation


def sweep(events: Events, camera: Camera, imu: ImuSamples, camera_covariance: Array | None = None) -> Swept | None:
    """Find the lines of a stretch of events, taken as one window; None where it has no events or no gyro.

    Parameters
    ----------
    events : Events
    camera : Camera
    imu : ImuSamples
        Of the whole recording.
    camera_covariance : ndarray of float64, shape (P, P), optional
        Of the camera's parameters; it adds to the direction's.
    """
    if not len(events):
        return None
    start_us, stop_us = int(events.t[0]), int(events.t[-1]) + 1
    gyro = _between(imu, start_us - _GYRO_MARGIN_US, stop_us + _GYRO_MARGIN_US)
    buffer = GyroBuffer()
    buffer.push(gyro)
    covering = buffer.window(start_us - _ROUNDING_US, stop_us + _ROUNDING_US)
    if covering is None:
        return None
    options = VelocityOptions(window_us=stop_us - start_us, camera_covariance=camera_covariance)
    (estimate, *_) = estimate_velocity(events, camera, gyro, options)
    times_s = None if covering.t_us is None else np.asarray((covering.t_us - estimate.t_us) * 1e-6, float)
    start_s, stop_s = (start_us - estimate.t_us) * 1e-6, (stop_us - estimate.t_us) * 1e-6
    return Swept(estimate, camera, Rotation.of(start_s, stop_s, covering.radps, times_s))


def _between(imu: ImuSamples, start_us: int, stop_us: int) -> ImuSamples:
    i, j = np.searchsorted(imu.t + imu.offset_us, (start_us, stop_us))
    return ImuSamples(imu.t[i:j], imu.gyro_radps[i:j], None, imu.R_cam_imu, imu.offset_us)


def eventails_layer(space: SpaceTime, swept: Swept | None) -> Layer:
    """Ruled surfaces coloured by line, with their inlier crossings."""
    if swept is None:
        return Layer("eventails", (), "no events, or no gyro")
    estimate = swept.estimate
    shapes: list[Lines | Points | Triangles] = []
    for number, line in enumerate(estimate.lines):
        t_us, paths = ruled_surface(swept, line)
        seen = np.isfinite(paths).all((1, 2))
        colour = tuple(theme.by_number(number).tolist())
        rows = [space.place(path, int(t)) for path, t in zip(paths[seen], t_us[seen], strict=True)]
        shapes += [Triangles.strip(a, b, colour, 0.3) for a, b in pairwise(rows)]
        shapes += [Lines.along(row, colour, 1.0, 0.7) for row in rows[:: max(1, len(rows) // 4)]]
        on = line.crossings
        xyz = space.place(np.column_stack([on.x, on.y]), on.t)
        shapes.append(Points(xyz, np.full((len(xyz), 3), colour, np.uint8), 1.4))
    events = sum(len(line.crossings) for line in estimate.lines)
    note = f"{len(estimate.lines)} lines, {events:,} crossings" if estimate.lines else estimate.reason
    return Layer("eventails", tuple(shapes), note)


def ruled_surface(swept: Swept, line: LineConstraint) -> tuple[NDArray[np.int64], Array]:
    """Where a line is seen at instants of its window, from one end of its seen part to the other.

    With f a bearing derotated to the window's middle, the line is at time t where ``f . (b - t a) = 0``; its points are those
    of the middle moved onto it the shortest way, since motion along the line is not seen.

    Returns
    -------
    t_us : ndarray of int64, shape (T,)
    px : ndarray of float64, shape (T, 9, 2)
        NaN where the camera model does not reach.
    """
    rotation = swept.rotation
    times_s = np.linspace(rotation.start_s, rotation.start_s + rotation.step_s * (len(rotation.R) - 1), _INSTANTS)
    R_mid_t = rotation.at(times_s)[0]
    share = np.linspace(0, 1, _ALONG)[:, None]
    ends = swept.camera.unproject(line.ends_px)
    along = (1 - share) * ends[0] + share * ends[1]
    normals = line.b - times_s[:, None] * line.a
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    bearings = along - (along @ normals.T).T[..., None] * normals[:, None]
    px = swept.camera.project(np.einsum("tji,tnj->tni", R_mid_t, bearings))
    t_us = swept.estimate.t_us + np.round(times_s * 1e6).astype(np.int64)
    return t_us, px
