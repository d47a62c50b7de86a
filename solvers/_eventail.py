"""Kernels of the eventail equation ``f . (b - t a) = 0``: null vectors of its 5x6 and Nx6 systems.

The row of an event is ``[f, -t f]``, so that the 6x6 normal matrix holds only three symmetric
3x3 sums: of f f', t f f' and t^2 f f'.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import helper, kernel

Array = NDArray[np.float64]

# Below this gap between the two smallest eigenvalues, over the largest, the normal matrix has
# lost too many digits, and the vector has to come from the system itself.
_SAFE_GAP = 1e-8


@helper
def _time_window(times: Array, scale: float) -> tuple[float, float]:
    """Shift and scale that take times to [-1, 1]; a positive scale is used as it is, without shift."""
    if scale > 0.0:
        return 0.0, scale
    low = high = times[0]
    for t in times:
        low = min(low, t)
        high = max(high, t)
    half = 0.5 * (high - low)
    return 0.5 * (high + low), half if half > 0.0 else 1.0


@helper
def _spans_time(times: Array, weights: Array) -> bool:
    """Whether the events that count come from three instants or more; without noise the system's rank would tell."""
    first, second = np.nan, np.nan
    for j in range(len(times)):
        if len(weights) and weights[j] == 0.0:
            continue
        t = times[j]
        if np.isnan(first):
            first = t
        elif t != first and np.isnan(second):
            second = t
        elif t != first and t != second:
            return True
    return False


@helper
def _null_vector(m: Array, order: NDArray[np.int64], x: Array) -> float:
    """Null vector x of a 5x6 matrix by elimination with full pivoting; returns smallest over largest pivot."""
    for j in range(6):
        order[j] = j
        x[j] = 0.0
    first = 0.0
    last = 0.0
    for k in range(5):
        best, row, col = -1.0, k, k
        for i in range(k, 5):
            for j in range(k, 6):
                size = abs(m[i, j])
                if size > best:
                    best, row, col = size, i, j
        if k == 0:
            first = best
        last = best
        if not best > 0.0:
            return 0.0
        if row != k:
            for j in range(6):
                m[k, j], m[row, j] = m[row, j], m[k, j]
        if col != k:
            order[k], order[col] = order[col], order[k]
            for i in range(5):
                m[i, k], m[i, col] = m[i, col], m[i, k]
        inverse = 1.0 / m[k, k]
        for i in range(k + 1, 5):
            factor = m[i, k] * inverse
            for j in range(k + 1, 6):
                m[i, j] -= factor * m[k, j]
    x[order[5]] = 1.0
    for k in range(4, -1, -1):
        total = m[k, 5]
        for j in range(k + 1, 5):
            total += m[k, j] * x[order[j]]
        x[order[k]] = -total / m[k, k]
    return last / first


@helper
def _normal_matrix(f: Array, times: Array, weights: Array, shift: float, scale: float, m: Array) -> float:
    """Normal matrix m from its 18 different entries, three times xx xy xz yy yz zz; returns its trace."""
    inverse = 1.0 / scale
    a0 = a1 = a2 = a3 = a4 = a5 = 0.0
    b0 = b1 = b2 = b3 = b4 = b5 = 0.0
    c0 = c1 = c2 = c3 = c4 = c5 = 0.0
    weighted = len(weights) > 0
    for i in range(len(times)):
        x, y, z = f[i, 0], f[i, 1], f[i, 2]
        t = (times[i] - shift) * inverse
        w = weights[i] if weighted else 1.0
        wx, wy, wz = w * x, w * y, w * z
        xx, xy, xz, yy, yz, zz = wx * x, wx * y, wx * z, wy * y, wy * z, wz * z
        tt = t * t
        a0, a1, a2, a3, a4, a5 = a0 + xx, a1 + xy, a2 + xz, a3 + yy, a4 + yz, a5 + zz
        b0, b1, b2, b3, b4, b5 = b0 + t * xx, b1 + t * xy, b2 + t * xz, b3 + t * yy, b4 + t * yz, b5 + t * zz
        c0, c1, c2, c3, c4, c5 = c0 + tt * xx, c1 + tt * xy, c2 + tt * xz, c3 + tt * yy, c4 + tt * yz, c5 + tt * zz
    k = 0
    sums = (a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5, c0, c1, c2, c3, c4, c5)
    for i in range(3):
        for j in range(i, 3):
            m[i, j] = m[j, i] = sums[k]
            m[i, j + 3] = m[j, i + 3] = m[i + 3, j] = m[j + 3, i] = -sums[6 + k]
            m[i + 3, j + 3] = m[j + 3, i + 3] = sums[12 + k]
            k += 1
    return a0 + a3 + a5 + c0 + c3 + c5


@helper
def _factor(m: Array, shift: float, floor: float, low: Array, inverse: Array) -> int:
    """LDL' of ``m - shift I`` without pivoting; pivots below ``floor`` are raised to it; counts the negative ones."""
    negative = 0
    for j in range(6):
        d = m[j, j] - shift
        for k in range(j):
            # low holds L D above the diagonal and L below it.
            d -= low[j, k] * low[k, j]
        if d < 0.0:
            negative += 1
        if abs(d) < floor:
            d = floor
        inverse[j] = 1.0 / d
        for i in range(j + 1, 6):
            total = m[i, j]
            for k in range(j):
                total -= low[i, k] * low[k, j]
            low[j, i] = total
            low[i, j] = total * inverse[j]
    return negative


@helper
def _back_substitute(low: Array, inverse: Array, x: Array) -> None:
    """Solve with the factors in place, and normalise."""
    for i in range(1, 6):
        total = x[i]
        for k in range(i):
            total -= low[i, k] * x[k]
        x[i] = total
    size = 0.0
    for i in range(5, -1, -1):
        total = x[i] * inverse[i]
        for k in range(i + 1, 6):
            total -= low[k, i] * x[k]
        x[i] = total
        size += total * total
    size = 1.0 / np.sqrt(size)
    for i in range(6):
        x[i] *= size


@helper
def _rayleigh(m: Array, x: Array) -> float:
    value = 0.0
    for i in range(6):
        total = 0.5 * m[i, i] * x[i]
        for j in range(i):
            total += m[i, j] * x[j]
        value += 2.0 * total * x[i]
    return value


@helper
def _smallest_eigenvector(m: Array, low: Array, inverse: Array, x: Array, y: Array) -> tuple[float, float]:
    """Eigenvector x of the smallest eigenvalue, by inverse and Rayleigh quotient iteration.

    Returns that eigenvalue and (about) the next one, with its vector in y.  The second is
    negative when the iteration ended at another eigenvector (counted by the signs of the pivots).
    """
    trace = 0.0
    for i in range(6):
        trace += m[i, i]
    tiny = 1e-16 * trace
    _factor(m, 0.0, tiny, low, inverse)
    for i in range(6):
        x[i] = 1.0 - 0.21 * i
        y[i] = 0.4 + 0.17 * i * i
    _back_substitute(low, inverse, x)
    _back_substitute(low, inverse, x)
    for _ in range(3):
        _project_out(x, y)
        _back_substitute(low, inverse, y)
    _ritz(m, x, y)
    value = _rayleigh(m, x)
    for _ in range(6):
        _factor(m, value, tiny, low, inverse)
        _back_substitute(low, inverse, x)
        before, value = value, _rayleigh(m, x)
        if abs(before - value) <= tiny:
            break
    _project_out(x, y)
    second = _rayleigh(m, y)
    if _factor(m, value - 8.0 * tiny - 1e-9 * abs(value), tiny, low, inverse) > 0:
        return value, -1.0
    return value, second


@helper
def _project_out(x: Array, y: Array) -> None:
    dot = 0.0
    for i in range(6):
        dot += x[i] * y[i]
    size = 0.0
    for i in range(6):
        y[i] -= dot * x[i]
        size += y[i] * y[i]
    size = 1.0 / np.sqrt(size) if size > 0.0 else 0.0
    for i in range(6):
        y[i] *= size


@helper
def _ritz(m: Array, x: Array, y: Array) -> None:
    """Rotate the pair x, y so that x has the smallest Rayleigh quotient of their span."""
    _project_out(x, y)
    xx, yy, xy = _rayleigh(m, x), _rayleigh(m, y), 0.0
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += m[i, j] * y[j]
        xy += total * x[i]
    half = 0.5 * (yy - xx)
    tangent = xy / (half + np.copysign(np.hypot(half, xy), half)) if xy != 0.0 else 0.0
    cosine = 1.0 / np.sqrt(1.0 + tangent * tangent)
    sine = tangent * cosine
    for i in range(6):
        x[i], y[i] = cosine * x[i] - sine * y[i], sine * x[i] + cosine * y[i]
    if half < 0.0:
        for i in range(6):
            x[i], y[i] = y[i], x[i]


@kernel
def _five_point_batch(f: Array, times: Array, time_scale: float, solutions: Array, measures: Array) -> None:
    """Null vectors [b, a] in the caller's time; measures hold the squared pivot ratio, 0 and the share in front."""
    m = np.empty((5, 6))
    order = np.empty(6, np.int64)
    x = np.empty(6)
    for i in range(len(f)):
        shift, scale = _time_window(times[i], time_scale)
        inverse = 1.0 / scale
        for j in range(5):
            t = -(times[i, j] - shift) * inverse
            for k in range(3):
                m[j, k] = f[i, j, k]
                m[j, k + 3] = t * f[i, j, k]
        ratio = _null_vector(m, order, x)
        measures[i, 0], measures[i, 1] = ratio * ratio if _spans_time(times[i], times[i, :0]) else 0.0, 0.0
        measures[i, 2] = _orient(f[i], times[i], x, shift, scale, solutions[i])


@helper
def _orient(f: Array, times: Array, solved: Array, shift: float, scale: float, x: Array) -> float:
    """Take x from shifted and scaled time to the caller's, with |b| = 1, and seen in front by most events; returns their share.

    A point of the line is seen in front where ``f . (e3 + t u_perp) < 0``; times ``|w|`` this
    needs neither root nor division.
    """
    bb = 0.0
    for k in range(3):
        x[k + 3] = solved[k + 3] / scale
        x[k] = solved[k] + shift * x[k + 3]
        bb += x[k] * x[k]
    inverse = 1.0 / np.sqrt(bb) if bb > 0.0 else 0.0
    for k in range(6):
        x[k] *= inverse
    aa = x[3] * x[3] + x[4] * x[4] + x[5] * x[5]
    ab = x[0] * x[3] + x[1] * x[4] + x[2] * x[5]
    front = 0
    for i in range(len(times)):
        t = times[i]
        towards = 0.0
        for k in range(3):
            towards += f[i, k] * (x[k + 3] - ab * x[k] + t * (aa * x[k] - ab * x[k + 3]))
        if towards < 0.0:
            front += 1
    share = front / len(times)
    if share < 0.5:
        for k in range(6):
            x[k] = -x[k]
        return 1.0 - share
    return share


@kernel
def _linear_batch(f: Array, times: Array, weights: Array, time_scale: float, solutions: Array, measures: Array) -> None:
    """Least-squares [b, a] in the caller's time.

    Measures hold the second smallest eigenvalue (negative if the normal matrix has lost the answer, zero for one or two instants)
    and the smallest one over the trace, and the share in front.
    """
    m, low, inverse = np.empty((6, 6)), np.empty((6, 6)), np.empty(6)
    x, y = np.empty(6), np.empty(6)
    for i in range(len(f)):
        fi, ti = f[i], times[i]
        shift, scale = _time_window(ti, time_scale)
        trace = _normal_matrix(fi, ti, weights[i], shift, scale, m)
        first, second = _smallest_eigenvector(m, low, inverse, x, y)
        measures[i, 0] = second / trace if second - first > _SAFE_GAP * trace else -1.0
        if not _spans_time(ti, weights[i]):
            measures[i, 0] = 0.0
        measures[i, 1] = max(first, 0.0) / trace
        measures[i, 2] = _orient(fi, ti, x, shift, scale, solutions[i])
