"""Maximum-likelihood refinement of one line over its events, with covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.errors import InputError
from evcam.solvers._refinement import _refine
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.eventail import EventailSolution, eventail_linear
from evcam.solvers.line_estimate import LineEstimate, propagated
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Status

Array = NDArray[np.float64]

_UNKNOWNS = 5
_ITERATIONS = 60
# Relative difference of cost at which two descents have met in one minimum, and share of it at which the other one wins.
_SAME_MINIMUM = 1e-3
_FAR_BETTER = 0.25
# Beyond this the direction is no longer near enough to linear in the data for its covariance to be believed.
_WEAK_RAD = 0.1
_WEAK_LENGTH = 0.25
# 99 % of three normal variables stay below: what a resting line gains by three free numbers of motion.
_REST_CHI2 = 11.3


def refine_line(
    events: DerotatedEvents,
    start: EventailSolution | None = None,
    *,
    noise: EventNoise | None = None,
    weights: ArrayLike | None = None,
    huber: float = np.inf,
) -> LineEstimate:
    """Most likely line and partial velocity of the events, by Levenberg-Marquardt.

    Minimises ``sum (f.n)^2 / s^2`` with ``n = b - t a``, where s is the standard deviation of ``f.n`` that the noise of
    pixel and time cause at the current line.  For pixel noise this is the distance of the event to the line in pixels
    (to first order, whatever the lens), for noise of the time it is the time to the line's passing.

    Parameters
    ----------
    events : DerotatedEvents
        Five events or more of one line.
    start : EventailSolution, optional
        By default `eventail_linear`.
    noise : EventNoise, optional
        By default pixels or times, whichever makes the events more likely, with the level estimated from the residuals.
    weights : array_like of float64, shape (N,), optional
        Not negative.
    huber : float
        Residuals beyond this many standard deviations count linearly (Huber's loss).  Needs a noise level
        that is given; without outliers leave it infinite.

    Returns
    -------
    LineEstimate

    Raises
    ------
    InputError
        Weights that do not fit, or a Huber limit without a noise level.

    Notes
    -----
    Uncertainty of the gyro widens the covariance and leaves the estimate as it is: to first order the events of one line
    cannot tell a turning camera from a moving one.
    """
    noise = noise or EventNoise()
    w = np.ones(len(events)) if weights is None else np.ascontiguousarray(weights, float)
    if w.shape != (len(events),) or not ((w >= 0).all() and np.isfinite(w).all()):
        raise InputError(f"refine_line: needs {len(events)} finite weights, none negative")
    if np.isfinite(huber) and noise.level_is_unknown:
        raise InputError("refine_line: a Huber limit is in standard deviations; give sigma_px or sigma_time_s with it")
    used = w > 0
    if used.sum() < _UNKNOWNS:
        return LineEstimate.missing(Status.TOO_FEW, noise)
    start = start or eventail_linear(events.bearings, events.times_s, w)
    if not start:
        return LineEstimate.missing(start.status, noise)
    fits = [fit_line(events, w, start, candidate, huber) for candidate in noise.candidates()]
    return _judged(min(fits, key=lambda fit: fit.likelihood))


@dataclass(frozen=True, eq=False, slots=True)
class LineFit:
    """A descent's result before it is judged.

    Attributes
    ----------
    likelihood : float
        Negative logarithm, up to what does not depend on the noise model.
    log_scale : float
        Its part from the scale of the residuals: sum of log s.
    estimate : LineEstimate
    gain : float
        By how much the motion lowers chi2, against a resting line.
    ambiguous : bool
        Whether two minima were found.
    """

    likelihood: float
    log_scale: float
    estimate: LineEstimate
    gain: float
    ambiguous: bool


def fit_line(events: DerotatedEvents, w: Array, start: EventailSolution, noise: EventNoise, huber: float = np.inf) -> LineFit:
    """Descend for one kind of noise, without judging; see `refine_line` for the parameters."""
    half = float(np.abs(events.times_s).max()) or 1.0
    fit = _descended(events, w, np.concatenate([start.b, start.a * half]), noise, huber, half)
    other = _descended(events, w, _nearly_resting(events, w, half), noise, huber, half)
    cost = min(fit[0], other[0])
    ambiguous = cost < (1 - _SAME_MINIMUM) * fit[0]
    # Near rest the two minima mean nearly the same direction, and neither is the better guess unless its fit is far better.
    chi2, logs, x, h = other if cost < _FAR_BETTER * fit[0] else fit
    count = float(w.sum())
    freedom = max(count - _UNKNOWNS, 1e-9)
    gain = (_cost_of_rest(events, w, x, noise, half) - cost) / (cost / freedom if noise.level_is_unknown else 1.0)
    variance = 1.0
    if noise.level_is_unknown:
        # Five exact events say nothing about the noise: then the covariance is zero and the status weak.
        variance = max(chi2, 0.0) / freedom if count > _UNKNOWNS else 0.0
        noise, chi2 = noise.scaled(np.sqrt(variance)), freedom
    likelihood = 0.5 * count * np.log(max(variance, 1e-300)) + logs + 0.5 * chi2
    scale = 1.0 / np.linalg.norm(x[:3])
    vector, covariance = _in_seconds(x * scale, h / scale**2, variance, half)
    covariance = covariance + _gyro_share(events, w, vector, noise)
    sign, share = _front(events, vector)
    estimate = LineEstimate(Status.OK, sign * vector, covariance, noise, share, chi2, count)
    return LineFit(likelihood, logs, estimate, gain, ambiguous)


def _descended(
    events: DerotatedEvents, w: Array, start: Array, noise: EventNoise, huber: float, half: float
) -> tuple[float, float, Array, Array]:
    """Cost, sum of log s, vector and information at the minimum, in time scaled by ``half``."""
    x, h, g = start / np.linalg.norm(start), np.empty((6, 6)), np.empty(6)
    pixel, time = noise.sigmas_or_units()
    chi2, logs = _refine(events.bearings, events.rates * half, events.pixel_jacobians, events.times_s / half, w, x,
                         pixel, time / half, float(huber), _ITERATIONS, h, g)
    return chi2, logs, x, h


def _nearly_resting(events: DerotatedEvents, w: Array, half: float) -> Array:
    """Start for slow lines, whose linear solution confuses ``[b, 0]`` with ``[0, b]``: a resting plane, then its motion."""
    f, t = events.bearings, events.times_s / half
    b = np.linalg.eigh(f.T @ (w[:, None] * f))[1][:, 0]
    weighted = (w * t)[:, None] * f
    normal = weighted.T @ (t[:, None] * f)
    across = np.eye(3) - np.outer(b, b)
    # The part along b is seen only through the square of time: leave it to the refinement.
    normal = across @ normal @ across + np.trace(normal) * (1e-9 * np.eye(3) + np.outer(b, b))
    return np.concatenate([b, across @ np.linalg.solve(normal, weighted.T @ (f @ b))])


def _in_seconds(x: Array, information: Array, variance: float, half: float) -> tuple[Array, Array]:
    """Vector and covariance with |b| = 1 and time in seconds."""
    basis = _tangent_of_b(x)
    reduced = basis.T @ information @ basis
    covariance = variance * basis @ np.linalg.pinv(reduced, rcond=1e-15, hermitian=True) @ basis.T
    unscale = np.concatenate([np.ones(3), np.full(3, 1 / half)])
    return x * unscale, covariance * np.outer(unscale, unscale)


def _tangent_of_b(x: Array) -> Array:
    """Basis (6, 5) of changes of [b, a] that keep |b|."""
    b = x[:3]
    first = np.cross(b, np.eye(3)[np.abs(b).argmin()])
    first /= np.linalg.norm(first)
    basis = np.zeros((6, 5))
    basis[:3, 0], basis[:3, 1] = first, np.cross(b, first)
    basis[3:, 2:] = np.eye(3)
    return basis


def gyro_information(events: DerotatedEvents, vector: Array, noise: EventNoise, weights: Array | None = None) -> tuple[
        Array, Array, Array]:
    """What a constant error dw of the angular velocity does to the estimate of one line, and what its residuals say of dw.

    Parameters
    ----------
    events : DerotatedEvents
    vector : ndarray of float64, shape (6,)
        ``[b, a]`` at the minimum.
    noise : EventNoise
    weights : ndarray of float64, shape (N,), optional

    Returns
    -------
    shift : ndarray of float64, shape (6, 3)
        Change of the estimated ``[b, a]`` by dw.
    information, gradient : ndarray of float64, shapes (3, 3) and (3,)
        Of half the line's chi2 by a correction of dw, the line being refitted.
    """
    rows, turned, residuals = _rows(events, vector, noise)
    w = np.ones((len(events), 1)) if weights is None else weights[:, None]
    half = float(np.abs(events.times_s).max()) or 1.0
    basis = _tangent_of_b(vector)
    # Columns of a comparable size keep the normal equations well conditioned.
    basis[3:] /= half
    reduced = rows @ basis
    change = -np.linalg.lstsq(reduced.T @ (w * reduced), reduced.T @ (w * turned), rcond=1e-14)[0]
    left = turned + reduced @ change
    return basis @ change, left.T @ (w * left), -left.T @ (w[:, 0] * residuals)


def _rows(events: DerotatedEvents, vector: Array, noise: EventNoise) -> tuple[Array, Array, Array]:
    """Derivatives of the normalised residuals by [b, a] (N, 6) and by the angular velocity (N, 3), and the residuals."""
    n = vector[:3] - events.times_s[:, None] * vector[3:]
    pixel, time = noise.sigmas_or_units()
    slope = (events.rates * n).sum(1) - events.bearings @ vector[3:]
    variance = pixel**2 * (np.einsum("nij,ni->nj", events.pixel_jacobians, n) ** 2).sum(1) + (time * slope) ** 2
    scale = 1 / np.sqrt(np.maximum(variance, 1e-300))[:, None]
    rows = np.concatenate([events.bearings, -events.times_s[:, None] * events.bearings], 1)
    turned = np.einsum("nij,ni->nj", events.gyro_jacobians, np.cross(events.bearings, n))
    return rows * scale, turned * scale, (events.bearings * n).sum(1) * scale[:, 0]


def _gyro_share(events: DerotatedEvents, w: Array, vector: Array, noise: EventNoise) -> Array:
    if noise.sigma_gyro_rad_s == 0:
        return np.zeros((6, 6))
    shift = noise.sigma_gyro_rad_s * gyro_information(events, vector, noise, w)[0]
    return shift @ shift.T


def _front(events: DerotatedEvents, vector: Array) -> tuple[float, float]:
    """Sign of [b, a] with which the majority of events see the line in front, and their share."""
    b, a = vector[:3], vector[3:]
    along = a @ b
    fixed, moving = events.bearings @ (a - along * b), events.bearings @ (b * (a @ a) - a * along)
    share = float((fixed + events.times_s * moving < 0).mean())
    return (1.0, share) if share >= 0.5 else (-1.0, 1 - share)


def _across(b: Array, a: Array) -> Array:
    """Motion across the plane of line and camera, 1/s: u_y e3."""
    across: Array = a - (a * b).sum(-1, keepdims=True) * b
    return across


def _judged(fit: LineFit) -> LineEstimate:
    line = fit.estimate
    across = float(np.linalg.norm(np.cross(line.a, line.b)))
    if not across > 0 or fit.gain < _REST_CHI2:
        return LineEstimate.missing(Status.STILL_LINE, line.noise)
    tilt = _largest_sigma(propagated(line, _across)) / across
    sigma = max(tilt, _largest_sigma(line.direction_covariance))
    # The direction saturates when its part along e3 is large: then only the length tells how little is known.
    length = _largest_sigma(line.partial_velocity_covariance) / float(np.linalg.norm(line.partial_velocity))
    exact = line.count <= _UNKNOWNS and line.noise.level_is_unknown
    status = Status.WEAK if exact or fit.ambiguous or not (sigma < _WEAK_RAD and length < _WEAK_LENGTH) else Status.OK
    return LineEstimate(status, line.vector, line.covariance, line.noise, line.front_share, line.chi2, line.count)


def _largest_sigma(covariance: Array) -> float:
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0.0)))


def _cost_of_rest(events: DerotatedEvents, w: Array, x: Array, noise: EventNoise, half: float) -> float:
    """Cost of the best line that does not move in the derotated image; time noise is weighed as for the line x."""
    pixel, _ = noise.sigmas_or_units()
    if pixel > 0:
        plane = np.linalg.eigh(events.bearings.T @ (w[:, None] * events.bearings))[1][:, 0]
        across = np.linalg.norm(np.einsum("nij,i->nj", events.pixel_jacobians, plane), axis=1)
        rows = events.bearings / (pixel * across)[:, None]
    else:
        rows = _rows(events, x / np.linalg.norm(x[:3]) / np.repeat([1, half], 3), noise)[0][:, :3]
    return float(max(np.linalg.eigvalsh(rows.T @ (w[:, None] * rows))[0], 0.0))

