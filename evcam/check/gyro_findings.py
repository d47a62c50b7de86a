"""What a comparison of gyro and events means, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evcam.check.finding import Finding, Severity
from evcam.check.gyro import GyroAgreement, GyroStatus
from evcam.check.gyro_search import UNITS

_SURE = 4.0
_SHIFT_US = 1_000.0
_SCALE = 0.05
_BIAS_RADPS = 0.03
_UNIT_LOG = 0.5
_AXES = "xyz"


def gyro_findings(agreement: GyroAgreement) -> tuple[Finding, ...]:
    """Findings on axes, scale, clock and bias of a gyro, those about its axes first."""
    if not agreement:
        return (_unmatched(agreement),)
    return (_axes(agreement), *_tilt(agreement), _scale(agreement), _clock(agreement), *_bias(agreement))


def _unmatched(agreement: GyroAgreement) -> Finding:
    status, reason = agreement.status, agreement.reason
    if status is GyroStatus.UNRELATED:
        return Finding("gyro", Severity.ERROR, f"The gyro contradicts the events: {reason}.",
                       "Check that its samples belong to this recording, and its clock: shifts of up to 0.2 s were tried.")
    if status is GyroStatus.NO_OVERLAP:
        return Finding("gyro", Severity.ERROR, f"Gyro and events share no time: {reason}.",
                       "Give the offset between their clocks, or the samples of this recording.")
    advice = "Record a few seconds of brisk turning about all axes before a scene with edges."
    if not agreement.with_camera:
        advice += "  With a camera file all axes are looked at, not the roll alone."
    return Finding("gyro", Severity.NOTE, f"Whether the gyro agrees with the events cannot be told: {reason}.", advice)


def _axes(agreement: GyroAgreement) -> Finding:
    fit, seen = agreement.fit, agreement.axes_seen
    shown = [axis for axis, is_seen in zip(_AXES, seen, strict=True) if is_seen]
    about = " and ".join(shown) if shown else "an axis between the camera's"
    if np.array_equal(fit.axis_map, np.eye(3)):
        hidden = "" if len(shown) == 3 else " The rest cannot be told from this recording."
        pairs = zip(shown, fit.mean_events_radps[list(seen)], fit.mean_gyro_radps[list(seen)], strict=True)
        means = "; ".join(f"{axis} {events:+.3f} and {gyro:+.3f}" for axis, events, gyro in pairs)
        figures = f" (means in rad/s, along the camera's axes: {means})" if means else ""
        return Finding("gyro axes", Severity.OK, f"The events turn as the gyro says about {about}{figures}.{hidden}")
    # Rows that the events do not show are any that go with the others: they are not repeated.
    rows = [i for i in range(3) if seen[i]] or [0, 1, 2]
    shows = [f"turning about {_AXES[i]} shows on its {_signed(fit.axis_map[i])}" for i in rows]
    corrected = (fit.axis_map @ agreement.imu.R_cam_imu)[rows]
    should = [f"row {_AXES[i]} of R_cam_imu should be ({', '.join(f'{value + 0.0:.3g}' for value in row)})"
              for i, row in zip(rows, corrected.round(6), strict=True)]
    return Finding("gyro axes", Severity.ERROR, "The gyro's axes or signs are wrong: along the camera's axes as stated, "
                                                f"{', '.join(shows)}.",
                   f"Correct the signs and order of wx, wy, wz, or R_cam_imu: {'; '.join(should)}.")


def _signed(row: NDArray[np.float64]) -> str:
    i = int(np.abs(row).argmax())
    return f"{_AXES[i]}{' reversed' if row[i] < 0 else ''}"


def _tilt(agreement: GyroAgreement) -> Iterator[Finding]:
    tilt = agreement.fit.tilt_rad
    if not tilt.any():
        return
    R = "; ".join(", ".join(f"{value:.4f}" for value in row) for row in agreement.R_cam_imu)
    yield Finding("gyro rotation", Severity.WARNING,
                  f"The IMU is turned by {np.degrees(np.linalg.norm(tilt)):.1f} degrees beyond what is stated, "
                  f"known to {_list(np.degrees(agreement.fit.tilt_std_rad), '.1f')} degrees about x, y, z.",
                  f"Calibrate camera and IMU together, or use R_cam_imu = [{R}].")


def _scale(agreement: GyroAgreement) -> Finding:
    fit = agreement.fit
    factor = f"{fit.scale:.4g} ± {fit.scale_std:.2g}"
    unit = min(UNITS, key=lambda name: abs(np.log(fit.scale / UNITS[name])))
    if UNITS[unit] != 1.0 and abs(np.log(fit.scale / UNITS[unit])) < _UNIT_LOG:
        return Finding("gyro scale", Severity.ERROR, f"The gyro is in {unit}, not rad/s: the events turn {factor} times as fast.",
                       f"Multiply wx, wy, wz by {UNITS[unit]:.6g}.")
    if abs(fit.scale - 1) > max(_SCALE, _SURE * fit.scale_std):
        return Finding("gyro scale", Severity.WARNING, f"The events turn {factor} times as fast as the gyro says.",
                       "Check the gyro's full scale and, where one is given, the camera's focal length.")
    turn = "The events turn" if agreement.with_camera else "The image rolls"
    return Finding("gyro scale", Severity.OK, f"{turn} {fit.ratio:.3f} times as fast as the gyro says "
                                              f"({factor} if the gyro has a bias as well).")


def _clock(agreement: GyroAgreement) -> Finding:
    fit = agreement.fit
    known = f"{agreement.offset_us / 1000:.2f} ± {fit.shift_std_us / 1000:.2f} ms"
    if abs(fit.shift_us) > max(_SHIFT_US, _SURE * fit.shift_std_us):
        return Finding("gyro clock", Severity.WARNING, f"The gyro's clock is off: t_cam = t_imu + ({known}), stated is "
                                                       f"{agreement.imu.offset_us / 1000:.2f} ms.",
                       f"Use an offset of {agreement.offset_us:.0f} us.")
    return Finding("gyro clock", Severity.OK, f"The clocks agree within what can be told: t_cam = t_imu + ({known}).")


def _bias(agreement: GyroAgreement) -> Iterator[Finding]:
    fit = agreement.fit
    large = np.abs(fit.bias_radps) > np.maximum(_BIAS_RADPS, _SURE * fit.bias_std_radps)
    if large.any():
        yield Finding("gyro bias", Severity.WARNING,
                      f"The gyro is off by {_list(-fit.bias_radps / fit.scale)} rad/s about the camera's x, y, z "
                      f"(± {_list(fit.bias_std_radps / fit.scale)}).",
                      "Subtract what the gyro reads while it lies still.")


def _list(values: NDArray[np.float64], form: str = ".3f") -> str:
    return ", ".join(f"{value + 0.0:{form}}" for value in values)
