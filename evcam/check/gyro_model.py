"""A gyro with all that can be wrong with it as a prediction of how the events turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.check.gyro_search import BIAS_RADPS, SCALE_LOG, UNITS
from evcam.check.smooth_gyro import SmoothGyro
from evcam.check.turning import TurnRates
from evcam.check.weighing import Weighing
from evcam.core.rotation import exp_so3, hat

Array = NDArray[np.float64]

REACH_US = 200_000.0
"""How far the clocks may be apart."""
FREE, HELD = 1.0, 1e9
"""Stiffness of the prior on the tilt."""
_TILT_RAD = 0.5
_LONGEST_STEP_S = 0.004
_STEPS = 20


@dataclass(frozen=True, eq=False, slots=True)
class GyroModel:
    """Prediction of the events' turning from a gyro with one naming of its axes, and how far it is off.

    The unknowns ``theta``, shape (8,), are the tilt (rotation vector, rad), the logarithm of the scale, the bias (rad/s) and the
    shift of the clock (s).

    Attributes
    ----------
    turning : TurnRates
        What the events show.
    weighing : Weighing
        What a difference from it means.
    gyro : SmoothGyro
        The gyro as stated.
    axis_map : ndarray of float64, shape (3, 3)
        Naming and signs of its axes.
    unit : float
        Cost of one squared standard deviation.
    """

    turning: TurnRates
    weighing: Weighing
    gyro: SmoothGyro
    axis_map: Array
    unit: float

    def residuals(self, theta: Array) -> Array:
        """Turning of the events less the prediction, rad/s, (K, 3)."""
        turned = self._turned(theta, 0)
        residuals: Array = self.turning.rate_radps - turned - theta[4:7]
        return residuals

    def columns(self, theta: Array) -> Array:
        """Derivatives of the prediction by theta, and the residuals, (K, 3, 9)."""
        turned = self._turned(theta, 0)
        columns = np.empty((len(turned), 3, 9))
        columns[:, :, :3] = -hat(turned)
        columns[:, :, 3] = turned
        columns[:, :, 4:7] = np.eye(3)
        columns[:, :, 7] = -self._turned(theta, 1)
        columns[:, :, 8] = self.residuals(theta)
        return columns

    def _turned(self, theta: Array, order: int) -> Array:
        part = self.gyro.at(self.turning.t_us - 1e6 * theta[7])[order]
        turned: Array = part @ (np.exp(theta[3]) * exp_so3(theta[:3]) @ self.axis_map).T
        return turned

    def refine(self, start: Array, tilt: float) -> tuple[Array, float, Array]:
        """Unknowns from ``start``, their cost and inverse normal matrix; ``tilt`` is the prior's stiffness in its own units."""
        usual = min(np.log(list(UNITS.values())), key=lambda log: abs(log - start[3]))
        centre = np.array([0.0, 0.0, 0.0, usual, 0.0, 0.0, 0.0, start[7]])
        prior = self.unit * np.array([*[tilt / _TILT_RAD**2] * 3, SCALE_LOG**-2, *[BIAS_RADPS**-2] * 3, (1e-6 * REACH_US) ** -2])
        theta = start.copy()
        for _ in range(_STEPS):
            products = self.weighing.gram(self.columns(theta))
            step = np.linalg.solve(products[:8, :8] + np.diag(prior), products[:8, 8] - prior * (theta - centre))
            step[7] = np.clip(step[7], -_LONGEST_STEP_S, _LONGEST_STEP_S)
            theta = theta + step
            if np.abs(step).max() < 1e-7:
                break
        products = self.weighing.gram(self.columns(theta))
        cost = float(products[8, 8] + (prior * (theta - centre) ** 2).sum())
        inverse = np.asarray(np.linalg.inv(products[:8, :8] + np.diag(prior)), np.float64)
        return theta, cost, inverse
