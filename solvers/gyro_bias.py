"""Correct a constant error of the gyro from the events of many lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.direction import DirectionEstimate
from evcam.solvers.gyro_terms import gyro_terms
from evcam.solvers.joint import JointOptions, estimate_direction
from evcam.solvers.joint_fits import JointFits, fit_jointly
from evcam.solvers.line_estimate import WEAK_LENGTH, WEAK_RAD
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Answer, Status

Array = NDArray[np.float64]

_UNKNOWNS = 5
_ROUNDS = 25
# Share of its standard deviation by which the bias may still move at the end.
_CONVERGED = 0.02
# Cosine between the directions that the two steps of the estimate end with.
_AGREED = 0.98
# Probability that lines which obey one direction and one bias are said to disagree.
_DISAGREE = 5e-3
# The data have to narrow the prior by at least this factor in every axis to count as having told the bias.
_TOLD = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class GyroBiasEstimate(Answer):
    """Constant error of the gyro.

    Attributes
    ----------
    status : Status
        `OK` if the data narrow the prior to a half in every axis, `WEAK` if they do in some, `UNDETERMINED` if in none, if
        fewer than six lines are certain by themselves, if the iteration did not settle or the lines still disagree after it.
    vector : ndarray of float64, shape (3,)
        Measured minus true angular velocity, rad/s, in the camera's axes.
    covariance : ndarray of float64, shape (3, 3)
        (rad/s)^2, prior included.
    narrowing : ndarray of float64, shape (3,)
        Posterior over prior standard deviation along the principal axes, best first.
    motion : DirectionEstimate
        Direction of motion from the corrected events; its covariance includes that of the bias.
    """

    status: Status
    vector: Array
    covariance: Array
    narrowing: Array
    motion: DirectionEstimate

    @property
    def bias_rad_s(self) -> Array:
        """The bias, (3,)."""
        if not self:
            raise NotEnoughDataError(f"refine_gyro_bias: no answer ({self.reason}); use more lines or a longer window")
        return self.vector


def refine_gyro_bias(
    lines: Sequence[DerotatedEvents],
    *,
    prior_sigma_rad_s: float,
    noise: EventNoise | None = None,
    options: JointOptions | None = None,
) -> GyroBiasEstimate:
    """Estimate a bias that all lines share, together with their common direction of motion.

    A bias w shifts the rate of line i by ``K_i w`` (about ``b_i x w``), while all rates must stay orthogonal to one velocity:
    five unknowns, one equation per line, and what the bending of each line's sweep says of w by itself.  Gauss-Newton on
    both, derotating anew in between, with the lines whose rates are certain by themselves; the direction then comes from all.

    Parameters
    ----------
    lines : sequence of DerotatedEvents
        At least six lines of different directions.
    prior_sigma_rad_s : float
        How large a bias is thought possible, per axis; it keeps the problem solvable where the data say nothing.
    noise : EventNoise, optional
        An error of the gyro in it is one that each line has of its own, beside the common bias.
    options : JointOptions, optional
        For the direction of motion.

    Returns
    -------
    GyroBiasEstimate

    Raises
    ------
    InputError
        A prior that is not positive.

    Notes
    -----
    Not seen: a bias whose shifts of the rates look like those of another velocity.  With lines all at one distance, turning
    about an axis looks like moving across it; `narrowing` and the covariance show it.
    """
    if not (np.isfinite(prior_sigma_rad_s) and prior_sigma_rad_s > 0):
        raise InputError(f"refine_gyro_bias: prior_sigma_rad_s must be positive, not {prior_sigma_rad_s}")
    motion = estimate_direction(lines, noise=noise, options=options)
    certain = _certain(lines, noise)
    if len(certain) <= _UNKNOWNS or not motion:
        status = motion.status if not motion else Status.TOO_FEW if len(lines) <= _UNKNOWNS else Status.UNDETERMINED
        return GyroBiasEstimate(status, np.zeros(3), np.eye(3) * prior_sigma_rad_s**2, np.ones(3), motion)
    start = estimate_direction(certain, noise=noise, options=options)
    found = _adjusted(certain, start.vector if start else motion.vector, noise or EventNoise(), prior_sigma_rad_s)
    corrected = [line.corrected(found.bias) for line in lines]
    motion = estimate_direction(corrected, noise=noise, options=options)
    narrowing = np.sqrt(np.linalg.eigvalsh(found.covariance)) / prior_sigma_rad_s
    settled = found.settled and motion.status is Status.OK and abs(float(motion.vector @ found.direction)) > _AGREED
    if motion:
        motion, agreed = _with_bias(motion, corrected, noise or EventNoise(), found.covariance)
        settled = settled and agreed
    told = int((narrowing < _TOLD).sum()) if settled else 0
    status = (Status.UNDETERMINED, Status.WEAK, Status.WEAK, Status.OK)[told]
    return GyroBiasEstimate(status, found.bias, found.covariance, narrowing, motion)


def _certain(lines: Sequence[DerotatedEvents], noise: EventNoise | None) -> list[DerotatedEvents]:
    """The lines whose rates are near enough to normally distributed.

    Where noise hides the depth component, nearly any bias finds some motion that suits: many minima, none of them the truth.
    """
    fits = fit_jointly(lines, noise or EventNoise())
    if fits is None:
        return []
    doubts = [line.doubts for line in fits.estimates()]
    return [lines[k] for k, (sigma, length) in zip(fits.used.tolist(), doubts, strict=True)
            if sigma < WEAK_RAD and length < WEAK_LENGTH]


@dataclass(frozen=True, eq=False, slots=True)
class _Adjusted:
    """Where the iteration ended, and whether it has settled there."""

    bias: Array
    direction: Array
    covariance: Array
    settled: bool


def _adjusted(lines: Sequence[DerotatedEvents], direction: Array, noise: EventNoise, prior_sigma_rad_s: float) -> _Adjusted:
    bias, covariance, prior = np.zeros(3), np.eye(3) * prior_sigma_rad_s**2, np.eye(3) / prior_sigma_rad_s**2
    for _ in range(_ROUNDS):
        fits = fit_jointly([line.corrected(bias) for line in lines], noise)
        if fits is None:
            break
        normal = _normal(fits, direction, bias, prior)
        step = -np.linalg.solve(normal.information, normal.gradient)
        covariance = np.asarray(np.linalg.inv(normal.information)[2:, 2:], np.float64)
        turned = direction + normal.axes @ step[:2]
        direction = turned / np.linalg.norm(turned)
        bias = bias + step[2:] * min(1.0, prior_sigma_rad_s / max(float(np.linalg.norm(step[2:])), 1e-300))
        if step[2:] @ np.linalg.solve(covariance, step[2:]) < _CONVERGED**2:
            return _Adjusted(bias, direction, covariance, True)
    return _Adjusted(bias, direction, covariance, False)


def _with_bias(
    motion: DirectionEstimate, lines: Sequence[DerotatedEvents], noise: EventNoise, covariance: Array
) -> tuple[DirectionEstimate, bool]:
    """The direction, with what the covariance of the bias does to it, and whether all lines agree on it.

    A few lines find a false bias by chance that suits them; the uncertain ones then speak against it.
    """
    fits = fit_jointly(lines, noise)
    if fits is None:
        return motion, False
    normal = _normal(fits, motion.vector, np.zeros(3), np.zeros((3, 3)))
    turning = normal.axes @ np.linalg.solve(normal.information[:2, :2], normal.information[:2, 2:])
    agreed = bool(chdtrc(len(fits.used) - _UNKNOWNS, normal.misfit) > _DISAGREE)
    return replace(motion, covariance=motion.covariance + turning @ covariance @ turning.T), agreed


@dataclass(frozen=True, eq=False, slots=True)
class _Normal:
    """Normal equations of direction (along `axes`, (3, 2)) and bias, and the lines' squared misfit to the direction."""

    information: Array
    gradient: Array
    axes: Array
    misfit: float


def _normal(joint: JointFits, direction: Array, bias: Array, prior: Array) -> _Normal:
    axes = np.linalg.svd(direction[None])[2][1:].T
    vectors, covariances = joint.fits.vectors, _covariances(joint)
    towards = covariances[:, :, 3:] @ direction
    variances, misfits = towards[:, 3:] @ direction, vectors[:, 3:] @ direction
    # Derivatives belong to the most likely lines that obey the common direction: at the free ones, their
    # own noise would pass for information.
    obedient = vectors - towards * (misfits / variances)[:, None]
    obedient /= np.linalg.norm(obedient[:, :3], axis=1, keepdims=True)
    terms = gyro_terms(joint.stack, obedient, joint.fits.noise)
    # The estimated rate holds the shift by the remaining error of the bias.
    rows = np.concatenate([obedient[:, 3:] @ axes, -np.einsum("i,mij->mj", direction, terms.shifts[:, 3:])], 1)
    information = rows.T @ (rows / variances[:, None])
    information[2:, 2:] += prior + terms.information.sum(0)
    gradient = rows.T @ (misfits / variances)
    gradient[2:] += prior @ bias - terms.pulls.sum(0)
    return _Normal(information, gradient, axes, float((misfits**2 / variances).sum()))


def _covariances(joint: JointFits) -> Array:
    """Covariances of the lines' vectors, with each line's own error of the gyro if one is given beside the common bias."""
    fits = joint.fits
    covariances: Array = fits.covariances * joint.widening[:, None, None]
    if fits.noise.sigma_gyro_rad_s > 0:
        shifts = fits.noise.sigma_gyro_rad_s * gyro_terms(joint.stack, fits.vectors, fits.noise).shifts
        covariances = covariances + shifts @ np.swapaxes(shifts, 1, 2)
    return covariances
