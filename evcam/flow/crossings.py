"""Edge crossings: one per burst of events, at the time at which the edge passed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.flow._crossings import _bursts_to_crossings, _order_by_time, _sort_by_pixel


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


@dataclass(frozen=True, eq=False, slots=True)
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
    events: Events, options: BurstOptions | None = None, *, fresh: NDArray[np.bool_] | None = None
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
    events : Events
        A stretch of a recording.  Bursts cut by its ends count as they are.
    options : BurstOptions, optional
        What belongs to one burst.
    fresh : ndarray of bool, shape (height, width), optional
        Pixels that have not fired since the recording began. Their first burst counts from the level
        at which they began instead of from a level up to one threshold beyond it.

    Returns
    -------
    Crossings
        In order of time.

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
    n = len(events)
    start = np.empty(events.width * events.height + 1, np.int64)
    pixel_t, pixel_p = np.empty(n, np.int64), np.empty(n, np.bool_)
    _sort_by_pixel(events.t, events.x, events.y, events.p, events.width, start, pixel_t, pixel_p)
    pixel, t, p = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.bool_)
    count, full, step = np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.float32)
    found = _bursts_to_crossings(
        pixel_t, pixel_p, start, options.min_gap_us, options.gap_factor, options.pair_gap_us,
        options.full_share, _flags(fresh, events), pixel, t, p, count, full, step
    )
    in_time = _order_by_time(t[:found], np.empty(found, np.int32), np.empty(found, np.int32))
    y, x = np.divmod(pixel[in_time], events.width)
    return Crossings(
        t[in_time], x.astype(np.uint16), y.astype(np.uint16), p[in_time], count[in_time], full[in_time], step[in_time],
        events.width, events.height,
    )


def _flags(fresh: NDArray[np.bool_] | None, events: Events) -> NDArray[np.bool_]:
    if fresh is None:
        return np.zeros(events.width * events.height, np.bool_)
    if fresh.shape != (events.height, events.width):
        raise InputError(f"fresh must have the sensor's shape {(events.height, events.width)}, not {fresh.shape}")
    return np.ascontiguousarray(fresh, np.bool_).ravel()
