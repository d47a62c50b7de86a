"""Where the coach's events come from: a recording in real time, a camera, or any iterator of events."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

from evcam.core.events import Events
from evcam.errors import EvcamError, InputError
from evcam.io import open_recording

LIVE = "live"
_PIECE_US = 40_000
_IDLE_S = 0.002


class NoCameraError(EvcamError):
    """No camera can be read on this machine as it is."""


@dataclass(frozen=True, eq=False, slots=True)
class EventSource:
    """Events as they come.

    Attributes
    ----------
    name : str
    width, height : int
        Sensor size, px.
    events : iterator of Events
        Consecutive pieces of some hundredths of a second; the first one begins with the first event.
    close : callable
        Releases the file or camera.
    """

    name: str
    width: int
    height: int
    events: Iterator[Events]
    close: Callable[[], None] = field(default=lambda: None)

    def __enter__(self) -> EventSource:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def replay(path: str, width: int | None = None, height: int | None = None, stream: str | None = None) -> EventSource:
    """A recording in pieces of 40 ms.

    Raises
    ------
    EvcamError
        A file that cannot be read or holds no events.
    """
    recording = open_recording(path, width=width, height=height, stream=stream)
    if next(recording.chunks(1), None) is None:
        raise InputError(f"{path}: holds no events")
    pieces = recording.windows(duration_us=_PIECE_US)
    return EventSource(recording.name, recording.width, recording.height, pieces, recording.close)


def live_camera() -> EventSource:
    """The first camera that iniVation's dv-processing (2.0 or later) finds.

    Raises
    ------
    NoCameraError
        The library is missing, or no camera is plugged in; says what to do.
    """
    try:
        import dv_processing
    except ImportError as error:
        raise NoCameraError(f"live capture needs dv-processing ({error}): {sys.executable} -m pip install dv-processing; for "
                            "cameras of other makers give evcam.apps.coach.Coaching an iterator of Events") from None
    if not dv_processing.io.camera.discover():
        raise NoCameraError("no camera found; plug one in and see that this user may use it (udev rules of dv-processing)")
    camera = dv_processing.io.camera.open()
    width, height = camera.getEventResolution()
    return EventSource(camera.getCameraName(), width, height, from_dv_camera(camera, width, height))


def from_dv_camera(camera: Any, width: int, height: int) -> Iterator[Events]:
    """Batches of an open camera of dv-processing while it runs."""
    while camera.isRunning():
        batch = camera.getNextEventBatch()
        if batch is None or not len(batch):
            time.sleep(_IDLE_S)
            continue
        rows = batch.numpy()
        yield Events.from_arrays(
            rows["timestamp"].astype(np.int64), rows["x"], rows["y"], rows["polarity"].astype(bool), width=width, height=height,
            where=camera.getCameraName(),
        )


def paced(pieces: Iterable[Events], speed: float) -> Iterator[Events]:
    """Pieces no sooner than their last event would have come, ``speed`` times as fast as they were recorded."""
    begun_s, first_us = time.monotonic(), None
    for piece in pieces:
        if len(piece):
            first_us = int(piece.t[0]) if first_us is None else first_us
            due_s = (int(piece.t[-1]) - first_us) * 1e-6 / speed
            time.sleep(max(0.0, due_s - (time.monotonic() - begun_s)))
        yield piece
