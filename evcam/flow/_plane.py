"""Kernels that fit planes t = a x + b y + c to edge crossings around a pixel."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _gather(i, t, x, y, p, start, order, width, height, radius, max_gap, dx, dy, dt):  # type: ignore[no-untyped-def]
    """Write the crossings around crossing i: of each pixel nearby the one of the same polarity nearest in time."""
    n = 0
    for v in range(max(int(y[i]) - radius, 0), min(int(y[i]) + radius + 1, height)):
        for u in range(max(int(x[i]) - radius, 0), min(int(x[i]) + radius + 1, width)):
            q = v * width + u
            best, gap = -1, np.int64(max_gap)
            for k in range(start[q], start[q + 1]):
                j = order[k]
                if p[j] == p[i] and abs(t[j] - t[i]) <= gap:
                    best, gap = j, abs(t[j] - t[i])
            if best >= 0:
                dx[n], dy[n], dt[n] = u - int(x[i]), v - int(y[i]), (t[best] - t[i]) * 1e-6
                n += 1
    return n


@kernel
def _plane(dx, dy, dt, weight, n):  # type: ignore[no-untyped-def]
    """Weighted least squares; returns a, b, c and whether the points span a plane."""
    w = sx = sy = st = sxx = sxy = syy = sxt = syt = 0.0
    for k in range(n):
        g = weight[k]
        w += g
        sx += g * dx[k]
        sy += g * dy[k]
        st += g * dt[k]
        sxx += g * dx[k] * dx[k]
        sxy += g * dx[k] * dy[k]
        syy += g * dy[k] * dy[k]
        sxt += g * dx[k] * dt[k]
        syt += g * dy[k] * dt[k]
    if w <= 0:
        return 0.0, 0.0, 0.0, False
    mx, my, mt = sx / w, sy / w, st / w
    cxx, cxy, cyy = sxx / w - mx * mx, sxy / w - mx * my, syy / w - my * my
    cxt, cyt = sxt / w - mx * mt, syt / w - my * mt
    det = cxx * cyy - cxy * cxy
    if det < 0.02:
        return 0.0, 0.0, 0.0, False
    a, b = (cxt * cyy - cyt * cxy) / det, (cyt * cxx - cxt * cxy) / det
    return a, b, mt - a * mx - b * my, True


@kernel
def _bent_plane(dx, dy, dt, weight, n, nx, ny):  # type: ignore[no-untyped-def]
    """Weighted fit of t = a x + b y + c + d s^2 with s along the normal (nx, ny): an edge that changes its speed.

    Returns a, b, d and whether the points determine them.
    """
    w = sx = sy = sq = st = 0.0
    for k in range(n):
        q = (nx * dx[k] + ny * dy[k]) ** 2
        w += weight[k]
        sx += weight[k] * dx[k]
        sy += weight[k] * dy[k]
        sq += weight[k] * q
        st += weight[k] * dt[k]
    if w <= 0:
        return 0.0, 0.0, 0.0, False
    mx, my, mq, mt = sx / w, sy / w, sq / w, st / w
    xx = xy = xq = yy = yq = qq = xt = yt = qt = 0.0
    for k in range(n):
        x, y = dx[k] - mx, dy[k] - my
        q, t = (nx * dx[k] + ny * dy[k]) ** 2 - mq, dt[k] - mt
        g = weight[k] / w
        xx += g * x * x
        xy += g * x * y
        xq += g * x * q
        yy += g * y * y
        yq += g * y * q
        qq += g * q * q
        xt += g * x * t
        yt += g * y * t
        qt += g * q * t
    # Symmetric 3 x 3 by cofactors.
    c00, c01, c02 = yy * qq - yq * yq, yq * xq - xy * qq, xy * yq - yy * xq
    det = xx * c00 + xy * c01 + xq * c02
    if det < 0.01:
        return 0.0, 0.0, 0.0, False
    c11, c12, c22 = xx * qq - xq * xq, xy * xq - xx * yq, xx * yy - xy * xy
    a = (c00 * xt + c01 * yt + c02 * qt) / det
    b = (c01 * xt + c11 * yt + c12 * qt) / det
    d = (c02 * xt + c12 * yt + c22 * qt) / det
    return a, b, d, True


@kernel
def _normal_flow(  # type: ignore[no-untyped-def]
    t, x, y, p, start, order, width, height, radius, max_gap, min_points, refits, flow, residual, points
):
    """Flow (px/s), rms residual (s) and number of points of each crossing; NaN where there are too few or they lie in a row."""
    size = (2 * radius + 1) ** 2
    dx, dy, dt, weight = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    for i in range(t.size):
        flow[i, 0] = flow[i, 1] = residual[i] = np.nan
        n = _gather(i, t, x, y, p, start, order, width, height, radius, max_gap, dx, dy, dt)
        weight[:n] = 1.0
        a, b, c, good = _plane(dx, dy, dt, weight, n) if n >= min_points else (0.0, 0.0, 0.0, False)
        kept = n
        rms = 0.0
        for _ in range(refits):
            if not good:
                break
            # A point further off than the edge needs for one pixel belongs to another edge.
            slope = np.sqrt(a * a + b * b)
            kept, squares = 0, 0.0
            for k in range(n):
                r = abs(dt[k] - a * dx[k] - b * dy[k] - c)
                weight[k] = 1.0 / (1.0 + (2.0 * r / slope) ** 2) ** 2 if r < slope else 0.0
                if weight[k] > 0:
                    kept += 1
                    squares += r * r
            rms = np.sqrt(squares / max(kept, 1))
            if kept < min_points:
                good = False
            else:
                a, b, c, good = _plane(dx, dy, dt, weight, n)
        points[i] = kept
        slope2 = a * a + b * b
        if good and slope2 > 0 and kept >= min_points + 3:
            slope = np.sqrt(slope2)
            bent_a, bent_b, _, bent = _bent_plane(dx, dy, dt, weight, n, a / slope, b / slope)
            if bent and bent_a * a + bent_b * b > 0.1 * slope2:
                a, b = bent_a, bent_b
                slope2 = a * a + b * b
        if good and slope2 > 0:
            flow[i, 0], flow[i, 1], residual[i] = a / slope2, b / slope2, rms
