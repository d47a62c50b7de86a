"""Kernels that reduce bursts of events to edge crossings."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _order_by_pixel(x, y, width, start, order):  # type: ignore[no-untyped-def]
    """Counting sort: events of pixel q are ``order[start[q]:start[q + 1]]``, in time order."""
    start[:] = 0
    for i in range(x.size):
        start[int(y[i]) * width + int(x[i]) + 1] += 1
    for q in range(start.size - 1):
        start[q + 1] += start[q]
    for i in range(x.size):
        q = int(y[i]) * width + int(x[i])
        order[start[q]] = i
        start[q] += 1
    for q in range(start.size - 1, 0, -1):
        start[q] = start[q - 1]
    start[0] = 0


@kernel
def _burst_end(t, p, order, first, stop, min_gap, gap_factor, pair_gap):  # type: ignore[no-untyped-def]
    """Position after the last event of the burst that begins at ``first``.

    A burst ends where polarity changes, or at a gap that is long beside the
    shorter one of its two neighbouring gaps.
    """
    polarity = p[order[first]]
    before = np.int64(-1)
    i = first + 1
    while i < stop and p[order[i]] == polarity:
        gap = t[order[i]] - t[order[i - 1]]
        after = np.int64(-1)
        if i + 1 < stop and p[order[i + 1]] == polarity:
            after = t[order[i + 1]] - t[order[i]]
        if before < 0 and after < 0:
            limit = np.float64(pair_gap)
        elif before < 0:
            limit = max(min_gap, gap_factor * after)
        elif after < 0:
            limit = max(min_gap, gap_factor * before)
        else:
            limit = max(min_gap, gap_factor * min(before, after))
        if gap > limit:
            break
        before = gap
        i += 1
    return i


@kernel
def _bursts_to_crossings(  # type: ignore[no-untyped-def]
    t, p, start, order, min_gap, gap_factor, pair_gap, out_pixel, out_t, out_p, out_count, out_step
):
    """Write one crossing per burst; return how many."""
    found = 0
    for q in range(start.size - 1):
        i = start[q]
        while i < start[q + 1]:
            stop = _burst_end(t, p, order, i, start[q + 1], min_gap, gap_factor, pair_gap)
            n = stop - i
            # Event n/2, counted from one: half of the n threshold steps are done.
            k = i + max(n // 2 - 1, 0)
            when = np.float64(t[order[k]])
            step = 0.0
            if n > 1:
                step = np.float64(t[order[k + 1]] - t[order[k]])
                if n % 2 == 1:
                    when += 0.5 * step
            out_pixel[found] = q
            out_t[found] = np.int64(np.round(when))
            out_p[found] = p[order[i]]
            out_count[found] = min(n, 65535)
            out_step[found] = step
            found += 1
            i = stop
    return found
