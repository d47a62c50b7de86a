"""Direction of motion from all events of many lines at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.direction import DirectionEstimate, Posterior, Rates, posterior, sign_log_odds
from evcam.solvers.eventail import eventail_linear
from evcam.solvers.noise import EventNoise
from evcam.solvers.refinement import LineFit, fit_line
from evcam.solvers.status import Status

Array = NDArray[np.float64]

_MIN_EVENTS = 6
_MIN_LINES = 2
_UNKNOWNS = 5
_NO_SCATTER = np.zeros(1)
_WEAK_RAD = 0.2
# Directions spread evenly over the half sphere deviate by 0.58, over a half circle by 0.71.
_UNSEEN_RAD = 0.53
_RESOLVED_LOG_ODDS = 6.0
# Mean squared error of the lines, in units of their covariances, below which nothing needs explaining.
_AGREEMENT = 1.5
# With more lines than this share beyond so many standard deviations, it is not the lines that are wrong.
_WRONG_SIGMA = 3.0
_FEW_WRONG = 0.25


@dataclass(frozen=True, slots=True)
class JointOptions:
    """What is assumed of lines and gyro.

    Attributes
    ----------
    wrong_share : float
        Prior share of lines that are no lines at all; they lose their influence.
    distance_spreads : tuple of float
        Standard deviations of the logarithm of the lines' distances that are thought possible, weighed by the data.  Lines
        at comparable distances say more of the direction than free ones: faster lines then lie more across the motion.
        Empty to assume nothing.
    scatters_rad_s : tuple of float
        Errors of the gyro, different for each line, that are tried when the lines disagree by more than their covariances.
        Empty to trust the covariances.
    scatter_evidence : float
        Gain of log likelihood that such a scatter has to bring before it is believed.
    """

    wrong_share: float = 0.02
    distance_spreads: tuple[float, ...] = (0.5, 1.0)
    scatters_rad_s: tuple[float, ...] = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
    scatter_evidence: float = 4.0

    def __post_init__(self) -> None:
        if not 0 <= self.wrong_share < 1:
            raise InputError(f"JointOptions: wrong_share must lie in [0, 1), not {self.wrong_share}")
        if not all(s > 0 for s in (*self.distance_spreads, *self.scatters_rad_s)):
            raise InputError("JointOptions: distance_spreads and scatters_rad_s must be positive")


def estimate_direction(
    lines: Sequence[DerotatedEvents], *, noise: EventNoise | None = None, options: JointOptions | None = None
) -> DirectionEstimate:
    """Direction of the linear velocity from the events of several lines, seen in one window.

    Every line is refined over its events with a noise level common to all; given those, the velocity v must be orthogonal to
    each line's rate a (Gao et al., CVPR 2024, eq. of averaging), to within its covariance.  The posterior of v is integrated
    over the half sphere: all lines compete for one direction, weak ones weigh little, wrong ones are told by their misfit.

    Parameters
    ----------
    lines : sequence of DerotatedEvents
        One per line, derotated to the same instant; lines with fewer than six events are left out.
    noise : EventNoise, optional
        By default one kind and level for all lines, found from the residuals.
    options : JointOptions, optional

    Returns
    -------
    DirectionEstimate

    Notes
    -----
    The speed is not observable, and with one line or parallel lines nor is the motion along them: status `PARALLEL_LINES`.
    When the lines disagree beyond their covariances, as with a gyro that is off, their scatter is estimated and widens the
    covariance, and their distances are no longer used.
    """
    options = options or JointOptions()
    if sum(len(line) >= _MIN_EVENTS for line in lines) < _MIN_LINES:
        return DirectionEstimate.missing(Status.TOO_FEW)
    _, fits = fit_lines(lines, noise or EventNoise())
    if len(fits) < _MIN_LINES:
        return DirectionEstimate.missing(Status.STILL_LINE)
    return direction_from_rates(_rates(fits), options)


def direction_from_rates(rates: Rates, options: JointOptions) -> DirectionEstimate:
    """As `estimate_direction`, from lines that are already estimated."""
    scattered, result = _without_distances(rates, options)
    if not scattered and options.distance_spreads:
        result = posterior(rates, _NO_SCATTER, options.wrong_share, np.array(options.distance_spreads))
    direction = result.axes[:, 2]
    covariance = (result.axes[:, :2] * result.variances[:2]) @ result.axes[:, :2].T
    odds = sign_log_odds(rates, direction, covariance)
    if odds < 0:
        direction, odds = -direction, -odds
    assumed = not scattered and bool(options.distance_spreads)
    return DirectionEstimate(_status(rates, result), direction, covariance, odds > _RESOLVED_LOG_ODDS, odds,
                             np.abs(_line_errors(rates, result)), result.scatter, assumed)


def _without_distances(rates: Rates, options: JointOptions) -> tuple[bool, Posterior]:
    """Whether the lines scatter more than their covariances say, and the posterior without knowledge of distances."""
    trusted = posterior(rates, _NO_SCATTER, options.wrong_share, np.array([np.inf]))
    if _most_agree(_line_errors(rates, trusted)) or not options.scatters_rad_s or len(rates.a) <= _MIN_LINES:
        return False, trusted
    # Either a few lines are wrong or all of them scatter: each is judged without the other.
    none = np.empty(0)
    lenient = posterior(rates, _NO_SCATTER, options.wrong_share, none)
    strict = posterior(rates, _NO_SCATTER, 0.0, none)
    scattered = posterior(rates, np.array(options.scatters_rad_s), 0.0, none)
    wrong = float((np.abs(_line_errors(rates, lenient)) > _WRONG_SIGMA).mean())
    preferred = scattered.cost < lenient.cost or wrong > _FEW_WRONG
    believed = strict.cost - scattered.cost > options.scatter_evidence and preferred
    return (True, scattered) if believed else (False, trusted)


def _most_agree(errors: Array) -> bool:
    """Whether so few lines are wrong, and the others so well within their covariances, that no scatter need be looked for."""
    right = np.abs(errors) < _WRONG_SIGMA
    return bool(right.mean() >= 1 - _FEW_WRONG / 2 and (errors[right] ** 2).mean() < _AGREEMENT)


def _line_errors(rates: Rates, result: Posterior) -> Array:
    """``v.a`` of each line in standard deviations."""
    direction = result.axes[:, 2]
    variance = np.einsum("i,mij,j->m", direction, rates.covariance, direction) + result.scatter**2
    errors: Array = rates.a @ direction / np.sqrt(np.maximum(variance, 1e-300))
    return errors


def _status(rates: Rates, result: Posterior) -> Status:
    sigma = np.sqrt(result.variances[:2])
    if sigma[1] > _UNSEEN_RAD:
        return Status.PARALLEL_LINES if sigma[0] < _WEAK_RAD else Status.UNDETERMINED
    # With a scatter guessed from a few lines, with several wrong lines or with two lines, nothing vouches for the covariance.
    unchecked = result.scatter > 0 or len(rates.a) <= _MIN_LINES or not _most_agree(_line_errors(rates, result))
    return Status.WEAK if sigma[1] > _WEAK_RAD or unchecked else Status.OK


def fit_lines(lines: Sequence[DerotatedEvents], noise: EventNoise) -> tuple[list[DerotatedEvents], list[LineFit]]:
    """The lines that have a solution, and their fits with one noise level common to all."""
    kept = [line for line in lines if len(line) >= _MIN_EVENTS]
    starts = [eventail_linear(line.bearings, line.times_s) for line in kept]
    pairs = [(line, start, np.ones(len(line))) for line, start in zip(kept, starts, strict=True) if start]

    def fitted(candidate: EventNoise) -> list[LineFit]:
        return [fit_line(line, w, start, candidate) for line, start, w in pairs]

    kept = [line for line, _, _ in pairs]
    if not pairs or not noise.level_is_unknown:
        return kept, fitted(noise)
    ranked: list[tuple[float, float, list[LineFit]]] = []
    for candidate in noise.candidates():
        fits = fitted(candidate)
        freedom = sum(fit.estimate.count - _UNKNOWNS for fit in fits)
        squares = sum(_level(fit) ** 2 * (fit.estimate.count - _UNKNOWNS) for fit in fits)
        level = float(np.sqrt(max(squares, 1e-300) / freedom))
        ranked.append((freedom * np.log(level) + sum(fit.log_scale for fit in fits), level, fits))
    _, level, fits = min(ranked, key=lambda entry: entry[0])
    if noise.sigma_gyro_rad_s > 0:
        return kept, fitted(replace(fits[0].estimate.noise, sigma_px=0.0, sigma_time_s=0.0).scaled(level))
    return kept, [_with_level(fit, level) for fit in fits]


def _with_level(fit: LineFit, level: float) -> LineFit:
    """The same fit with another noise level: the minimum is where it was."""
    line, factor = fit.estimate, (level / max(_level(fit), 1e-300)) ** 2
    estimate = replace(line, covariance=line.covariance * factor, noise=line.noise.scaled(level), chi2=line.chi2 / factor)
    return replace(fit, estimate=estimate, gain=fit.gain / factor)


def _level(fit: LineFit) -> float:
    return fit.estimate.noise.sigma_px + fit.estimate.noise.sigma_time_s


def _rates(fits: Sequence[LineFit]) -> Rates:
    lines = [fit.estimate for fit in fits]
    a = np.stack([line.vector[3:] for line in lines])
    covariance = np.stack([line.covariance[3:, 3:] for line in lines])
    # Exact data have no covariance at all: a floor far below any real noise keeps their likelihood finite.
    floor = 1e-16 * (a * a).sum(1)[:, None, None] * np.eye(3)
    return Rates(np.stack([line.vector[:3] for line in lines]), a, covariance + floor)
