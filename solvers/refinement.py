"""Maximum-likelihood refinement of one line over its events, with covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, fdtrc

from evcam.errors import InputError
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.eventail import EventailSolution, eventail_linear
from evcam.solvers.gyro_terms import fit_with_gyro_errors, gyro_terms
from evcam.solvers.line_estimate import WEAK_LENGTH, WEAK_RAD, LineEstimate
from evcam.solvers.line_fits import UNKNOWNS, EventsOfLines, LineFits, fit_lines, with_level
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Status
from evcam.solvers.weak_line import middle_of_posterior

Array = NDArray[np.float64]

# Probability that the residuals of a line understate the noise by more than is allowed for.
_LUCKY = 1e-3
# Probability that a line at rest is taken for one in motion, and that a good line is said to misfit.
_REST = 0.05
_MISFIT = 1e-3
# Models of the noise whose log evidence lags behind by more are left out.
_UNLIKELY = 10.0
_MOTION = 3
_GYRO = 3
# No gyro is off by more, rad/s.
_LARGEST_ERROR = 0.2


def refine_line(
    events: DerotatedEvents,
    start: EventailSolution | None = None,
    *,
    noise: EventNoise | None = None,
    weights: ArrayLike | None = None,
    huber: float = np.inf,
    most_speed_1_s: float = np.inf,
) -> LineEstimate:
    """Most likely line and partial velocity of the events, by Levenberg-Marquardt.

    Minimises ``sum (f.n)^2 / s^2`` with ``n = b - t a``, where s is the standard deviation of ``f.n`` that the noise of
    pixel and time cause at the current line.  For pixel noise this is the distance of the event to the line in pixels
    (to first order, whatever the lens), for noise of the time it is the time to the line's passing.

    Parameters
    ----------
    events : DerotatedEvents
        Five events or more of one line; six where the noise is not told, for its level comes from what they have to spare.
    start : EventailSolution, optional
        By default `eventail_linear`; a second descent starts from the line at rest, and the better minimum is taken.
    noise : EventNoise, optional
        By default pixels or times, whichever makes the events more likely, with the level estimated from the residuals; while
        both are likely, the answer is their mean, and their difference is part of the covariance.
    weights : array_like of float64, shape (N,), optional
        Not negative.
    huber : float
        Residuals beyond this many standard deviations count linearly (Huber's loss).  Needs a noise level
        that is given; without outliers leave it infinite.
    most_speed_1_s : float
        Largest speed over the line's distance that is thought possible, 1/s.  It helps where noise hides the depth
        component of the motion (status `WEAK`), and only there.

    Returns
    -------
    LineEstimate
        `WEAK` where the direction, at the largest noise that the residuals allow, is uncertain by more than 0.12 rad or the
        speed by more than a fifth, or where the residuals show a bend that no moving line explains.  Where it is the
        direction that is uncertain, the answer is not the most likely one but the middle of the posterior
        (`evcam.solvers.weak_line`).

    Raises
    ------
    InputError
        Weights that do not fit, a Huber limit without a noise level, or a largest speed that is not positive.

    Notes
    -----
    An error of the gyro, if its size is given, is estimated along as far as the residuals tell it, and widens the covariance.
    If it is not given, the covariance knows nothing of it.
    """
    noise = noise or EventNoise()
    w = np.ones(len(events)) if weights is None else np.ascontiguousarray(weights, float)
    if w.shape != (len(events),) or not ((w >= 0).all() and np.isfinite(w).all()):
        raise InputError(f"refine_line: needs {len(events)} finite weights, none negative")
    if np.isfinite(huber) and noise.level_is_unknown:
        raise InputError("refine_line: a Huber limit is in standard deviations; give sigma_px or sigma_time_s with it")
    if not most_speed_1_s > 0:
        raise InputError(f"refine_line: most_speed_1_s must be positive, not {most_speed_1_s}")
    if (w > 0).sum() < UNKNOWNS + noise.level_is_unknown:
        return LineEstimate.missing(Status.TOO_FEW, noise)
    start = start or eventail_linear(events.bearings, events.times_s, w)
    if not start:
        return LineEstimate.missing(start.status, noise)
    stack = EventsOfLines.joined([events], w)
    fits = fit_lines(stack, start.vectors[None], noise, huber)
    if not moves(fits[0])[0]:
        return LineEstimate.missing(Status.STILL_LINE, noise)
    line = _mixed(stack, fits, huber)
    return _judged(line, _misfits(stack, line), most_speed_1_s)


def moves(fits: LineFits) -> NDArray[np.bool_]:
    """Which of the lines move: the three numbers of motion gain more than they would for nearly every line at rest, (M,)."""
    gain = (fits.rest_costs - fits.motion_costs) / _MOTION
    if fits.noise.sigma_px > 0:
        return np.asarray(gain * _MOTION > fits.noise.sigma_px**2 * chdtri(_MOTION, _REST))
    variances = fits.motion_costs / np.maximum(fits.freedom, 1.0)
    return np.asarray(fdtrc(_MOTION, np.maximum(fits.freedom, 1.0), gain / np.maximum(variances, 1e-300)) < _REST)


def _mixed(stack: EventsOfLines, candidates: Sequence[LineFits], huber: float) -> LineEstimate:
    """Mean and covariance over the models of the noise, each as likely as the events make it."""
    evidence = np.array([fits.log_evidences[0] for fits in candidates])
    kept = np.flatnonzero(evidence > evidence.max() - _UNLIKELY)
    parts = [_with_covariance(stack, candidates[k], huber) for k in kept.tolist()]
    shares = np.exp(evidence[kept] - evidence.max())
    best = parts[int(shares.argmax())]
    vectors = np.stack([part.vector * np.sign(part.vector[:3] @ best.vector[:3]) for part in parts])
    mean = shares @ vectors / shares.sum()
    # No model is quite right, and the evidence for the better one is easily overstated: for the covariance it counts half.
    doubts = np.sqrt(shares) / np.sqrt(shares).sum()
    spread = (vectors - mean).T @ (doubts[:, None] * (vectors - mean))
    covariance = sum((doubt * part.covariance for doubt, part in zip(doubts, parts, strict=True)), spread)
    scale = float(np.linalg.norm(mean[:3]))
    mean /= scale
    # Each part keeps the length of its own b; the mixture has to keep that of the mean.
    across = np.eye(6)
    across[:3, :3] -= np.outer(mean[:3], mean[:3])
    return replace(best, vector=mean, covariance=across @ covariance @ across / scale**2)


def _with_covariance(stack: EventsOfLines, fits: LineFits, huber: float) -> LineEstimate:
    """The line for one model of the noise; its status is left to be judged."""
    freedom, unknown, gyro = float(fits.freedom[0]), fits.noise.level_is_unknown, fits.noise.sigma_gyro_rad_s
    share = np.zeros((6, 6))
    if gyro > 0:
        refitted = fit_with_gyro_errors(stack, fits, gyro, huber)
        share = refitted.covariances[0] - refitted.fits.covariances[0]
        fits = refitted.fits
    elif unknown:
        fits = with_level(fits, float(np.sqrt(max(fits.costs[0], 1e-300) / max(freedom, 1.0))))
    # The level's own uncertainty: with few events the errors follow Student's distribution, whose variance is larger.
    widening = freedom / max(freedom - 2, freedom / 3, 1e-3) if unknown else 1.0
    covariance = widening * fits.covariances[0] + share
    return LineEstimate(Status.OK, fits.vectors[0], covariance, fits.noise, float(fits.front_shares[0]), float(fits.costs[0]),
                        float(fits.counts[0]), bool(unknown))


def _misfits(stack: EventsOfLines, line: LineEstimate) -> bool:
    """Whether the residuals have the shape that an error of the gyro, or a bend of the edge, gives them."""
    freedom = line.count - UNKNOWNS - _GYRO
    if line.noise.sigma_gyro_rad_s > 0 or freedom < 1:
        return False
    terms = gyro_terms(stack, line.vector[None], line.noise)
    gain = float(terms.pulls[0] @ np.linalg.solve(terms.information[0] + np.eye(3) / _LARGEST_ERROR**2, terms.pulls[0]))
    left = max(line.chi2 - gain, 1e-300) / freedom
    return bool(fdtrc(_GYRO, freedom, gain / _GYRO / left) < _MISFIT)


def _judged(line: LineEstimate, misfits: bool, most_speed_1_s: float) -> LineEstimate:
    freedom = line.count - UNKNOWNS
    doubt = np.inf if freedom <= 0 else float(np.sqrt(max(freedom - 2, 0.0) / chdtri(freedom, 1 - _LUCKY)))
    margin = max(doubt, 1.0) if line.level_was_estimated else 1.0
    sigma, length = (margin * doubt for doubt in line.doubts)
    if sigma < WEAK_RAD and length < WEAK_LENGTH and not misfits:
        return line
    vector = middle_of_posterior(line.vector, line.covariance, most_speed_1_s) if sigma > WEAK_RAD else line.vector
    shift = vector - line.vector
    return replace(line, status=Status.WEAK, vector=vector, covariance=line.covariance + np.outer(shift, shift))
