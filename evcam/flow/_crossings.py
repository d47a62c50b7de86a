"""Kernels that reduce bursts of events to edge crossings."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

APART = 3.0  # a pixel has rested when no edge passed for so many times the length of a burst
HURRIED = 0.8  # an edge is faster when its events are closer than this many times the others'
RADIX_BITS = 11  # two passes sort four seconds


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
def _sort_by_pixel(t, x, y, p, width, start, sorted_t, sorted_p):  # type: ignore[no-untyped-def]
    """Counting sort of times and polarities: those of pixel q are ``[start[q]:start[q + 1]]``, in time order.

    Bursts are then read from consecutive memory, where indices into the events would jump through all of it.
    """
    start[:] = 0
    for i in range(x.size):
        start[int(y[i]) * width + int(x[i]) + 1] += 1
    for q in range(start.size - 1):
        start[q + 1] += start[q]
    for i in range(x.size):
        q = int(y[i]) * width + int(x[i])
        sorted_t[start[q]] = t[i]
        sorted_p[start[q]] = p[i]
        start[q] += 1
    for q in range(start.size - 1, 0, -1):
        start[q] = start[q - 1]
    start[0] = 0


@kernel
def _order_by_time(t, order, spare):  # type: ignore[no-untyped-def]
    """Stable order of times by radix sort, in one of the two arrays given, which is returned."""
    if t.size == 0:
        return order
    low, high = t[0], t[0]
    for i in range(t.size):
        low, high = min(low, t[i]), max(high, t[i])
        order[i] = i
    place = np.empty(1 << RADIX_BITS, np.int64)
    shift = 0
    while (high - low) >> shift > 0:
        place[:] = 0
        for i in range(t.size):
            place[((t[i] - low) >> shift) & (place.size - 1)] += 1
        before = 0
        for digit in range(place.size):
            before, place[digit] = before + place[digit], before
        for i in range(t.size):
            digit = ((t[order[i]] - low) >> shift) & (place.size - 1)
            spare[place[digit]] = order[i]
            place[digit] += 1
        order, spare = spare, order
        shift += RADIX_BITS
    return order


@kernel
def _burst_end(t, p, first, stop, min_gap, gap_factor, pair_gap):  # type: ignore[no-untyped-def]
    """Position after the last event of the burst that begins at ``first``.

    A burst ends where polarity changes, or at a gap that is long beside the
    shorter one of its two neighbouring gaps.
    """
    polarity = p[first]
    before = np.int64(-1)
    i = first + 1
    while i < stop and p[i] == polarity:
        gap = t[i] - t[i - 1]
        after = np.int64(-1)
        if i + 1 < stop and p[i + 1] == polarity:
            after = t[i + 1] - t[i]
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
def _largest_nearby(count, i, n):  # type: ignore[no-untyped-def]
    """Which has the most events of a pixel's burst i and the two bursts on either side of it."""
    largest = i
    for j in range(max(i - 2, 0), min(i + 3, n)):
        if count[j] > count[largest]:
            largest = j
    return largest


@kernel
def _turns(begin, end, polarity, i):  # type: ignore[no-untyped-def]
    """Whether the edge turned back on the pixel between bursts i and i + 1, instead of leaving and coming again."""
    if polarity[i] == polarity[i + 1]:
        return False
    return begin[i + 1] - end[i] < max(end[i] - begin[i], end[i + 1] - begin[i + 1])


@kernel
def _is_hurried(count, begin, end, i, n, largest):  # type: ignore[no-untyped-def]
    """Whether burst i has fewer events than the largest one because its edge was faster; the pixel rested before and after it.

    While a pixel recovers from an event it misses some of the change: the faster the edge, the fewer events.
    """
    if count[i] < 2:
        return False
    spacing, usual = (end[i] - begin[i]) / (count[i] - 1), (end[largest] - begin[largest]) / (count[largest] - 1)
    if spacing > HURRIED * usual:
        return False
    for j in range(max(i - 1, 0), min(i + 1, n - 1)):
        if begin[j + 1] - end[j] < APART * max(end[j] - begin[j], end[j + 1] - begin[j + 1]):
            return False
    return True


@kernel
def _half_way(count, polarity, begin, end, i, n, full_share, is_fresh):  # type: ignore[no-untyped-def]
    """At which event of burst i, counted from one, half of a full change is done; and how many events the full change takes.

    A burst with nearly as many events as its pixel's largest neighbouring burst, or with fewer because its
    edge was faster, is a full change, unless the edge turned on the pixel.  Other bursts are a part of one: they begin at the
    plateau that a full burst of the other polarity before has reached, or end at the one from which such
    a burst after them begins.  The second number is 0 if the burst stays on one side of half
    way, or if nothing tells.
    """
    largest = _largest_nearby(count, i, n)
    full = count[largest]
    least = min(full_share * full, full - 1)  # one event fewer is as usual, however few there are
    turned_before = i > 0 and _turns(begin, end, polarity, i - 1)
    turned_after = i + 1 < n and _turns(begin, end, polarity, i)
    if not turned_before and not turned_after and (count[i] >= least or _is_hurried(count, begin, end, i, n, largest)):
        # A pixel's very first burst begins right at the plateau; others begin, and all end, anywhere within one step of it.
        return 0.5 * count[i] + (0.25 if is_fresh and i == 0 else 0.0), count[i]
    if 2 * count[i] > full:
        if not turned_before and i > 0 and polarity[i - 1] != polarity[i] and count[i - 1] >= least:
            return 0.5 * full, full
        half = count[i] - 0.5 * full
        if half >= 1.0 and not turned_after and i + 1 < n and polarity[i + 1] != polarity[i] and count[i + 1] >= least:
            return half, full
    return 0.5 * count[i], 0


@kernel
def _bursts_to_crossings(  # type: ignore[no-untyped-def]
    t, p, start, min_gap, gap_factor, pair_gap, full_share, fresh, out_pixel, out_t, out_p, out_count, out_full, out_step
):
    """Write one crossing per burst of times and polarities sorted by pixel; return how many."""
    found = 0
    longest = 0
    for q in range(start.size - 1):
        longest = max(longest, start[q + 1] - start[q])
    first = np.empty(longest, np.int64)
    count = np.empty(longest, np.int64)
    polarity = np.empty(longest, np.bool_)
    begin = np.empty(longest, np.int64)
    end = np.empty(longest, np.int64)
    for q in range(start.size - 1):
        n = 0
        i = start[q]
        while i < start[q + 1]:
            stop = _burst_end(t, p, i, start[q + 1], min_gap, gap_factor, pair_gap)
            first[n], count[n], polarity[n] = i, stop - i, p[i]
            begin[n], end[n] = t[i], t[stop - 1]
            n += 1
            i = stop
        for b in range(n):
            half, full = _half_way(count, polarity, begin, end, b, n, full_share, fresh[q])
            k = min(max(int(half), 1), max(count[b] - 1, 1))
            when = np.float64(t[first[b] + k - 1])
            step = 0.0
            if count[b] > 1:
                step = np.float64(t[first[b] + k]) - when
                when += step * max(half - k, 0.0)
            out_pixel[found] = q
            out_t[found] = np.int64(np.round(when))
            out_p[found] = polarity[b]
            out_count[found] = min(count[b], 65535)
            out_full[found] = min(full, 65535)
            out_step[found] = step
            found += 1
    return found
