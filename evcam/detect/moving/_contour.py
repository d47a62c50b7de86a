"""Kernels that fit moving ellipses to the edge crossings around discs."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel, reordering_kernel

REGION_STD_PX = 0.7  # how well the centroid of a disc's region in the two-tone picture gives its centre
PRIOR_NOISE_PX = 0.1  # scatter of crossings, against which prior knowledge is weighed
N_PARAMS = 7  # centre (2), velocity (2), symmetric change of shape (3)
BATCH = 128  # crossings that are weighed at once
# What is noted of each of them: place, time and arc, how far inside of the cut-off, residual, derivatives, and
# these two weighted; for those on the leading arc that count, 1.
X, Y, TAU, SIDE, INSIDE, RESIDUAL, DERIVATIVES = range(7)
WEIGHTED = DERIVATIVES + N_PARAMS
WEIGHTED_RESIDUAL = WEIGHTED + N_PARAMS
LEADS, ROOM = WEIGHTED_RESIDUAL + 1, WEIGHTED_RESIDUAL + 2


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
def _fit_discs(  # type: ignore[no-untyped-def]
    chosen, begin, centers, velocities, accelerations, shapes, cutoffs, options, prior, half_us, done,
    params, fitted_shapes, covariance, leading, trailing, sigma, status
):
    """Fit the discs of a view that are not done to their crossings, by reweighted Gauss-Newton steps.

    Returns whether some are still not done: those with few crossings, whose windows are now twice as long.

    ``chosen``, ``begin``: as `_crossings_around` gives them.
    ``cutoffs``: Tukey's cut-off distance (px) of each step; the last steps use the
    smaller of it and five times the residual scale of the step before.
    ``prior``: standard deviations of the start's velocity (px/s) and relative shape.
    ``options``: min_cosine; crossings needed on either arc, on both together, and to be
    content with a window; half of the longest window.
    ``fitted_shapes``: inverted until all are done.
    ``status``: on return 0 fitted, 1 too few crossings, 2 singular, 3 ran away.
    """
    min_cosine, min_arc, min_both, enough, max_half_us = options
    room, again = np.empty(ROOM * BATCH), False
    for k in range(half_us.size):
        if done[k] != 0:
            continue
        _begin(centers[k], velocities[k], shapes[k], params[k], fitted_shapes[k])
        status[k], leading[k], trailing[k], sigma[k] = _fit_disc(
            chosen, begin[k], begin[k + 1], min_cosine, cutoffs, half_us[k] * 1e-6, prior, min_arc, min_both,
            params[k], accelerations[k], fitted_shapes[k], covariance[k], room,
        )
        scarce = status[k] == 1 or leading[k] + trailing[k] < enough
        if scarce and 2 * half_us[k] <= max_half_us:
            half_us[k] *= 2
            again = True
        else:
            done[k] = 1
    if not again:
        for k in range(half_us.size):
            _invert(fitted_shapes[k], fitted_shapes[k])
    return again


@kernel
def _invert(matrix, inverse):  # type: ignore[no-untyped-def]
    """Write the inverse of a 2x2 matrix, also into itself."""
    a, b, c, d = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    det = a * d - b * c
    inverse[0, 0], inverse[0, 1], inverse[1, 0], inverse[1, 1] = d / det, -b / det, -c / det, a / det


@kernel
def _begin(center, velocity, shape, params, inverse):  # type: ignore[no-untyped-def]
    """Write where a disc's fit starts."""
    for a in range(2):
        params[a], params[2 + a] = center[a], velocity[a]
    for a in range(4, N_PARAMS):
        params[a] = 0.0
    _invert(shape, inverse)


@kernel
def _fit_disc(  # type: ignore[no-untyped-def]
    chosen, begin, stop, min_cosine, cutoffs, half_s, prior, min_arc, min_both, params, acceleration, inverse, covariance, room
):
    """Fit one disc to the crossings ``[begin:stop]``; returns its status, the crossings on either arc, and their scale.

    ``room``: to work in.
    """
    normal, gradient = np.empty((N_PARAMS, N_PARAMS)), np.empty(N_PARAMS)
    sigma, free, squares, slopes, weights = 1e9, 2.0, 0.0, 0.0, 0.0
    leading = trailing = 0
    start = params[:4].copy()
    changed = np.zeros(3)
    for step in range(cutoffs.size):
        cutoff = min(cutoffs[step], max(5.0 * sigma, 0.2))
        leading, trailing, cost, weights, squares, slopes = _accumulate(
            chosen, begin, stop, cutoff, min_cosine, half_s, params, acceleration, inverse, normal, gradient, room
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
def _residual(x, y, tau, center, velocity, acceleration, inverse):  # type: ignore[no-untyped-def]
    """Distance in pixels from a crossing to the moving ellipse (outside positive).

    Returns it, the velocity's part along the ellipse's normal, the squared speed, that normal and the way from the centre.
    Without branches and with one division, so that a loop over it becomes one over vectors.
    """
    vx, vy = velocity[0] + acceleration[0] * tau, velocity[1] + acceleration[1] * tau
    ux = x - center[0] - tau * (velocity[0] + 0.5 * acceleration[0] * tau)
    uy = y - center[1] - tau * (velocity[1] + 0.5 * acceleration[1] * tau)
    a, b, c, d = inverse
    qx, qy = a * ux + b * uy, c * ux + d * uy
    rho = np.sqrt(qx * qx + qy * qy)
    # The gradient of rho is g / rho.
    gx, gy = a * qx + c * qy, b * qx + d * qy
    per_slope = 1.0 / (np.sqrt(gx * gx + gy * gy) + 1e-30)
    nx, ny = gx * per_slope, gy * per_slope
    return (rho - 1.0) * rho * per_slope, nx * vx + ny * vy, vx * vx + vy * vy, nx, ny, ux, uy


@kernel
def _derivatives(nx, ny, ux, uy, tau):  # type: ignore[no-untyped-def]
    """The residual's derivatives by the parameters.

    The shape is (I + S) A, so its inverse is A^-1 (I - S) to first order; `_fit_disc` keeps S at zero.
    """
    return -nx, -ny, -tau * nx, -tau * ny, -nx * ux, -(nx * uy + ny * ux), -ny * uy


@kernel
def _weigh(chosen, begin, stop, cutoff, min_cosine, half_s, params, acceleration, inverse, room):  # type: ignore[no-untyped-def]
    """Note what `_accumulate` sums of up to `BATCH` crossings."""
    center, velocity, turn = (params[0], params[1]), (params[2], params[3]), (acceleration[0], acceleration[1])
    shape = (inverse[0, 0], inverse[0, 1], inverse[1, 0], inverse[1, 1])
    for column in range(4):
        for i in range(stop - begin):
            room[column * BATCH + i] = chosen[column, begin + i]
    per_cutoff, least, per_half = 1.0 / cutoff, min_cosine * min_cosine, 1.0 / half_s
    # One array with rows a constant length apart: between several arrays vectors would first have to prove that none overlap.
    for i in range(stop - begin):
        tau = room[TAU * BATCH + i]
        r, along, speed2, nx, ny, ux, uy = _residual(
            room[X * BATCH + i], room[Y * BATCH + i], tau, center, velocity, turn, shape
        )
        inside = 1.0 - (r * per_cutoff) ** 2
        leads = along > 0.0
        moves = (along * along >= least * speed2) & (speed2 > 0.0)
        counts = moves & (inside > 0.0) & (leads == (room[SIDE * BATCH + i] > 0.0))
        inside = inside if counts else 0.0
        weight = inside * inside
        room[INSIDE * BATCH + i], room[LEADS * BATCH + i] = inside, 1.0 if counts & leads else 0.0
        room[RESIDUAL * BATCH + i], room[WEIGHTED_RESIDUAL * BATCH + i] = r, weight * r
        a, b, c, d, e, f, g = _derivatives(nx, ny, ux, uy, tau * per_half)
        room[DERIVATIVES * BATCH + i], room[WEIGHTED * BATCH + i] = a, weight * a
        room[(DERIVATIVES + 1) * BATCH + i], room[(WEIGHTED + 1) * BATCH + i] = b, weight * b
        room[(DERIVATIVES + 2) * BATCH + i], room[(WEIGHTED + 2) * BATCH + i] = c, weight * c
        room[(DERIVATIVES + 3) * BATCH + i], room[(WEIGHTED + 3) * BATCH + i] = d, weight * d
        room[(DERIVATIVES + 4) * BATCH + i], room[(WEIGHTED + 4) * BATCH + i] = e, weight * e
        room[(DERIVATIVES + 5) * BATCH + i], room[(WEIGHTED + 5) * BATCH + i] = f, weight * f
        room[(DERIVATIVES + 6) * BATCH + i], room[(WEIGHTED + 6) * BATCH + i] = g, weight * g


@kernel
def _row(room, number, size):  # type: ignore[no-untyped-def]
    return room[number * BATCH : number * BATCH + size]


@reordering_kernel
def _dot(a, b):  # type: ignore[no-untyped-def]
    """Sum of products."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@reordering_kernel
def _total(values):  # type: ignore[no-untyped-def]
    """Sum, and how many are not zero."""
    total, count = 0.0, 0
    for i in range(values.size):
        total += values[i]
        count += values[i] != 0.0
    return total, count


@kernel
def _accumulate(  # type: ignore[no-untyped-def]
    chosen, begin, stop, cutoff, min_cosine, half_s, params, acceleration, inverse, normal, gradient, room
):
    """Write the weighted normal equations of the distances (px, outside positive) from crossings to the moving ellipse.

    Returns how many crossings count on the leading and on the trailing arc, and the sums of w r^2, w, (w r)^2 and of
    the slope of Tukey's influence function, with w the square of `INSIDE`.
    """
    for a in range(N_PARAMS):
        gradient[a] = 0.0
        for b in range(N_PARAMS):
            normal[a, b] = 0.0
    leading = trailing = 0
    cost = weights = squares = slopes = 0.0
    for batch in range(begin, stop, BATCH):
        size = min(stop - batch, BATCH)
        _weigh(chosen, batch, batch + size, cutoff, min_cosine, half_s, params, acceleration, inverse, room)
        residual, weighted = _row(room, RESIDUAL, size), _row(room, WEIGHTED_RESIDUAL, size)
        for a in range(N_PARAMS):
            weighted_derivative = _row(room, WEIGHTED + a, size)
            gradient[a] -= _dot(weighted_derivative, residual)
            for b in range(a + 1):
                normal[a, b] += _dot(weighted_derivative, _row(room, DERIVATIVES + b, size))
        cost += _dot(weighted, residual)
        squares += _dot(weighted, weighted)
        inside = _row(room, INSIDE, size)
        total, counted = _total(inside)
        w = _dot(inside, inside)
        weights += w
        slopes += 5.0 * w - 4.0 * total
        leads = _total(_row(room, LEADS, size))[1]
        leading += leads
        trailing += counted - leads
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
