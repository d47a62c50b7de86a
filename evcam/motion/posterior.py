"""Posterior of the direction of motion, given the lines' motions and what is assumed of depths, gyro and acceleration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

Array = NDArray[np.float64]

_LEAST_WRONG_SIGN = 0.02
_MEAN_STD = 10.0
_NUISANCES = 7


@dataclass(frozen=True, eq=False, slots=True)
class LineRates:
    """What each line says of the direction.

    Attributes
    ----------
    b, a : ndarray of float64, shape (M, 3)
        Signed such that the line lies in front.
    covariance : ndarray of float64, shape (M, 3, 3)
        Of a, 1/s^2.
    ray : ndarray of float64, shape (M, 3)
        Unit bearing of the middle of the seen part.
    gyro : ndarray of float64, shape (M, 3, 3)
        Change of a by a constant error of the angular velocity, measured minus true.
    """

    b: Array
    a: Array
    covariance: Array
    ray: Array
    gyro: Array

    def __len__(self) -> int:
        return len(self.b)

    def __getitem__(self, index: NDArray[np.bool_]) -> LineRates:
        return LineRates(self.b[index], self.a[index], self.covariance[index], self.ray[index], self.gyro[index])

    @property
    def speed(self) -> Array:
        """Motion across the line at its middle, ``v.b / depth``, 1/s, (M,)."""
        return np.asarray(-(self._across * self.a).sum(1))

    @property
    def speed_std(self) -> Array:
        """Its standard deviation, (M,)."""
        u = self._across
        std: Array = np.sqrt(np.einsum("mi,mij,mj->m", u, self.covariance, u))
        return std

    @property
    def speed_by_gyro(self) -> Array:
        """Its change by an error of the angular velocity, (M, 3)."""
        change: Array = -np.einsum("mi,mij->mj", self._across, self.gyro)
        return change

    @property
    def _across(self) -> Array:
        across: Array = self.ray - (self.ray * self.b).sum(1, keepdims=True) * self.b
        return across


@dataclass(frozen=True, slots=True)
class Depths:
    """One hypothesis of how the logarithms of the lines' depths scatter around their mean.

    Attributes
    ----------
    common_std : float
        Of what neighbouring lines share.
    reach_rad : float
        Angle over which they share it.
    own_std : float
        Of what is each line's own.
    """

    common_std: float
    reach_rad: float
    own_std: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Depths, standard deviation of the acceleration over the speed (1/s), and factor of the lines' covariances."""

    depths: Depths
    acceleration_1_s: float
    inflation: float = 1.0
    log_prior: float = 0.0


class DirectionCosts:
    """Negative log posterior of directions under several hypotheses.

    For a line with the plane's normal b at depth Z, and a velocity v of unit length in units of the speed,

        log s = log(v.b) - log Z,     0 = v.a,

    where s is the motion across the line at its middle.  The measured s and a are changed by a constant error w of the gyro,
    and ``v.a`` by an acceleration q (over the speed) as ``b.q / 2``, since a bend of the sweep that is not the line's own is
    taken for its depth component.  Log depths are a Gaussian process over the image.  Mean depth, w and q are integrated out.

    Parameters
    ----------
    rates : LineRates
    hypotheses : sequence of Hypothesis
    gyro_mean, gyro_covariance : ndarray of float64, shapes (3,) and (3, 3)
        What is known of w.
    """

    def __init__(self, rates: LineRates, hypotheses: Sequence[Hypothesis], gyro_mean: Array, gyro_covariance: Array) -> None:
        self.rates, self.hypotheses = rates, hypotheses
        self.gyro_mean, self.gyro_precision = gyro_mean, np.asarray(np.linalg.inv(gyro_covariance))
        speed = np.maximum(rates.speed, 1e-9)
        self.doubt = rates.speed_std / speed
        self.log_speed = np.log(speed)
        self.design = np.zeros((len(rates), _NUISANCES))
        self.design[:, :3] = rates.speed_by_gyro / speed[:, None]
        self.design[:, 6] = 1.0
        angle = np.arccos(np.clip(rates.ray @ rates.ray.T, -1, 1))
        self.depth_terms = {h.depths: self._depth_terms(h.depths, angle) for h in hypotheses}
        self.wrong_sign = np.maximum(0.5 * erfc(1 / np.maximum(np.sqrt(2) * self.doubt, 1e-6)), _LEAST_WRONG_SIGN)

    def _depth_terms(self, depths: Depths, angle: Array) -> tuple[Array, float, Array]:
        """Precision of the log depths, log determinant of their covariance, and precision times design."""
        covariance = depths.common_std**2 * np.exp(-angle / depths.reach_rad)
        covariance[np.diag_indices(len(angle))] += depths.own_std**2 + np.minimum(self.doubt, 1.0) ** 2
        precision = np.asarray(np.linalg.inv(covariance))
        return precision, float(np.linalg.slogdet(covariance)[1]), precision @ self.design

    def __call__(self, directions: Array) -> Array:
        """Costs of directions (D, 3), and of their opposites, under each hypothesis: shape (2, H, D)."""
        return np.stack([self._of(h, directions) for h in self.hypotheses], 1)

    def _of(self, hypothesis: Hypothesis, directions: Array) -> Array:
        shared, _, _ = self._marginal(hypothesis, directions)
        along = directions @ self.rates.b.T
        right, wrong = np.log1p(-self.wrong_sign), np.log(self.wrong_sign)
        front = along > 0
        signs = np.stack([np.where(front, right, wrong).sum(1), np.where(front, wrong, right).sum(1)])
        costs: Array = shared - signs - hypothesis.log_prior
        return costs

    def _marginal(self, hypothesis: Hypothesis, directions: Array) -> tuple[Array, Array, Array]:
        """Cost without signs (D,), and what the directions say of the nuisances: information (D, 7, 7) and its pull (D, 7)."""
        rates = self.rates
        along = np.abs(directions @ rates.b.T) + 1e-9
        misfit = self.log_speed - np.log(along)
        precision, log_det, weighed = self.depth_terms[hypothesis.depths]
        pulled = misfit @ precision
        cost = 0.5 * (pulled * misfit).sum(1) + 0.5 * log_det
        # v.a of each line and its variance.
        errors = directions @ rates.a.T
        variance = np.maximum(np.einsum("di,mij,dj->dm", directions, hypothesis.inflation * rates.covariance, directions), 1e-300)
        # v.a is a density in the units of a: the plane of all a with v.a = 0 is inclined by v.b.
        cost = cost + 0.5 * (errors * errors / variance + np.log(variance)).sum(1) - np.log(along).sum(1)
        design = np.zeros((*errors.shape, _NUISANCES))
        design[..., :3] = np.einsum("di,mij->dmj", directions, rates.gyro)
        design[..., 3:6] = 0.5 * rates.b
        prior = np.zeros((_NUISANCES, _NUISANCES))
        prior[:3, :3] = self.gyro_precision
        prior[3:6, 3:6] = np.eye(3) / hypothesis.acceleration_1_s**2
        prior[6, 6] = 1 / _MEAN_STD**2
        mean = np.concatenate([self.gyro_mean, np.zeros(4)])
        scaled = design / variance[..., None]
        information = prior + self.design.T @ weighed + np.swapaxes(scaled, 1, 2) @ design
        pull = prior @ mean + misfit @ weighed + (scaled * errors[..., None]).sum(1)
        best = np.linalg.solve(information, pull[..., None])[..., 0]
        cost += 0.5 * (np.linalg.slogdet(information)[1] - np.linalg.slogdet(prior)[1])
        cost += 0.5 * (float(mean @ prior @ mean) - (best * pull).sum(1))
        return cost, information, pull

    def gyro(self, hypothesis: Hypothesis, direction: Array) -> tuple[Array, Array]:
        """Mean and covariance of the gyro's error, given the direction."""
        _, information, pull = self._marginal(hypothesis, direction[None])
        covariance = np.asarray(np.linalg.inv(information[0]))
        return (covariance @ pull[0])[:3], covariance[:3, :3]

    def misfits(self, hypothesis: Hypothesis, direction: Array) -> tuple[Array, Array]:
        """How far each line's depth and ``v.a`` lie from what all others say, in standard deviations, (M,) each."""
        rates = self.rates
        _, information, pull = self._marginal(hypothesis, direction[None])
        nuisance = np.linalg.solve(information[0], pull[0])
        misfit = self.log_speed - np.log(np.abs(rates.b @ direction) + 1e-9) - self.design @ nuisance
        precision = self.depth_terms[hypothesis.depths][0]
        depth = (precision @ misfit) / np.sqrt(np.diag(precision))
        errors = rates.a @ direction - np.einsum("i,mij,j->m", direction, rates.gyro, nuisance[:3])
        errors -= 0.5 * rates.b @ nuisance[3:6]
        variance = np.einsum("i,mij,j->m", direction, hypothesis.inflation * rates.covariance, direction)
        return np.asarray(depth), np.asarray(errors / np.sqrt(variance))
