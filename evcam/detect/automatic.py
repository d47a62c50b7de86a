"""Detection in any recording: the mode is told by the events, or forced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from evcam.core.detections import Detections
from evcam.core.events import Events
from evcam.core.target import CircleGrid, Target
from evcam.detect.flicker.options import FlickerOptions
from evcam.detect.flicker.phase import looks_like_flicker
from evcam.detect.lookahead import LookAhead
from evcam.detect.moving.stream import WINDOW_US, detect_moving
from evcam.detect.moving.views import MovingOptions
from evcam.errors import InputError
from evcam.io import Recording

MODES = ("auto", "moving", "flicker")
_PROBES = 9
_EVENTS_TO_TELL = 500


def detect(
    recording: Recording | Events, target: Target, *, mode: str = "auto", name: str | None = None,
    moving: MovingOptions | None = None, flicker: FlickerOptions | None = None,
    progress: Callable[[float], None] | None = None, threads: int = 1,
) -> Detections:
    """Find a calibration board in a recording.

    Parameters
    ----------
    recording : Recording or Events
        What to search.
    target : Target
        The board.
    mode : {"auto", "moving", "flicker"}
        ``"moving"``: camera and board move against each other (circle grids only);
        ``"flicker"``: a still camera before a flickering board; ``"auto"``: told by the
        first seconds, in which a flickering board makes most pixels alternate in step.
    name : str, optional
        The recording's name in views and rejections; its file name by default.
    moving, flicker : options, optional
        For the two modes.
    progress : callable, optional
        Called now and then with the share that is done, 0 to 1.
    threads : int
        With more than one, a second thread reads ahead for the first and reduces what it has read (a moving board only).
        The result is the same.

    Returns
    -------
    Detections
        Views, and a reason for every window without one.

    Raises
    ------
    InputError
        Unknown mode; a recording without events; a checkerboard that moves.
    """
    if mode not in MODES:
        raise InputError(f"detect: mode is {mode!r}; it can be {', '.join(MODES)}")
    label = name if name is not None else getattr(recording, "name", "events")
    start_us, stop_us = span_us(recording, label, whole=progress is not None)
    windows = LookAhead(windows_of(recording, WINDOW_US))
    if mode == "auto":
        mode = "flicker" if flickers(windows.coming()) else "moving"
    report = _share(progress, start_us, stop_us)
    if mode == "flicker":
        # Its fits take SciPy's optimiser along, which costs a moving board a quarter of a second.
        from evcam.detect.flicker.stretches import detect_flicker

        flicker = flicker or FlickerOptions()
        stretches = windows_of(recording, round(flicker.stretch_s * 1e6))
        found = detect_flicker(_counted(stretches, report), target, flicker, name=label)
    elif isinstance(target, CircleGrid):
        found = detect_moving(windows, start_us, target, moving, name=label, progress=report, threads=threads)
    else:
        raise InputError(
            f"{label}: a {target.type} can only be found when it flickers before a still camera; this recording shows "
            "motion. Use a circle grid, or force the mode (--mode flicker)"
        )
    if progress is not None:
        progress(1.0)
    return found


def windows_of(recording: Recording | Events, duration_us: int) -> Iterator[Events]:
    """Consecutive windows from the first event, also those without events."""
    if isinstance(recording, Recording):
        return recording.windows(duration_us=duration_us)
    return _cut(recording, duration_us)


def _cut(events: Events, duration_us: int) -> Iterator[Events]:
    for start_us in range(int(events.t[0]), int(events.t[-1]) + 1, duration_us):
        yield events.between(start_us, start_us + duration_us)


def flickers(windows: Iterator[Events]) -> bool:
    """The verdict of the first two windows of a quarter of a second that have events to tell."""
    for _ in range(_PROBES):
        both = list(islice(windows, 2))
        if sum(map(len, both)) >= _EVENTS_TO_TELL:
            return looks_like_flicker(both)
    return False


def span_us(recording: Recording | Events, label: str, *, whole: bool) -> tuple[int, int]:
    """Begin and, if wanted, end; a recording's end costs a pass over it."""
    if isinstance(recording, Events):
        if not len(recording):
            raise InputError(f"{label}: holds no events")
        return int(recording.t[0]), int(recording.t[-1])
    if next(recording.chunks(1), None) is None:
        raise InputError(f"{label}: holds no events")
    return recording.start_us, recording.summary().stop_us if whole else recording.start_us


def _share(progress: Callable[[float], None] | None, start_us: int, stop_us: int) -> Callable[[int], None]:
    def report(done_us: int) -> None:
        if progress is not None:
            progress(min(1.0, (done_us - start_us) / max(stop_us - start_us, 1)))

    return report


def _counted(windows: Iterator[Events], report: Callable[[int], None]) -> Iterator[Events]:
    for window in windows:
        yield window
        if len(window):
            report(int(window.t[-1]))
