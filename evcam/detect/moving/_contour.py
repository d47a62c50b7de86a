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
def _count_full(x, y, full, owner, numbers):  # type: ignore[no-untyped-def]
    """Add to ``numbers[n]`` how many crossings on discs stand for a full change of n events."""
    for i in range(x.size):
        if owner[y[i], x[i]] >= 0:
            numbers[full[i]] += 1


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
def _chosen(t, x, y, p, full, owner, mid_us, dark, half_s, min_full, status, begin):  # type: ignore[no-untyped-def]
    """The crossings of discs that are to be fitted, within each disc's window, sorted by disc and in order of time.

    Returns rows x, y, seconds from the middle, and 1 where a leading edge makes such a crossing, else 0; disc k's are
    ``[begin[k]:begin[k + 1]]``.
    """
    begin[:] = 0
    mine = np.empty(t.size, np.int16)
    for i in range(t.size):
        k = owner[y[i], x[i]]
        if k >= 0 and status[k] == 0 and full[i] >= min_full and abs(t[i] - mid_us) * 1e-6 <= half_s[k]:
            mine[i] = k
            begin[k + 1] += 1
        else:
            mine[i] = -1
    for k in range(begin.size - 1):
        begin[k + 1] += begin[k]
    place = begin.copy()
    out = np.empty((begin[-1], 4))
    for i in range(t.size):
        k = mine[i]
        if k >= 0:
            row = place[k]
            out[row, 0], out[row, 1], out[row, 2] = x[i], y[i], (t[i] - mid_us) * 1e-6
            # A disc's leading edge takes on the disc's brightness, its trailing edge the ground's.
            out[row, 3] = 1.0 if p[i] != dark else 0.0
            place[k] += 1
    return out


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
    begin = np.empty(params.shape[0] + 1, np.int64)
    chosen = _chosen(t, x, y, p, full, owner, mid_us, dark, half_s, min_full, status, begin)
    normal, gradient, row = np.empty((N_PARAMS, N_PARAMS)), np.empty(N_PARAMS), np.empty(N_PARAMS)
    for k in range(params.shape[0]):
        if status[k] == 0:
            status[k], leading[k], trailing[k], sigma[k] = _fit_disc(
                chosen[begin[k] : begin[k + 1]], min_cosine, cutoffs, half_s[k], priors[k], min_arc, min_both,
                params[k], accelerations[k], inverse_shapes[k], covariance[k], normal, gradient, row,
            )


@kernel
def _fit_disc(  # type: ignore[no-untyped-def]
    crossings, min_cosine, cutoffs, half_s, prior, min_arc, min_both, params, acceleration, inverse, covariance,
    normal, gradient, row
):
    """Fit one disc; returns its status, the crossings on its leading and trailing arcs, and their scale.

    ``normal``, ``gradient``, ``row``: room to work in.
    """
    sigma, free, squares, slopes, weights = 1e9, 2.0, 0.0, 0.0, 0.0
    leading = trailing = 0
    start = params[:4].copy()
    changed = np.zeros(3)
    for step in range(cutoffs.size):
        cutoff = min(cutoffs[step], max(5.0 * sigma, 0.2))
        leading, trailing, cost, weights, squares, slopes = _accumulate(
            crossings, cutoff, min_cosine, half_s, params, acceleration, inverse, normal, gradient, row
        )
        if leading < min_arc or trailing < min_arc or leading + trailing < min_both:
            return 1, leading, trailing, sigma
        size = 1.0 / np.sqrt(abs(inverse[0, 0] * inverse[1, 1] - inverse[0, 1] * inverse[1, 0]))
        free = _add_priors(prior, half_s, start, params, changed, normal, gradient)
        if not _solve_cholesky(normal, gradient, N_PARAMS):
            return 2, leading, trailing, sigma
        sigma = np.sqrt(cost / max(weights * (1 - 2.0 / (leading + trailing)), 1e-9))
        for a in range(2):
            params[a] += gradient[a]
            params[2 + a] += gradient[2 + a] / half_s
        _refresh_shape(inverse, gradient[4], gradient[5], gradient[6])
        for a in range(3):
            changed[a] += gradient[4 + a]
        moved = np.sqrt((params[0] - start[0]) ** 2 + (params[1] - start[1]) ** 2)
        if not moved < size:
            return 3, leading, trailing, sigma
    # Variance of an M-estimator (Huber, Robust Statistics, eq. 6.5), with as many degrees of freedom as the
    # crossings, and not the prior, decide on; the factor of the normal matrix already holds the weights.
    n = leading + trailing
    variance = squares / max(n - free, 1.0) * n * weights / max(slopes, 1.0) ** 2
    _center_covariance(normal, variance, covariance)
    return 0, leading, trailing, sigma


@kernel
def _residual(x, y, tau, params, acceleration, inverse):  # type: ignore[no-untyped-def]
    """Distance in pixels from a crossing to the moving ellipse (outside positive).

    Returns it, the cosine between the ellipse's normal and its velocity, that normal and the way from the centre.
    """
    vx, vy = params[2] + acceleration[0] * tau, params[3] + acceleration[1] * tau
    ux = x - params[0] - tau * (params[2] + 0.5 * acceleration[0] * tau)
    uy = y - params[1] - tau * (params[3] + 0.5 * acceleration[1] * tau)
    qx, qy = inverse[0, 0] * ux + inverse[0, 1] * uy, inverse[1, 0] * ux + inverse[1, 1] * uy
    rho = np.sqrt(qx * qx + qy * qy)
    if rho < 1e-9:
        return 1e9, 0.0, 0.0, 0.0, ux, uy
    gx, gy = (inverse[0, 0] * qx + inverse[1, 0] * qy) / rho, (inverse[0, 1] * qx + inverse[1, 1] * qy) / rho
    slope = np.sqrt(gx * gx + gy * gy)
    nx, ny = gx / slope, gy / slope
    speed = np.sqrt(vx * vx + vy * vy)
    along = (nx * vx + ny * vy) / speed if speed > 0 else 0.0
    return (rho - 1.0) / slope, along, nx, ny, ux, uy


@kernel
def _derivatives(nx, ny, ux, uy, tau, row):  # type: ignore[no-untyped-def]
    """Write the residual's derivatives by the parameters.

    The shape is (I + S) A, so its inverse is A^-1 (I - S) to first order; `_fit_disc` keeps S at zero.
    """
    row[0], row[1] = -nx, -ny
    row[2], row[3] = -tau * nx, -tau * ny
    row[4], row[5], row[6] = -nx * ux, -(nx * uy + ny * ux), -ny * uy


@kernel
def _accumulate(  # type: ignore[no-untyped-def]
    crossings, cutoff, min_cosine, half_s, params, acceleration, inverse, normal, gradient, row
):
    """Write the weighted normal equations of the distances (px, outside positive) from crossings to the moving ellipse.

    Returns how many crossings count on the leading and on the trailing arc, and the sums of w r^2, w, (w r)^2 and of
    the slope of Tukey's influence function.
    """
    normal[:] = 0.0
    gradient[:] = 0.0
    leading = trailing = 0
    cost = weights = squares = slopes = 0.0
    for i in range(crossings.shape[0]):
        tau = crossings[i, 2]
        r, along, nx, ny, ux, uy = _residual(crossings[i, 0], crossings[i, 1], tau, params, acceleration, inverse)
        if abs(r) >= cutoff:
            continue
        if abs(along) < min_cosine or (along > 0) != (crossings[i, 3] > 0):
            continue
        u = (r / cutoff) ** 2
        w = (1.0 - u) ** 2
        if along > 0:
            leading += 1
        else:
            trailing += 1
        _derivatives(nx, ny, ux, uy, tau, row)
        row[2] /= half_s
        row[3] /= half_s
        for a in range(N_PARAMS):
            wa = w * row[a]
            gradient[a] -= wa * r
            for b in range(a + 1):
                normal[a, b] += wa * row[b]
        cost += w * r * r
        weights += w
        squares += (w * r) ** 2
        slopes += (1.0 - u) * (1.0 - 5.0 * u)
    return leading, trailing, cost, weights, squares, slopes


@kernel
def _add_priors(prior, half_s, start, params, changed, normal, gradient):  # type: ignore[no-untyped-def]
    """Add prior knowledge of centre, velocity and shape; returns how many parameters the crossings decide on."""
    variance = PRIOR_NOISE_PX**2
    free = 2.0
    for a in range(2):
        information = variance / REGION_STD_PX**2
        normal[a, a] += information
        gradient[a] += information * (start[a] - params[a])
    for a in range(2):
        information = variance / (prior[0] * half_s) ** 2
        free += normal[2 + a, 2 + a] / (normal[2 + a, 2 + a] + information)
        normal[2 + a, 2 + a] += information
        gradient[2 + a] += information * (start[2 + a] - params[2 + a]) * half_s
    for a in range(3):
        information = variance / prior[1] ** 2
        free += normal[4 + a, 4 + a] / (normal[4 + a, 4 + a] + information)
        normal[4 + a, 4 + a] += information
        gradient[4 + a] -= information * changed[a]
    return free


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
