"""Kernels that choose the edge crossings which discs are fitted to."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _paint_owners(centers, shapes, reach, paths, owner):  # type: ignore[no-untyped-def]
    """Write into ``owner`` which disc a pixel may belong to during the window, -1 for none."""
    height, width = owner.shape
    for y in range(height):
        for x in range(width):
            owner[y, x] = -1
    for k in range(centers.shape[0]):
        pad = reach + paths[k]
        rx = np.sqrt(shapes[k, 0, 0] ** 2 + shapes[k, 0, 1] ** 2) + pad
        ry = np.sqrt(shapes[k, 1, 0] ** 2 + shapes[k, 1, 1] ** 2) + pad
        x0, x1 = max(0, int(centers[k, 0] - rx)), min(width - 1, int(centers[k, 0] + rx) + 1)
        y0, y1 = max(0, int(centers[k, 1] - ry)), min(height - 1, int(centers[k, 1] + ry) + 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                other = np.int64(owner[y, x])
                if other < 0 or _squared(x, y, centers, k) < _squared(x, y, centers, other):
                    owner[y, x] = k


@kernel
def _squared(x, y, centers, k):  # type: ignore[no-untyped-def]
    return (x - centers[k, 0]) ** 2 + (y - centers[k, 1]) ** 2


@kernel
def _fired_nearby(x, y, owner, first, stop, index):  # type: ignore[no-untyped-def]
    """Write which of the crossings ``[first:stop]`` lie where a disc may be; return how many."""
    found = 0
    for i in range(first, stop):
        index[found] = i
        found += owner[y[i], x[i]] >= 0
    return found


@kernel
def _min_full(full, index, min_full_share, usual_share):  # type: ignore[no-untyped-def]
    """Fewest events of a full change that count: a share of the usual number, which a share of the crossings does not exceed."""
    largest = 1
    for i in index:
        largest = max(largest, full[i])
    numbers = np.zeros(largest + 1, np.int64)
    for i in index:
        numbers[full[i]] += 1
    total = 0
    for n in range(2, largest + 1):
        total += numbers[n]
    if total == 0:
        return 1
    wanted = usual_share * total
    usual, up_to = 1, 0
    while up_to < wanted:
        usual += 1
        up_to += numbers[usual]
    # One event fewer is as usual, however few events a crossing has; a single one is noise where two are usual.
    return max(min(2, usual), min(int(np.ceil(min_full_share * usual)), usual - 1))


@kernel
def _chosen(t, x, y, p, full, owner, index, mid_us, dark, half_us, min_full, status, begin):  # type: ignore[no-untyped-def]
    """Those crossings of ``index`` that are to be fitted, within each disc's window, sorted by disc and in order of time.

    Returns rows x, y, seconds from the middle, and 1 where a leading edge makes such a crossing, else 0, shape (4, N);
    disc k's are ``[:, begin[k]:begin[k + 1]]``.
    """
    reach_us = np.empty(half_us.size)
    for k in range(half_us.size):
        begin[k] = 0
        reach_us[k] = half_us[k] if status[k] == 0 else -1.0
    begin[half_us.size] = 0
    kept = 0
    for i in index:
        k = owner[y[i], x[i]]
        # Without a branch: about every other crossing is kept, and nothing foretells which.
        keep = (full[i] >= min_full) & (abs(t[i] - mid_us) <= reach_us[k])
        index[kept] = i
        kept += keep
        begin[k + 1] += keep
    place = np.empty(begin.size, np.int64)
    for k in range(begin.size):
        begin[k] += begin[k - 1] if k else 0
        place[k] = begin[k]
    out = np.empty((4, kept))
    for n in range(kept):
        i = index[n]
        k = owner[y[i], x[i]]
        row = place[k]
        out[0, row], out[1, row], out[2, row] = x[i], y[i], (t[i] - mid_us) * 1e-6
        # A disc's leading edge takes on the disc's brightness, its trailing edge the ground's.
        out[3, row] = 1.0 if p[i] != dark else 0.0
        place[k] += 1
    return out


@kernel
def _first_from(t, when):  # type: ignore[no-untyped-def]
    """Where ordered times reach ``when``."""
    low, high = 0, t.size
    while low < high:
        middle = (low + high) // 2
        if t[middle] < when:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _crossings_around(  # type: ignore[no-untyped-def]
    t, x, y, p, full, owner, mid_us, dark, centers, velocities, shapes, reach, options, half_us, done, begin
):
    """Crossings that may lie on the discs' outlines within their windows, as `_chosen` gives them.

    ``done``: discs that need none.  ``options``: min_full_share, usual_share.
    """
    min_full_share, usual_share = options
    paths, reach_us = np.empty(half_us.size), 0.0
    for k in range(half_us.size):
        paths[k] = np.sqrt(velocities[k, 0] ** 2 + velocities[k, 1] ** 2) * half_us[k] * 1e-6
        if done[k] == 0:
            reach_us = max(reach_us, half_us[k])
    first, stop = _first_from(t, mid_us - reach_us), _first_from(t, mid_us + reach_us + 1)
    _paint_owners(centers, shapes, reach, paths, owner)
    index = np.empty(stop - first + 1, np.int64)
    index = index[: _fired_nearby(x, y, owner, first, stop, index)]
    min_full = _min_full(full, index, min_full_share, usual_share)
    return _chosen(t, x, y, p, full, owner, index, mid_us, dark, half_us, min_full, done, begin)
