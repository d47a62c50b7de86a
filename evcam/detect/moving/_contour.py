"""Kernels that fit moving ellipses to the edge crossings around discs."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

REGION_STD_PX = 0.7  # how well the centroid of a disc's region in the two-tone picture gives its centre
PRIOR_NOISE_PX = 0.1  # scatter of crossings, against which prior knowledge is weighed
N_PARAMS = 7  # centre (2), velocity (2), symmetric change of shape (3)


@kernel
def _paint_owners(centers, shapes, reach, paths, owner):  # type: ignore[no-untyped-def]
    """Write into ``owner`` which disc a pixel may belong to during the window, -1 for none."""
    height, width = owner.shape
    owner[:] = -1
    for k in range(centers.shape[0]):
        pad = reach + paths[k]
        rx = np.sqrt(shapes[k, 0, 0] ** 2 + shapes[k, 0, 1] ** 2) + pad
        ry = np.sqrt(shapes[k, 1, 0] ** 2 + shapes[k, 1, 1] ** 2) + pad
        x0, x1 = max(0, int(centers[k, 0] - rx)), min(width - 1, int(centers[k, 0] + rx) + 1)
        y0, y1 = max(0, int(centers[k, 1] - ry)), min(height - 1, int(centers[k, 1] + ry) + 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                other = owner[y, x]
                if other < 0 or _squared(x, y, centers, k) < _squared(x, y, centers, other):
                    owner[y, x] = k


@kernel
def _squared(x, y, centers, k):  # type: ignore[no-untyped-def]
    return (x - centers[k, 0]) ** 2 + (y - centers[k, 1]) ** 2


@kernel
def _residual(x, y, tau, k, params, accelerations, inverse_shapes, row):  # type: ignore[no-untyped-def]
    """Distance in pixels from a crossing to the moving ellipse k (outside positive).

    Writes the derivatives by the parameters into ``row``; returns the residual
    and the cosine between the ellipse's normal and its velocity.
    """
    vx = params[k, 2] + accelerations[k, 0] * tau
    vy = params[k, 3] + accelerations[k, 1] * tau
    ux = x - params[k, 0] - tau * (params[k, 2] + 0.5 * accelerations[k, 0] * tau)
    uy = y - params[k, 1] - tau * (params[k, 3] + 0.5 * accelerations[k, 1] * tau)
    # The shape is (I + S) A, so the inverse is A^-1 (I - S) to first order; S is refreshed by the caller.
    b = inverse_shapes[k]
    qx, qy = b[0, 0] * ux + b[0, 1] * uy, b[1, 0] * ux + b[1, 1] * uy
    rho = np.sqrt(qx * qx + qy * qy)
    if rho < 1e-9:
        return 1e9, 0.0
    gx, gy = (b[0, 0] * qx + b[1, 0] * qy) / rho, (b[0, 1] * qx + b[1, 1] * qy) / rho
    slope = np.sqrt(gx * gx + gy * gy)
    nx, ny = gx / slope, gy / slope
    row[0], row[1] = -nx, -ny
    row[2], row[3] = -tau * nx, -tau * ny
    row[4], row[5], row[6] = -nx * ux, -(nx * uy + ny * ux), -ny * uy
    speed = np.sqrt(vx * vx + vy * vy)
    along = (nx * vx + ny * vy) / speed if speed > 0 else 0.0
    return (rho - 1.0) / slope, along


@kernel
def _solve_cholesky(a, b, n):  # type: ignore[no-untyped-def]
    """Solve ``a x = b`` in place (a: lower triangle overwritten by its factor); False if not definite."""
    for j in range(n):
        d = a[j, j]
        for i in range(j):
            d -= a[j, i] * a[j, i]
        if not d > 1e-12 * abs(a[j, j]) or d <= 0:
            return False
        a[j, j] = np.sqrt(d)
        for r in range(j + 1, n):
            s = a[r, j]
            for i in range(j):
                s -= a[r, i] * a[j, i]
            a[r, j] = s / a[j, j]
    for j in range(n):
        s = b[j]
        for i in range(j):
            s -= a[j, i] * b[i]
        b[j] = s / a[j, j]
    for j in range(n - 1, -1, -1):
        s = b[j]
        for i in range(j + 1, n):
            s -= a[i, j] * b[i]
        b[j] = s / a[j, j]
    return True


@kernel
def _refresh_shape(inverse, sxx, sxy, syy):  # type: ignore[no-untyped-def]
    """B <- B (I + S)^-1, exactly."""
    det = (1 + sxx) * (1 + syy) - sxy * sxy
    a, b, c = (1 + syy) / det, -sxy / det, (1 + sxx) / det
    for i in range(2):
        p, q = inverse[i, 0], inverse[i, 1]
        inverse[i, 0], inverse[i, 1] = p * a + q * b, p * b + q * c


@kernel
def _chosen(t, x, y, full, owner, mid_us, half_s, min_full, status):  # type: ignore[no-untyped-def]
    """The crossings of discs that are to be fitted, within each disc's window."""
    out = np.empty(t.size, np.int64)
    n = 0
    for i in range(t.size):
        k = owner[y[i], x[i]]
        if k >= 0 and status[k] == 0 and full[i] >= min_full and abs(t[i] - mid_us) * 1e-6 <= half_s[k]:
            out[n] = i
            n += 1
    return out[:n]


@kernel
def _fit_discs(  # type: ignore[no-untyped-def]
    t, x, y, p, full, owner, mid_us, dark, min_cosine, min_full, cutoffs, half_s,
    priors, min_arc, min_both, params, accelerations, inverse_shapes, covariance, leading, trailing, sigma, status
):
    """Fit all discs of a view to its crossings, by reweighted Gauss-Newton steps.

    ``cutoffs``: Tukey's cut-off distance (px) of each step; the last steps use the
    smaller of it and five times the residual scale of the step before.
    ``priors``: per disc, standard deviations of the start's velocity (px/s) and relative shape.
    ``min_arc``, ``min_both``: crossings needed on either arc and on both together.
    ``status``: on entry nonzero for discs to leave alone; on return of the others
    0 fitted, 1 too few crossings, 2 singular, 3 ran away.
    """
    discs = params.shape[0]
    normal = np.zeros((discs, N_PARAMS, N_PARAMS))
    gradient = np.zeros((discs, N_PARAMS))
    cost = np.zeros(discs)
    weights = np.zeros(discs)
    squares = np.zeros(discs)
    slopes = np.zeros(discs)
    free = np.zeros(discs)
    row = np.zeros(N_PARAMS)
    chosen = _chosen(t, x, y, full, owner, mid_us, half_s, min_full, status)
    start = params.copy()
    changed = np.zeros((discs, 3))
    active = status == 0
    sigma[active] = 1e9
    for step in range(cutoffs.size):
        normal[:] = 0.0
        gradient[:] = 0.0
        cost[:] = 0.0
        weights[:] = 0.0
        squares[:] = 0.0
        slopes[:] = 0.0
        for k in range(discs):
            if status[k] == 0:
                leading[k] = 0
                trailing[k] = 0
        for i in chosen:
            k = owner[y[i], x[i]]
            if status[k] != 0:
                continue
            tau = (t[i] - mid_us) * 1e-6
            r, along = _residual(np.float64(x[i]), np.float64(y[i]), tau, k, params, accelerations, inverse_shapes, row)
            cutoff = min(cutoffs[step], max(5.0 * sigma[k], 0.2))
            if abs(r) >= cutoff or abs(along) < min_cosine:
                continue
            # A disc's leading edge takes on the disc's brightness, its trailing edge the ground's.
            if (along > 0) != (p[i] != dark):
                continue
            u = (r / cutoff) ** 2
            w = (1.0 - u) ** 2
            if along > 0:
                leading[k] += 1
            else:
                trailing[k] += 1
            row[2] /= half_s[k]
            row[3] /= half_s[k]
            for a in range(N_PARAMS):
                wa = w * row[a]
                gradient[k, a] -= wa * r
                for b in range(a + 1):
                    normal[k, a, b] += wa * row[b]
            cost[k] += w * r * r
            weights[k] += w
            squares[k] += (w * r) ** 2
            slopes[k] += (1.0 - u) * (1.0 - 5.0 * u)
        for k in range(discs):
            if status[k] != 0:
                continue
            if leading[k] < min_arc or trailing[k] < min_arc or leading[k] + trailing[k] < min_both:
                status[k] = 1
                continue
            b = inverse_shapes[k]
            size = 1.0 / np.sqrt(abs(b[0, 0] * b[1, 1] - b[0, 1] * b[1, 0]))
            variance = PRIOR_NOISE_PX**2
            free[k] = 2.0
            for a in range(2):
                information = variance / REGION_STD_PX**2
                normal[k, a, a] += information
                gradient[k, a] += information * (start[k, a] - params[k, a])
            for a in range(2):
                information = variance / (priors[k, 0] * half_s[k]) ** 2
                free[k] += normal[k, 2 + a, 2 + a] / (normal[k, 2 + a, 2 + a] + information)
                normal[k, 2 + a, 2 + a] += information
                gradient[k, 2 + a] += information * (start[k, 2 + a] - params[k, 2 + a]) * half_s[k]
            for a in range(3):
                information = variance / priors[k, 1] ** 2
                free[k] += normal[k, 4 + a, 4 + a] / (normal[k, 4 + a, 4 + a] + information)
                normal[k, 4 + a, 4 + a] += information
                gradient[k, 4 + a] -= information * changed[k, a]
            if not _solve_cholesky(normal[k], gradient[k], N_PARAMS):
                status[k] = 2
                continue
            sigma[k] = np.sqrt(cost[k] / max(weights[k] * (1 - 2.0 / (leading[k] + trailing[k])), 1e-9))
            for a in range(2):
                params[k, a] += gradient[k, a]
                params[k, 2 + a] += gradient[k, 2 + a] / half_s[k]
            _refresh_shape(inverse_shapes[k], gradient[k, 4], gradient[k, 5], gradient[k, 6])
            for a in range(3):
                changed[k, a] += gradient[k, 4 + a]
            moved = np.sqrt((params[k, 0] - start[k, 0]) ** 2 + (params[k, 1] - start[k, 1]) ** 2)
            if not moved < size:
                status[k] = 3
    for k in range(discs):
        if active[k] and status[k] == 0:
            # Variance of an M-estimator (Huber, Robust Statistics, eq. 6.5), with as many degrees of freedom as the
            # crossings, and not the prior, decide on; the factor of the normal matrix already holds the weights.
            n = leading[k] + trailing[k]
            variance = squares[k] / max(n - free[k], 1.0) * n * weights[k] / max(slopes[k], 1.0) ** 2
            _center_covariance(normal[k], variance, covariance[k])


@kernel
def _center_covariance(factor, variance, out):  # type: ignore[no-untyped-def]
    """Covariance of the first two parameters from the Cholesky factor of the normal matrix."""
    n = N_PARAMS
    columns = np.zeros((2, n))
    for c in range(2):
        for j in range(n):
            s = 1.0 if j == c else 0.0
            for i in range(j):
                s -= factor[j, i] * columns[c, i]
            columns[c, j] = s / factor[j, j]
    for c in range(2):
        for d in range(2):
            s = 0.0
            for j in range(n):
                s += columns[c, j] * columns[d, j]
            out[c, d] = variance * s
