"""Kernels that derotate crossings, fit one moving line to some, and tell whether they bend.

A line is held as ``[b, a]`` and, for fitting, as its frame: rows e1 (along), b, c (from the camera to the line's middle).
"""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

UNKNOWNS = 5
TUKEY = 4.0  # standard deviations beyond which a crossing has no say
ROUNDS = 6
SETTLED = 0.02
MEDIAN_NORMAL = 0.6745
LEAST_SIGMA_PX = 0.05
MOST_SIGMA_PX = 1.0
DEPTH_PRIOR = 0.5  # 1/s relative to the line's own rate per half window; only keeps the equations solvable


@kernel
def _derotate(t_s, x, y, bearings, scales, start_s, step_s, R, rates, f, scale):  # type: ignore[no-untyped-def]
    """Bearings of crossings turned to the middle of the window, and their radians per pixel."""
    last = R.shape[0] - 1
    for i in range(t_s.size):
        place = (t_s[i] - start_s) / step_s
        g = min(max(int(place + 0.5), 0), last)
        dt = t_s[i] - (start_s + g * step_s)
        p0, p1, p2 = bearings[y[i], x[i], 0], bearings[y[i], x[i], 1], bearings[y[i], x[i], 2]
        q0 = R[g, 0, 0] * p0 + R[g, 0, 1] * p1 + R[g, 0, 2] * p2
        q1 = R[g, 1, 0] * p0 + R[g, 1, 1] * p1 + R[g, 1, 2] * p2
        q2 = R[g, 2, 0] * p0 + R[g, 2, 1] * p1 + R[g, 2, 2] * p2
        w0, w1, w2 = rates[g, 0] * dt, rates[g, 1] * dt, rates[g, 2] * dt
        c0, c1, c2 = w1 * q2 - w2 * q1, w2 * q0 - w0 * q2, w0 * q1 - w1 * q0
        # The second order, too: slow gyros leave long steps.
        f[i, 0] = q0 + c0 + 0.5 * (w1 * c2 - w2 * c1)
        f[i, 1] = q1 + c1 + 0.5 * (w2 * c0 - w0 * c2)
        f[i, 2] = q2 + c2 + 0.5 * (w0 * c1 - w1 * c0)
        scale[i] = scales[y[i], x[i]]


@kernel
def _solve(A, v):  # type: ignore[no-untyped-def]
    """Cholesky in place: v becomes A^-1 v; False where A is not positive definite."""
    n = v.size
    for j in range(n):
        for k in range(j):
            A[j, j] -= A[j, k] * A[j, k]
        if not A[j, j] > 0:
            return False
        A[j, j] = np.sqrt(A[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                A[i, j] -= A[i, k] * A[j, k]
            A[i, j] /= A[j, j]
    for i in range(n):
        for k in range(i):
            v[i] -= A[i, k] * v[k]
        v[i] /= A[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            v[i] -= A[k, i] * v[k]
        v[i] /= A[i, i]
    return True


@kernel
def _frame(b, c, frame):  # type: ignore[no-untyped-def]
    """Rows e1, b, c of the line's frame; c is made orthogonal to b."""
    size = np.sqrt(b[0] * b[0] + b[1] * b[1] + b[2] * b[2])
    for k in range(3):
        frame[1, k] = b[k] / size
    dot = frame[1, 0] * c[0] + frame[1, 1] * c[1] + frame[1, 2] * c[2]
    for k in range(3):
        frame[2, k] = c[k] - dot * frame[1, k]
    size = np.sqrt(frame[2, 0] ** 2 + frame[2, 1] ** 2 + frame[2, 2] ** 2)
    for k in range(3):
        frame[2, k] /= size
    frame[0, 0] = frame[1, 1] * frame[2, 2] - frame[1, 2] * frame[2, 1]
    frame[0, 1] = frame[1, 2] * frame[2, 0] - frame[1, 0] * frame[2, 2]
    frame[0, 2] = frame[1, 0] * frame[2, 1] - frame[1, 1] * frame[2, 0]


@kernel
def _residual(f, t_s, scale, i, b, a):  # type: ignore[no-untyped-def]
    """Distance of crossing i to the line at its own time, pixels, signed."""
    n0, n1, n2 = b[0] - t_s[i] * a[0], b[1] - t_s[i] * a[1], b[2] - t_s[i] * a[2]
    size = np.sqrt(n0 * n0 + n1 * n1 + n2 * n2)
    return (f[i, 0] * n0 + f[i, 1] * n1 + f[i, 2] * n2) / (size * scale[i])


@kernel
def _fit(f, t_s, scale, members, half_s, b, a, frame, spare):  # type: ignore[no-untyped-def]
    """Robust least squares of ``f.(b - t a) = 0`` over the members, from and into b and a; the scatter in pixels, or -1.

    Reweighted by Tukey's function of the distance over the median's scatter.
    """
    A, v = np.empty((UNKNOWNS, UNKNOWNS)), np.empty(UNKNOWNS)
    row, c = np.empty(UNKNOWNS), np.zeros(3)
    n = members.size
    if n <= UNKNOWNS:
        return -1.0
    for j in range(n):
        for k in range(3):
            c[k] += f[members[j], k]
    sigma = MOST_SIGMA_PX
    for round_ in range(ROUNDS):
        for j in range(n):
            spare[j] = abs(_residual(f, t_s, scale, members[j], b, a))
        before = sigma
        sigma = np.median(spare[:n]) / MEDIAN_NORMAL
        sigma = min(max(sigma, LEAST_SIGMA_PX), MOST_SIGMA_PX)
        if round_ > 1 and abs(sigma - before) < SETTLED * before:
            break
        _frame(b, c, frame)
        A[:], v[:] = 0.0, 0.0
        for j in range(n):
            i = members[j]
            share = spare[j] / (TUKEY * sigma)
            if share >= 1:
                continue
            w = (1 - share * share) ** 2 / (scale[i] * scale[i])
            along = f[i, 0] * frame[0, 0] + f[i, 1] * frame[0, 1] + f[i, 2] * frame[0, 2]
            off = f[i, 0] * frame[1, 0] + f[i, 1] * frame[1, 1] + f[i, 2] * frame[1, 2]
            away = f[i, 0] * frame[2, 0] + f[i, 1] * frame[2, 1] + f[i, 2] * frame[2, 2]
            s = t_s[i] / half_s
            row[0], row[1], row[2], row[3], row[4] = along, away, -s * along, -s * away, -s * off
            for k in range(UNKNOWNS):
                v[k] -= w * row[k] * off
                for m in range(k + 1):
                    A[k, m] += w * row[k] * row[m]
        for k in range(UNKNOWNS):
            A[k, k] += 1e-9 * A[1, 1] + 1e-300
        # The term that acts through f.b only is hardly seen: hold it.
        A[4, 4] += (sigma / DEPTH_PRIOR) ** 2
        if not _solve(A, v):
            return -1.0
        for k in range(3):
            b[k] = frame[1, k] + v[0] * frame[0, k] + v[1] * frame[2, k]
            a[k] = (v[2] * frame[0, k] + v[3] * frame[2, k] + v[4] * frame[1, k]) / half_s
        size = np.sqrt(b[0] * b[0] + b[1] * b[1] + b[2] * b[2])
        for k in range(3):
            b[k] /= size
            a[k] /= size
    _frame(b, c, frame)
    return sigma


@kernel
def _bend(f, t_s, scale, members, b, a, frame, low, high, limit_px, filled, bend, std):  # type: ignore[no-untyped-def]
    """Cubic along the line through the members' distances from it: constant, slope, square and cube, with deviations, pixels.

    ``filled`` counts the members along the line.  False where there are too few to tell.
    """
    count, squares, bins = 0, 0.0, filled.size
    A, L, v, row, unit = np.zeros((4, 4)), np.empty((4, 4)), np.zeros(4), np.empty(4), np.empty(4)
    for j in range(members.size):
        i = members[j]
        along = f[i, 0] * frame[0, 0] + f[i, 1] * frame[0, 1] + f[i, 2] * frame[0, 2]
        away = f[i, 0] * frame[2, 0] + f[i, 1] * frame[2, 1] + f[i, 2] * frame[2, 2]
        place = 2 * (along / away - low) / (high - low) - 1
        filled[min(max(int((place + 1) / 2 * bins), 0), bins - 1)] += 1
        off = _residual(f, t_s, scale, i, b, a)
        if not abs(off) < limit_px:
            continue
        row[0], row[1], row[2], row[3] = 1.0, place, place**2 - 1 / 3, place**3 - 0.6 * place
        count += 1
        squares += off * off
        for k in range(4):
            v[k] += row[k] * off
            for m in range(4):
                A[k, m] += row[k] * row[m]
    if count <= 4:
        return False
    bend[:], L[:] = v, A
    if not _solve(L, bend):
        return False
    explained = 0.0
    for k in range(4):
        explained += bend[k] * v[k]
    variance = max(squares - explained, 0.0) / count
    for k in range(4):
        unit[:], L[:] = 0.0, A
        unit[k] = 1.0
        _solve(L, unit)
        std[k] = np.sqrt(variance * unit[k])
    return True
