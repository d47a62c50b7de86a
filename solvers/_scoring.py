"""Kernels that score eventail models on events: distances in pixels, truncated costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import helper, kernel

Array = NDArray[np.float64]


@helper
def _squared_distance(f: Array, jac: Array, t: float, x: Array) -> float:
    n0, n1, n2 = x[0] - t * x[3], x[1] - t * x[4], x[2] - t * x[5]
    r = f[0] * n0 + f[1] * n1 + f[2] * n2
    p = jac[0, 0] * n0 + jac[1, 0] * n1 + jac[2, 0] * n2
    q = jac[0, 1] * n0 + jac[1, 1] * n1 + jac[2, 1] * n2
    squared: float = r * r / (p * p + q * q + 1e-300)
    return squared


@kernel
def _squared_distances(f: Array, jacs: Array, times: Array, x: Array, out: Array) -> None:
    for i in range(len(times)):
        out[i] = _squared_distance(f[i], jacs[i], times[i], x)


@kernel
def _cheapest(f: Array, jacs: Array, times: Array, models: Array, limit: float, bound: float) -> tuple[int, float]:
    """Position and truncated cost of the cheapest model; a model is dropped as soon as it costs ``bound``."""
    best = -1
    for k in range(len(models)):
        cost = 0.0
        for i in range(len(times)):
            cost += min(_squared_distance(f[i], jacs[i], times[i], models[k]) / limit, 1.0)
            if cost >= bound:
                break
        if cost < bound:
            bound = cost
            best = k
    return best, bound
