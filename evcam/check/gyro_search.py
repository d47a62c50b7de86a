"""Which naming of its axes, scale and shift of its clock bring a gyro nearest to the events' angular velocity."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from evcam.check.smooth_gyro import SmoothGyro
from evcam.check.turning import TurnRates
from evcam.check.weighing import Weighing

Array = NDArray[np.float64]

BIAS_RADPS = 0.07
"""How much a gyro may be off at rest (one sigma, per axis): 4 degrees per second."""
SCALE_LOG = 0.2
"""How much a gyro's scale may be off (one sigma, relative) in any of the units of `UNITS`."""
UNITS = {"rad/s": 1.0, "degrees per second": np.pi / 180, "radians per second divided by 57.3": 180 / np.pi}
OTHER_UNIT = 10.0
"""Squared standard deviations that another unit has to gain to be believed."""


def _axis_maps() -> Array:
    """All ways in which axes can be named and signed; the identity first, rotations before reflections."""
    maps = np.array([np.eye(3)[list(order)] * np.array(signs)[:, None]
                     for order in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)])
    return maps[np.argsort(-(4.0 * np.linalg.det(maps) + np.trace(maps, axis1=1, axis2=2)), kind="stable")]


AXIS_MAPS = _axis_maps()


@dataclass(frozen=True, eq=False, slots=True)
class Hypothesis:
    """One naming of the axes at its best scale and shift.

    Attributes
    ----------
    cost : float
        Squared misfit, prior included.
    index : int
        Of `AXIS_MAPS`.
    scale : float
        Factor on the gyro.
    shift_us : float
        Beyond the stated offset.
    """

    cost: float
    index: int
    scale: float
    shift_us: float


def search(
    turning: TurnRates, weighing: Weighing, gyro: SmoothGyro, shifts_us: Array, unit: float,
    indices: NDArray[np.int64] | None = None,
) -> list[Hypothesis]:
    """Every naming of the axes (or those of ``indices``) at its best shift among these; ``unit`` is the cost of one sigma."""
    indices = np.arange(len(AXIS_MAPS), dtype=np.int64) if indices is None else indices
    costs, scales = np.empty((len(shifts_us), len(indices))), np.empty((len(shifts_us), len(indices)))
    for k, shift_us in enumerate(shifts_us):
        rate = gyro.at(turning.t_us - shift_us)[0]
        costs[k], scales[k] = _costs(moments(turning, weighing, rate), AXIS_MAPS[indices], unit)
    best = costs.argmin(0)
    return [Hypothesis(float(costs[k, i]), int(indices[i]), float(scales[k, i]), float(shifts_us[k])) for i, k in enumerate(best)]


def moments(turning: TurnRates, weighing: Weighing, rate_radps: Array) -> Array:
    """Products (13, 13) of the twelve numbers of ``[M | b]``, row by row, and of the events' angular velocity."""
    columns = np.zeros((len(turning), 3, 13))
    one = np.concatenate([rate_radps, np.ones((len(turning), 1))], 1)
    for i in range(3):
        columns[:, i, 4 * i : 4 * i + 4] = one
    columns[:, :, 12] = turning.rate_radps
    return weighing.gram(columns)


def misfit(products: Array, M: Array, unit: float) -> float:
    """Squared misfit of one map from the gyro to the events, with the best bias."""
    rows = np.zeros((3, 4))
    rows[:, :3] = M
    m = np.append(-rows.ravel(), 1.0)
    bias = np.arange(3) * 4 + 3
    normal = products[np.ix_(bias, bias)] + np.eye(3) * unit / BIAS_RADPS**2
    pull = products[bias] @ m
    return float(m @ products @ m - pull @ np.linalg.solve(normal, pull))


def _costs(products: Array, maps: Array, unit: float) -> tuple[Array, Array]:
    """Least misfit of each map (P, 3, 3) times a positive factor plus a bias, with what speaks against that factor."""
    basis = np.zeros((len(maps), 4, 12))
    basis[:, 0].reshape(-1, 3, 4)[:, :, :3] = maps
    for i in range(3):
        basis[:, 1 + i, 4 * i + 3] = 1.0
    normal = basis @ products[:12, :12] @ basis.transpose(0, 2, 1)
    pull = basis @ products[:12, 12]
    normal += np.diag([0.0, *[unit / BIAS_RADPS**2] * 3])
    # The bias is eliminated; what is left is a parabola in the factor.
    with_bias = np.linalg.solve(normal[:, 1:, 1:], np.stack([normal[:, 1:, 0], pull[:, 1:]], -1))
    curvature = normal[:, 0, 0] - (normal[:, 0, 1:] * with_bias[..., 0]).sum(1)
    slope = pull[:, 0] - (normal[:, 0, 1:] * with_bias[..., 1]).sum(1)
    rest = products[12, 12] - (pull[:, 1:] * with_bias[..., 1]).sum(1)
    best = np.full(len(maps), np.inf)
    scales = np.ones(len(maps))
    for usual in UNITS.values():
        # A Gaussian about the unit's factor, of the same relative width.
        stiffness = unit / (SCALE_LOG * usual) ** 2
        scale = np.maximum((slope + stiffness * usual) / (curvature + stiffness), 1e-3 * usual)
        cost = rest - 2 * scale * slope + scale**2 * curvature + stiffness * (scale - usual) ** 2
        cost = cost + (0.0 if usual == 1.0 else OTHER_UNIT * unit)
        scales = np.where(cost < best, scale, scales)
        best = np.minimum(best, cost)
    return best, scales
