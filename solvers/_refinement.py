"""Kernels of the maximum-likelihood refinement of one line over its events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

Array = NDArray[np.float64]

# Share of the cost that a step has to promise to be worth taking.
_CONVERGED = 1e-9


@kernel
def _event_residual(
    f: Array, rate: Array, jac: Array, t: float, x: Array, pixel: float, time: float, row: Array
) -> tuple[float, float]:
    """Residual of one event in standard deviations, its derivative by x in ``row``, and its standard deviation.

    The residual is r / s with r = f.n, n = b - t a; its variance s^2 = pixel^2 |J'n|^2 + time^2 (dr/dt)^2 depends on x, too.
    """
    n0, n1, n2 = x[0] - t * x[3], x[1] - t * x[4], x[2] - t * x[5]
    r = f[0] * n0 + f[1] * n1 + f[2] * n2
    p = jac[0, 0] * n0 + jac[1, 0] * n1 + jac[2, 0] * n2
    q = jac[0, 1] * n0 + jac[1, 1] * n1 + jac[2, 1] * n2
    slope = rate[0] * n0 + rate[1] * n1 + rate[2] * n2 - f[0] * x[3] - f[1] * x[4] - f[2] * x[5]
    pp, tt = pixel * pixel, time * time
    variance = pp * (p * p + q * q) + tt * slope * slope
    if not variance > 0.0:
        for k in range(6):
            row[k] = 0.0
        return 0.0, 0.0
    s = np.sqrt(variance)
    ratio = r / variance
    for k in range(3):
        change = pp * (p * jac[k, 0] + q * jac[k, 1]) + tt * slope * rate[k]
        row[k] = (f[k] - ratio * change) / s
        row[k + 3] = (-t * f[k] - ratio * (-t * change - tt * slope * f[k])) / s
    return r / s, s


@kernel
def _squared_residual(f: Array, rate: Array, jac: Array, t: float, x: Array, pixel: float, time: float) -> float:
    """Square of the residual alone; see `_event_residual`."""
    n0, n1, n2 = x[0] - t * x[3], x[1] - t * x[4], x[2] - t * x[5]
    r = f[0] * n0 + f[1] * n1 + f[2] * n2
    p = jac[0, 0] * n0 + jac[1, 0] * n1 + jac[2, 0] * n2
    q = jac[0, 1] * n0 + jac[1, 1] * n1 + jac[2, 1] * n2
    slope = time * (rate[0] * n0 + rate[1] * n1 + rate[2] * n2 - f[0] * x[3] - f[1] * x[4] - f[2] * x[5])
    variance = pixel * pixel * (p * p + q * q) + slope * slope
    squared: float = r * r / variance if variance > 0.0 else 0.0
    return squared


@kernel
def _cost(
    f: Array, rates: Array, jacs: Array, times: Array, weights: Array, x: Array, pixel: float, time: float, huber: float
) -> float:
    """Weighted (Huber) sum of squared residuals."""
    total = 0.0
    for i in range(len(times)):
        squared = _squared_residual(f[i], rates[i], jacs[i], times[i], x, pixel, time)
        total += weights[i] * (squared if squared <= huber * huber else huber * (2.0 * np.sqrt(squared) - huber))
    return total


@kernel
def _normal_equations(
    f: Array, rates: Array, jacs: Array, times: Array, weights: Array, x: Array, pixel: float, time: float, huber: float,
    h: Array, g: Array,
) -> float:
    """Gauss-Newton matrix h and gradient g of half the cost; returns the sum of the logarithms of s."""
    for j in range(6):
        g[j] = 0.0
        for k in range(6):
            h[j, k] = 0.0
    row = np.empty(6)
    logs = 0.0
    for i in range(len(times)):
        value, s = _event_residual(f[i], rates[i], jacs[i], times[i], x, pixel, time, row)
        if s == 0.0:
            continue
        w = weights[i]
        logs += w * np.log(s)
        if abs(value) > huber:
            w *= huber / abs(value)
        for j in range(6):
            wj = w * row[j]
            g[j] += wj * value
            for k in range(j + 1):
                h[j, k] += wj * row[k]
    for j in range(6):
        for k in range(j):
            h[k, j] = h[j, k]
    return logs


@kernel
def _solve_damped(h: Array, g: Array, x: Array, damping: float, low: Array, step: Array) -> bool:
    """Step of ``(h + damping diag(h) + gauge x x') step = -g`` by Cholesky; the scale of [b, a] is free."""
    trace = size = 0.0
    for i in range(6):
        trace += h[i, i]
        size += x[i] * x[i]
    gauge = trace / (size * size)
    for j in range(6):
        for i in range(j, 6):
            total = h[i, j] + gauge * x[i] * x[j]
            if i == j:
                total += damping * (h[i, i] + 1e-12 * trace)
            for k in range(j):
                total -= low[i, k] * low[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                low[j, j] = np.sqrt(total)
            else:
                low[i, j] = total / low[j, j]
    for i in range(6):
        total = -g[i]
        for k in range(i):
            total -= low[i, k] * step[k]
        step[i] = total / low[i, i]
    for i in range(5, -1, -1):
        total = step[i]
        for k in range(i + 1, 6):
            total -= low[k, i] * step[k]
        step[i] = total / low[i, i]
    return True


@kernel
def _refine(
    f: Array, rates: Array, jacs: Array, times: Array, weights: Array, x: Array, pixel: float, time: float, huber: float,
    iterations: int, h: Array, g: Array,
) -> tuple[float, float]:
    """Levenberg-Marquardt in x = [b, a] in place; returns the cost and the sum of log s, and leaves h at the minimum."""
    low, step, trial = np.empty((6, 6)), np.empty(6), np.empty(6)
    damping = 1e-4
    cost = _cost(f, rates, jacs, times, weights, x, pixel, time, huber)
    logs = _normal_equations(f, rates, jacs, times, weights, x, pixel, time, huber, h, g)
    for _ in range(iterations):
        if not _solve_damped(h, g, x, damping, low, step):
            damping = max(10.0 * damping, 1e-9)
            continue
        norm = promised = 0.0
        for k in range(6):
            trial[k] = x[k] + step[k]
            norm += trial[k] * trial[k]
            promised -= g[k] * step[k]
        if promised <= _CONVERGED * cost:
            break
        norm = np.sqrt(norm)
        for k in range(6):
            trial[k] /= norm
        new = _cost(f, rates, jacs, times, weights, trial, pixel, time, huber)
        if new <= cost:
            for k in range(6):
                x[k] = trial[k]
            cost = new
            damping *= 0.1
            logs = _normal_equations(f, rates, jacs, times, weights, x, pixel, time, huber, h, g)
        else:
            damping *= 10.0
            if damping > 1e8:
                break
    return cost, logs
