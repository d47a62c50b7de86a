"""What event data determine, and why they sometimes do not."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Outcome of an estimation; only `OK` and `WEAK` carry an answer."""

    OK = 0
    WEAK = 1
    TOO_FEW = 2
    TOO_FEW_INSTANTS = 3
    SINGLE_POINT = 4
    STILL_LINE = 5
    PARALLEL_LINES = 6
    NO_CONSENSUS = 7
    UNDETERMINED = 8

    @property
    def has_answer(self) -> bool:
        """Whether an estimate exists (perhaps a poor one, see its covariance)."""
        return self <= Status.WEAK

    @property
    def reason(self) -> str:
        """One sentence for people."""
        return _REASONS[self]


_REASONS = {
    Status.OK: "determined",
    Status.WEAK: "noise hides part of the answer; use the covariance, or a longer window",
    Status.TOO_FEW: "fewer events (or lines) than unknowns; use a longer window",
    Status.TOO_FEW_INSTANTS: "all events at one or two instants; use a longer window",
    Status.SINGLE_POINT: "all events come from one point of the line; use events along the line",
    Status.STILL_LINE: "the line stands still in the derotated image: no motion, or motion in the plane of line and camera",
    Status.PARALLEL_LINES: "the lines are parallel, or their rates are: the motion along them cannot be seen; add other lines",
    Status.NO_CONSENSUS: "no line explains enough of the events within the threshold",
    Status.UNDETERMINED: "several answers explain the data equally well",
}


class Answer:
    """What has a `Status`: true when there is an answer, with the reason when there is none."""

    __slots__ = ()
    status: Status

    @property
    def reason(self) -> str:
        """The status in one sentence."""
        return self.status.reason

    def __bool__(self) -> bool:
        return self.status.has_answer
