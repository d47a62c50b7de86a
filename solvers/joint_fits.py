"""Fits of many lines with one noise level, and the rates that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.direction_posterior import Rates
from evcam.solvers.eventail import eventail_linear
from evcam.solvers.gyro_terms import fit_with_gyro_errors, gyro_terms
from evcam.solvers.line_estimate import LineEstimate
from evcam.solvers.line_fits import EventsOfLines, LineFits, fit_lines, with_level
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Status

Array = NDArray[np.float64]

MIN_EVENTS = 6
_MOTION = 3
# Lines at rest say little, and that little not normally: motion has to explain so many times what each of its numbers
# explains by chance.
_MOVES = 8.0
# Rates are not thought larger than so many times the median of all lines.
_FAST = 2.0
# Lines whose squared level exceeds the median by this factor do not count for the common one.
_ROUGH = 9.0
# Standard deviations of its squared level by which a line has to exceed the common one to keep its own.
_OWN_LEVEL_SIGMA = 4.0
# Log evidence per line for errors of the gyro, from the residuals alone, at which they are believed.
_TOLD = 3.0


@dataclass(frozen=True, eq=False, slots=True)
class JointFits:
    """Lines that have a solution, with one level of the noise.

    Attributes
    ----------
    used : ndarray of int64, shape (K,)
        Which of the lines given.
    stack : EventsOfLines
        Their events.
    free : LineFits
        For the kind of noise that was chosen, before its level was.
    fits : LineFits
        For the common level.
    widening : ndarray of float64, shape (K,)
        Factors of the covariances, for lines that scatter more than the others and for what is not known of the level.
    """

    used: NDArray[np.int64]
    stack: EventsOfLines
    free: LineFits
    fits: LineFits
    widening: Array

    def estimates(self) -> list[LineEstimate]:
        """Each line by itself, for the common level, without an error of the gyro."""
        fits, unknown = self.fits, self.free.noise.level_is_unknown
        covariances = fits.covariances * self.widening[:, None, None]
        return [LineEstimate(Status.OK, fits.vectors[k], covariances[k], fits.noise, float(fits.front_shares[k]),
                             float(fits.costs[k]), float(fits.counts[k]), unknown) for k in range(len(self.used))]

    def rates(self) -> Rates:
        """Rates of all lines; an error of the gyro, if it was told, is part of their covariance."""
        sigma = self.fits.noise.sigma_gyro_rad_s
        if sigma == 0:
            return _rates(self.fits.vectors, self.fits.covariances * self.widening[:, None, None])
        refitted = fit_with_gyro_errors(self.stack, self.free, sigma)
        return _rates(refitted.fits.vectors, refitted.covariances * self.widening[:, None, None])

    def with_gyro_errors(self, sigma_rad_s: float) -> tuple[Rates, float] | None:
        """Rates without each line's own error of the gyro, and the size of the errors, if the residuals tell them."""
        refitted = fit_with_gyro_errors(self.stack, self.free, sigma_rad_s)
        if refitted.log_evidence < pooled_evidence(self.free) + _TOLD * len(self.used):
            return None
        return _rates(refitted.fits.vectors, refitted.covariances), float(np.sqrt((refitted.errors**2).mean()))

    def scattered(self, sigmas_rad_s: Sequence[float]) -> list[Rates]:
        """Rates if each line has an error of the gyro of its own, for several sizes of it."""
        terms, hypotheses = gyro_terms(self.stack, self.fits.vectors, self.fits.noise), []
        for sigma in sigmas_rad_s:
            prior = np.eye(3) / sigma**2
            spread = np.linalg.inv(terms.information + prior)
            errors = np.einsum("mij,mj->mi", spread, terms.pulls)
            vectors = self.fits.vectors - np.einsum("mij,mj->mi", terms.shifts, errors)
            shares = terms.shifts @ spread @ np.swapaxes(terms.shifts, 1, 2)
            gain = 0.5 * float((errors * terms.pulls).sum() + np.log(np.linalg.det(spread @ prior)).sum())
            hypotheses.append(_rates(vectors, self.fits.covariances * self.widening[:, None, None] + shares, gain))
        return hypotheses


def fit_jointly(lines: Sequence[DerotatedEvents], noise: EventNoise) -> JointFits | None:
    """Fit all lines that have a solution; None if there is none."""
    starts = [(k, eventail_linear(line.bearings, line.times_s)) for k, line in enumerate(lines) if len(line) >= MIN_EVENTS]
    good = [(k, start.vectors) for k, start in starts if start]
    if not good:
        return None
    used, vectors = np.array([k for k, _ in good]), np.stack([vector for _, vector in good])
    stack = EventsOfLines.joined([lines[k] for k in used])
    candidates = fit_lines(stack, vectors, noise)
    best = max(candidates, key=pooled_evidence)
    moving = _moving(best)
    if not moving.any():
        return None
    if best.given_up.any() or not moving.all():
        used = used[moving]
        stack = EventsOfLines.joined([lines[k] for k in used])
        best = fit_lines(stack, best.vectors[moving], best.noise)[0]
    if not noise.level_is_unknown:
        return JointFits(used, stack, best, best, np.ones(len(used)))
    level, widening = _level(best)
    return JointFits(used, stack, best, with_level(best, level), widening)


def _moving(fits: LineFits) -> NDArray[np.bool_]:
    gain = (fits.rest_costs - fits.motion_costs) / _MOTION
    level = fits.noise.sigma_px**2 if fits.noise.sigma_px > 0 else fits.motion_costs.sum() / max(float(fits.freedom.sum()), 1.0)
    return np.asarray(gain > _MOVES * max(level, 1e-300))


def pooled_evidence(fits: LineFits) -> float:
    """Log probability of all events, lines and common level integrated out."""
    freedom, misfit = float(fits.freedom.sum()), max(float(fits.costs.sum()), 1e-300)
    return float(fits.log_volumes.sum() - fits.log_scales.sum()) - 0.5 * (
        freedom * np.log(misfit) if fits.noise.level_is_unknown else misfit)


def _level(fits: LineFits) -> tuple[float, Array]:
    """Common level, and factors of the covariances."""
    freedom = np.maximum(fits.freedom, 1.0)
    squares = np.maximum(fits.costs, 1e-300) / freedom
    smooth = squares <= _ROUGH * np.median(squares)
    whole = float(freedom[smooth].sum())
    common = float(fits.costs[smooth].sum()) / whole
    own = squares / common
    widening = np.where(own > 1 + _OWN_LEVEL_SIGMA * np.sqrt(2 / freedom), own, 1.0)
    return float(np.sqrt(common)), widening * whole / max(whole - 2, whole / 3)


def bounded(rates: Rates) -> Rates:
    """The rates, given that none is much larger than the others: the normal distribution of each is multiplied by a wide one.

    Slow lines, whose depth component is hidden by noise, else fit motions as well that would be far faster.
    """
    widest = _FAST * float(np.median(np.linalg.norm(rates.a, axis=1)))
    precision = np.linalg.inv(rates.covariance)
    covariance = np.asarray(np.linalg.inv(precision + np.eye(3) / widest**2), np.float64)
    a = np.einsum("mij,mjk,mk->mi", covariance, precision, rates.a)
    return Rates(rates.b, a, covariance, rates.log_weight)


def _rates(vectors: Array, covariances: Array, log_weight: float = 0.0) -> Rates:
    a: Array = np.ascontiguousarray(vectors[:, 3:])
    # Exact data have no covariance at all: a floor far below any real noise keeps their likelihood finite.
    floor = 1e-16 * (a * a).sum(1)[:, None, None] * np.eye(3)
    covariance: Array = covariances[:, 3:, 3:] + floor
    return Rates(np.ascontiguousarray(vectors[:, :3]), a, covariance, log_weight)
