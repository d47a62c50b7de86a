"""What inertial samples show by themselves: their rate, gaps, units, and whether they cover the events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.check.examiner import duration_text
from evcam.check.finding import Finding, Severity
from evcam.check.gravity import gravity_findings
from evcam.core.imu import ImuSamples

_FEWEST = 10
_GAP_PERIODS, _UNEVEN = 3.5, 0.25
_LOST_WARN = 0.01
_SLOW_HZ, _FASTEST_HZ = 80.0, 20_000.0
# The usual gyros end at 2000 degrees per second, fast ones at 4000.
_MOST_RADPS, _RARE_RADPS = 75.0, 36.0
_GRAVITY_MPS2 = 9.80665
_ACCEL_UNITS = ((1.0, "g", 9.80665), (100 * _GRAVITY_MPS2, "cm/s^2", 0.01), (1000.0, "mg", 9.80665e-3),
                (1000 * _GRAVITY_MPS2, "mm/s^2", 0.001))
_NEAR = 0.25
_STUCK = 0.5
_COVERED = 0.95


def inertial_findings(imu: ImuSamples, events_us: tuple[int, int] | None) -> Iterator[Finding]:
    """Findings on the samples alone.

    Parameters
    ----------
    imu : ImuSamples
        As stated.
    events_us : (int, int) or None
        First and last time of the events, us on the camera's clock.
    """
    if len(imu) < _FEWEST:
        yield Finding("IMU rate", Severity.NOTE, f"There are only {len(imu)} inertial samples.",
                      "Give the samples of this recording.")
        return
    yield _rate(imu)
    yield _gaps(imu)
    yield _gyro_unit(imu)
    yield from _stuck(imu)
    if imu.accel_mps2 is not None:
        yield _accel_unit(imu.accel_mps2)
    yield from gravity_findings(imu)
    if events_us is not None:
        yield _span(imu, events_us)


def inertial_figures(imu: ImuSamples) -> dict[str, Any]:
    """Rate and magnitudes."""
    if len(imu) < 2:
        return {"samples": len(imu)}
    step = np.diff(imu.t)
    return {"samples": len(imu), "rate_hz": 1e6 / float(np.median(step)), "longest_step_us": step.max(),
            "gyro_max_radps": np.abs(imu.gyro_radps).max(),
            "accel_median_mps2": None if imu.accel_mps2 is None else np.median(_norm(imu.accel_mps2))}


def _norm(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norm: NDArray[np.float64] = np.sqrt((rows**2).sum(1))
    return norm


def _rate(imu: ImuSamples) -> Finding:
    step = np.diff(imu.t)
    hz = 1e6 / float(np.median(step))
    low, high = np.quantile(step, [0.1, 0.9])
    spread = f"{duration_text(float(low))} and {duration_text(float(high))}"
    what = f"{len(imu):,} samples at {hz:.4g} Hz, 80 % of the steps between {spread}."
    if hz > _FASTEST_HZ:
        return Finding("IMU rate", Severity.ERROR, what,
                       "No such IMU exists: the times are in milliseconds or seconds, not in microseconds.")
    if hz < 1:
        return Finding("IMU rate", Severity.WARNING, what, "The times may be in nanoseconds, not in microseconds.")
    if hz < _SLOW_HZ:
        return Finding("IMU rate", Severity.NOTE, what, "Faster samples (200 Hz and more) follow a hand better.")
    if (high - low) * hz > 1e6 * _UNEVEN:
        return Finding("IMU rate", Severity.NOTE, what,
                       "Uneven steps are often the host's times: have the sensor's own recorded.")
    return Finding("IMU rate", Severity.OK, what)


def _gaps(imu: ImuSamples) -> Finding:
    step = np.diff(imu.t)
    usual = float(np.median(step))
    long = np.flatnonzero(step > _GAP_PERIODS * usual)
    if not len(long):
        return Finding("IMU gaps", Severity.OK, "No sample is missing.")
    lost = float((step[long] - usual).sum()) / float(imu.t[-1] - imu.t[0])
    worst = long[int(step[long].argmax())]
    severity = Severity.WARNING if lost > _LOST_WARN or step[worst] > 100_000 else Severity.NOTE
    return Finding("IMU gaps", severity,
                   f"{len(long):,} gaps of more than {duration_text(_GAP_PERIODS * usual)}, {100 * lost:.2g} % of the time; "
                   f"the longest, {duration_text(float(step[worst]))}, begins at {imu.t[worst]} us.",
                   "Leave these stretches out (--start, --duration).")


def _gyro_unit(imu: ImuSamples) -> Finding:
    size = np.abs(imu.gyro_radps).max(1)
    fast, largest = float(np.quantile(size, 0.99)), float(size.max())
    what = f"The gyro reads up to {largest:.3g} rad/s, 99 % of the time below {fast:.3g}."
    advice = "These look like degrees per second: multiply by 0.0174533."
    if fast > _MOST_RADPS:
        return Finding("gyro unit", Severity.ERROR, what, advice)
    if fast > _RARE_RADPS or float(np.median(size)) > _RARE_RADPS / 3:
        return Finding("gyro unit", Severity.WARNING, what, advice)
    return Finding("gyro unit", Severity.OK, what)


def _stuck(imu: ImuSamples) -> Iterator[Finding]:
    columns = [("gyro", imu.gyro_radps), ("accelerometer", imu.accel_mps2)]
    for name, rows in columns:
        if rows is None:
            continue
        broken = int(np.count_nonzero(~np.isfinite(rows).all(1)))
        if broken:
            yield Finding("IMU values", Severity.ERROR, f"{broken:,} {name} samples are not finite.", "Write the samples again.")
            continue
        still = [axis for axis, column in zip("xyz", rows.T, strict=True) if np.ptp(column) == 0]
        same = float((np.diff(rows, axis=0) == 0).all(1).mean())
        if still:
            yield Finding("IMU values", Severity.NOTE, f"The {name}'s {' and '.join(still)} never changes.",
                          "An axis is missing or a column was lost in a conversion.")
        elif same > _STUCK:
            yield Finding("IMU values", Severity.NOTE, f"{100 * same:.0f} % of the {name}'s samples repeat the one before.",
                          "They were written more often than they were measured.")


def _accel_unit(accel_mps2: NDArray[np.float64]) -> Finding:
    size = float(np.median(_norm(accel_mps2)))
    what = f"The accelerometer reads {size:.4g} m/s^2 (median; at rest it is 9.8)."
    if abs(size / _GRAVITY_MPS2 - 1) < _NEAR:
        return Finding("accelerometer unit", Severity.OK, what)
    for rest, name, factor in _ACCEL_UNITS:
        if abs(size / rest - 1) < _NEAR:
            return Finding("accelerometer unit", Severity.ERROR, what, f"These look like {name}: multiply by {factor:g}.")
    if size < 2:
        return Finding("accelerometer unit", Severity.NOTE, what, "Gravity seems to have been taken off.")
    return Finding("accelerometer unit", Severity.WARNING, what,
                   "See the unit and the measuring range, unless the camera was shaken all the time.")


def _span(imu: ImuSamples, events_us: tuple[int, int]) -> Finding:
    first, last = int(imu.t[0]) + imu.offset_us, int(imu.t[-1]) + imu.offset_us
    start, stop = events_us
    covered = max(0, min(last, stop) - max(first, start)) / max(1, stop - start)
    what = f"The IMU's samples, from {first} to {last} us, cover {100 * covered:.3g} % of the events, from {start} to {stop} us."
    if covered >= _COVERED:
        return Finding("IMU span", Severity.OK, what)
    if not covered:
        return Finding("IMU span", Severity.ERROR, what,
                       "Give the offset between the clocks (--imu-offset-us), or the samples of this recording.")
    return Finding("IMU span", Severity.WARNING if covered < 0.5 else Severity.NOTE, what,
                   "Only that stretch can be worked on with the gyro.")
