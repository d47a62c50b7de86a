"""Kernels that fit the local motion of an edge to the crossings around each crossing."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

# Rows of the scratch array: place (px), time (s) and weight of each neighbour; its place across and along the edge; the way
# that the edge went in that time.
DX, DY, DT, WEIGHT, ACROSS, ALONG, WAY, ROWS = 0, 1, 2, 3, 4, 5, 6, 7

FAR_FACTOR2 = 4.5**2  # squared: how much slower the edge can be than it looks from the third of the next pixels
SHORT_SHARE = 0.95  # a few per cent fewer events than usual are another pixel's threshold
HALF_SHARE = 0.45  # a smaller part of a change does not reach half way; n events mark n to n + 1 thresholds
SURE_CORRELATION = 0.1  # squared, of being short and being late; chance makes it half of this
SHORT_DOUBT = 16.0  # crossings that had to be completed count less
BEND_PRIOR = 0.25  # (scatter / usual bend)^2: as 0.15 px to 0.3 / px
USUAL_SCATTER2 = 0.04  # (0.2 px)^2, which counts like
USUAL_POINTS = 4.0  # so many crossings
USED_PARAMETERS = 5.0  # of six; three of them are in part held by the prior
UNDERSTATED = 4.0  # 1 / px^2: for normal errors, sum(w e^2) / sum(w) is s^2 (1 - 4 s^2) to this order with the weights of `_turn`
LEAST_SPREAD = 0.02  # determinant, px^4, of the neighbours' covariance; below, they lie in a row
LEAST_PIVOT = 1e-9
LEAST_PROGRESS = 0.05  # of the plane's speed; an edge that then moves backwards is no edge


@kernel
def _offsets(radius):  # type: ignore[no-untyped-def]
    """Places of a square around the middle, the eight next ones first, shape (2, (2 radius + 1)^2)."""
    offsets = np.empty((2, (2 * radius + 1) ** 2), np.int64)
    n = 0
    for is_next in (True, False):
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                if (0 < dx * dx + dy * dy <= 2) == is_next:
                    offsets[0, n], offsets[1, n] = dx, dy
                    n += 1
    return offsets


@kernel
def _reach(u, v, sheet, width, height, offsets, start, cursor, stop, place):  # type: ignore[no-untyped-def]
    """List the pixels around pixel (u, v) that have crossings, the eight next ones first.

    First and last of their crossings go to ``cursor`` and ``stop``, where they lie to ``place``.  Returns how many pixels
    there are, and how many of them are next ones.
    """
    reach = inner = 0
    for k in range(offsets.shape[1]):
        dx, dy = offsets[0, k], offsets[1, k]
        if 0 <= u + dx < width and 0 <= v + dy < height:
            q = sheet + (v + dy) * width + u + dx
            if start[q] < start[q + 1]:
                cursor[reach], stop[reach], place[DX, reach], place[DY, reach] = start[q], start[q + 1], dx, dy
                reach += 1
        if k == 7:
            inner = reach
    return reach, inner


@kernel
def _gather(i, t, reach, inner, cursor, stop, place, max_gap, near, s):  # type: ignore[no-untyped-def]
    """Take of each pixel in reach the crossing nearest in time to crossing i, if it can be of the same edge; return how many.

    An edge of slowness g reaches distance d after at most g d.  How slow it is, the next pixels tell: the edge passes at
    least three of the eight, even where it just grazes the middle, and only two of them can lie along it, with no delay.
    The cursors only move on, since the crossings of a pixel are taken in the order of time.
    """
    n, now = 0, t[i]
    least, less, third = np.inf, np.inf, np.inf
    for k in range(inner):
        j = cursor[k]
        gap = abs(t[j] - now)
        while j + 1 < stop[k]:
            next_gap = abs(t[j + 1] - now)
            if next_gap > gap:
                break
            gap = next_gap
            j += 1
        cursor[k] = j
        if gap > max_gap:
            continue
        x, y, dt = place[DX, k], place[DY, k], (t[j] - now) * 1e-6
        near[n], s[DX, n], s[DY, n], s[DT, n] = j, x, y, dt
        n += 1
        slowness2 = dt * dt if x * y == 0 else 0.5 * dt * dt
        if slowness2 < third:
            if slowness2 < less:
                third = less
                if slowness2 < least:
                    least, less = slowness2, least
                else:
                    less = slowness2
            else:
                third = slowness2
    slowest2 = FAR_FACTOR2 * third
    kept = 0
    for k in range(n):
        x, y, dt = s[DX, k], s[DY, k], s[DT, k]
        if dt * dt <= slowest2 * (x * x + y * y):
            near[kept], s[DX, kept], s[DY, kept], s[DT, kept] = near[k], x, y, dt
            kept += 1
    for k in range(inner, reach):
        j = cursor[k]
        gap = abs(t[j] - now)
        while j + 1 < stop[k]:
            next_gap = abs(t[j + 1] - now)
            if next_gap > gap:
                break
            gap = next_gap
            j += 1
        cursor[k] = j
        x, y, dt = place[DX, k], place[DY, k], (t[j] - now) * 1e-6
        if gap <= max_gap and dt * dt <= slowest2 * (x * x + y * y):
            near[kept], s[DX, kept], s[DY, kept], s[DT, kept] = j, x, y, dt
            kept += 1
    return kept


@kernel
def _complete(i, full, step, near, n, s):  # type: ignore[no-untyped-def]
    """Move changes that were cut short to where half of the whole change would have been, and weigh all; return how many stay.

    Where an edge only grazes a pixel, or turns back on it, the pixel goes through a part of the change, and half of a part
    is not half of the whole.  Such a part is the beginning of a change where the edge comes last, and the end of one where it
    leaves first: whether the short changes are late or early among the neighbours tells which.  Where they are neither, they are
    those of less sensitive pixels.
    """
    total = 0
    for k in range(n):
        total += int(full[near[k]])
    usual, count = 0.0, 0
    for k in range(n):
        if int(full[near[k]]) * n >= total:
            usual += full[near[k]]
            count += 1
    usual /= count
    if full[i] < HALF_SHARE * usual:
        return 0
    whole = SHORT_SHARE * usual
    lack = lack2 = late = times = times2 = 0.0
    for k in range(n):
        short, t = max(whole - full[near[k]], 0.0), s[DT, k]
        s[WEIGHT, k] = short
        lack += short
        lack2 += short * short
        late += short * t
        times += t
        times2 += t * t
    if lack == 0.0:
        s[WEIGHT, :n] = 1.0
        return n
    late -= lack * times / n
    spread = (lack2 - lack * lack / n) * (times2 - times * times / n)
    half = 0.5e-6 * np.sign(late) * min(late * late / (SURE_CORRELATION * spread), 1.0) if spread > 0.0 else 0.0
    own = half * max(whole - full[i], 0.0) * step[i]
    kept = 0
    for k in range(n):
        j, short = near[k], s[WEIGHT, k]
        if full[j] >= HALF_SHARE * usual:
            near[kept], s[DX, kept], s[DY, kept] = j, s[DX, k], s[DY, k]
            s[DT, kept] = s[DT, k] + half * short * step[j] - own
            s[WEIGHT, kept] = 1.0 / (1.0 + SHORT_DOUBT * (short / usual) ** 2)
            kept += 1
    return kept


@kernel
def _plane(n, s):  # type: ignore[no-untyped-def]
    """Weighted least squares of t = a x + b y + c; returns a, b, c and whether the points span a plane that rises."""
    w = sx = sy = st = sxx = sxy = syy = sxt = syt = 0.0
    for k in range(n):
        x, y, t = s[DX, k], s[DY, k], s[DT, k]
        wx, wy = s[WEIGHT, k] * x, s[WEIGHT, k] * y
        w += s[WEIGHT, k]
        sx += wx
        sy += wy
        st += s[WEIGHT, k] * t
        sxx += wx * x
        sxy += wx * y
        syy += wy * y
        sxt += wx * t
        syt += wy * t
    mx, my, mt = sx / w, sy / w, st / w
    cxx, cxy, cyy = sxx / w - mx * mx, sxy / w - mx * my, syy / w - my * my
    cxt, cyt = sxt / w - mx * mt, syt / w - my * mt
    det = cxx * cyy - cxy * cxy
    if det < LEAST_SPREAD:
        return 0.0, 0.0, 0.0, False
    a, b = (cxt * cyy - cyt * cxy) / det, (cyt * cxx - cxt * cxy) / det
    return a, b, mt - a * mx - b * my, a * a + b * b > 0.0


@kernel
def _turn(a, b, c, n, s):  # type: ignore[no-untyped-def]
    """Write places and times across and along the plane's edge, in pixels; what lies off the plane counts less.

    Returns the plane's unit normal (x, y) and speed (px/s).
    """
    speed = 1.0 / np.sqrt(a * a + b * b)
    nx, ny = a * speed, b * speed
    for k in range(n):
        x, y = s[DX, k], s[DY, k]
        s[ACROSS, k], s[ALONG, k], s[WAY, k] = nx * x + ny * y, nx * y - ny * x, speed * s[DT, k]
        off = s[WAY, k] - s[ACROSS, k] - speed * c
        s[WEIGHT, k] /= (1.0 + off * off) ** 2
    return nx, ny, speed


@kernel
def _normal_equations(n, s, A, b):  # type: ignore[no-untyped-def]
    """Those of across = b0 + b1 way^2 + b2 way along + b3 along^2 + b4 way + b5 along; sums of weights and of across^2.

    Only the lower triangle is written.  The two that matter come last, so that their covariance falls out of the factors.
    """
    w = w1 = w2 = w11 = w12 = w22 = w111 = w112 = w122 = w222 = w1111 = w1112 = w1122 = w1222 = w2222 = 0.0
    r = r1 = r2 = r11 = r12 = r22 = rr = 0.0
    for k in range(n):
        g, way, along, across = s[WEIGHT, k], s[WAY, k], s[ALONG, k], s[ACROSS, k]
        way2, both, along2 = way * way, way * along, along * along
        g1, g2, g11, g12, g22, ga = g * way, g * along, g * way2, g * both, g * along2, g * across
        w += g
        w1 += g1
        w2 += g2
        w11 += g11
        w12 += g12
        w22 += g22
        w111 += g11 * way
        w112 += g11 * along
        w122 += g22 * way
        w222 += g22 * along
        w1111 += g11 * way2
        w1112 += g11 * both
        w1122 += g11 * along2
        w1222 += g22 * both
        w2222 += g22 * along2
        r += ga
        r1 += ga * way
        r2 += ga * along
        r11 += ga * way2
        r12 += ga * both
        r22 += ga * along2
        rr += ga * across
    A[0, 0] = w
    A[1, 0], A[1, 1] = w11, w1111 + BEND_PRIOR
    A[2, 0], A[2, 1], A[2, 2] = w12, w1112, w1122 + BEND_PRIOR
    A[3, 0], A[3, 1], A[3, 2], A[3, 3] = w22, w1122, w1222, w2222 + BEND_PRIOR
    A[4, 0], A[4, 1], A[4, 2], A[4, 3], A[4, 4] = w1, w111, w112, w122, w11
    A[5, 0], A[5, 1], A[5, 2], A[5, 3], A[5, 4], A[5, 5] = w2, w112, w122, w222, w12, w22
    b[0], b[1], b[2], b[3], b[4], b[5] = r, r11, r12, r22, r1, r2
    return w, rr


@kernel
def _solve(A, b):  # type: ignore[no-untyped-def]
    """Solve a symmetric 6 x 6 system in place by L D L^T; A keeps L below and 1 / D on the diagonal.

    Returns whether it is regular, and b^T A^-1 b.
    """
    product = 0.0
    for i in range(6):
        for j in range(i):
            value = A[i, j]
            for k in range(j):
                value -= A[i, k] * A[j, k]
            A[i, j] = value
        pivot, value = A[i, i], b[i]
        for j in range(i):
            factor = A[i, j] * A[j, j]
            pivot -= A[i, j] * factor
            value -= factor * b[j]
            A[i, j] = factor
        if not pivot > LEAST_PIVOT:
            return False, 0.0
        A[i, i], b[i] = 1.0 / pivot, value
        product += value * value * A[i, i]
    for i in range(5, -1, -1):
        value = b[i] * A[i, i]
        for k in range(i + 1, 6):
            value -= A[k, i] * b[k]
        b[i] = value
    return True, product


@kernel
def _moving_edge(n, s, A, b):  # type: ignore[no-untyped-def]
    """Fit an edge that bends and changes its speed.

    Returns whether it could be told, speed (px/s), unit normal (x, y), the covariance of the logarithm of speed and of the
    normal's angle (three numbers), and the scatter of the crossings about the edge (px).
    """
    nothing = False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    slow_x, slow_y, c, rises = _plane(n, s)
    if not rises:
        return nothing
    nx, ny, speed = _turn(slow_x, slow_y, c, n, s)
    weight, squares = _normal_equations(n, s, A, b)
    regular, explained = _solve(A, b)
    progress, slant = b[4], b[5]
    if not regular or progress < LEAST_PROGRESS:
        return nothing
    left = max(squares - explained - BEND_PRIOR * (b[1] * b[1] + b[2] * b[2] + b[3] * b[3]), 0.0)
    scatter2 = (USUAL_POINTS * USUAL_SCATTER2 + left) / (USUAL_POINTS + max(weight - USED_PARAMETERS, 0.0))
    scatter2 *= 1.0 + UNDERSTATED * scatter2
    slant_var = scatter2 * A[5, 5]
    progress_var, mixed = scatter2 * A[4, 4] + slant_var * A[5, 4] * A[5, 4], -slant_var * A[5, 4]
    # across = progress way + slant along: the normal is turned by -atan(slant), and shorter.
    level2 = 1.0 / (1.0 + slant * slant)
    turn, level = slant * level2, np.sqrt(level2)
    log_var = progress_var / progress**2 - 2.0 * mixed / progress * turn + slant_var * turn * turn
    log_angle = slant_var * turn * level2 - mixed / progress * level2
    angle_var = slant_var * level2 * level2
    return (True, speed * progress * level, (nx + slant * ny) * level, (ny - slant * nx) * level, log_var, log_angle, angle_var,
            np.sqrt(scatter2))


@kernel
def _normal_flow(  # type: ignore[no-untyped-def]
    t, full, step, wanted, start, order, width, height, radius, max_gap, min_points, max_std, flow, cov, scatter, points
):
    """Flow (px/s), its covariance, scatter (px) and number of neighbours of each crossing; NaN where the neighbours do not tell.

    Times, events of a full change, time per event and whether a flow is wanted (NaN otherwise) are sorted by polarity, pixel and
    time: those of the q-th pixel of both polarities' images, one after the other, are ``[start[q]:start[q + 1]]``.  Results go
    to ``order``.
    """
    offsets = _offsets(radius)
    size = offsets.shape[1]
    s, place = np.empty((ROWS, size)), np.empty((2, size))
    near, cursor, stop = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    A, b = np.empty((6, 6)), np.empty(6)
    for q in range(start.size - 1):
        if not wanted[start[q]:start[q + 1]].any():
            for i in range(start[q], start[q + 1]):
                points[order[i]] = 0
                flow[order[i], :], scatter[order[i]], cov[order[i], :, :] = np.nan, np.nan, np.nan
            continue
        sheet = q // (width * height) * width * height
        v, u = divmod(q - sheet, width)
        reach, inner = _reach(u, v, sheet, width, height, offsets, start, cursor, stop, place)
        for i in range(start[q], start[q + 1]):
            n = _gather(i, t, reach, inner, cursor, stop, place, max_gap, near, s) if wanted[i] else 0
            if n >= min_points:
                n = _complete(i, full, step, near, n, s)
            known, speed, nx, ny, log_var, log_angle, angle_var, rms = False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            if n >= min_points:
                known, speed, nx, ny, log_var, log_angle, angle_var, rms = _moving_edge(n, s, A, b)
            k = order[i]
            points[k] = n
            if known and max(log_var, angle_var) <= max_std * max_std:
                vx, vy = speed * nx, speed * ny
                flow[k, 0], flow[k, 1], scatter[k] = vx, vy, rms
                cov[k, 0, 0] = vx * vx * log_var - 2.0 * vx * vy * log_angle + vy * vy * angle_var
                cov[k, 1, 1] = vy * vy * log_var + 2.0 * vx * vy * log_angle + vx * vx * angle_var
                cov[k, 0, 1] = cov[k, 1, 0] = vx * vy * (log_var - angle_var) + (vx * vx - vy * vy) * log_angle
            else:
                flow[k, 0] = flow[k, 1] = scatter[k] = np.nan
                cov[k, :, :] = np.nan
