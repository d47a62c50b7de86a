"""Correct a constant error of the gyro from the events of many lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.direction import DirectionEstimate
from evcam.solvers.gyro_terms import gyro_terms
from evcam.solvers.joint import JointOptions, estimate_direction
from evcam.solvers.joint_fits import JointFits, fit_jointly
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Status

Array = NDArray[np.float64]

_UNKNOWNS = 5
_ROUNDS = 25
# Share of its standard deviation by which the bias may still move at the end.
_CONVERGED = 0.02
# Cosine between the directions that the two steps of the estimate end with.
_AGREED = 0.98
# The data have to narrow the prior by at least this factor in every axis to count as having told the bias.
_TOLD = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class GyroBiasEstimate:
    """Constant error of the gyro.

    Attributes
    ----------
    status : Status
        `OK` if the data narrow the prior to a half in every axis, `WEAK` if they do in some, `UNDETERMINED` if in none or if
        the iteration did not settle or the lines still disagree after it.
    vector : ndarray of float64, shape (3,)
        Measured minus true angular velocity, rad/s, in the camera's axes.
    covariance : ndarray of float64, shape (3, 3)
        (rad/s)^2, prior included.
    narrowing : ndarray of float64, shape (3,)
        Posterior over prior standard deviation along the principal axes, best first.
    motion : DirectionEstimate
        Direction of motion from the corrected events.
    """

    status: Status
    vector: Array
    covariance: Array
    narrowing: Array
    motion: DirectionEstimate

    @property
    def reason(self) -> str:
        """The status in one sentence."""
        return self.status.reason

    def __bool__(self) -> bool:
        return self.status.has_answer

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
    both, derotating anew in between.

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
    bias, prior = np.zeros(3), np.eye(3) / prior_sigma_rad_s**2
    motion = estimate_direction(lines, noise=noise, options=options)
    if len(lines) <= _UNKNOWNS or not motion:
        status = motion.status if not motion else Status.TOO_FEW
        return GyroBiasEstimate(status, bias, np.eye(3) * prior_sigma_rad_s**2, np.ones(3), motion)
    direction, covariance, settled = motion.direction, np.eye(3) * prior_sigma_rad_s**2, False
    for _ in range(_ROUNDS):
        fits = fit_jointly([line.corrected(bias) for line in lines], noise or EventNoise())
        if fits is None:
            break
        step, direction, covariance = _step(fits, direction, bias, prior)
        bias = bias + step * min(1.0, prior_sigma_rad_s / max(float(np.linalg.norm(step)), 1e-300))
        settled = bool(step @ np.linalg.solve(covariance, step) < _CONVERGED**2)
        if settled:
            break
    motion = estimate_direction([line.corrected(bias) for line in lines], noise=noise, options=options)
    narrowing = np.sqrt(np.linalg.eigvalsh(covariance)) / prior_sigma_rad_s
    # Lines that still disagree after the correction tell a false minimum.
    agreed = settled and motion.scatter_rad_s == 0 and abs(float(motion.vector @ direction)) > _AGREED
    told = int((narrowing < _TOLD).sum()) if agreed else 0
    status = (Status.UNDETERMINED, Status.WEAK, Status.WEAK, Status.OK)[told]
    return GyroBiasEstimate(status, bias, covariance, narrowing, motion)


def _step(joint: JointFits, direction: Array, bias: Array, prior: Array) -> tuple[Array, Array, Array]:
    """Gauss-Newton step of the bias, new direction, and covariance of the bias."""
    plane = np.linalg.svd(direction[None])[2][1:]
    vectors, covariances = joint.fits.vectors, _covariances(joint)
    towards = covariances[:, :, 3:] @ direction
    variances, misfits = towards[:, 3:] @ direction, vectors[:, 3:] @ direction
    # Derivatives belong to the most likely lines that obey the common direction: at the free ones, their
    # own noise would pass for information.
    obedient = vectors - towards * (misfits / variances)[:, None]
    obedient /= np.linalg.norm(obedient[:, :3], axis=1, keepdims=True)
    terms = gyro_terms(joint.stack, obedient, joint.fits.noise)
    # The estimated rate holds the shift by the remaining error of the bias.
    rows = np.concatenate([obedient[:, 3:] @ plane.T, -np.einsum("i,mij->mj", direction, terms.shifts[:, 3:])], 1)
    information = rows.T @ (rows / variances[:, None])
    information[2:, 2:] += prior + terms.information.sum(0)
    gradient = rows.T @ (misfits / variances)
    gradient[2:] += prior @ bias - terms.pulls.sum(0)
    step = -np.linalg.solve(information, gradient)
    turned = np.asarray(direction + step[:2] @ plane, np.float64)
    unit: Array = turned / float(np.linalg.norm(turned))
    covariance = np.asarray(np.linalg.inv(information)[2:, 2:], np.float64)
    return np.asarray(step[2:], float), unit, covariance


def _covariances(joint: JointFits) -> Array:
    """Covariances of the lines' vectors, with each line's own error of the gyro if one is given beside the common bias."""
    fits = joint.fits
    covariances: Array = fits.covariances * joint.widening[:, None, None]
    if fits.noise.sigma_gyro_rad_s > 0:
        shifts = fits.noise.sigma_gyro_rad_s * gyro_terms(joint.stack, fits.vectors, fits.noise).shifts
        covariances = covariances + shifts @ np.swapaxes(shifts, 1, 2)
    return covariances
