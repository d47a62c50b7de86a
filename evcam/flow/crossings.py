"""Edge crossings: one per burst of events, at the time at which the edge passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events, check_consecutive
from evcam.errors import InputError
from evcam.flow._crossings import (
    CROSSING,
    _bursts_to_crossings,
    _count_by_pixel,
    _count_by_pixel_of,
    _counts_to_begins,
    _first_polarity,
    _mark_fired,
    _sort_by_pixel,
    _sort_by_pixel_of,
    _sort_by_time,
    _split,
)


@dataclass(frozen=True)
class BurstOptions:
    """What belongs to one burst.

    Attributes
    ----------
    gap_factor : float
        A gap longer than this many times its shorter neighbour ends the burst.
    min_gap_us : float
        A shorter gap never ends a burst.
    pair_gap_us : float
        Two events alone belong together up to this distance.
    full_share : float
        A burst with at least this share of the events of its pixel's largest
        neighbouring burst (or with one event fewer) is a full change from one tone to the other.
    """

    gap_factor: float = 6.0
    min_gap_us: float = 3_000.0
    pair_gap_us: float = 200_000.0
    full_share: float = 0.75

    def __post_init__(self) -> None:
        if not (self.gap_factor > 1 and self.min_gap_us > 0 and self.pair_gap_us > 0 and 0 < self.full_share <= 1):
            raise InputError(f"bursts need gap_factor > 1 and positive times and 0 < full_share <= 1, not {self}")


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Crossings:
    """Edges that passed over pixels, ordered in time.

    Attributes
    ----------
    t : ndarray of int64, shape (N,)
        Microseconds.
    x, y : ndarray of uint16, shape (N,)
        Pixel.
    p : ndarray of bool, shape (N,)
        True where the pixel became brighter.
    count : ndarray of uint16, shape (N,)
        Events in the burst.
    full : ndarray of uint16, shape (N,)
        Events that the whole change from one tone to the other takes; 0 where the burst is a
        part of a change of which nothing tells when half of it was done.
    step_us : ndarray of float32, shape (N,)
        Time per contrast threshold when the edge passed; 0 for a single event.
    width, height : int
        Sensor size, px.
    """

    t: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.bool_]
    count: NDArray[np.uint16]
    full: NDArray[np.uint16]
    step_us: NDArray[np.float32]
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.t)

    def __repr__(self) -> str:
        span = f", {self.t[0]} to {self.t[-1]} us" if len(self) else ""
        return f"Crossings({len(self)} of {self.width}x{self.height} px{span})"

    def __getitem__(self, index: slice | NDArray[np.bool_]) -> Crossings:
        return Crossings(
            self.t[index], self.x[index], self.y[index], self.p[index], self.count[index], self.full[index], self.step_us[index],
            self.width, self.height,
        )

    def between(self, start_us: float, stop_us: float) -> Crossings:
        """Crossings with ``start_us <= t < stop_us``, as views."""
        # Whole numbers: with others the search would first copy all times.
        i, j = np.searchsorted(self.t, np.ceil((start_us, stop_us)).astype(np.int64))
        return self[i:j]


def edge_crossings(
    events: Events | Sequence[Events], options: BurstOptions | None = None, *, fresh: NDArray[np.bool_] | None = None
) -> Crossings:
    """Reduce each burst of events to the moment at which the edge passed the pixel.

    An edge of some contrast makes a pixel fire several events of one polarity.
    The n events of such a burst mark n equal steps of log intensity, counted
    from the level that the pixel remembers; half of the change is done at event
    number n/2 (between two events for odd n).  The first event comes early, and
    so, seen from both sides of a disc, displaces it along its motion; the mean
    or the median come half a step late.  Halfway in log intensity is a fixed
    distance from the true edge, towards the dark side, whatever the speed.

    Parameters
    ----------
    events : Events, or sequence of Events
        A stretch of a recording, or consecutive pieces of one.  Bursts cut by its ends count as they are.
    options : BurstOptions, optional
        What belongs to one burst.
    fresh : ndarray of bool, shape (height, width), optional
        Pixels that have not fired since the recording began. Their first burst counts from the level
        at which they began instead of from a level up to one threshold beyond it.

    Returns
    -------
    Crossings
        In order of time.

    Raises
    ------
    InputError
        No piece, pieces that are not consecutive ones of one sensor, or ``fresh`` of another size.

    Notes
    -----
    A low-pass of the pixel delays both polarities alike: all crossings move by
    one time shift, which one camera alone cannot see.

    Examples
    --------
    >>> burst = Events.from_arrays([10, 20, 30, 40], [1] * 4, [2] * 4, [True] * 4, width=4, height=4)
    >>> crossing = edge_crossings(burst)
    >>> int(crossing.t[0]), int(crossing.count[0])
    (20, 4)
    """
    options = options or BurstOptions()
    pieces = [events] if isinstance(events, Events) else list(events)
    check_consecutive(pieces)
    width, height = pieces[0].width, pieces[0].height
    pieces = [piece for piece in pieces if len(piece)]
    if not pieces:
        return _columns(np.empty(0, CROSSING), 0, width, height)
    packed, stop, origin_us = _by_pixel(pieces)
    rows = np.empty(len(packed), CROSSING)  # touched only as far as there are crossings
    found = _bursts_to_crossings(
        packed, stop, width, options.min_gap_us, options.gap_factor, options.pair_gap_us, options.full_share,
        _flags(fresh, width, height), rows,
    )
    return _columns(rows[:found], origin_us, width, height)


def first_polarities(events: Events, among: NDArray[np.bool_], min_count: int) -> NDArray[np.int8]:
    """Which way each pixel changed first, told by its first burst of at least ``min_count`` events.

    Parameters
    ----------
    events : Events
        A stretch of a recording.
    among : ndarray of bool, shape (height, width)
        Pixels that are asked for.
    min_count : int
        Smaller bursts are passed over.

    Returns
    -------
    ndarray of int8, shape (height, width)
        1 where the pixel became brighter, 0 where darker, -1 where no such burst came or the pixel is not asked for.
    """
    usual, first = BurstOptions(), np.full(among.shape, -1, np.int8)
    if len(events):
        packed, stop, _ = _by_pixel([events], among)
        _first_polarity(packed, stop, usual.min_gap_us, usual.gap_factor, usual.pair_gap_us, min_count, first.reshape(-1))
    return first


def still_fresh(fresh: NDArray[np.bool_], pieces: Iterable[Events]) -> NDArray[np.bool_]:
    """Which of the pixels (height, width) that have not fired so far have not fired after these pieces either."""
    after = fresh.copy()
    for piece in pieces:
        _mark_fired(piece.x, piece.y, after)
    return after


def _by_pixel(pieces: list[Events], among: NDArray[np.bool_] | None = None) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Events sorted by pixel as `_sort_by_pixel` leaves them, where those of each pixel stop, and what their times count from.

    Of all pixels, or of those ``among`` them (height, width).
    """
    total = sum(map(len, pieces))
    stop = np.zeros(pieces[0].width * pieces[0].height, np.int32 if total < 2**31 else np.int64)
    for piece in pieces:
        if among is None:
            _count_by_pixel(piece.x, piece.y, piece.width, stop)
        else:
            _count_by_pixel_of(piece.x, piece.y, among, stop)
    total = _counts_to_begins(stop)
    # An even origin leaves half microseconds to be rounded as they would be without one.
    origin_us = int(pieces[0].t[0]) // 2 * 2
    packed = np.empty(total, np.uint32 if int(pieces[-1].t[-1]) - origin_us < 2**31 else np.int64)
    for piece in pieces:
        if among is None:
            _sort_by_pixel(piece.t, piece.x, piece.y, piece.p, piece.width, origin_us, stop, packed)
        else:
            _sort_by_pixel_of(piece.t, piece.x, piece.y, piece.p, among, origin_us, stop, packed)
    return packed, stop, origin_us


def _columns(rows: NDArray[Any], origin_us: int, width: int, height: int) -> Crossings:
    """Crossings in order of time, from rows whose times count from an origin."""
    rows = _sort_by_time(rows, np.empty_like(rows))
    n = len(rows)
    t, x, y, p = np.empty(n, np.int64), np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.bool_)
    count, full, step_us = np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.float32)
    _split(rows, origin_us, t, x, y, p, count, full, step_us)
    return Crossings(t, x, y, p, count, full, step_us, width, height)


def _flags(fresh: NDArray[np.bool_] | None, width: int, height: int) -> NDArray[np.bool_]:
    if fresh is None:
        return np.zeros(width * height, np.bool_)
    if np.shape(fresh) != (height, width):
        raise InputError(f"fresh must have the sensor's shape {(height, width)}, not {np.shape(fresh)}")
    return np.ascontiguousarray(fresh, np.bool_).ravel()
