"""Kernels of the maximum-likelihood refinement of lines over their events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import helper, kernel

Array = NDArray[np.float64]

# Share of the cost that a step has to promise to be worth taking.
_CONVERGED = 1e-8


@helper
def _normal_equations(
    f: Array, rates: Array, jacs: Array, times: Array, weights: Array, x: Array, half: float, pp: float, tt: float,
    floor: float, anchor: Array, huber: float, h: Array, g: Array, sums: Array,
) -> float:
    """Lower triangle h of the Gauss-Newton matrix and gradient g of half the cost; returns the cost.

    x is [b, a] with time in units of ``half``.  The cost is the weighted (Huber) sum of (r / s)^2: r = f.n with n = b - t a, and
    s^2 = pp |J'n|^2 + tt (dr/dt)^2 depends on x, too.  Where the line rests, dr/dt is nil and noise of the time acts through
    the second derivative alone; its bound, at the vector ``anchor``, keeps such events from weighing without end.
    If they have room for it, ``sums`` receive the sums of log s, r^2 and s^2.

    All is kept in variables, not in arrays: they live in registers, which is four times faster.
    """
    x0, x1, x2, x3, x4, x5, c3, c4, c5 = x[0], x[1], x[2], x[3], x[4], x[5], anchor[3], anchor[4], anchor[5]
    detailed = len(sums) > 0
    logs, squares, variances, cost = 0.0, 0.0, 1e-300, 0.0
    g0 = g1 = g2 = g3 = g4 = g5 = 0.0
    h00 = h10 = h11 = h20 = h21 = h22 = h30 = h31 = h32 = h33 = 0.0
    h40 = h41 = h42 = h43 = h44 = h50 = h51 = h52 = h53 = h54 = h55 = 0.0
    for i in range(len(times)):
        t = times[i] / half
        n0, n1, n2 = x0 - t * x3, x1 - t * x4, x2 - t * x5
        f0, f1, f2 = f[i, 0], f[i, 1], f[i, 2]
        r = f0 * n0 + f1 * n1 + f2 * n2
        p0, q0, p1, q1, p2, q2 = jacs[i, 0, 0], jacs[i, 0, 1], jacs[i, 1, 0], jacs[i, 1, 1], jacs[i, 2, 0], jacs[i, 2, 1]
        p, q, w = p0 * n0 + p1 * n1 + p2 * n2, q0 * n0 + q1 * n1 + q2 * n2, weights[i]
        variance, slope, d0, d1, d2 = pp * (p * p + q * q), 0.0, 0.0, 0.0, 0.0
        if tt > 0.0:
            d0, d1, d2 = half * rates[i, 0], half * rates[i, 1], half * rates[i, 2]
            slope = d0 * n0 + d1 * n1 + d2 * n2 - f0 * x3 - f1 * x4 - f2 * x5
            bend = 2.0 * abs(d0 * c3 + d1 * c4 + d2 * c5) + d0 * d0 + d1 * d1 + d2 * d2
            variance += tt * (slope * slope + floor * bend * bend)
        if not variance > 0.0:
            continue
        if detailed:
            logs += 0.5 * w * np.log(variance)
            squares += w * r * r
            variances += w * variance
        inverse = 1.0 / variance
        ratio = r * inverse
        squared = r * ratio
        if squared > huber * huber:
            size = np.sqrt(squared)
            cost += w * huber * (2.0 * size - huber)
            w *= huber / size
        else:
            cost += w * squared
        p, q, slope = ratio * pp * p, ratio * pp * q, ratio * tt * slope
        j0, j1, j2 = f0 - p * p0 - q * q0 - slope * d0, f1 - p * p1 - q * q1 - slope * d1, f2 - p * p2 - q * q2 - slope * d2
        j3, j4, j5 = slope * f0 - t * j0, slope * f1 - t * j1, slope * f2 - t * j2
        w *= inverse
        w0, w1, w2, w3, w4, w5 = w * j0, w * j1, w * j2, w * j3, w * j4, w * j5
        g0, g1, g2, g3, g4, g5 = g0 + w0 * r, g1 + w1 * r, g2 + w2 * r, g3 + w3 * r, g4 + w4 * r, g5 + w5 * r
        h00, h10, h11 = h00 + w0 * j0, h10 + w1 * j0, h11 + w1 * j1
        h20, h21, h22 = h20 + w2 * j0, h21 + w2 * j1, h22 + w2 * j2
        h30, h31, h32, h33 = h30 + w3 * j0, h31 + w3 * j1, h32 + w3 * j2, h33 + w3 * j3
        h40, h41, h42, h43, h44 = h40 + w4 * j0, h41 + w4 * j1, h42 + w4 * j2, h43 + w4 * j3, h44 + w4 * j4
        h50, h51, h52, h53 = h50 + w5 * j0, h51 + w5 * j1, h52 + w5 * j2, h53 + w5 * j3
        h54, h55 = h54 + w5 * j4, h55 + w5 * j5
    if detailed:
        sums[0], sums[1], sums[2] = logs, squares, variances
    g[0], g[1], g[2], g[3], g[4], g[5] = g0, g1, g2, g3, g4, g5
    h[0, 0], h[1, 0], h[1, 1], h[2, 0], h[2, 1], h[2, 2] = h00, h10, h11, h20, h21, h22
    h[3, 0], h[3, 1], h[3, 2], h[3, 3] = h30, h31, h32, h33
    h[4, 0], h[4, 1], h[4, 2], h[4, 3], h[4, 4] = h40, h41, h42, h43, h44
    h[5, 0], h[5, 1], h[5, 2], h[5, 3], h[5, 4], h[5, 5] = h50, h51, h52, h53, h54, h55
    return cost


@helper
def _solve_damped(h: Array, g: Array, x: Array, damping: float, firm: float, low: Array, step: Array) -> bool:
    """Step of ``(h + damping diag(h) + gauge x x') step = -g`` by Cholesky; the scale of [b, a] is free.

    ``firm`` above zero holds a where it is.
    """
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
                if j > 2:
                    total += firm * trace
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
def _descend(
    f: Array, rates: Array, jacs: Array, times: Array, weights: Array, x: Array, half: float, pp: float, tt: float,
    floor: float, huber: float, firm: float, steps: int, h: Array, sums: Array,
) -> float:
    """Levenberg-Marquardt in x = [b, a] in place; returns the cost, and leaves the lower triangle of h at the minimum.

    If they have room for it, ``sums`` receive what `_normal_equations` writes there, with the minimum as anchor.
    """
    low, other_h, vectors = np.empty((6, 6)), np.empty((6, 6)), np.empty((5, 6))
    step, trial, anchor, g, other_g, none = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4], vectors[0, :0]
    size = 0.0
    for k in range(6):
        size += x[k] * x[k]
    for k in range(6):
        x[k] /= np.sqrt(size)
        anchor[k] = x[k]
    damping = 1e-4
    cost = _normal_equations(f, rates, jacs, times, weights, x, half, pp, tt, floor, anchor, huber, h, g, none)
    for _ in range(steps):
        if not _solve_damped(h, g, x, damping, firm, low, step):
            damping = max(10.0 * damping, 1e-9)
            continue
        size = promised = 0.0
        for k in range(6):
            trial[k] = x[k] + step[k]
            size += trial[k] * trial[k]
            promised -= g[k] * step[k]
        if promised <= _CONVERGED * cost:
            break
        for k in range(6):
            trial[k] /= np.sqrt(size)
        new = _normal_equations(f, rates, jacs, times, weights, trial, half, pp, tt, floor, anchor, huber, other_h, other_g, none)
        if new <= cost:
            cost = new
            for j in range(6):
                x[j], g[j] = trial[j], other_g[j]
                for k in range(j + 1):
                    h[j, k] = other_h[j, k]
            damping *= 0.1
        else:
            damping *= 10.0
            if damping > 1e8:
                break
    if len(sums) > 0:
        _normal_equations(f, rates, jacs, times, weights, x, half, pp, tt, floor, x, huber, other_h, other_g, sums)
    return cost
