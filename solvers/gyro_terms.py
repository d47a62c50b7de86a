"""What an error of the gyro does to lines, and what the residuals of the lines say of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.solvers.line_fits import EventsOfLines, LineFits, fit_lines, tangent_of_b, with_level
from evcam.solvers.line_motion import cross
from evcam.solvers.noise import EventNoise

Array = NDArray[np.float64]

# Share of the largest eigenvalue below which information counts as none.
_NOTHING = 1e-13
_ROUNDS = 20
# Standard deviations by which the errors may still move at the end.
_SETTLED = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class GyroTerms:
    """Effect of a constant error of the angular velocity on each line, to first order.

    Attributes
    ----------
    shifts : ndarray of float64, shape (M, 6, 3)
        Change of the estimated ``[b, a]`` by the error.
    information : ndarray of float64, shape (M, 3, 3)
        On the error, from the line's own residuals, s^2/rad^2.
    pulls : ndarray of float64, shape (M, 3)
        ``information^-1 pulls`` is the error that the residuals suggest: minus the gradient of half of chi2.
    """

    shifts: Array
    information: Array
    pulls: Array


def gyro_terms(stack: EventsOfLines, vectors: Array, noise: EventNoise) -> GyroTerms:
    """Terms at these lines.

    Parameters
    ----------
    stack : EventsOfLines
    vectors : ndarray of float64, shape (M, 6)
        ``[b, a]``, the minima for these events.
    noise : EventNoise
        With its level.

    Returns
    -------
    GyroTerms
    """
    rows = _rows(stack, vectors, noise)
    halves = np.maximum.reduceat(np.abs(stack.events.times_s), np.concatenate([[0], stack.ends[:-1]]))
    bases = tangent_of_b(vectors[:, :3])
    # Columns of a comparable size keep the normal equations well conditioned.
    bases[:, 3:] /= np.maximum(halves, 1e-300)[:, None, None]
    shifts, information, pulls = np.empty((len(vectors), 6, 3)), np.empty((len(vectors), 3, 3)), np.empty((len(vectors), 3))
    for k, (begin, end) in enumerate(zip(np.concatenate([[0], stack.ends[:-1]]), stack.ends, strict=True)):
        part = rows[begin:end]
        reduced, turned = part[:, :6] @ bases[k], part[:, 6:9]
        sizes, axes = np.linalg.eigh(reduced.T @ reduced)
        kept = axes / np.maximum(sizes, _NOTHING * sizes[-1] + 1e-300)
        change = -kept @ (axes.T @ (reduced.T @ turned))
        left = turned + reduced @ change
        shifts[k], information[k], pulls[k] = bases[k] @ change, left.T @ left, left.T @ part[:, 9]
    return GyroTerms(shifts, information, pulls)


def _rows(stack: EventsOfLines, vectors: Array, noise: EventNoise) -> Array:
    """Derivatives of the normalised residuals by [b, a] and by the angular velocity, and the residuals; (N, 10), weighted.

    The residual is f.n / s; s depends on n and on the angular velocity, too.
    """
    e, x = stack.events, vectors[stack.owner]
    t, n = e.times_s[:, None], x[:, :3] - e.times_s[:, None] * x[:, 3:]
    residual = (e.bearings * n).sum(1, keepdims=True)
    across = np.einsum("nij,ni->nj", e.pixel_jacobians, n) * noise.sigma_px
    slope = ((e.rates * n).sum(1, keepdims=True) - (e.bearings * x[:, 3:]).sum(1, keepdims=True)) * noise.sigma_time_s
    # As in the kernel: where the line rests, noise of the time acts through the second derivative.
    bend = 2 * np.abs((e.rates * x[:, 3:]).sum(1, keepdims=True)) + (e.rates * e.rates).sum(1, keepdims=True)
    variance = (across * across).sum(1, keepdims=True) + slope**2 + 0.75 * (bend * noise.sigma_time_s**2) ** 2
    variance = np.maximum(variance, 1e-300)
    # What moves with the plane's normal: the bearing, and in proportion to the residual what s is made of.
    share = residual / variance
    moving = e.bearings - share * (noise.sigma_px * np.einsum("nij,nj->ni", e.pixel_jacobians, across)
                                   + noise.sigma_time_s * slope * e.rates)
    weighed = share * noise.sigma_time_s * slope
    by_a = -t * moving + weighed * e.bearings
    turned = np.einsum("nij,ni->nj", e.gyro_jacobians, cross(moving, n) + weighed * cross(e.bearings, x[:, 3:]))
    # The rate w x f of the bearing changes with w itself, as `DerotatedEvents.corrected` has it.
    turned -= weighed * cross(e.bearings, n)
    rows = np.concatenate([moving, by_a, turned, residual], 1)
    scaled: Array = rows * np.sqrt(stack.weights[:, None] / variance)
    return scaled


@dataclass(frozen=True, eq=False, slots=True)
class GyroFits:
    """Lines refitted with an error of the angular velocity of their own.

    Attributes
    ----------
    fits : LineFits
        At the most likely errors, for the level of the noise that remains.
    covariances : ndarray of float64, shape (M, 6, 6)
        Of the vectors, the uncertainty of the errors included.
    errors : ndarray of float64, shape (M, 3)
        Measured minus true angular velocity, rad/s.
    log_evidence : float
        Comparable with `log_evidence` of fits without such errors.
    """

    fits: LineFits
    covariances: Array
    errors: Array
    log_evidence: float


def fit_with_gyro_errors(stack: EventsOfLines, fits: LineFits, sigma_rad_s: float, huber: float = np.inf) -> GyroFits:
    """Refit lines together with an error of the angular velocity for each line.

    Only what is seen beyond the line itself tells the error: the second order in time.  Under noise of half a pixel it is
    next to nothing, and then the errors only widen the covariance; exact events tell all of it.

    Parameters
    ----------
    stack : EventsOfLines
    fits : LineFits
        Of the same events, without error.
    sigma_rad_s : float
        Standard deviation of the errors, per axis.
    huber : float
        As in `refine_line`.

    Returns
    -------
    GyroFits
    """
    unknown, count = fits.noise.level_is_unknown, len(stack.ends)
    freedom, prior = float(fits.freedom.sum()), np.eye(3) / sigma_rad_s**2
    start, errors, corrected, spent = fits, np.zeros((count, 3)), stack, 0.0
    for _ in range(_ROUNDS):
        level = float(np.sqrt(max(float(fits.costs.sum()), 1e-300) / max(freedom - spent, 1.0))) if unknown else 1.0
        noise = fits.noise.scaled(level) if unknown else fits.noise
        terms = gyro_terms(corrected, fits.vectors, noise)
        spread = np.asarray(np.linalg.inv(terms.information + prior), np.float64)
        steps = np.einsum("mij,mj->mi", spread, terms.pulls - errors @ prior)
        spent = float(np.einsum("mij,mji->", spread, terms.information))
        if (np.einsum("mi,mij,mj->m", steps, terms.information + prior, steps) < _SETTLED**2).all():
            break
        errors = errors + steps
        corrected = EventsOfLines(stack.events.corrected(errors[stack.owner]), stack.weights, stack.ends)
        fits = fit_lines(corrected, fits.vectors, fits.noise, huber)[0]
    if unknown:
        start, fits = with_level(start, level), with_level(fits, level)
    misfits = fits.costs + np.einsum("mi,ij,mj->m", errors, prior, errors)
    found = _Corrected(fits, terms.shifts @ spread @ np.swapaxes(terms.shifts, 1, 2), errors, _shrinkages(spread, prior), misfits)
    for told in (1.0, 0.0):
        found = found.or_likelier(_stepped(stack, start, noise, prior, told))
    fits, misfit = found.fits, float(found.misfits.sum())
    volume = fits.log_volumes.sum() + found.log_shrinkages.sum()
    evidence = volume - fits.log_scales.sum() - 0.5 * (freedom * np.log(max(misfit, 1e-300)) if unknown else misfit)
    return GyroFits(fits, fits.covariances + found.shares, found.errors, float(evidence))


@dataclass(frozen=True, eq=False, slots=True)
class _Corrected:
    """Lines with errors of the gyro, what these add to the covariances, and squared residuals with those of the prior."""

    fits: LineFits
    shares: Array
    errors: Array
    log_shrinkages: Array
    misfits: Array

    def or_likelier(self, other: _Corrected) -> _Corrected:
        """Of each line the one with the larger evidence."""
        chosen = other._evidences() > self._evidences()

        def of_each(ours: Array, theirs: Array) -> Array:
            return np.where(chosen.reshape(-1, *[1] * (ours.ndim - 1)), theirs, ours)

        parts: dict[str, Any] = {field.name: of_each(getattr(self.fits, field.name), getattr(other.fits, field.name))
                                 for field in fields(LineFits) if field.name != "noise"}
        return _Corrected(replace(self.fits, **parts), *(of_each(getattr(self, name), getattr(other, name)) for name in (
            "shares", "errors", "log_shrinkages", "misfits")))

    def _evidences(self) -> Array:
        evidences: Array = self.fits.log_volumes + self.log_shrinkages - 0.5 * self.misfits
        return evidences


def _stepped(stack: EventsOfLines, fits: LineFits, noise: EventNoise, prior: Array, told: float) -> _Corrected:
    """One step from the lines without errors, or none if what the residuals tell of the errors counts for nothing (told = 0).

    Slow lines, which trade depth against the error, else end in narrow minima at which they pass the camera within the window.
    """
    terms = gyro_terms(stack, fits.vectors, noise)
    spread = np.asarray(np.linalg.inv(told * terms.information + prior), np.float64)
    errors = np.einsum("mij,mj->mi", spread, told * terms.pulls)
    vectors = fits.vectors - np.einsum("mij,mj->mi", terms.shifts, errors)
    vectors /= np.linalg.norm(vectors[:, :3], axis=1, keepdims=True)
    corrected = EventsOfLines(stack.events.corrected(errors[stack.owner]), stack.weights, stack.ends)
    residuals = _rows(corrected, vectors, noise)[:, 9]
    costs = np.add.reduceat(residuals * residuals, np.concatenate([[0], stack.ends[:-1]]))
    shares = terms.shifts @ spread @ np.swapaxes(terms.shifts, 1, 2)
    misfits = costs + np.einsum("mi,ij,mj->m", errors, prior, errors)
    return _Corrected(replace(fits, vectors=vectors, costs=costs), shares, errors, _shrinkages(spread, prior), misfits)


def _shrinkages(spread: Array, prior: Array) -> Array:
    """Log volumes of the errors' posteriors over that of the prior, (M,)."""
    shrinkages: Array = 0.5 * np.log(np.linalg.det(spread @ prior))
    return shrinkages
