"""Stretches of a recording in which nothing was seen, told once instead of window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from evcam.core.detections import Rejection, View
from evcam.core.events import Events

LEAST_US = 1_000_000


class Silence(NamedTuple):
    """From the last event before it to the first one after it, us."""

    start_us: int
    stop_us: int

    def rejection(self, recording: str, t_us: int) -> Rejection:
        """What is told of it, at one of its instants."""
        return Rejection(recording, t_us, "no events", f"for {(self.stop_us - self.start_us) * 1e-6:,.1f} s")


class Silences(Iterator[Events]):
    """Windows as they come, and the silences of a second and more between them.

    Parameters
    ----------
    windows : iterable of Events
        Consecutive windows.

    Attributes
    ----------
    found : list of Silence
        Those that are over.
    """

    def __init__(self, windows: Iterable[Events]) -> None:
        self._windows = iter(windows)
        self._last_us: int | None = None
        self.found: list[Silence] = []

    def __next__(self) -> Events:
        window = next(self._windows)
        if len(window):
            start_us = int(window.t[0])
            if self._last_us is not None and start_us - self._last_us >= LEAST_US:
                self.found.append(Silence(self._last_us, start_us))
            self._last_us = int(window.t[-1])
        return window


def told_once(outcomes: Iterable[View | Rejection], silences: Sequence[Silence]) -> Iterator[View | Rejection]:
    """Outcomes in order of time, with the first rejection within a silence for all of it.

    A view just behind the last event stays: it was seen before.
    """
    number, told = 0, False
    for outcome in outcomes:
        t_us = outcome.mid_us if isinstance(outcome, View) else outcome.t_us
        while number < len(silences) and silences[number].stop_us <= t_us:
            number, told = number + 1, False
        if isinstance(outcome, View) or number == len(silences) or t_us <= silences[number].start_us:
            yield outcome
        elif not told:
            told = True
            yield silences[number].rejection(outcome.recording, t_us)
