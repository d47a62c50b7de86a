"""Kernels that find connected regions of a mask, run by run instead of pixel by pixel."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

COLUMNS = 7  # of a region: its area, the sums of x, y, x^2, xy, y^2, and 1 where it touches the border


@kernel
def _root(parent, i):  # type: ignore[no-untyped-def]
    """The first run that hangs together with run i."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _next_run(flat, words, i, end):  # type: ignore[no-untyped-def]
    """Where the next run from ``i`` on begins and stops, at most at ``end``; ``words`` are the same bytes, eight at a time."""
    while i < end and flat[i] == 0:
        i += 8 if i % 8 == 0 and i + 8 <= end and words[i // 8] == 0 else 1
    stop = i
    while stop < end and flat[stop] != 0:
        stop += 1
    return i, stop


@kernel
def _connected_runs(flat, words, width, begin, stop, parent):  # type: ignore[no-untyped-def]
    """Write every run of nonzero pixels of a row, and which runs hang together by a pixel's side; return how many there are."""
    n = 0
    above, above_end = 0, 0  # the runs of the row above that are not left of the place reached
    for row in range(0, flat.size, width):
        first = n
        i = row
        while True:
            i, after = _next_run(flat, words, i, row + width)
            if i == row + width:
                break
            begin[n], stop[n], parent[n] = i, after, n
            while above < above_end and stop[above] + width <= i:
                above += 1
            other = above
            while other < above_end and begin[other] + width < after:
                a, b = _root(parent, other), _root(parent, n)
                parent[max(a, b)] = min(a, b)
                other += 1
            n += 1
            i = after
        above, above_end = first, n
    return n


@kernel
def _sum_regions(flat, words, width, sums):  # type: ignore[no-untyped-def]
    """Write `COLUMNS` of every region into the rows of ``sums``, in the order of their first pixels; return how many."""
    most = flat.size // 2 + 1
    begin, stop, parent = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    region = np.empty(most, np.int64)
    height = flat.size // width
    found = 0
    for i in range(_connected_runs(flat, words, width, begin, stop, parent)):
        root = _root(parent, i)
        if root == i:
            region[i] = found
            for column in range(COLUMNS):
                sums[found, column] = 0
            found += 1
        y, x0 = begin[i] // width, begin[i] % width
        n, x1 = stop[i] - begin[i], x0 + stop[i] - begin[i]
        sum_x = (x0 + x1 - 1) * n // 2
        k = region[root]
        sums[k, 0] += n
        sums[k, 1] += sum_x
        sums[k, 2] += y * n
        sums[k, 3] += _squares_below(x1) - _squares_below(x0)
        sums[k, 4] += y * sum_x
        sums[k, 5] += y * y * n
        if x0 == 0 or y == 0 or x1 == width or y == height - 1:
            sums[k, 6] = 1
    return found


@kernel
def _squares_below(n):  # type: ignore[no-untyped-def]
    """Sum of the squares of the whole numbers below n."""
    return (n - 1) * n * (2 * n - 1) // 6


@kernel
def _ellipses(sums, min_area, max_area, least_fill, most_fill, min_axis_ratio, centers, shapes):  # type: ignore[no-untyped-def]
    """Write centroid and shape of the regions that are full ellipses and do not touch the border; return how many."""
    found = 0
    for k in range(sums.shape[0]):
        n = sums[k, 0]
        if sums[k, 6] or n < min_area or n >= max_area:
            continue
        x, y = sums[k, 1] / n, sums[k, 2] / n
        # A pixel is a square, not a point: its own second moment is 1/12.
        xx = 4 * (sums[k, 3] / n - x * x + 1 / 12)
        yy = 4 * (sums[k, 5] / n - y * y + 1 / 12)
        xy = 4 * (sums[k, 4] / n - x * y)
        area = np.sqrt(max(xx * yy - xy * xy, 1e-24))  # product of the semi-axes
        half_sum, half_difference = 0.5 * (xx + yy), np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
        ratio2 = (half_sum - half_difference) / (half_sum + half_difference)
        if not least_fill < n / (np.pi * area) < most_fill or not ratio2 > min_axis_ratio * min_axis_ratio:
            continue
        centers[found, 0], centers[found, 1] = x, y
        # Square root of a symmetric matrix M: (M + sqrt(det M) I) / sqrt(tr M + 2 sqrt(det M)).
        scale = 1.0 / np.sqrt(xx + yy + 2 * area)
        shapes[found, 0, 0], shapes[found, 1, 1] = (xx + area) * scale, (yy + area) * scale
        shapes[found, 0, 1] = shapes[found, 1, 0] = xy * scale
        found += 1
    return found
