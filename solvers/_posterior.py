"""Kernels for the posterior of one velocity direction shared by many lines."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

Array = NDArray[np.float64]

_LEAST_SIGN_ERROR = 0.05


@kernel
def _line_terms(v: Array, b: Array, a: Array, c: Array, scatter: float, wrong: float, out: Array) -> float:
    """Cost of one line; out holds v.b, log of (|w| / |v.b|) and the variance of log |w| given v.

    The line's rate a has covariance c (plus isotropic scatter), and must be orthogonal to v.
    """
    c0 = c[0, 0] * v[0] + c[0, 1] * v[1] + c[0, 2] * v[2] + scatter * v[0]
    c1 = c[1, 0] * v[0] + c[1, 1] * v[1] + c[1, 2] * v[2] + scatter * v[1]
    c2 = c[2, 0] * v[0] + c[2, 1] * v[1] + c[2, 2] * v[2] + scatter * v[2]
    variance = c0 * v[0] + c1 * v[1] + c2 * v[2]
    y = a[0] * v[0] + a[1] * v[1] + a[2] * v[2]
    vb = b[0] * v[0] + b[1] * v[1] + b[2] * v[2]
    gain = y / variance
    # The most likely rate that is orthogonal to v, and its part across the plane of the line.
    a0, a1, a2 = a[0] - c0 * gain, a[1] - c1 * gain, a[2] - c2 * gain
    along = a0 * b[0] + a1 * b[1] + a2 * b[2]
    w0, w1, w2 = a0 - along * b[0], a1 - along * b[1], a2 - along * b[2]
    size = w0 * w0 + w1 * w1 + w2 * w2 + 1e-300
    ww = (w0 * (c[0, 0] * w0 + 2.0 * (c[0, 1] * w1 + c[0, 2] * w2)) + w1 * (c[1, 1] * w1 + 2.0 * c[1, 2] * w2)
          + w2 * c[2, 2] * w2) + scatter * size
    cw = c0 * w0 + c1 * w1 + c2 * w2
    out[0] = vb
    out[1] = 0.5 * math.log(size) - math.log(abs(vb) + 1e-12)
    out[2] = min(max(ww - cw * cw / variance, 0.0) / (size * size) * size, 1.0)
    density = math.exp(-0.5 * min(y * gain, 1400.0)) / math.sqrt(2.0 * math.pi * variance)
    span = math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) + 1e-300
    return -math.log((1.0 - wrong) * density + 0.5 * wrong / span + 1e-300)


@kernel
def _direction_costs(
    directions: Array, b: Array, a: Array, c: Array, scatter: float, wrong: float, spreads: Array, out: Array
) -> None:
    """Negative log posterior of each direction.

    Without ``spreads`` the rates alone count; an infinite spread leaves the lines' distances free but has them in front.
    """
    terms = np.empty((len(b), 3))
    for k in range(len(directions)):
        cost = 0.0
        for i in range(len(b)):
            cost += _line_terms(directions[k], b[i], a[i], c[i], scatter, wrong, terms[i])
        if len(spreads) > 0:
            cost += _distance_cost(terms, spreads) + _sign_cost(terms)
        out[k] = cost


@kernel
def _distance_cost(terms: Array, spreads: Array) -> float:
    """Log-normal scatter of the inverse distances |w| / |v.b| around an unknown mean, its width one of ``spreads``.

    A density of the rate is meant, hence the Jacobian -log |v.b|.
    """
    total = 0.0
    jacobian = 0.0
    for i in range(len(terms)):
        jacobian -= math.log(abs(terms[i, 0]) + 1e-12)
    for spread in spreads:
        if math.isinf(spread):
            total += 1.0
            continue
        weights = mean = squares = logs = 0.0
        for i in range(len(terms)):
            variance = spread * spread + terms[i, 2]
            weights += 1.0 / variance
            mean += terms[i, 1] / variance
            squares += terms[i, 1] * terms[i, 1] / variance
            logs += math.log(variance)
        total += math.exp(-0.5 * min(squares - mean * mean / weights + logs + math.log(weights), 1400.0))
    return jacobian - math.log(total + 1e-300)


@kernel
def _sign_cost(terms: Array) -> float:
    """Every line seen in front has v.b > 0, or every one has v.b < 0 if v is to be turned around."""
    up = down = 0.0
    for i in range(len(terms)):
        doubt = max(0.5 * math.erfc(1.0 / math.sqrt(2.0 * terms[i, 2] + 1e-12)), _LEAST_SIGN_ERROR)
        yes, no = math.log(1.0 - doubt), math.log(doubt)
        up += yes if terms[i, 0] > 0.0 else no
        down += no if terms[i, 0] > 0.0 else yes
    return -max(up, down)
