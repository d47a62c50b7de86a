"""Time stamps: their order, how finely they tell events apart, and what unit they can be in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.check._kernels import (
    BACK_FROM,
    BACK_TO,
    BACKWARDS,
    DISTINCT,
    DIVISOR,
    EVENTS,
    FIRST_BACK,
    LOG_BINS,
    STAMP_STATE,
    WORST_BACK,
    count_stamps,
)
from evcam.check.examiner import Piece, duration_text, quantile
from evcam.check.finding import Finding, Severity

_FEWEST_STAMPS, _FEWEST_CROWDED = 20, 4
_ALONE = 4.0
_COARSE_US, _TOO_COARSE_US = 100, 1001
_CROWD, _PACKET_US = 20, 400


class Stamps:
    """Order and grouping of the times.

    A grid (all times are multiples of some step from the first) and packets (many events share each of few times) are told apart.
    """

    def __init__(self) -> None:
        self.state: NDArray[np.int64] = np.zeros(STAMP_STATE, np.int64)
        self.steps: NDArray[np.int64] = np.zeros(LOG_BINS, np.int64)
        self.groups: NDArray[np.int64] = np.zeros(LOG_BINS, np.int64)
        self.any_negative = False

    def add(self, piece: Piece) -> None:
        """Take the next events."""
        count_stamps(piece.t, self.state, self.steps, self.groups)
        self.any_negative = self.any_negative or bool(piece.t[0] < 0)

    @property
    def in_order(self) -> bool:
        """Whether times never fall."""
        return not self.state[BACKWARDS]

    @property
    def common_step_us(self) -> int:
        """Largest step of which all differences between times are multiples; 0 if there is only one time."""
        return int(self.state[DIVISOR])

    @property
    def step_us(self) -> float:
        """Usual step from one time to the next, as events see it."""
        return quantile(self.steps, 0.5)

    @property
    def events_per_stamp(self) -> float:
        """Usual number of events that share a time, as events see it."""
        return quantile(self.groups, 0.5)

    @property
    def grain_us(self) -> float:
        """How finely times tell events apart: the grid's step, the packets' usual distance, or 1."""
        fewest = _FEWEST_CROWDED if self.events_per_stamp >= _CROWD else _FEWEST_STAMPS
        if int(self.state[DISTINCT]) < fewest:
            return 1.0
        if self.common_step_us >= _COARSE_US:
            return float(self.common_step_us)
        return self.step_us if self.events_per_stamp >= _CROWD and self.step_us >= _PACKET_US else 1.0

    def findings(self) -> Iterator[Finding]:
        """On order, then on grouping."""
        if not self.state[EVENTS]:
            return
        yield self._order()
        yield self._grouping()

    def _order(self) -> Finding:
        if not self.in_order:
            event, before, after = self.state[FIRST_BACK], self.state[BACK_FROM], self.state[BACK_TO]
            worst = duration_text(float(self.state[WORST_BACK]))
            return Finding("order", Severity.ERROR,
                           f"Times fall {self.state[BACKWARDS]:,} times, by up to {worst}; first at "
                           f"event {event}: {after} us after {before} us.",
                           "Sort the events by time; if the steps are long, split the recording where its clock was set back.")
        if self.any_negative:
            return Finding("order", Severity.NOTE, "Times never fall; some are negative.",
                           "Subtract the first time, where others refuse them.")
        return Finding("order", Severity.OK, "Times never fall.")

    def _grouping(self) -> Finding:
        grain, crowd = self.grain_us, self.events_per_stamp
        if grain < _COARSE_US:
            return Finding("grouping", Severity.OK, f"Times tell events apart to {max(1, self.common_step_us)} us.")
        severity = Severity.WARNING if grain >= _TOO_COARSE_US else Severity.NOTE
        if self.common_step_us >= _COARSE_US:
            advice = "Speeds and centres cannot be finer than that: keep microseconds when recording or converting."
            if self.common_step_us % 1000 == 0 and crowd < _ALONE:
                advice += "  If the recording seems too long, they are nanoseconds."
            what = f"All times are whole steps of {duration_text(grain)} apart; some {crowd:.3g} events share each."
            return Finding("grouping", severity, what, advice)
        what = f"Times come in groups: some {crowd:.3g} events share each, {duration_text(grain)} apart."
        return Finding("grouping", severity, what,
                       "These look like times of packets, not of events: have the camera's own times recorded.")

    def figures(self) -> dict[str, Any]:
        """Counts and usual sizes."""
        return {"distinct": self.state[DISTINCT], "backwards": self.state[BACKWARDS],
                "largest_step_back_us": self.state[WORST_BACK],
                "common_step_us": self.common_step_us, "step_us": self.step_us, "events_per_stamp": self.events_per_stamp}
