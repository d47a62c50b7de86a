"""Correct a constant error of the gyro from the events of many lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.direction import DirectionEstimate
from evcam.solvers.joint import JointOptions, estimate_direction, fit_lines
from evcam.solvers.noise import EventNoise
from evcam.solvers.refinement import LineFit, gyro_information
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
        corrected = [line.corrected(bias) for line in lines]
        kept, fits = fit_lines(corrected, noise or EventNoise())
        step, direction, covariance = _step(kept, fits, direction, bias, prior)
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


def _step(
    lines: Sequence[DerotatedEvents], fits: Sequence[LineFit], direction: Array, bias: Array, prior: Array
) -> tuple[Array, Array, Array]:
    """Gauss-Newton step of the bias, new direction, and covariance of the bias."""
    plane = np.linalg.svd(direction[None])[2][1:]
    information, gradient = np.zeros((5, 5)), np.zeros(5)
    information[2:, 2:], gradient[2:] = prior, prior @ bias
    for line, fit in zip(lines, fits, strict=True):
        x = fit.estimate.vector
        towards = fit.estimate.covariance[:, 3:] @ direction
        variance = float(direction @ towards[3:])
        # Derivatives belong to the most likely line that obeys the common direction: at the free one, their
        # own noise would pass for information.
        obedient = x - towards * (float(direction @ x[3:]) / variance)
        shift, own, slope = gyro_information(line, obedient, fit.estimate.noise)
        # The estimated rate holds the shift by the remaining error of the bias.
        row = np.concatenate([plane @ obedient[3:], -direction @ shift[3:]])
        information += np.outer(row, row) / variance
        gradient += row * float(direction @ x[3:]) / variance
        information[2:, 2:] += own
        gradient[2:] += slope
    step = -np.linalg.solve(information, gradient)
    turned = np.asarray(direction + step[:2] @ plane, np.float64)
    unit: Array = turned / float(np.linalg.norm(turned))
    covariance = np.asarray(np.linalg.inv(information)[2:, 2:], np.float64)
    return np.asarray(step[2:], float), unit, covariance
