"""Events: a read-only struct of arrays that was checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.errors import InputError

MAX_SENSOR_SIZE_PX = 16384


@dataclass(frozen=True, eq=False, slots=True)
class Events:
    """Events of one sensor, ordered in time.

    Build with `Events.from_arrays`, which converts and checks; slices are views.

    Attributes
    ----------
    t : ndarray of int64, shape (N,)
        Microseconds on the recording's own clock, non-decreasing.
    x, y : ndarray of uint16, shape (N,)
        Pixel; (0, 0) is the centre of the top-left one.
    p : ndarray of bool, shape (N,)
        True where brightness rose (ON).
    width, height : int
        Size of the sensor in pixels.

    Examples
    --------
    >>> events = Events.from_arrays([10, 20], [1, 2], [0, 3], [True, False], width=4, height=4)
    >>> len(events), len(events[1:])
    (2, 1)
    """

    t: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.bool_]
    width: int
    height: int

    @classmethod
    def from_arrays(
        cls, t: ArrayLike, x: ArrayLike, y: ArrayLike, p: ArrayLike, *, width: int, height: int, where: str = "events"
    ) -> Events:
        """Convert to the canonical layout and check.

        Parameters
        ----------
        t : array_like of int, shape (N,)
            Microseconds, non-decreasing.
        x, y : array_like of int, shape (N,)
            Pixels inside the sensor.
        p : array_like of bool or of {0, 1}, shape (N,)
            Polarity, True for ON.
        width, height : int
            Sensor size in pixels.
        where : str
            Named in error messages, e.g. the file.

        Raises
        ------
        InputError
            Lengths differ, values are not whole numbers, polarities are neither 0 nor 1, times
            run backwards, pixels lie outside the sensor or the sensor's size is impossible.

        Notes
        -----
        Arrays that have this layout already are not copied: events change with them.
        """
        if not (0 < width <= MAX_SENSOR_SIZE_PX and 0 < height <= MAX_SENSOR_SIZE_PX):
            raise InputError(f"{where}: sensor size {width}x{height} is not within 1..{MAX_SENSOR_SIZE_PX} pixels")
        t, x, y, p = np.asarray(t), np.asarray(x), np.asarray(y), np.asarray(p)
        if not (t.ndim == 1 and t.shape == x.shape == y.shape == p.shape):
            raise InputError(f"{where}: t, x, y, p must be one-dimensional and equally long, "
                             f"not {t.shape}, {x.shape}, {y.shape}, {p.shape}")
        for name, values in (("t", t), ("x", x), ("y", y), ("p", p)):
            _check_whole(name, values, where)
        _check_pixels(x, y, width, height, where)
        events = cls(
            _frozen(t, np.int64), _frozen(x, np.uint16), _frozen(y, np.uint16), _frozen(p, np.bool_), int(width), int(height)
        )
        _check_order(events.t, where)
        return events

    @classmethod
    def empty(cls, width: int, height: int) -> Events:
        """No events, of a sensor of this size."""
        none = np.empty(0, np.int64)
        return cls.from_arrays(none, none, none, none, width=width, height=height)

    @classmethod
    def joined(cls, pieces: Sequence[Events]) -> Events:
        """Consecutive pieces of one recording as one, a copy unless it is a single piece.

        Raises
        ------
        InputError
            No piece, pieces of different sensors, or a piece that begins before the previous one ends.
        """
        check_consecutive(pieces)
        pieces = [piece for piece in pieces if len(piece)] or [pieces[0]]
        if len(pieces) == 1:
            return pieces[0]
        t, x, y, p = (_read_only(np.concatenate([getattr(piece, name) for piece in pieces])) for name in ("t", "x", "y", "p"))
        return cls(t, x, y, p, pieces[0].width, pieces[0].height)

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, index: Any) -> Events:
        """A slice (views) or a mask (copies) of the events; the order in time is kept."""
        if isinstance(index, slice) and (index.step or 1) < 0:
            raise InputError("events cannot be sliced backwards: time would run backwards")
        if not isinstance(index, slice) and np.ndim(index) != 1:
            raise InputError("index events with a slice, a mask or an array of positions, not with a number")
        t, x, y, p = (_read_only(column[index]) for column in (self.t, self.x, self.y, self.p))
        # A mask keeps the order; positions may not.
        if not (isinstance(index, slice) or getattr(index, "dtype", None) == np.bool_):
            _check_order(t, "selected events")
        return Events(t, x, y, p, self.width, self.height)

    def between(self, start_us: int, stop_us: int) -> Events:
        """Events with ``start_us <= t < stop_us``, as views."""
        i, j = np.searchsorted(self.t, (start_us, stop_us))
        return self[i:j]

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last event, 0 if there are fewer than two."""
        return float(self.t[-1] - self.t[0]) * 1e-6 if len(self) > 1 else 0.0


def check_consecutive(pieces: Sequence[Events]) -> None:
    """Refuse what cannot be consecutive pieces of one recording.

    Raises
    ------
    InputError
        No piece, pieces of different sensors, or a piece that begins before the previous one ends.
    """
    if not pieces:
        raise InputError("pieces of events: there are none")
    sizes = {(piece.width, piece.height) for piece in pieces}
    if len(sizes) > 1:
        raise InputError(f"pieces of events: they are of different sensors: {sorted(sizes)} px")
    for before, after in pairwise(piece for piece in pieces if len(piece)):
        if after.t[0] < before.t[-1]:
            raise InputError(f"pieces of events: time runs backwards: one begins at {after.t[0]} us, before "
                             f"the previous one ends, at {before.t[-1]} us")


def _frozen(column: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return _read_only(np.ascontiguousarray(column, dtype).view())


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    column.flags.writeable = False
    return column


def _check_whole(name: str, values: NDArray[Any], where: str) -> None:
    if name == "p" and values.dtype != np.bool_:
        wrong, limit = (values != 0) & (values != 1), "a polarity is 0 (OFF) or 1 (ON)"
    elif values.dtype.kind == "f":
        wrong = ~(np.isfinite(values) & (values == np.floor(values)))
        limit = "times are whole microseconds" if name == "t" else "pixels are whole numbers"
    else:
        return
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{where}: event {i} has {name} = {values[i]}; {limit}; convert first")


def _check_pixels(x: NDArray[Any], y: NDArray[Any], width: int, height: int, where: str) -> None:
    for name, values, size in (("x", x, width), ("y", y, height)):
        if len(values) and not (0 <= values.min() and values.max() < size):
            i = int(np.flatnonzero((values < 0) | (values >= size))[0])
            raise InputError(f"{where}: event {i} has {name} = {values[i]}, outside a sensor of {width}x{height} pixels; "
                             "give the true sensor size")


def _check_order(t: NDArray[np.int64], where: str) -> None:
    back = np.flatnonzero(t[1:] < t[:-1])
    if len(back):
        i = int(back[0]) + 1
        raise InputError(f"{where}: time runs backwards at event {i}: {t[i]} us after {t[i - 1]} us "
                         f"({len(back)} such steps); sort or split the recording first")
