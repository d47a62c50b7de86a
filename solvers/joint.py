"""Direction of motion from all events of many lines at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.direction import DirectionEstimate
from evcam.solvers.direction_posterior import Posterior, Rates, posterior, sign_log_odds
from evcam.solvers.joint_fits import MIN_EVENTS, JointFits, bounded, fit_jointly
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Status

Array = NDArray[np.float64]

_MIN_LINES = 2
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

    wrong_share: float = 0.005
    distance_spreads: tuple[float, ...] = (0.4, 0.8)
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
    if sum(len(line) >= MIN_EVENTS for line in lines) < _MIN_LINES:
        return DirectionEstimate.missing(Status.TOO_FEW, len(lines))
    fits = fit_jointly(lines, noise or EventNoise())
    if fits is None or len(fits.used) < _MIN_LINES:
        return DirectionEstimate.missing(Status.STILL_LINE, len(lines))
    case = _agreeing(fits, options)
    return direction_from_rates(case, options, fits.used, len(lines))


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """What the lines' rates are taken for.

    Attributes
    ----------
    hypotheses : sequence of Rates
    scatters : ndarray of float64
        Standard deviation of the lines' errors of the angular velocity under each hypothesis.
    scattered : bool
        Whether they are in the covariances of the rates; then nothing is assumed of the distances.
    """

    hypotheses: Sequence[Rates]
    scatters: Array
    scattered: bool


def _agreeing(fits: JointFits, options: JointOptions) -> Case:
    """No scatter where the lines agree; otherwise, if the residuals tell each line's own error of the gyro, the lines without it.

    Else scatters of several sizes, or none if a few wrong lines explain the disagreement as well.
    """
    alone = Case([fits.rates()], np.zeros(1), False)
    rates = alone.hypotheses[0]
    if not options.scatters_rad_s or len(fits.used) <= _MIN_LINES:
        return alone
    trusting = posterior([rates], options.wrong_share, np.array([np.inf]))
    if _most_agree(rates.errors(trusting.axes[:, 2])):
        return alone
    corrected = fits.with_gyro_errors(max(options.scatters_rad_s))
    if corrected is not None:
        return Case([corrected[0]], np.array([corrected[1]]), False)
    wide_rates = fits.scattered(options.scatters_rad_s)
    # Either a few lines are wrong or all of them scatter: each is judged without the other.
    nothing = np.empty(0)
    lenient, strict = (posterior([rates], share, nothing) for share in (options.wrong_share, 0.0))
    wide = posterior(wide_rates, 0.0, nothing)
    wrong = float((np.abs(rates.errors(lenient.axes[:, 2])) > _WRONG_SIGMA).mean())
    preferred = wide.cost < lenient.cost or wrong > _FEW_WRONG
    if strict.cost - wide.cost > options.scatter_evidence and preferred:
        return Case(wide_rates, np.array(options.scatters_rad_s), True)
    return alone


def direction_from_rates(case: Case, options: JointOptions, used: NDArray[np.int64], count: int) -> DirectionEstimate:
    """As `estimate_direction`, from lines that are already estimated."""
    hypotheses, spreads, wrong_share = case.hypotheses, np.array(options.distance_spreads), options.wrong_share
    assumed = not case.scattered and len(spreads) > 0
    if case.scattered:
        spreads, wrong_share = np.empty(0), 0.0
    elif assumed:
        hypotheses = [bounded(rates) for rates in hypotheses]
    else:
        # Free distances, but every line in front.
        spreads = np.array([np.inf])
    result = posterior(hypotheses, wrong_share, spreads)
    rates, direction = hypotheses[result.likeliest], result.axes[:, 2]
    covariance = (result.axes[:, :2] * result.variances) @ result.axes[:, :2].T
    odds = sign_log_odds(rates, direction, covariance)
    if odds < 0:
        direction, odds = -direction, -odds
    errors, scatter = rates.errors(direction), float(case.scatters[result.likeliest])
    line_errors, mask = np.zeros(count), np.zeros(count, bool)
    line_errors[used], mask[used] = np.abs(errors), True
    return DirectionEstimate(_status(errors, result, scatter), direction, covariance, odds > _RESOLVED_LOG_ODDS, odds, mask,
                             line_errors, scatter, assumed)


def _most_agree(errors: Array) -> bool:
    """Whether so few lines are wrong, and the others so well within their covariances, that no scatter need be looked for."""
    right = np.abs(errors) < _WRONG_SIGMA
    return bool(right.mean() >= 1 - _FEW_WRONG / 2 and (errors[right] ** 2).mean() < _AGREEMENT)


def _status(errors: Array, result: Posterior, scatter: float) -> Status:
    sigma = np.sqrt(result.variances)
    if sigma[1] > _UNSEEN_RAD:
        return Status.PARALLEL_LINES if sigma[0] < _WEAK_RAD else Status.UNDETERMINED
    # With a scatter guessed from a few lines, with several wrong lines or with two lines, nothing vouches for the covariance.
    unchecked = scatter > 0 or len(errors) <= _MIN_LINES or not _most_agree(errors)
    return Status.WEAK if sigma[1] > _WEAK_RAD or unchecked else Status.OK
