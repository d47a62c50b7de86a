"""Shift, rotation, scale and bias that bring a gyro and the events' angular velocity together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.check.gyro_model import FREE, HELD, REACH_US, GyroModel
from evcam.check.gyro_search import AXIS_MAPS, Hypothesis, misfit, moments, search
from evcam.check.smooth_gyro import SmoothGyro
from evcam.check.turning import TurnRates
from evcam.check.weighing import Weighing
from evcam.core.imu import ImuSamples
from evcam.core.rotation import exp_so3

Array = NDArray[np.float64]

BELIEVED = 30.0
"""Squared standard deviations that something other than what is stated has to gain to be believed."""
_STEP_US = 4_000.0
_WIDTHS_US = (3_000.0, 10_000.0, 20_000.0, 35_000.0, 55_000.0)
_CORRELATED_US = 100_000.0
_ROUNDS = 3
_OUTLIER = 3.0
_FLOW_SCALE = 0.02
_IN_STEP = 0.4
"""Share of the drift that may keep in step with the turning, and so pass for a wrong scale."""


@dataclass(frozen=True, eq=False, slots=True)
class GyroFit:
    """What fits best, and how much worse everything else fits.

    Angular velocity seen by the events = ``scale * R @ gyro(t - shift) + bias``, along the camera's axes.  All rises of the
    misfit are in squared standard deviations.

    Attributes
    ----------
    axis_map : ndarray of float64, shape (3, 3)
        Naming and signs of the axes next to ``R``; the identity unless others are believed.
    tilt_rad : ndarray of float64, shape (3,)
        What is left of the rotation, ``R = exp(tilt) @ axis_map``; zero unless it is believed.
    tilt_std_rad : ndarray of float64, shape (3,)
        How well it could be told, about the camera's axes.
    scale, scale_std : float
        Factor on the gyro.
    bias_radps, bias_std_radps : ndarray of float64, shape (3,)
        What the events turn by when the gyro reads zero.
    shift_us, shift_std_us : float
        Beyond the stated offset.
    ratio : float
        Angular velocity of the events over the gyro's, without a bias.
    worse_nothing : float
        Rise of the misfit if the gyro had nothing to do with the events.
    worse_without_axis : ndarray of float64, shape (3,)
        Rise of the misfit if the events did not turn about x, y, z.
    gain_as_stated : float
        Fall of the misfit by the gyro just as it is stated; far below zero if it contradicts the events.
    left_over : float
        Misfit that stays, per number: near one or below, unless the events turn in ways that the gyro does not show.
    left_over_radps : float
        Difference that stays, rad/s per axis seen, median over the slices.
    mean_events_radps, mean_gyro_radps : ndarray of float64, shape (3,)
        Mean angular velocities over the slices compared, along the camera's axes as stated; the gyro's at the best shift.
    slices : int
        Slices of time compared.
    """

    axis_map: Array
    tilt_rad: Array
    tilt_std_rad: Array
    scale: float
    scale_std: float
    bias_radps: Array
    bias_std_radps: Array
    shift_us: float
    shift_std_us: float
    ratio: float
    worse_nothing: float
    worse_without_axis: Array
    gain_as_stated: float
    left_over: float
    left_over_radps: float
    mean_events_radps: Array
    mean_gyro_radps: Array
    slices: int


def fit_gyro(turning: TurnRates, imu: ImuSamples) -> GyroFit:
    """Search all namings of the axes and all shifts up to `REACH_US`, then refine the one that is believed.

    Parameters
    ----------
    turning : TurnRates
        At least ten slices, from `covered`.
    imu : ImuSamples
        The gyro as stated.
    """
    count = int(_reach_us(turning, imu) / _STEP_US)
    shifts_us = _STEP_US * np.arange(-count, count + 1, dtype=np.float64)
    smooth = {width: SmoothGyro.of(imu, width) for width in _WIDTHS_US}
    weights, unit, gyro = np.ones(len(turning)), 1.0, smooth[_WIDTHS_US[1]]
    for _ in range(_ROUNDS):
        weighing = Weighing.of(turning, weights)
        chosen = _believed(search(turning, weighing, gyro, shifts_us, unit), unit)
        near = chosen.shift_us + _STEP_US * np.arange(-2, 3, dtype=np.float64)
        index = np.array([chosen.index])
        gyro = min(smooth.values(), key=lambda g: search(turning, weighing, g, near, unit, index)[0].cost)
        model = GyroModel(turning, weighing, gyro, AXIS_MAPS[chosen.index], unit)
        theta, _, _ = _tilted(model, chosen)
        rest = weighing.without_drift(model.residuals(theta))
        squares = _squares(turning, rest)
        weights = 1 / (1 + squares / max(2.0 * float(np.median(squares)), 1.0) / _OUTLIER**2)
        unit = max(1.0, float((weights * squares).sum() / weights.sum())) * _correlation(turning, rest)
    model = GyroModel(turning, Weighing.of(turning, weights), gyro, AXIS_MAPS[chosen.index], unit)
    return _summary(model, chosen)


def covered(turning: TurnRates, imu: ImuSamples, longest_gap_us: float) -> TurnRates:
    """The slices around which the gyro has samples, for any shift within the reach."""
    t_imu = (imu.t + imu.offset_us).astype(np.float64)
    reach_us = _reach_us(turning, imu)
    inside = (turning.t_us > t_imu[0] + reach_us) & (turning.t_us < t_imu[-1] - reach_us)
    for i in np.flatnonzero(np.diff(t_imu) > longest_gap_us):
        inside &= (turning.t_us < t_imu[i] - reach_us) | (turning.t_us > t_imu[i + 1] + reach_us)
    return turning[inside]


def _reach_us(turning: TurnRates, imu: ImuSamples) -> float:
    """A tenth of what both have seen, so that short recordings keep most of it."""
    if not len(turning):
        return 0.0
    t_imu = imu.t + imu.offset_us
    shared_us = min(turning.t_us[-1], float(t_imu[-1])) - max(turning.t_us[0], float(t_imu[0]))
    return float(np.clip(0.1 * shared_us, 0.0, REACH_US))


def _believed(found: list[Hypothesis], unit: float) -> Hypothesis:
    """The axes as stated, unless others fit much better; of those that fit alike, the nearest to what is stated."""
    least = min(hypothesis.cost for hypothesis in found)
    if found[0].cost < least + BELIEVED * unit:
        return found[0]
    return next(hypothesis for hypothesis in found if hypothesis.cost < least + unit)


def _tilted(model: GyroModel, chosen: Hypothesis) -> tuple[Array, Array, Array]:
    """Unknowns, with a tilt only if it is believed; their inverse normal matrix; and that with the tilt left free."""
    start = np.zeros(8)
    start[3], start[7] = np.log(chosen.scale), 1e-6 * chosen.shift_us
    theta, cost, covariance = model.refine(start, HELD)
    free, free_cost, free_covariance = model.refine(theta, FREE)
    if free_cost < cost - BELIEVED * model.unit:
        return free, free_covariance, free_covariance
    theta[:3] = 0.0
    return theta, covariance, free_covariance


def _squares(turning: TurnRates, residuals: Array) -> Array:
    """Squared residuals per axis seen, in squared standard deviations."""
    squares: Array = np.einsum("ki,kij,kj->k", residuals, turning.information, residuals) / _seen(turning)
    return squares


def _seen(turning: TurnRates) -> int:
    return 1 if not turning.information[:, :2].any() else 3


def _correlation(turning: TurnRates, residuals: Array) -> float:
    """Slices that share one error: one plus twice the sum of the autocorrelations up to the first that is negative."""
    seen = _seen(turning)
    root = np.linalg.cholesky(turning.information[:, -seen:, -seen:])
    white = np.einsum("kji,kj->ki", root, residuals[:, -seen:])
    usual_us = max(float(np.median(np.diff(turning.t_us))), 1.0)
    power, total = float((white**2).sum()), 1.0
    for lag in range(1, int(min(len(turning) // 4, _CORRELATED_US / usual_us)) + 1):
        share = float((white[lag:] * white[:-lag]).sum()) / max(power, 1e-300)
        if share <= 0:
            break
        total += 2 * share
    return total


def _summary(model: GyroModel, chosen: Hypothesis) -> GyroFit:
    theta, covariance, free_covariance = _tilted(model, chosen)
    std, unit, turning = np.sqrt(model.unit * np.diag(covariance)), model.unit, model.turning
    rate = model.gyro.at(turning.t_us - 1e6 * theta[7])[0]
    products = moments(turning, model.weighing, rate)
    scale, R = float(np.exp(theta[3])), exp_so3(theta[:3]) @ model.axis_map
    best = misfit(products, scale * R, unit)
    without = [misfit(products, scale * np.diag(np.arange(3) != i) @ R, unit) for i in range(3)]
    turned = rate @ R.T
    own = np.einsum("ki,kij,kj->", turned, model.weighing.information, turned)
    ratio = np.einsum("ki,kij,kj->", turned, model.weighing.information, turning.rate_radps) / max(own, 1e-300)
    as_stated = moments(turning, model.weighing, model.gyro.at(turning.t_us)[0])
    nothing = misfit(products, np.zeros((3, 3)), unit)
    rest, seen = model.residuals(theta), _seen(turning)
    numbers = seen * float(np.trace(model.weighing.information.sum(0)) / np.trace(turning.information.sum(0))) * len(turning)
    drift, turn = (float(np.sqrt((part[:, -seen:] ** 2).sum(1).mean())) for part in (turning.drift_radps, scale * turned))
    scale_std = scale * float(np.sqrt(std[3] ** 2 + _FLOW_SCALE**2 + (_IN_STEP * drift / max(turn, 1e-9)) ** 2))
    return GyroFit(
        axis_map=model.axis_map, tilt_rad=theta[:3], tilt_std_rad=np.sqrt(unit * np.diag(free_covariance))[:3],
        scale=scale, scale_std=scale_std, bias_radps=theta[4:7], bias_std_radps=std[4:7],
        shift_us=1e6 * float(theta[7]), shift_std_us=1e6 * float(std[7]), ratio=float(ratio),
        worse_nothing=(nothing - best) / unit, worse_without_axis=(np.array(without) - best) / unit,
        gain_as_stated=(nothing - misfit(as_stated, np.eye(3), unit)) / unit,
        left_over=best / numbers, left_over_radps=float(np.sqrt(np.median((rest[:, -seen:] ** 2).mean(1)))),
        mean_events_radps=turning.rate_radps.mean(0), mean_gyro_radps=rate.mean(0), slices=len(turning),
    )
