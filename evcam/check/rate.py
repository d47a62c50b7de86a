"""The event rate over time, and where a busy recording has no events at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.check._kernels import count_rate, long_steps
from evcam.check.examiner import Piece, duration_text
from evcam.check.finding import Finding, Severity

_BINS = 4096
_FIRST_WIDTH_US = 1000
_SHOWN = 60

_BESIDE = 200
_LEAST_GAP_US = 20_000
_TIMES_LONGER = 10
_MOST_PER_S = 5.0
_KEPT = 16


class Rate:
    """Counts events in at most 4096 bins, whose width doubles as the recording grows."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self.width_us = _FIRST_WIDTH_US
        self.start_us: int | None = None
        self.stop_us = 0

    def add(self, piece: Piece) -> None:
        """Take the next events."""
        if self.start_us is None:
            self.start_us = self.stop_us = int(piece.t[0])
        self.stop_us = max(self.stop_us, int(piece.t.max()))
        while (self.stop_us - self.start_us) // self.width_us >= _BINS:
            self.counts[: _BINS // 2] = self.counts.reshape(-1, 2).sum(1)
            self.counts[_BINS // 2:] = 0
            self.width_us *= 2
        count_rate(piece.t, self.start_us, self.width_us, self.counts)

    @property
    def duration_us(self) -> int:
        """From the first event to the latest."""
        return 0 if self.start_us is None else self.stop_us - self.start_us

    def over_time(self) -> NDArray[np.float64]:
        """Events per second in up to 60 equal parts; empty for less than a few milliseconds."""
        used = self.duration_us // self.width_us
        parts = min(_SHOWN, used)
        if parts < 2:
            return np.zeros(0)
        edges = np.arange(parts + 1) * used // parts
        rate: NDArray[np.float64] = np.add.reduceat(self.counts[:used], edges[:-1]) / (np.diff(edges) * self.width_us * 1e-6)
        return rate

    def findings(self) -> Iterator[Finding]:
        """The rate as a fact; a recording without a length as an error."""
        events = int(self.counts.sum())
        if not events:
            yield Finding("rate", Severity.ERROR, "There are no events.",
                          "Record again; see that the lens is open and biases are set.")
        elif events > 1 and not self.duration_us:
            yield Finding("rate", Severity.ERROR, f"All {events:,} events have one time, {self.start_us} us.",
                          "The times were lost, or cut to whole seconds, in a conversion: write the file again.")
        else:
            mean, rate = events / max(1, self.duration_us), self.over_time() * 1e-6
            spread = f"; {rate.min():.3g} to {rate.max():.3g} in parts of it" if len(rate) else ""
            yield Finding("rate", Severity.OK,
                          f"{events:,} events in {duration_text(self.duration_us)}, {mean:.3g} million per second{spread}.")

    def figures(self) -> dict[str, Any]:
        """Mean, and the course in equal parts of the duration."""
        return {"start_us": self.start_us, "stop_us": self.stop_us, "duration_s": self.duration_us * 1e-6,
                "rate_evps": self.counts.sum() / (self.duration_us * 1e-6) if self.duration_us else None,
                "rate_over_time_evps": self.over_time()}


class Gaps:
    """Silences of 20 ms or more between busy stretches: ten times as long as 200 events took before and after."""

    def __init__(self) -> None:
        self.tail: NDArray[np.int64] = np.zeros(0, np.int64)
        self.count = 0
        self.lost_us = 0
        self.largest: list[tuple[int, int]] = []
        self.first_us: int | None = None
        self.last_us = 0

    def add(self, piece: Piece) -> None:
        """Take the next events."""
        self.first_us = int(piece.t[0]) if self.first_us is None else self.first_us
        self.last_us = int(piece.t[-1])
        before = np.concatenate([self.tail, piece.t[:1]])
        if len(piece.t) >= 2 * _BESIDE and not any(len(long_steps(t, 1, len(t), _LEAST_GAP_US)) for t in (before, piece.t)):
            self.tail = piece.t[-2 * _BESIDE:]
            return
        t = np.concatenate([self.tail, piece.t])
        self.tail = t[-2 * _BESIDE:]
        # An event is looked at when the 200 before and the 200 after are at hand, so each exactly once.
        if len(t) <= 2 * _BESIDE:
            return
        i = long_steps(t, _BESIDE, len(t) - _BESIDE, _LEAST_GAP_US)
        length = t[i] - t[i - 1]
        busy = _TIMES_LONGER * np.maximum(t[i - 1] - t[i - _BESIDE], t[i + _BESIDE - 1] - t[i]) < length
        found = [(int(us), int(at)) for us, at in zip(length[busy], t[i[busy] - 1], strict=True)]
        self.count += len(found)
        self.lost_us += sum(us for us, _ in found)
        self.largest = sorted([*self.largest, *found], reverse=True)[:_KEPT]

    def findings(self) -> Iterator[Finding]:
        """The longest silence, if there is one."""
        if self.first_us is None:
            return
        if not self.count:
            yield Finding("gaps", Severity.OK, "No sudden silence between busy stretches.")
            return
        length, at = self.largest[0]
        duration_s = (self.last_us - self.first_us) * 1e-6
        what = (f"Sudden silences between busy stretches: {self.count:,}, {duration_text(self.lost_us)} of "
                f"{duration_text(1e6 * duration_s)} in all; the longest, {duration_text(length)}, begins "
                f"{duration_text(at - self.first_us)} after the first event.")
        if self.count > max(3.0, _MOST_PER_S * (duration_s - 1e-6 * self.lost_us)):
            yield Finding("gaps", Severity.NOTE, what,
                          "So many are rather how the scene flickers; else the camera loses data all the time.")
        else:
            yield Finding("gaps", Severity.WARNING, what,
                          "Events were lost, or the clock jumped: leave these stretches out, or lower the rate.")

    def figures(self) -> dict[str, Any]:
        """Number, sum, and the longest with their beginnings."""
        return {"count": self.count, "sum_s": self.lost_us * 1e-6,
                "longest": [{"start_us": at, "length_us": length} for length, at in self.largest]}
