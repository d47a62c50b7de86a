"""Which pixels have events: hot ones, dead ones, and parts of the sensor that have none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from evcam.check._kernels import COUNT, LOG_BINS, SLICES, count_pixels
from evcam.check.examiner import Piece
from evcam.check.finding import Finding, Severity

_MOST_PIXELS = 1 << 22
_SLICE_US = 100_000

_MOST_COVERED = 0.6
_BAND, _FEWEST_PER_LINE = 8, 5

_HOT_RATIO, _HOT_LEAST, _HOT_FRIENDS = 10, 20, 3
_MOST_COUNTED = (1 << 31) - 1
_STEADY_SHARE, _STEADY_SLICES = 0.6, 5
_HOT_WARN = 0.2
_NAMED = 10

_ALIVE = 10
_DEAD_NOTE = 1e-3
_LINE_EVENTS, _LINE_SPREAD, _MOST_DEAD_LINES = 100, 0.25, 8
_SIZES = ((128, 128), (240, 180), (304, 240), (320, 240), (320, 320), (346, 260), (640, 480), (1280, 720), (1280, 800))


class Pixels:
    """Counts the events of every pixel.

    Parameters
    ----------
    width, height : int
        Sensor size, px; sensors of more than 4 million pixels are not looked at.
    """

    def __init__(self, width: int, height: int) -> None:
        self.shape = height, width
        self.fits = width * height <= _MOST_PIXELS
        self._pixels: NDArray[np.int64] = np.zeros((*(self.shape if self.fits else (0, 0)), 3), np.int64)
        self.intervals: NDArray[np.int64] = np.zeros(LOG_BINS, np.int64)
        self.span_us = [0, 0]
        self.events = 0

    def add(self, piece: Piece) -> None:
        """Take the next events."""
        low, high = int(piece.t.min()), int(piece.t.max())
        self.span_us = [min(self.span_us[0], low), max(self.span_us[1], high)] if self.events else [low, high]
        self.events += len(piece.t)
        if self.fits:
            count_pixels(piece.t, piece.x, piece.y, _SLICE_US, self._pixels, self.intervals)

    def findings(self) -> Iterator[Finding]:
        """On the part of the sensor that has events, hot pixels and dead ones."""
        if not self.events:
            return
        if not self.fits:
            size = f"{self.shape[1]}x{self.shape[0]} px"
            yield Finding("pixels", Severity.NOTE, f"A sensor of {size} is too large to look at single pixels.")
            return
        yield self._extent()
        yield self._hot_finding()
        yield from self._dead_findings()

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Events of every pixel, shape (height, width), once everything has been added."""
        return np.ascontiguousarray(self._pixels[..., COUNT])

    def extent(self) -> tuple[int, int, int, int]:
        """Smallest and largest x, smallest and largest y that have events."""
        columns, rows = np.flatnonzero(self.counts.any(0)), np.flatnonzero(self.counts.any(1))
        return int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])

    def _extent(self) -> Finding:
        height, width = self.shape
        left, right, top, bottom = self.extent()
        covered = (right - left + 1) * (bottom - top + 1) / (width * height)
        what = f"Events lie within x {left} to {right}, y {top} to {bottom} of {width}x{height} px."
        other = (right + 1, bottom + 1)
        cut = self._is_cut_off(right, bottom)
        if cut and other != (width, height) and other in _SIZES:
            return Finding("extent", Severity.WARNING, what,
                           f"This is what a sensor of {right + 1}x{bottom + 1} px gives: see that the size is right.")
        if cut and covered < _MOST_COVERED:
            return Finding("extent", Severity.NOTE, what,
                           "See that the sensor's size is right, and whether only a part of it was switched on.")
        return Finding("extent", Severity.OK, what)

    def _is_cut_off(self, right: int, bottom: int) -> bool:
        """Whether the last columns and rows that have any events have so many that the next ones cannot have none by chance."""
        lines = (self.counts.sum(0), right), (self.counts.sum(1), bottom)
        return all(np.median(sums[max(0, last + 1 - _BAND):last + 1]) >= _FEWEST_PER_LINE for sums, last in lines)

    @cached_property
    def hot(self) -> NDArray[np.intp]:
        """Hot pixels (row, column), the worst first, shape (H, 2): they fire all the time, ten times as often as around them.

        In less than half a second "all the time" cannot be told.
        """
        counts = self.counts
        candidate = (counts >= _HOT_LEAST) & _stands_out(counts)
        if self._is_long:
            candidate &= self._pixels[..., SLICES] >= _STEADY_SHARE * self._all_slices
        places = np.argwhere(candidate)
        padded = np.pad(counts, 2)
        busy = [np.count_nonzero(padded[y:y + 5, x:x + 5] * 3 > counts[y, x]) for y, x in places]  # with the pixel itself
        places = places[np.array(busy, int) <= 1 + _HOT_FRIENDS]
        order = np.argsort(-counts[tuple(places.T)], kind="stable")
        worst_first: NDArray[np.intp] = places[order]
        return worst_first

    @property
    def _all_slices(self) -> int:
        return self.span_us[1] // _SLICE_US - self.span_us[0] // _SLICE_US + 1

    @property
    def _is_long(self) -> bool:
        return self._all_slices >= _STEADY_SLICES

    def _hot_finding(self) -> Finding:
        hot = self.hot
        if not len(hot):
            return Finding("hot pixels", Severity.OK, "No pixel fires all the time.")
        per_pixel = self.counts[tuple(hot.T)]
        share = float(per_pixel.sum(dtype=np.int64)) / self.events
        duration_s = max(1, self.span_us[1] - self.span_us[0]) * 1e-6
        worst = zip(hot[:_NAMED], per_pixel[:_NAMED], strict=True)
        named = ", ".join(f"({x}, {y}) {count / duration_s:.3g}/s" for (y, x), count in worst)
        more = f" and {len(hot) - _NAMED:,} more" if len(hot) > _NAMED else ""
        severity = Severity.WARNING if share >= _HOT_WARN and self._is_long else Severity.NOTE
        many = "hot pixels make" if len(hot) > 1 else "hot pixel makes"
        return Finding("hot pixels", severity, f"{len(hot):,} {many} {100 * share:.2g} % of the events: {named}{more}.",
                       "Mask them (the coordinates are in the JSON object).")

    @cached_property
    def dead(self) -> NDArray[np.bool_]:
        """Pixels without events amid busy ones, shape (height, width)."""
        silent: NDArray[np.bool_] = (self.counts == 0) & self._busy
        return silent

    @cached_property
    def _busy(self) -> NDArray[np.bool_]:
        # The median of 49 numbers reaches a limit where more than half of them do.
        alive = (self.counts >= _ALIVE).astype(np.float32)
        busy: NDArray[np.bool_] = uniform_filter(alive, 7, mode="reflect") > 0.5
        return busy

    def _dead_findings(self) -> Iterator[Finding]:
        dead = self.dead
        lines = [(name, self._dead_lines(axis)) for name, axis in (("rows", 1), ("columns", 0))]
        for name, places in lines:
            if len(places):
                named = ", ".join(map(str, places[:_NAMED])) + (" ..." if len(places) > _NAMED else "")
                yield Finding(f"dead {name}", Severity.WARNING,
                              f"{len(places)} {name} have no events, though their neighbours do: {named}.",
                              "See whether the sensor or the conversion drops them.")
        busy, count = int(np.count_nonzero(self._busy)), int(np.count_nonzero(dead))
        if count and count >= _DEAD_NOTE * busy:
            blocks = uniform_filter(dead.astype(np.float32), 5) > 0.5
            y, x = np.argwhere(blocks)[0] if blocks.any() else (0, 0)
            where = f" (some lie together, e.g. around x {x}, y {y})" if blocks.any() else ""
            yield Finding("dead pixels", Severity.NOTE, f"{count:,} pixels amid {busy:,} busy ones have no events{where}.",
                          "Fixed scenes leave such; of a moving camera these pixels are dead or masked.")
        elif not any(len(places) for _, places in lines):
            told = f"Of {busy:,} busy pixels {count:,} are silent." if busy else "Too few events per pixel to see dead ones."
            yield Finding("dead pixels", Severity.OK, told)

    def _dead_lines(self, axis: int) -> list[int]:
        """Rows (axis 1) or columns (axis 0) without events between lines that have them all along."""
        sums, spread = self.counts.sum(axis), (self.counts > 0).mean(axis)
        live = np.flatnonzero(sums)
        busy = (sums >= _LINE_EVENTS) & (spread >= _LINE_SPREAD)
        return [int(line) for before, after in pairwise(live)
                if 1 < after - before <= _MOST_DEAD_LINES + 1 and busy[before] and busy[after]
                for line in range(before + 1, after)]

    def figures(self) -> dict[str, Any]:
        """Hot pixels with counts, and the silent ones."""
        if not (self.fits and self.events):
            return {}
        hot, dead = self.hot, self.dead
        return {"extent_px": self.extent(), "active": np.count_nonzero(self.counts),
                "hot_xy": hot[:, ::-1], "hot_events": self.counts[tuple(hot.T)], "dead_pixels": np.count_nonzero(dead)}


def _stands_out(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a count is more than ten times one more than the median of the 5 x 5 around it.

    It is where 13 of them are few enough; to sort them all for the median takes ten times as long.
    """
    few = np.minimum((counts - 1) // _HOT_RATIO - 1, _MOST_COUNTED).astype(np.int32)
    padded = np.pad(np.minimum(counts, _MOST_COUNTED).astype(np.int32), 2, mode="symmetric")
    height, width = counts.shape
    low = np.zeros(counts.shape, np.uint8)
    for down, across in np.ndindex(5, 5):
        low += padded[down : down + height, across : across + width] <= few
    stands_out: NDArray[np.bool_] = low > 12
    return stands_out
