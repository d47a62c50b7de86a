"""Writing a recording, or a part of it, in another format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from evcam.core.atomic import atomic_path
from evcam.core.events import Events
from evcam.errors import InputError
from evcam.io.recording import Recording
from evcam.io.writers import Content, writer_of

Keep = Callable[[Iterable[Events]], Iterable[Events]]


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels.

    Attributes
    ----------
    x, y : int
        Its top-left pixel.
    width, height : int
        Its size, px.
    """

    x: int
    y: int
    width: int
    height: int

    def cut(self, events: Events) -> Events:
        """The events inside, counted from its own top-left pixel."""
        left, top = np.int64(self.x), np.int64(self.y)
        inside = (events.x >= left) & (events.x < left + self.width) & (events.y >= top) & (events.y < top + self.height)
        part = events[inside]
        return Events.from_arrays(part.t, part.x - np.uint16(self.x), part.y - np.uint16(self.y), part.p, width=self.width,
                                  height=self.height)


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Attributes
    ----------
    format : str
        Name of the format.
    width, height : int
        Sensor size, px.
    events : int
        Number of events.
    read : int
        Number of events before the filters and the crop.
    left_out : tuple of str
        What the format had no place for, one line each.
    warnings : tuple of str
        What was repaired, left out or assumed when the recording was read.
    """

    format: str
    width: int
    height: int
    events: int
    read: int
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


def convert(
    recording: Recording, path: str | os.PathLike[str], *, crop: Region | None = None, keep: Keep | None = None,
    force: bool = False, progress: Callable[[float], None] | None = None,
) -> Conversion:
    """Write a recording, or a stretch of one (`Recording.between`), in the format that the output's suffix names.

    Every event that is read, and kept, is written with its own time, pixel and polarity.

    Parameters
    ----------
    recording : Recording
    path : path-like
        ``.h5``, ``.raw`` (EVT 3.0), ``.txt``; the file appears only when it is complete.
    crop : Region, optional
        Keep only these pixels, which become the sensor.
    keep : callable, optional
        Takes the recording's pieces and gives as many, with fewer events: `evcam.filters.apply` with filters, before the crop.
    force : bool
        Replace an existing file.
    progress : callable, optional
        Called with the fraction done; costs a pass to count the events.

    Raises
    ------
    InputError
        A suffix that no format has, a region outside the sensor, or events that the format cannot hold.
    OutputExistsError
        ``path`` exists and ``force`` is not set.

    Examples
    --------
    >>> import tempfile, evcam.io
    >>> from evcam.core.events import Events
    >>> events = Events.from_arrays([10, 20], [1, 2], [0, 3], [True, False], width=4, height=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     evcam.io.save_h5(f"{folder}/rec.h5", events)
    ...     with evcam.io.open_recording(f"{folder}/rec.h5") as recording:
    ...         done = evcam.io.convert(recording, f"{folder}/rec.raw")
    ...     with evcam.io.open_recording(f"{folder}/rec.raw") as recording:
    ...         print(done.format, len(recording.events()))
    Prophesee RAW (EVT 3.0) 2
    """
    writer = writer_of(path)
    size = recording.width, recording.height
    if crop is not None:
        _check_region(crop, size)
        size = crop.width, crop.height
    pieces = _Counted(recording, crop, keep, progress)
    metadata = {key: value for key, value in recording.metadata.items() if _is_plain(value)}
    content = Content(*size, pieces, recording.imu(), recording.triggers(), metadata)
    with atomic_path(path, force=force) as temporary:
        left_out = writer.write(temporary, content)
    return Conversion(writer.name, *size, pieces.written, pieces.read, left_out, recording.warnings)


class _Counted:
    """The pieces of a recording, cut to a region, counted on the way."""

    def __init__(
        self, recording: Recording, crop: Region | None, keep: Keep | None, progress: Callable[[float], None] | None
    ) -> None:
        self._recording, self._crop, self._keep, self._progress = recording, crop, keep, progress
        self.read = self.written = 0

    def __iter__(self) -> Iterator[Events]:
        total = 0 if self._progress is None else sum(len(piece) for piece in self._recording.chunks())
        pieces = self._pieces()
        for piece in pieces if self._keep is None else self._keep(pieces):
            part = piece if self._crop is None else self._crop.cut(piece)
            self.written += len(part)
            yield part
            if self._progress is not None:
                self._progress(self.read / total)

    def _pieces(self) -> Iterator[Events]:
        for piece in self._recording.chunks():
            self.read += len(piece)
            yield piece


def _check_region(crop: Region, size: tuple[int, int]) -> None:
    sides = ((crop.x, crop.width, size[0]), (crop.y, crop.height, size[1]))
    if any(first < 0 or length < 1 or first + length > limit for first, length, limit in sides):
        raise InputError(f"a region of {crop.width}x{crop.height} pixels from ({crop.x}, {crop.y}) on does not lie within the "
                         f"sensor of {size[0]}x{size[1]} pixels")


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))
