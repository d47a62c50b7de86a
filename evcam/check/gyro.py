"""Whether a gyro turns as the events do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evcam.check.gyro_fit import BELIEVED, GyroFit, covered, fit_gyro
from evcam.check.stretches import flow_stretches
from evcam.check.turning import TurnRates, design_of, turn_rates
from evcam.core.camera import Camera
from evcam.core.imu import ImuSamples
from evcam.core.rotation import exp_so3
from evcam.errors import NotEnoughDataError
from evcam.io import Recording

Array = NDArray[np.float64]

_FEWEST_SLICES, _MOST_SLICES = 10, 6000
_GAP_PERIODS = 10.0
_LEAST_GAP_US = 20_000.0
_LEFT_OVER, _LEFT_OVER_RADPS = 10.0, 0.02


class GyroStatus(StrEnum):
    """Outcome of the comparison."""

    MATCHED = "matched"
    UNRELATED = "unrelated"
    CANNOT_TELL = "cannot_tell"
    NO_OVERLAP = "no_overlap"


@dataclass(frozen=True, eq=False, slots=True)
class GyroAgreement:
    """What brings a gyro and the events together.

    Attributes
    ----------
    status : GyroStatus
        `MATCHED` if some axes, scale and clock explain the events' turning: those stated, or others.
    reason : str
        Why not, in one sentence; empty when matched.
    imu : ImuSamples
        The gyro that was looked at.
    with_camera : bool
        Whether all three axes were looked at, or the image's roll alone.
    match : GyroFit or None
        Figures, None if there was too little to compare.
    """

    status: GyroStatus
    reason: str
    imu: ImuSamples
    with_camera: bool
    match: GyroFit | None = None

    def __bool__(self) -> bool:
        return self.status is GyroStatus.MATCHED

    @property
    def fit(self) -> GyroFit:
        """The figures.

        Raises
        ------
        NotEnoughDataError
            There are none.
        """
        if self.match is None:
            raise NotEnoughDataError(f"gyro: no comparison ({self.reason}); look at `status` first")
        return self.match

    @property
    def offset_us(self) -> float:
        """``t_cam = t_imu + offset``, the stated one corrected."""
        return self.imu.offset_us + self.fit.shift_us

    @property
    def R_cam_imu(self) -> Array:
        """The stated rotation corrected, shape (3, 3); a reflection if all signs are reversed."""
        corrected: Array = exp_so3(self.fit.tilt_rad) @ self.fit.axis_map @ self.imu.R_cam_imu
        return corrected

    @property
    def axes_seen(self) -> tuple[bool, bool, bool]:
        """Whether the events turned enough about the camera's x, y and z to tell which of the gyro's axes that is."""
        x, y, z = (bool(worse > BELIEVED) for worse in self.fit.worse_without_axis)
        return x, y, z


def check_gyro(
    recording: Recording, imu: ImuSamples, camera: Camera | None = None, *, progress: Callable[[float], None] | None = None
) -> GyroAgreement:
    """Hold a gyro against the turning that the events see.

    Every 10 ms the normal flow n of the edges gives the camera's angular velocity by robust least squares (without a
    camera: the image's roll, and a translation of the image).  Of all namings and signs of the gyro's axes, scales and shifts
    of its clock those are found that explain it; what is stated is left only for something that explains it
    much better.  What the scene's unknown depth can do to the angular velocity is slow and in proportion to the translation:
    it is eliminated, and leaves little to be told where the camera rather moves than turns.

    Parameters
    ----------
    recording : Recording
        Or a stretch of one; read once, in bounded memory.
    imu : ImuSamples
        The gyro as stated, with its ``R_cam_imu`` and ``offset_us``.
    camera : Camera, optional
        Without one only the roll about the optical axis is looked at.
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    GyroAgreement

    Raises
    ------
    InputError
        A camera of another sensor size, or a recording that cannot be read.

    Notes
    -----
    A constant delay that all events share cannot be told from a shift of the gyro's clock.
    """
    return compare(seen_turning(recording, camera, progress=progress), imu, with_camera=camera is not None)


def seen_turning(
    recording: Recording, camera: Camera | None = None, *, progress: Callable[[float], None] | None = None
) -> TurnRates:
    """What the events of a recording show of the camera's turning; parameters as for `check_gyro`."""
    design, largest = design_of(camera, recording.width, recording.height)
    return TurnRates.joined([turn_rates(flow, design, largest) for flow in flow_stretches(recording, progress)])


def compare(turning: TurnRates, imu: ImuSamples, *, with_camera: bool) -> GyroAgreement:
    """As `check_gyro`, when the events' turning is known already."""

    def missing(status: GyroStatus, reason: str, match: GyroFit | None = None) -> GyroAgreement:
        return GyroAgreement(status, reason, imu, with_camera, match)

    if len(turning) < _FEWEST_SLICES:
        return missing(GyroStatus.CANNOT_TELL, "too few edges move in the events to see how the camera turns")
    t_imu = imu.t + imu.offset_us
    if len(imu) < 2 or t_imu[-1] <= turning.t_us[0] or t_imu[0] >= turning.t_us[-1]:
        span = f"from {t_imu[0]} to {t_imu[-1]} us" if len(imu) else "none"
        return missing(GyroStatus.NO_OVERLAP, f"the gyro's samples are {span} on the camera's clock, the events "
                                              f"from {turning.t_us[0]:.0f} to {turning.t_us[-1]:.0f} us")
    longest_gap_us = max(_LEAST_GAP_US, _GAP_PERIODS * float(np.median(np.diff(imu.t))))
    shared = covered(turning, imu, longest_gap_us)
    if len(shared) < _FEWEST_SLICES:
        return missing(GyroStatus.CANNOT_TELL, "the gyro's samples and moving edges share too little time")
    fit = fit_gyro(shared[np.arange(len(shared)) % (len(shared) // _MOST_SLICES + 1) == 0], imu)
    if fit.left_over > _LEFT_OVER and fit.left_over_radps > _LEFT_OVER_RADPS:
        return missing(GyroStatus.UNRELATED, f"{fit.left_over_radps:.2g} rad/s of their turning is left over whatever the naming "
                                             "of its axes, its scale and the shift of its clock", fit)
    if fit.worse_nothing < BELIEVED:
        if fit.gain_as_stated < -BELIEVED:
            return missing(GyroStatus.UNRELATED, "no naming of its axes, scale or shift of its clock explains them", fit)
        axes = "turns" if with_camera else "rolls about its optical axis"
        return missing(GyroStatus.CANNOT_TELL, f"the camera {axes} too little, beside how it moves, to tell", fit)
    return GyroAgreement(GyroStatus.MATCHED, "", imu, with_camera, fit)
