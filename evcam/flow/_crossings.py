"""Kernels that reduce bursts of events to edge crossings."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

APART = 3.0  # a pixel has rested when no edge passed for so many times the length of a burst
HURRIED = 0.8  # an edge is faster when its events are closer than this many times the others'
COUNT, BEGIN, END, POLARITY, FIRST = range(5)  # of a pixel's burst: events, times, polarity, place of the first event
RADIX_BITS = 11  # two passes sort four seconds

CROSSING = np.dtype(
    [
        ("t", np.int64), ("x", np.uint16), ("y", np.uint16), ("count", np.uint16), ("full", np.uint16), ("step_us", np.float32),
        ("p", np.bool_),
    ],
    align=True,
)


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
def _count_by_pixel(x, y, width, stop):  # type: ignore[no-untyped-def]
    """Add to ``stop[q]`` the events of pixel q."""
    for i in range(x.size):
        stop[int(y[i]) * width + int(x[i])] += 1


@kernel
def _mark_fired(x, y, fresh):  # type: ignore[no-untyped-def]
    """Strike pixels that have fired off ``fresh``."""
    for i in range(x.size):
        fresh[y[i], x[i]] = False


@kernel
def _counts_to_begins(stop):  # type: ignore[no-untyped-def]
    """Turn the numbers of events of each pixel into the places of the first ones, sorted by pixel; return how many there are."""
    begin = 0
    for q in range(stop.size):
        begin, stop[q] = begin + stop[q], begin
    return begin


@kernel
def _sort_by_pixel(t, x, y, p, width, origin, stop, packed):  # type: ignore[no-untyped-def]
    """Counting sort of events into ``packed`` (twice the time since ``origin``, plus the polarity).

    ``stop[q]`` is where the next event of pixel q belongs; in the end the events of pixel q end there, in time order, and
    begin where those of pixel q - 1 end.  Bursts are then read from consecutive memory, where
    indices into the events would jump through all of it.
    """
    for i in range(x.size):
        q = int(y[i]) * width + int(x[i])
        packed[stop[q]] = (t[i] - origin) << 1 | p[i]
        stop[q] += 1


@kernel
def _sort_by_time(rows, spare):  # type: ignore[no-untyped-def]
    """Stable radix sort of crossings whose times are not negative, in one of the two arrays, which is returned.

    Whole rows are moved: an order of them would have to be followed through all memory afterwards.
    """
    latest = 0
    for i in range(rows.size):
        latest = max(latest, rows[i]["t"])
    place = np.empty(1 << RADIX_BITS, np.int64)
    shift = 0
    while latest >> shift > 0:
        for digit in range(place.size):
            place[digit] = 0
        for i in range(rows.size):
            place[(rows[i]["t"] >> shift) & (place.size - 1)] += 1
        _counts_to_begins(place)
        for i in range(rows.size):
            digit = (rows[i]["t"] >> shift) & (place.size - 1)
            spare[place[digit]] = rows[i]
            place[digit] += 1
        rows, spare = spare, rows
        shift += RADIX_BITS
    return rows


@kernel
def _split(rows, origin, t, x, y, p, count, full, step_us):  # type: ignore[no-untyped-def]
    """Write crossings into columns, times counted from ``origin`` no more."""
    for i in range(rows.size):
        row = rows[i]
        t[i], x[i], y[i], p[i] = origin + row["t"], row["x"], row["y"], row["p"]
        count[i], full[i], step_us[i] = row["count"], row["full"], row["step_us"]


@kernel
def _burst_end(packed, first, stop, min_gap, gap_factor, pair_gap):  # type: ignore[no-untyped-def]
    """Position after the last event of the burst that begins at ``first``.

    A burst ends where polarity changes, or at a gap that is long beside the
    shorter one of its two neighbouring gaps.
    """
    polarity = packed[first] & 1
    before = np.int64(-1)
    last = np.int64(packed[first] >> 1)
    never_ends = min(min_gap, pair_gap)
    i = first + 1
    while i < stop and packed[i] & 1 == polarity:
        now = np.int64(packed[i] >> 1)
        gap = now - last
        if gap > never_ends:
            after = np.int64(-1)
            if i + 1 < stop and packed[i + 1] & 1 == polarity:
                after = np.int64(packed[i + 1] >> 1) - now
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
        last = now
        i += 1
    return i


@kernel
def _count_by_pixel_of(x, y, among, stop):  # type: ignore[no-untyped-def]
    """`_count_by_pixel` of the events of the pixels that are ``among`` (height, width) others."""
    for i in range(x.size):
        stop[int(y[i]) * among.shape[1] + int(x[i])] += among[y[i], x[i]]


@kernel
def _sort_by_pixel_of(t, x, y, p, among, origin, stop, packed):  # type: ignore[no-untyped-def]
    """`_sort_by_pixel` of the events of the pixels that are ``among`` (height, width) others."""
    for i in range(x.size):
        if among[y[i], x[i]]:
            q = int(y[i]) * among.shape[1] + int(x[i])
            packed[stop[q]] = (t[i] - origin) << 1 | p[i]
            stop[q] += 1


@kernel
def _first_polarity(packed, stop, min_gap, gap_factor, pair_gap, min_count, first):  # type: ignore[no-untyped-def]
    """Write the polarity of every pixel's first burst of so many events into ``first``, where there is one."""
    after = 0
    for q in range(stop.size):
        i, after = after, stop[q]
        while i < after:
            next_one = _burst_end(packed, i, after, min_gap, gap_factor, pair_gap)
            if next_one - i >= min_count:
                first[q] = packed[i] & 1
                break
            i = next_one


@kernel
def _largest_nearby(bursts, i, n):  # type: ignore[no-untyped-def]
    """Which has the most events of a pixel's burst i and the two bursts on either side of it."""
    largest = i
    for j in range(max(i - 2, 0), min(i + 3, n)):
        if bursts[j, COUNT] > bursts[largest, COUNT]:
            largest = j
    return largest


@kernel
def _turns(bursts, i):  # type: ignore[no-untyped-def]
    """Whether the edge turned back on the pixel between bursts i and i + 1, instead of leaving and coming again."""
    if bursts[i, POLARITY] == bursts[i + 1, POLARITY]:
        return False
    return bursts[i + 1, BEGIN] - bursts[i, END] < max(_length(bursts, i), _length(bursts, i + 1))


@kernel
def _length(bursts, i):  # type: ignore[no-untyped-def]
    return bursts[i, END] - bursts[i, BEGIN]


@kernel
def _is_hurried(bursts, i, n, largest):  # type: ignore[no-untyped-def]
    """Whether burst i has fewer events than the largest one because its edge was faster; the pixel rested before and after it.

    While a pixel recovers from an event it misses some of the change: the faster the edge, the fewer events.
    """
    if bursts[i, COUNT] < 2:
        return False
    spacing, usual = _length(bursts, i) / (bursts[i, COUNT] - 1), _length(bursts, largest) / (bursts[largest, COUNT] - 1)
    if spacing > HURRIED * usual:
        return False
    for j in range(max(i - 1, 0), min(i + 1, n - 1)):
        if bursts[j + 1, BEGIN] - bursts[j, END] < APART * max(_length(bursts, j), _length(bursts, j + 1)):
            return False
    return True


@kernel
def _least(full, full_share):  # type: ignore[no-untyped-def]
    """Fewest events of a full change whose usual number is ``full``; one event fewer is as usual, however few there are."""
    return min(full_share * full, full - 1.0)


@kernel
def _half_way(bursts, i, n, full_share, is_fresh):  # type: ignore[no-untyped-def]
    """At which event of burst i, counted from one, half of a full change is done; and how many events the full change takes.

    A burst with nearly as many events as its pixel's largest neighbouring burst, or with fewer because its
    edge was faster, is a full change, unless the edge turned on the pixel.  Other bursts are a part of one: they begin at the
    plateau that a full burst of the other polarity before has reached, or end at the one from which such
    a burst after them begins.  The second number is 0 if the burst stays on one side of half
    way, or if nothing tells.
    """
    largest = _largest_nearby(bursts, i, n)
    count, full = bursts[i, COUNT], bursts[largest, COUNT]
    least = _least(full, full_share)
    turned_before = i > 0 and _turns(bursts, i - 1)
    turned_after = i + 1 < n and _turns(bursts, i)
    if not turned_before and not turned_after and (count >= least or _is_hurried(bursts, i, n, largest)):
        # A pixel's very first burst begins right at the plateau; others begin, and all end, anywhere within one step of it.
        return 0.5 * count + (0.25 if is_fresh and i == 0 else 0.0), count
    if 2 * count > full:
        if not turned_before and i > 0 and _is_full_of_other(bursts, i - 1, i, least):
            return 0.5 * full, full
        half = count - 0.5 * full
        if half >= 1.0 and not turned_after and i + 1 < n and _is_full_of_other(bursts, i + 1, i, least):
            return half, full
    return 0.5 * count, 0


@kernel
def _is_full_of_other(bursts, j, i, least):  # type: ignore[no-untyped-def]
    """Whether burst j is a full change of the polarity that burst i does not have."""
    return bursts[j, POLARITY] != bursts[i, POLARITY] and bursts[j, COUNT] >= least


@kernel
def _bursts_to_crossings(  # type: ignore[no-untyped-def]
    packed, stop, width, min_gap, gap_factor, pair_gap, full_share, fresh, rows
):
    """Write a `CROSSING` per burst of events sorted by pixel (see `_sort_by_pixel`); return how many."""
    found = 0
    longest = 0
    after = 0
    for q in range(stop.size):
        longest = max(longest, stop[q] - after)
        after = stop[q]
    padded = np.zeros((longest + 4, 5), np.int64)  # two empty bursts on either side
    bursts = padded[2:]
    turned = np.zeros(longest + 1, np.bool_)
    after = 0
    for q in range(stop.size):
        i, after = after, stop[q]
        if i == after:
            continue
        n = 0
        while i < after:
            next_one = _burst_end(packed, i, after, min_gap, gap_factor, pair_gap)
            bursts[n, FIRST], bursts[n, COUNT], bursts[n, POLARITY] = i, next_one - i, packed[i] & 1
            bursts[n, BEGIN], bursts[n, END] = packed[i] >> 1, packed[next_one - 1] >> 1
            turned[n] = n > 0 and _turns(bursts, n - 1)
            n += 1
            i = next_one
        turned[n] = False
        bursts[n, COUNT], bursts[n + 1, COUNT] = 0, 0
        y = q // width
        for b in range(n):
            count, first = bursts[b, COUNT], bursts[b, FIRST]
            largest = max(
                max(padded[b, COUNT], padded[b + 1, COUNT]), max(padded[b + 3, COUNT], padded[b + 4, COUNT]), count
            )
            # What `_half_way` says of most bursts, without asking.
            is_first = b == 0 and fresh[q]
            if count >= _least(largest, full_share) and not (turned[b] or turned[b + 1] or is_first):
                half, full = 0.5 * count, count
            elif count == 1 and largest > 1 and not is_first:
                half, full = 0.5, 0
            else:
                half, full = _half_way(bursts, b, n, full_share, fresh[q])
            k = min(max(int(half), 1), max(count - 1, 1))
            at = np.float64(packed[first + k - 1] >> 1)
            step = 0.0
            if count > 1:
                step = np.float64(packed[first + k] >> 1) - at
                at += step * max(half - k, 0.0)
            row = rows[found]
            row["t"] = np.int64(np.round(at))
            row["x"], row["y"], row["p"] = q - y * width, y, bursts[b, POLARITY] == 1
            row["count"], row["full"], row["step_us"] = min(count, 65535), min(full, 65535), step
            found += 1
    return found
