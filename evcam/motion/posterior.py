"""Posterior of the direction of motion, given the lines' motions and what is assumed of depths, gyro and acceleration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotri
from scipy.special import erfc

from evcam.motion._nuisances import LEAST, _integrate_out, _sum_across

Array = NDArray[np.float64]

_LEAST_WRONG_SIGN = 0.02
_MEAN_STD = 10.0
# Error of the gyro, acceleration over speed, angular acceleration that the gyro misses, mean log depth.
_GYRO, _ACCELERATION, _TURNING, _MEAN = slice(0, 3), slice(3, 6), slice(6, 9), 9
_NUISANCES = 10
_UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


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
    def least_speed(self) -> Array:
        """The speed, or its uncertainty if more: lines that seem to rest are not infinitely slow but unsure, (M,)."""
        return np.maximum(self.speed, np.maximum(self.speed_std, 1e-9))

    @property
    def turning(self) -> Array:
        """Change of ``v.a`` by an angular acceleration that the gyro misses, over ``v.b``, s/rad, (M, 3)."""
        change: Array = 0.5 * np.cross(self.ray, self.b) / self.least_speed[:, None]
        return change

    @property
    def speed_by_gyro(self) -> Array:
        """Its change by an error of the angular velocity, (M, 3)."""
        change: Array = -np.einsum("mi,mij->mj", self._across, self.gyro)
        return change

    @property
    def _across(self) -> Array:
        across: Array = self.ray - (self.ray * self.b).sum(1, keepdims=True) * self.b
        return across


@dataclass(frozen=True, eq=False, slots=True)
class GyroPrior:
    """What is known of the gyro's error.

    Attributes
    ----------
    mean : ndarray of float64, shape (3,)
        Of the constant part, measured minus true, rad/s.
    covariance : ndarray of float64, shape (3, 3)
    turning_radps2 : float
        Standard deviation, per axis, of an angular acceleration that it misses.
    """

    mean: Array
    covariance: Array
    turning_radps2: float


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


@dataclass(frozen=True, eq=False, slots=True)
class _Across:
    """Sums over the lines of what ``v.a = 0`` says, for each direction: squares, log variances, and on the nuisances."""

    squares: Array
    log_variances: Array
    information: Array
    pull: Array
    count: int


def changes_across(direction: Array, b: Array, gyro: Array, turning: Array) -> Array:
    """How ``v.a`` of each line changes by an error of the gyro, an acceleration and an angular acceleration, (M, 9)."""
    return np.concatenate([direction @ gyro, 0.5 * b, (b @ direction)[:, None] * turning], 1)


class DirectionCosts:
    """Negative log posterior of directions under several hypotheses.

    For a line with the plane's normal b at depth Z, and a velocity v of unit length in units of the speed,

        log s = log(v.b) - log Z,     0 = v.a,

    where s is the motion across the line at its middle.  The measured s and a are changed by a constant error w of the gyro;
    a bend of the sweep that is not the line's own is taken for its depth component, so that an acceleration q (over the speed)
    changes ``v.a`` by ``b.q / 2`` and an angular acceleration h that the gyro misses by ``(v.b) (ray x b).h / (2 s)``.
    Log depths are a Gaussian process over the image.  Mean depth, w, q and h are integrated out.

    Parameters
    ----------
    rates : LineRates
    hypotheses : sequence of Hypothesis
    gyro : GyroPrior
    doubts : ndarray of float64, shape (2, M)
        Factors of the variances of each line's own depth and of its ``v.a``.
    """

    def __init__(self, rates: LineRates, hypotheses: Sequence[Hypothesis], gyro: GyroPrior, doubts: Array) -> None:
        self.rates, self.doubts = rates, doubts
        self.prior, self.prior_mean = np.zeros((_NUISANCES, _NUISANCES)), np.zeros(_NUISANCES)
        self.prior[_GYRO, _GYRO], self.prior_mean[_GYRO] = np.linalg.inv(gyro.covariance), gyro.mean
        self.prior[_TURNING, _TURNING] = np.eye(3) / gyro.turning_radps2**2
        self.prior[_MEAN, _MEAN] = 1 / _MEAN_STD**2
        speed = rates.least_speed
        self.doubt = rates.speed_std / speed
        self.log_speed = np.log(speed)
        self.design = np.zeros((len(rates), _NUISANCES))
        self.design[:, _GYRO] = rates.speed_by_gyro / speed[:, None]
        self.design[:, _MEAN] = 1.0
        self.turning = rates.turning
        c = rates.covariance
        columns = rates.a, rates.b, np.stack([c[:, i, j] for i, j in _UPPER], 1), rates.gyro.reshape(-1, 9), self.turning
        self._columns = tuple(np.ascontiguousarray(part.T) for part in columns)
        angle = np.arccos(np.clip(rates.ray @ rates.ray.T, -1, 1))
        self.depth_terms = {h.depths: self._depth_terms(h.depths, angle) for h in hypotheses}
        self.wrong_sign = np.maximum(0.5 * erfc(1 / np.maximum(np.sqrt(2) * self.doubt, 1e-6)), _LEAST_WRONG_SIGN)

    def _depth_terms(self, depths: Depths, angle: Array) -> tuple[Array, float, Array]:
        """Precision of the log depths, log determinant of their covariance, and precision times design."""
        covariance = depths.common_std**2 * np.exp(-angle / depths.reach_rad)
        covariance[np.diag_indices(len(angle))] += self.doubts[0] * (depths.own_std**2 + np.minimum(self.doubt, 1.0) ** 2)
        lower = np.linalg.cholesky(covariance)
        precision = np.asarray(dpotri(lower, lower=1)[0])
        precision = np.tril(precision) + np.tril(precision, -1).T
        return precision, 2 * float(np.log(np.diag(lower)).sum()), precision @ self.design

    def __call__(self, directions: Array, hypotheses: Sequence[Hypothesis]) -> Array:
        """Costs of directions (D, 3), and of their opposites, under each hypothesis: shape (2, H, D)."""
        across, along = self._across(directions), directions @ self.rates.b.T
        right, wrong = np.log1p(-self.wrong_sign), np.log(self.wrong_sign)
        front = along > 0
        signs = np.stack([np.where(front, right, wrong).sum(1), np.where(front, wrong, right).sum(1)])
        misfit = self.log_speed - np.log(np.abs(along) + LEAST)
        costs = np.stack([self._marginal(h, misfit, across) - h.log_prior for h in hypotheses])
        return np.asarray(costs - signs[:, None])

    def _across(self, directions: Array) -> _Across:
        """What ``v.a = 0`` says, whatever the hypothesis."""
        n = len(directions)
        squares, logs, pull = np.empty(n), np.empty(n), np.zeros((n, _NUISANCES))
        information = np.zeros((n, _NUISANCES, _NUISANCES))
        _sum_across(np.ascontiguousarray(directions), self._columns, self.doubts[1], squares, logs, information, pull)
        return _Across(squares, logs, information, pull, len(self.rates))

    def _marginal(self, hypothesis: Hypothesis, misfit: Array, across: _Across) -> Array:
        """Cost without signs (D,)."""
        precision, log_det, _ = self.depth_terms[hypothesis.depths]
        scale = hypothesis.inflation
        cost = 0.5 * (((misfit @ precision) * misfit).sum(1) + log_det)
        cost += 0.5 * (across.squares / scale + across.log_variances + across.count * np.log(scale))
        prior, base, pull = self._nuisances(hypothesis, misfit, across)
        explained, log_dets = np.empty(len(cost)), np.empty(len(cost))
        _integrate_out(base, across.information, pull, scale, explained, log_dets)
        cost += 0.5 * (log_dets - np.linalg.slogdet(prior)[1])
        cost += 0.5 * (float(self.prior_mean @ prior @ self.prior_mean) - explained)
        return np.asarray(cost)

    def _nuisances(self, hypothesis: Hypothesis, misfit: Array, across: _Across) -> tuple[Array, Array, Array]:
        """Prior of the nuisances, their information without that of ``v.a = 0``, (10, 10) each, and the pull of both (D, 10)."""
        weighed = self.depth_terms[hypothesis.depths][2]
        prior = self.prior.copy()
        prior[_ACCELERATION, _ACCELERATION] = np.eye(3) / hypothesis.acceleration_1_s**2
        pull = prior @ self.prior_mean + misfit @ weighed + across.pull / hypothesis.inflation
        # The density of s, whose logarithm is modelled, has a factor 1/s.
        pull[:, _GYRO] += self.design[:, _GYRO].sum(0)
        return prior, prior + self.design.T @ weighed, pull

    def misfits(self, hypothesis: Hypothesis, direction: Array) -> tuple[Array, Array]:
        """How far each line's depth and ``v.a`` lie from what the others say, in standard deviations, (M,) each."""
        rates = self.rates
        nuisance = np.linalg.solve(*self._at(hypothesis, direction))
        misfit = self.log_speed - np.log(np.abs(rates.b @ direction) + LEAST) - self.design @ nuisance
        precision = self.depth_terms[hypothesis.depths][0]
        # Left out of the others, a line deviates by its part of the weighed misfit over its own weight.
        apart = (precision @ misfit) / np.diag(precision)
        own = hypothesis.depths.own_std**2 + np.minimum(self.doubt, 1.0) ** 2
        depth = apart / np.sqrt(np.maximum(1 / np.diag(precision) - (self.doubts[0] - 1) * own, own))
        errors = rates.a @ direction - changes_across(direction, rates.b, rates.gyro, self.turning) @ nuisance[:_MEAN]
        variance = hypothesis.inflation * self._variance(direction[None])[0]
        return np.asarray(depth), np.asarray(errors / np.sqrt(variance))

    def _at(self, hypothesis: Hypothesis, direction: Array) -> tuple[Array, Array]:
        """What one direction says of the nuisances: information (10, 10) and its pull (10,)."""
        misfit = self.log_speed - np.log(np.abs(self.rates.b @ direction) + LEAST)
        across = self._across(direction[None])
        _, base, pull = self._nuisances(hypothesis, misfit[None], across)
        return base + across.information[0] / hypothesis.inflation, pull[0]

    def _variance(self, directions: Array) -> Array:
        """Of v.a, from the lines' own covariances, (D, M)."""
        products = (directions[:, :, None] * directions[:, None]).reshape(len(directions), 9)
        variance: Array = np.maximum(products @ self.rates.covariance.reshape(-1, 9).T, 1e-300)
        return variance
