"""Direction of motion from a whole recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from numpy.typing import ArrayLike

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.errors import InputError
from evcam.io import Recording
from evcam.motion.estimate import VelocityEstimate
from evcam.motion.estimator import VelocityEstimator
from evcam.motion.options import VelocityOptions

_ASSUMED = "no gyro: the angular velocity is taken for zero"


def estimate_velocity(
    recording: Recording | Events,
    camera: Camera,
    imu: ImuSamples | None = None,
    options: VelocityOptions | None = None,
    *,
    angular_velocity_radps: ArrayLike | None = None,
) -> tuple[VelocityEstimate, ...]:
    """Direction of the camera's linear velocity in consecutive windows of a recording.

    Parameters
    ----------
    recording : Recording or Events
        Of the camera; a recording is read piece by piece.
    camera : Camera
    imu : ImuSamples, optional
        Gyro, with how it sits on the camera (`R_cam_imu`, `offset_us`).
    options : VelocityOptions, optional
    angular_velocity_radps : array_like of float, shape (3,), optional
        Of the camera, in its own axes, for recordings without a gyro; zero if neither is given, which the estimates' notes say.

    Returns
    -------
    tuple of VelocityEstimate
        One per window; a direction only where its status is ok.

    Raises
    ------
    InputError
        Both a gyro and an angular velocity, or a camera of another size.
    """
    if imu is not None and angular_velocity_radps is not None:
        raise InputError("velocity: give the gyro or an angular velocity, not both")
    assumed = imu is None and angular_velocity_radps is None
    estimator = VelocityEstimator(camera, options, angular_velocity_radps=(0.0, 0.0, 0.0) if assumed else angular_velocity_radps)
    if imu is not None:
        estimator.push_imu(imu)
    pieces: Iterable[Events] = [recording] if isinstance(recording, Events) else recording.chunks()
    estimates: list[VelocityEstimate] = []
    for piece in pieces:
        estimator.push_events(piece)
        estimates += estimator.poll()
    estimates += estimator.finish()
    return tuple(replace(e, notes=(*e.notes, _ASSUMED)) for e in estimates) if assumed else tuple(estimates)
