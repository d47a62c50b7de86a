"""Whether microseconds are a plausible unit of the times."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evcam.check.examiner import duration_text, quantile
from evcam.check.finding import Finding, Severity
from evcam.check.stamps import Stamps

_FEWEST = 1000
# A laser on a Gen 3 sensor leaves one pixel in five less than 70 us between its events: no scene comes near 25 us.
_FASTEST_US, _FAST_SHARE = 25.0, 0.2
# Edges and flicker leave one in twenty less than 15 ms; a scene as slow as that of a star tracker somewhat more.
_SLOWEST_US, _SLOWEST_OFF_GRID_US, _SLOW_SHARE = 50_000.0, 500_000.0, 0.05
# Of mere noise, whose intervals reach down to nothing, one in twenty is below 0.074 of the median.
_NOT_NOISE = 0.12
_FEWEST_PER_S = 1e5
_USUAL_US = 30_000.0
_LONGER = ((1e3, "milliseconds", "ms"), (1e6, "seconds", "s"))


def unit_finding(intervals: NDArray[np.int64], events: int, duration_us: int, pixels: int, stamps: Stamps) -> Finding:
    """Hold the times between events of the same pixel against what pixels do.

    Parameters
    ----------
    intervals : ndarray of int64, shape (LOG_BINS,)
        Histogram of times between events of a pixel.
    events, duration_us : int
        Of the whole recording.
    pixels : int
        Number of pixels that have any events.
    stamps : Stamps
        All times: nanoseconds are multiples of 1000, since cameras count microseconds.

    Notes
    -----
    Only what no camera does is called wrong.  Noise that was recorded in another unit cannot be told from more or less noise.
    """
    mean_us = duration_us * pixels / max(1, events)
    if intervals.sum() < _FEWEST:
        if events >= _FEWEST and duration_us and 1e6 / mean_us > _FEWEST_PER_S:
            return _too_fast(f"{events:,} events of {pixels:,} pixels in {duration_us} us: no pixel is so fast", mean_us)
        return Finding("time unit", Severity.OK, "Too few pixels repeat to tell the unit of the times; us are taken.")
    fast, slow, median = (quantile(intervals, share) for share in (_FAST_SHARE, _SLOW_SHARE, 0.5))
    if fast < _FASTEST_US and stamps.grain_us < _FASTEST_US:
        what = f"Every fifth time a pixel has its next event within {max(1.0, fast):.2g} us, which no scene does"
        return _too_fast(what, mean_us)
    if slow > (_SLOWEST_OFF_GRID_US if stamps.common_step_us % 1000 else _SLOWEST_US) and slow > _NOT_NOISE * median:
        what = f"Hardly any pixel has its next event within {duration_text(slow)}; nanoseconds would be plausible."
        return Finding("time unit", Severity.WARNING, what, _advice("ns"))
    return Finding("time unit", Severity.OK, f"Microseconds are plausible: pixels repeat after {duration_text(median)} (median).")


def _too_fast(what: str, mean_us: float) -> Finding:
    _, name, short = min(_LONGER, key=lambda unit: abs(math.log(max(mean_us, 1e-3) * unit[0] / _USUAL_US)))
    return Finding("time unit", Severity.ERROR, f"{what}; {name} would be plausible.", _advice(short))


def _advice(short: str) -> str:
    return f"State the unit (attribute t_unit = '{short}' in HDF5), or convert the times to microseconds."
