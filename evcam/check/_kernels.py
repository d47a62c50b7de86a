"""Kernels of the pass over a recording: histograms, one event at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evcam._jit import helper, kernel

BINS_PER_OCTAVE = 4
LOG_BINS = 1 + 63 * BINS_PER_OCTAVE

# Places in the state of `count_stamps`.
LAST, GROUP, DISTINCT, BACKWARDS, WORST_BACK, DIVISOR, EVENTS, FIRST_BACK, BACK_FROM, BACK_TO, STAMP_STATE = range(11)


# Places in the last axis of the memory of `count_pixels`.
COUNT, SLICES, BEFORE = range(3)

_MOST_INTERVALS = 100
_TABLED = 4096
_BIN_OF = np.array([0, *(1 + int(BINS_PER_OCTAVE * math.log2(value)) for value in range(1, _TABLED))], np.int64)


@helper
def _log_bin(value: int) -> int:
    """0 for what is not positive, else 1 + the number of quarter octaves above 1."""
    if value >= _TABLED:
        return 1 + int(BINS_PER_OCTAVE * math.log2(value))
    return int(_BIN_OF[value]) if value > 0 else 0


@kernel
def count_stamps(t: NDArray[np.int64], state: NDArray[np.int64], steps: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
    """Add times to ``state`` and to the histograms of steps and of sizes of equal times, each weighted with its events."""
    before = state[EVENTS]
    last, group, divisor = state[LAST], state[GROUP], state[DIVISOR]
    for i in range(len(t)):
        step = t[i] - last
        if before + i:
            if step == 0:
                group += 1
                continue
            groups[_log_bin(group)] += group
            if step < 0:
                if state[BACKWARDS] == 0:
                    state[FIRST_BACK], state[BACK_FROM], state[BACK_TO] = before + i, last, t[i]
                state[BACKWARDS] += 1
                state[WORST_BACK] = max(state[WORST_BACK], -step)
            else:
                steps[_log_bin(step)] += group
            if divisor != 1:
                rest = abs(step)
                while rest:
                    divisor, rest = rest, divisor % rest
        state[DISTINCT] += 1
        last, group = t[i], 1
    state[EVENTS], state[LAST], state[GROUP], state[DIVISOR] = before + len(t), last, group, divisor


@kernel
def long_steps(t: NDArray[np.int64], first: int, stop: int, least_us: int) -> NDArray[np.int64]:
    """Positions from ``first`` to before ``stop`` whose time is that much later than the one before."""
    later, earlier = t[first:stop], t[first - 1 : stop - 1]
    count = 0
    for i in range(len(later)):
        count += later[i] - earlier[i] >= least_us
    places = np.empty(count, np.int64)
    if count:
        count = 0
        for i in range(len(later)):
            if later[i] - earlier[i] >= least_us:
                places[count] = first + i
                count += 1
    return places


@kernel
def count_pixels(
    t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], slice_us: int, pixels: NDArray[np.int64],
    intervals: NDArray[np.int64],
) -> None:
    """Count the events of every pixel and the time slices that have any; of every fourth column also the first times between.

    Hot pixels would drown the others without a limit.
    """
    start = stop = t[0]
    for i in range(len(t)):
        now = t[i]
        if not start <= now < stop:
            start = now // slice_us * slice_us
            stop = start + slice_us
        pixel = pixels[y[i], x[i]]
        if pixel[COUNT] == 0 or not start <= pixel[BEFORE] < stop:
            pixel[SLICES] += 1
        if x[i] & 3 == 0 and 0 < pixel[COUNT] < _MOST_INTERVALS:
            intervals[_log_bin(now - pixel[BEFORE])] += 1
        pixel[COUNT] += 1
        pixel[BEFORE] = now


@kernel
def count_rate(t: NDArray[np.int64], start_us: int, width_us: int, counts: NDArray[np.int64]) -> None:
    """Count events in bins of time; what lies before the first bin or after the last counts there."""
    place, from_us, to_us = 0, start_us, start_us
    for i in range(len(t)):
        if not from_us <= t[i] < to_us:
            place = min(max(0, (t[i] - start_us) // width_us), len(counts) - 1)
            from_us = start_us + place * width_us
            to_us = from_us + width_us
        counts[place] += 1


@kernel
def count_blocks(
    t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], p: NDArray[np.bool_], first: int, start_us: int,
    bin_us: int, across: NDArray[np.int64], down: NDArray[np.int64], counts: NDArray[np.float32],
) -> int:
    """Count events per bin of time, polarity and part of the image, up to the first beyond the last bin; its position.

    ``across`` and ``down`` say in which part each column and row lies.
    """
    bins = len(counts)
    place, from_us, to_us = 0, start_us, start_us
    for i in range(first, len(t)):
        if not from_us <= t[i] < to_us:
            place = max(0, (t[i] - start_us) // bin_us)
            if place >= bins:
                return i
            from_us = start_us + place * bin_us
            to_us = from_us + bin_us
        counts[place, 1 if p[i] else 0, down[y[i]], across[x[i]]] += 1
    return len(t)
