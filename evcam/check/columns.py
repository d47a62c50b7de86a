"""Values that no event can have: pixels outside the sensor, polarities that do not exist; and one-sided polarity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evcam.check.examiner import Piece
from evcam.check.finding import Finding, Severity
from evcam.core.events import MAX_SENSOR_SIZE_PX
from evcam.io.source import Block

_FEWEST = 1000
_ONE_SIDED, _UNEVEN = 0.02, 0.1
_MOST_VALUES = 16


class Columns:
    """Sorts out what no event can be, and counts it.

    The only part that sees events as they were decoded; `clean` hands on what the others can take.

    Parameters
    ----------
    width, height : int
        Sensor size, px.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.events = self.on = self.outside = 0
        self.lowest = np.array([0, 0])
        self.highest = np.array([-1, -1])
        self.first_outside_us: int | None = None
        self.polarities: set[float] = set()

    def clean(self, block: Block) -> Piece:
        """Events inside the sensor; whatever is not 1 or True counts as OFF."""
        x, y = np.asarray(block.x), np.asarray(block.y)
        low, high = np.array([x.min(), y.min()], np.int64), np.array([x.max(), y.max()], np.int64)
        self.lowest, self.highest = np.minimum(self.lowest, low), np.maximum(self.highest, high)
        on = self._polarity(np.asarray(block.p))
        t = np.asarray(block.t, np.int64)
        if low.min() < 0 or high[0] >= self.width or high[1] >= self.height:
            inside = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
            self.outside += len(x) - int(inside.sum())
            if self.first_outside_us is None:
                self.first_outside_us = int(t[inside.argmin()])
            t, x, y, on = t[inside], x[inside], y[inside], on[inside]
        self.events += len(t)
        self.on += int(np.count_nonzero(on))
        return Piece(np.ascontiguousarray(t, np.int64), np.ascontiguousarray(x, np.uint16), np.ascontiguousarray(y, np.uint16),
                     np.ascontiguousarray(on))

    def _polarity(self, p: Any) -> Any:
        if p.dtype == np.bool_:
            self.polarities |= {0.0, 1.0} if p.any() and not p.all() else {float(p[0])}
            return p
        on = p == 1
        known = on.copy() if 1.0 in self.polarities else np.zeros(len(p), bool)
        for value in self.polarities - {1.0}:
            known |= p == value
        if not known.all() and len(self.polarities) < _MOST_VALUES:
            self.polarities |= {float(value) for value in np.unique(p[~known])[:_MOST_VALUES]}
        return on

    @property
    def all_possible(self) -> bool:
        """Whether a reader takes the events as they are."""
        return not self.outside and not self._impossible()

    def _impossible(self) -> list[float]:
        return sorted(self.polarities - {-1.0, 0.0, 1.0})

    def findings(self) -> Iterator[Finding]:
        """On pixels and on polarity."""
        if self.events + self.outside:
            yield self._coordinates()
            yield self._on_share()

    def _coordinates(self) -> Finding:
        size = f"{self.width}x{self.height} px"
        if not self.outside:
            return Finding("coordinates", Severity.OK, f"All events lie inside the sensor of {size}.")
        low, high = self.lowest, self.highest
        what = (f"{self.outside:,} of {self.outside + self.events:,} events lie outside the sensor of {size}, the first at "
                f"{self.first_outside_us} us: x reaches from {low[0]} to {high[0]}, y from {low[1]} to {high[1]}.")
        if low.min() < 0 or high.max() >= MAX_SENSOR_SIZE_PX or self.outside < 1e-3 * self.events:
            return Finding("coordinates", Severity.ERROR, what,
                           "The file or its conversion is damaged: write it again, or leave these events out.")
        if high[0] < self.height and high[1] < self.width:
            return Finding("coordinates", Severity.ERROR, what,
                           f"x and y may have been exchanged: they fit {self.height}x{self.width} px.")
        return Finding("coordinates", Severity.ERROR, what,
                       f"Give the true size of the sensor, at least {high[0] + 1}x{high[1] + 1} px (--width, --height).")

    def _on_share(self) -> Finding:
        impossible = self._impossible()
        if impossible:
            named = ", ".join(f"{value:g}" for value in impossible)
            return Finding("polarity", Severity.ERROR, f"There are polarities of {named}; only 0 or -1 (OFF) and 1 (ON) exist.",
                           "Convert the polarities, and see whether the columns are in the right order.")
        if {-1.0, 0.0} <= self.polarities:
            return Finding("polarity", Severity.ERROR, "OFF is written both as 0 and as -1.", "See what 0 means in this file.")
        share = self.on / max(1, self.events)
        what = f"{100 * share:.3g} % of the events are ON."
        if self.events >= _FEWEST and self.on in (0, self.events):
            only = "ON" if self.on else "OFF"
            return Finding("polarity", Severity.WARNING, f"All events are {only}.",
                           "The polarity was lost in a conversion, or one kind is switched off at the camera.")
        if self.events >= _FEWEST and not _ONE_SIDED < share < 1 - _ONE_SIDED:
            return Finding("polarity", Severity.WARNING, what, "Balance the camera's ON and OFF thresholds (biases).")
        if self.events >= _FEWEST and not _UNEVEN < share < 1 - _UNEVEN:
            return Finding("polarity", Severity.NOTE, what, "Look at the camera's ON and OFF thresholds (biases).")
        return Finding("polarity", Severity.OK, what)

    def figures(self) -> dict[str, Any]:
        """Counts and extremes."""
        return {"events": self.events, "on_share": self.on / self.events if self.events else None, "outside": self.outside,
                "polarities": sorted(self.polarities),
                "extent_px": [*map(int, self.lowest), *map(int, self.highest)] if self.outside else None}
