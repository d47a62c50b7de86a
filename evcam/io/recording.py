"""Opening a recording, whatever its format, and reading it piece by piece."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import EvcamError, FormatError, InputError
from evcam.io import _windows
from evcam.io._check import check_size, checked_events, size_from_events
from evcam.io.formats import formats
from evcam.io.source import BLOCK_EVENTS, HEAD_BYTES, Block, Format, Source
from evcam.io.summary import RecordingSummary, summarise

_WINDOW_BLOCK_EVENTS = 250_000
_PEEK_EVENTS = 4096


class Recording:
    """An open recording, or a stretch of one.

    Made by `open_recording`; usable as a context manager.  Nothing but `events`
    holds more of the recording in memory than the piece being worked on.
    A view made by `between` shares the open file with its recording.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        The file's name, suffix included.
    format : str
        E.g. ``"AEDAT 2.0"``.
    width, height : int
        Sensor size, px.
    metadata : dict
        What the file's header says.
    """

    def __init__(
        self, source: Source, format_name: str, size: tuple[int, int],
        span_us: tuple[int | None, int | None] = (None, None), size_is_assumed: bool = False,
    ) -> None:
        self._source = source
        self._size_is_assumed = size_is_assumed
        self._span_us = span_us
        self._first_us: int | None = None
        self.path = source.path
        self.name = source.path.name
        self.format = format_name
        self.width, self.height = size
        self.metadata: dict[str, Any] = dict(source.metadata)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Recording {self.name}: {self.format}, {self.width}x{self.height}>"

    def close(self) -> None:
        """Close the file, also for every view of it."""
        self._source.close()

    @property
    def size_is_assumed(self) -> bool:
        """Whether nothing states the sensor's size, so that it is taken from the largest coordinates."""
        return self._size_is_assumed

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was repaired, left out or assumed so far; complete once everything has been read."""
        return tuple(self._source.warnings)

    @property
    def repairs(self) -> dict[str, int]:
        """How often something was repaired or left out, for those `warnings` that begin so and count it."""
        return {message: count for message, count in self._source.repairs.items() if count}

    @property
    def start_us(self) -> int:
        """Where relative times count from: the first event, or the start of the view; 0 without events."""
        if self._span_us[0] is not None:
            return self._span_us[0]
        if self._first_us is None:
            first = next(self._blocks(_PEEK_EVENTS), None)
            self._first_us = 0 if first is None else int(first.t[0])
        return self._first_us

    def between(self, start_s: float | None = None, stop_s: float | None = None) -> Recording:
        """The stretch ``start_s <= t < stop_s``, in seconds from `start_us`, without reading it yet.

        Raises
        ------
        InputError
            The stretch ends before it begins, or a limit is not a finite number.
        """
        for limit in (start_s, stop_s):
            if limit is not None and not np.isfinite(limit):
                raise InputError(f"{self.name}: {limit} s is not a time")
        if (start_s or 0.0) > (np.inf if stop_s is None else stop_s):
            raise InputError(f"{self.name}: a stretch cannot end ({stop_s} s) before it begins ({start_s or 0.0} s)")
        start_us, stop_us = self._span_us
        origin = self.start_us
        if start_s is not None:
            start_us = max(origin, origin + round(start_s * 1e6))
        if stop_s is not None:
            stop = origin + round(stop_s * 1e6)
            stop_us = stop if stop_us is None else min(stop_us, stop)
        return Recording(self._source, self.format, (self.width, self.height), (start_us, stop_us), self._size_is_assumed)

    def events(self, start_s: float | None = None, stop_s: float | None = None) -> Events:
        """All events of the recording, or of a stretch of it, at once.

        The only reader whose memory is not bounded: 13 bytes per event, twice that
        while reading.  Use `windows` or `chunks` for long recordings.
        """
        part = self if start_s is None and stop_s is None else self.between(start_s, stop_s)
        return _windows.join(list(part._blocks(BLOCK_EVENTS)), (self.width, self.height))

    def chunks(self, max_events: int = BLOCK_EVENTS) -> Iterator[Events]:
        """Consecutive non-empty pieces of at most ``max_events`` events, of whatever length reads fastest."""
        _check_positive("max_events", max_events)
        return self._blocks(max_events)

    def unchecked(self, max_events: int = BLOCK_EVENTS) -> Iterator[Block]:
        """Consecutive pieces as they were decoded: what every other reader refuses, out of order or outside the sensor, included.

        For who judges a recording, as `evcam.check.examine` does.
        """
        start_us, stop_us = self._span_us
        for block in self._open_source().blocks(_check_positive("max_events", max_events), start_us):
            if not len(block.t):
                continue
            if stop_us is not None and block.t.min() >= stop_us:
                return
            if start_us is None and stop_us is None:
                yield block
                continue
            inside = np.ones(len(block.t), bool) if start_us is None else block.t >= start_us
            if stop_us is not None:
                inside &= block.t < stop_us
            if inside.all():
                yield block
            elif inside.any():
                first = None if block.first is None else block.first + int(inside.argmax())
                yield Block(first, *(column[inside] for column in (block.t, block.x, block.y, block.p)))

    def windows(self, *, duration_us: int | None = None, count: int | None = None) -> Iterator[Events]:
        """Consecutive windows of equal duration, or of an equal number of events.

        Parameters
        ----------
        duration_us : int
            Window k covers [start_us + k duration_us, start_us + (k + 1) duration_us); windows
            without events are yielded too, up to the one that holds the last event.
        count : int
            Events per window; the last window may hold fewer.

        Raises
        ------
        InputError
            Neither or both are given, or not a positive whole number.
        """
        if (duration_us is None) == (count is None):
            raise InputError("windows: give either duration_us or count")
        blocks = self._blocks(_WINDOW_BLOCK_EVENTS)
        if count is not None:
            return _windows.by_count(blocks, _check_positive("count", count), (self.width, self.height))
        duration_us = _check_positive("duration_us", duration_us)
        return _windows.by_duration(blocks, self.start_us, duration_us, (self.width, self.height))

    @property
    def has_imu(self) -> bool:
        """Whether the file holds samples of an inertial measurement unit."""
        return self._open_source().has_imu()

    def imu(self) -> ImuSamples | None:
        """Samples of the inertial measurement unit within the recording's or view's span, None without one."""
        samples = self._open_source().imu()
        start_us, stop_us = self._span_us
        if samples is None or (start_us is None and stop_us is None):
            return samples
        t_cam_us = samples.t + samples.offset_us
        inside = np.ones(len(samples), bool) if start_us is None else t_cam_us >= start_us
        if stop_us is not None:
            inside &= t_cam_us < stop_us
        accel = None if samples.accel_mps2 is None else samples.accel_mps2[inside]
        return replace(samples, t=samples.t[inside], gyro_radps=samples.gyro_radps[inside], accel_mps2=accel)

    def triggers(self) -> Triggers | None:
        """Edges on the camera's external inputs within the recording's or view's span, None where the format has none."""
        edges = self._open_source().triggers()
        return None if edges is None else edges.between(*self._span_us)

    def summary(self) -> RecordingSummary:
        """Counts, times and rates, from one pass over the events."""
        source = self._open_source()
        whole = self._span_us == (None, None)
        frames = source.frame_count() if whole else None
        return summarise(self._blocks(BLOCK_EVENTS), self.imu(), frames, self.format, (self.width, self.height), source.warnings,
                         source.trigger_count if whole else lambda: None)

    def _blocks(self, max_events: int) -> Iterator[Events]:
        if self._span_us[1] is not None:  # what a last block has beyond the stop is decoded for nothing
            max_events = min(max_events, _WINDOW_BLOCK_EVENTS)
        blocks = checked_events(self._open_source(), (self.width, self.height), max_events, self._span_us[0])
        return _windows.clip(blocks, *self._span_us)

    def _open_source(self) -> Source:
        if self._source.closed:
            raise InputError(f"{self.path}: this recording has been closed; open it again")
        return self._source


def open_recording(
    path: str | os.PathLike[str], *, width: int | None = None, height: int | None = None, stream: str | None = None
) -> Recording:
    """Open a recording; its format is told by its content, not by its name.

    Parameters
    ----------
    path : path-like
        A file of one of the formats that `evcam.io.formats` lists, or a folder whose files
        are together one recording (a ROS 2 bag; the RPG data set's ``events.txt`` and ``imu.txt``).
    width, height : int, optional
        Sensor size in pixels, for files that do not state it.  Without it the
        largest coordinates are taken, which `Recording.warnings` says.
    stream : str, optional
        Which events to read where a file holds several streams: the topic of a bag, the number
        of an AEDAT4 stream, ``left`` or ``right`` of MVSEC.

    Returns
    -------
    Recording
        Open; close it or use it in a ``with`` statement.

    Raises
    ------
    InputError
        No such file; only one of width and height; a size that contradicts the file; several
        streams of events of which none is chosen.
    MissingLibraryError
        A library that the format needs is not installed.
        While reading: events outside the sensor, or times that run backwards.
    FormatError
        Empty, damaged or not a recording.

    Notes
    -----
    Cutting a recording off never goes unnoticed: what remains is either refused or
    read up to the cut with a warning, depending on whether the format allows it.
    """
    path = Path(path)
    format_ = _recognise(path)
    if stream is not None and format_.open_stream is None:
        raise InputError(f"{path}: a recording of the format {format_.name} holds one stream of events; leave stream away")
    source = format_.open(path) if stream is None or format_.open_stream is None else format_.open_stream(path, stream)
    try:
        assumed = source.size is None and width is None
        return Recording(source, format_.name, _sensor_size(source, width, height), size_is_assumed=assumed)
    except EvcamError:
        source.close()
        raise


def _recognise(path: Path) -> Format:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir():
        return _recognise_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not head:
        raise FormatError(f"{path}: is empty (0 bytes)")
    for format_ in formats():
        if format_.matches(head):
            return format_
    known = ", ".join(format_.name for format_ in formats())
    raise FormatError(f"{path}: not a recording that evcam reads ({known}); it begins with {head[:12]!r}")


def _recognise_folder(path: Path) -> Format:
    for format_ in formats():
        if format_.matches_folder is not None and format_.matches_folder(path):
            return format_
    raise InputError(f"{path}: is a folder whose files are not together one recording; name a recording in it")


def _sensor_size(source: Source, width: int | None, height: int | None) -> tuple[int, int]:
    where = str(source.path)
    if (width is None) != (height is None):
        raise InputError(f"{where}: give both width and height of the sensor, not only one")
    if width is not None and height is not None:
        told = check_size((width, height), where)
        if source.size not in (None, told):
            raise InputError(f"{where}: states a sensor of {source.size[0]}x{source.size[1]} pixels, not {width}x{height}; "
                             "leave the size away")
        return told
    if source.size is not None:
        return check_size(source.size, where)
    size = size_from_events(source)
    if size is None:
        raise InputError(f"{where}: neither states the sensor's size nor holds events; give width and height (--width, --height)")
    source.warn(f"sensor size {size[0]}x{size[1]} is taken from the largest coordinates; the sensor may be larger: "
                "give width and height (--width, --height)")
    return check_size(size, where)


def _check_positive(name: str, value: int | None) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value <= 0:
        raise InputError(f"{name} must be a positive whole number, not {value!r}")
    return int(value)
