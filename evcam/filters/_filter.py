"""What a filter is, and how filters go over a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import overload

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events, check_consecutive
from evcam.errors import InputError

Step = Callable[[Events], NDArray[np.bool_]]
LONGEST_US = 1 << 61
"""No sum of it and a time leaves int64."""
"""A filter at work on one stream: which events of the next piece are kept."""


class Filter(ABC):
    """A filter's description; the same one can be applied to any number of streams."""

    @abstractmethod
    def start(self, width: int, height: int) -> Step:
        """Begin a stream of a sensor of this size.

        Raises
        ------
        InputError
            The description does not fit the sensor; from the step, events of another sensor.
        """


def guarded(step: Step, width: int, height: int) -> Step:
    """The step, for events of this sensor only: kernels do not look whether a pixel is in their arrays."""
    def checked(events: Events) -> NDArray[np.bool_]:
        if (events.width, events.height) != (width, height):
            raise InputError(f"filters: events of a {events.width}x{events.height} sensor in a stream of {width}x{height} pixels")
        return step(events)

    return checked


def is_whole(value: object, low: int, high: int) -> bool:
    """Whether it is an integer between two limits."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(low <= value <= high)


@overload
def apply(events: Events, *filters: Filter) -> Events: ...
@overload
def apply(events: Iterable[Events], *filters: Filter) -> Iterator[Events]: ...


def apply(events: Events | Iterable[Events], *filters: Filter) -> Events | Iterator[Events]:
    """Filter events, or the consecutive pieces of a stream.

    Parameters
    ----------
    events : Events, or iterable of Events
        E.g. ``recording.chunks()`` or ``recording.windows(duration_us=20_000)``: every piece comes out as
        one piece, perhaps without events.
    *filters : Filter
        Applied one after the other: each sees what the ones before it kept.

    Returns
    -------
    Events, or iterator of Events
        As many pieces as went in, of the same sensor.

    Raises
    ------
    InputError
        A filter does not fit the sensor, pieces are of different sensors or run backwards in time, or what is given are no
        events and no filters.
    """
    for filter_ in filters:
        if not isinstance(filter_, Filter):
            raise InputError(f"filters: give filters one by one, e.g. apply(events, BackgroundActivity()), not {filter_!r}")
    if isinstance(events, Events):
        return next(_pieces([events], filters))
    return _pieces(events, filters)


def _pieces(pieces: Iterable[Events], filters: tuple[Filter, ...]) -> Iterator[Events]:
    steps: list[Step] | None = None
    before: Events | None = None
    for piece in pieces:
        if not isinstance(piece, Events):
            raise InputError(f"filters: pieces must be Events, not {type(piece).__name__}")
        check_consecutive([piece] if before is None else [before, piece])
        if steps is None:
            steps = [filter_.start(piece.width, piece.height) for filter_ in filters]
        before = piece if before is None or len(piece) else before
        for step in steps:
            piece = piece[step(piece)]
        yield piece
