"""Kernels that find the crossings near a moving line: those of a window lie sorted by time slice and tile of the image."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

SEEN_AHEAD = 0.2  # bearings farther from the axis have no place on the image plane


@kernel
def _sort_by_tile(chosen, t_s, f, scale, slices, half_s, reach_x, reach_y, tile, columns, rows, begins, order, packed):  # type: ignore[no-untyped-def]
    """Counting sort of the chosen crossings by slice, row and column; ``begins`` has one entry more than there are tiles.

    The last tile of each slice holds what lies outside of the others.  ``packed`` holds bearing, time and radians per pixel of
    each in this order, since whole tiles are read at once.
    """
    per_slice = columns * rows + 1
    place = np.empty(chosen.size, np.int32)
    for j in range(chosen.size):
        i = chosen[j]
        s = min(max(int((t_s[i] + half_s) / (2 * half_s) * slices), 0), slices - 1)
        cell = per_slice - 1
        if f[i, 2] > SEEN_AHEAD:
            x, y = (f[i, 0] / f[i, 2] + reach_x) / tile, (f[i, 1] / f[i, 2] + reach_y) / tile
            if 0 <= x < columns and 0 <= y < rows:
                cell = int(y) * columns + int(x)
        place[j] = s * per_slice + cell
        begins[place[j] + 1] += 1
    for k in range(begins.size - 1):
        begins[k + 1] += begins[k]
    for j in range(chosen.size):
        i, to = chosen[j], begins[place[j]]
        order[to] = i
        packed[to, 0], packed[to, 1], packed[to, 2], packed[to, 3], packed[to, 4] = f[i, 0], f[i, 1], f[i, 2], t_s[i], scale[i]
        begins[place[j]] += 1
    for k in range(begins.size - 1, 0, -1):
        begins[k] = begins[k - 1]
    begins[0] = 0


@kernel
def _ends_on_axis(n, frame, low, high, k):  # type: ignore[no-untyped-def]
    """Least and largest coordinate k on the image plane of a line's ends; infinite where one lies behind."""
    least, most = np.inf, -np.inf
    for side in range(2):
        s = low if side == 0 else high
        c0, c1, c2 = frame[0, 0] - s * frame[2, 0], frame[0, 1] - s * frame[2, 1], frame[0, 2] - s * frame[2, 2]
        p0, p1, p2 = n[1] * c2 - n[2] * c1, n[2] * c0 - n[0] * c2, n[0] * c1 - n[1] * c0
        if p0 * frame[2, 0] + p1 * frame[2, 1] + p2 * frame[2, 2] < 0:
            p0, p1, p2 = -p0, -p1, -p2
        if p2 <= SEEN_AHEAD * np.sqrt(p0 * p0 + p1 * p1 + p2 * p2):
            return -np.inf, np.inf
        at = (p0 if k == 0 else p1) / p2
        least, most = min(least, at), max(most, at)
    return least, most


@kernel
def _take(packed, begin, end, from_s, to_s, b, a, frame, low, high, limit_px, members, along, off, n):  # type: ignore[no-untyped-def]
    """Append those from ``begin`` to ``end`` on the line: place along it, distance from it in pixels; how many there are now."""
    for j in range(begin, end):
        f0, f1, f2, t, scale = packed[j, 0], packed[j, 1], packed[j, 2], packed[j, 3], packed[j, 4]
        if not from_s <= t <= to_s:
            continue
        n0, n1, n2 = b[0] - t * a[0], b[1] - t * a[1], b[2] - t * a[2]
        distance = abs(f0 * n0 + f1 * n1 + f2 * n2)
        if not distance < limit_px * scale:
            continue
        away = f0 * frame[2, 0] + f1 * frame[2, 1] + f2 * frame[2, 2]
        if not away > 0:
            continue
        at = (f0 * frame[0, 0] + f1 * frame[0, 1] + f2 * frame[0, 2]) / away
        if low <= at <= high:
            members[n], along[n], off[n] = j, at, distance / (np.sqrt(n0 * n0 + n1 * n1 + n2 * n2) * scale)
            n += 1
    return n


@kernel
def _gather(packed, begins, grid, most_scale, from_s, to_s, b, a, frame, low, high, limit_px, members, along, off):  # type: ignore[no-untyped-def]
    """Crossings between two times, within the limit of the line, and between two places along it; how many.

    Only tiles that the line's band touches are looked at: along the image axis that the line follows more than the other, each
    column (or row) of tiles from the least to the largest place that it takes within the slice.
    """
    slices, columns, rows, whole_s, reach_x, reach_y, tile = grid
    per_slice, length_s = columns * rows + 1, 2 * whole_s / slices
    major = 0 if abs(b[1]) > abs(b[0]) else 1
    reach, across = (reach_x, reach_y) if major == 0 else (reach_y, reach_x)
    steps, deep = (columns, rows) if major == 0 else (rows, columns)
    normals = np.empty((2, 3))
    count = 0
    for s in range(slices):
        start, stop = -whole_s + s * length_s, -whole_s + (s + 1) * length_s
        if stop < from_s or start > to_s:
            continue
        for k in range(3):
            normals[0, k], normals[1, k] = b[k] - start * a[k], b[k] - stop * a[k]
        base = s * per_slice
        first, last = np.inf, -np.inf
        for e in range(2):
            least, most = _ends_on_axis(normals[e], frame, low, high, major)
            first, last = min(first, least), max(last, most)
        other = 1 - major
        turned = normals[0, other] * normals[1, other] <= 0
        slope = min(abs(normals[0, other]), abs(normals[1, other]))
        # A band of so many radians is wider on the plane, away from its centre.
        widened = limit_px * most_scale * (1 + reach_x * reach_x + reach_y * reach_y)
        begin = int(max((first - widened + reach) / tile, 0.0))
        end = int(min((last + widened + reach) / tile + 1, np.float64(steps)))
        for c in range(begin, end):
            from_, to = 0, deep
            if not turned:
                least, most = np.inf, -np.inf
                edge = 0.0
                for e in range(2):
                    for side in range(2):
                        u = (c + side) * tile - reach
                        v = -(normals[e, major] * u + normals[e, 2]) / normals[e, other]
                        least, most = min(least, v), max(most, v)
                        edge = max(edge, abs(u))
                v = max(abs(least), abs(most))
                margin = limit_px * most_scale * np.sqrt(1 + edge * edge + v * v) / slope
                from_ = int(max((least - margin + across) / tile, 0.0))
                to = int(min(max((most + margin + across) / tile + 1, 0.0), np.float64(deep)))
            for d in range(from_, to):
                cell = base + (d * columns + c if major == 0 else c * columns + d)
                count = _take(packed, begins[cell], begins[cell + 1], from_s, to_s, b, a, frame, low, high, limit_px, members,
                              along, off, count)
        outside = base + per_slice - 1
        count = _take(packed, begins[outside], begins[outside + 1], from_s, to_s, b, a, frame, low, high, limit_px, members,
                      along, off, count)
    return count


@kernel
def _run(near, beside, low, high, dense, gap):  # type: ignore[no-untyped-def]
    """First and last bin of a line: from its known part outwards while bins are filled, short gaps allowed."""
    bins = near.size
    low, high = max(low, 0), min(high, bins - 1)
    enough = max(dense * np.median(near[low:high + 1]), 1.0)
    first, last = -1, -1
    for k in range(low, high + 1):
        if near[k] >= enough and near[k] > beside[k]:
            last = k
            if first < 0:
                first = k
    if first < 0:
        return low, high
    k = first - 1
    while k >= 0 and k >= first - 1 - gap:
        if near[k] >= enough and near[k] > beside[k]:
            first = k
        k -= 1
    k = last + 1
    while k < bins and k <= last + 1 + gap:
        if near[k] >= enough and near[k] > beside[k]:
            last = k
        k += 1
    return first, last


@kernel
def _collect(  # type: ignore[no-untyped-def]
    order, packed, begins, grid, most_scale, from_s, to_s, b, a, frame, low, high, pixel, limit_px, bin_px, margin_px, most_px,
    dense, gap, members, along, off,
):
    """Members of the line as far as it is filled with crossings: how many, and its new ends."""
    reach = min(most_px * pixel, high - low) + margin_px * pixel
    begin, width = low - reach, bin_px * pixel
    bins = int((high + reach - begin) / width) + 1
    n = _gather(packed, begins, grid, most_scale, from_s, to_s, b, a, frame, begin, begin + bins * width, 4 * limit_px, members,
                along, off)
    near, beside = np.zeros(bins, np.int64), np.zeros(bins, np.int64)
    for j in range(n):
        k = int((along[j] - begin) / width)
        if k < 0 or k >= bins:
            continue
        if off[j] < limit_px:
            near[k] += 1
        elif off[j] > 2 * limit_px:
            beside[k] += 1
    first, last = _run(near, beside, int((low - begin) / width), int((high - begin) / width), dense, gap)
    low, high = begin + first * width, begin + (last + 1) * width
    kept = 0
    for j in range(n):
        if off[j] < limit_px and low <= along[j] <= high:
            members[kept] = order[members[j]]
            kept += 1
    return kept, low, high
