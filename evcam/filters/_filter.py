"""What a filter is, and how filters go over a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import overload

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError

Step = Callable[[Events], NDArray[np.bool_]]
"""A filter at work on one stream: which events of the next piece are kept."""


class Filter(ABC):
    """A filter's description; the same one can be applied to any number of streams."""

    @abstractmethod
    def start(self, width: int, height: int) -> Step:
        """Begin a stream of a sensor of this size.

        Raises
        ------
        InputError
            The description does not fit the sensor.
        """


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
        A filter does not fit the sensor, or pieces are of different sensors.
    """
    if isinstance(events, Events):
        return next(_pieces([events], filters))
    return _pieces(events, filters)


def _pieces(pieces: Iterable[Events], filters: tuple[Filter, ...]) -> Iterator[Events]:
    steps: list[Step] | None = None
    size = (0, 0)
    for piece in pieces:
        if steps is None:
            size = (piece.width, piece.height)
            steps = [filter_.start(*size) for filter_ in filters]
        elif (piece.width, piece.height) != size:
            raise InputError(f"filters: a piece of a {piece.width}x{piece.height} sensor follows pieces of {size[0]}x{size[1]}")
        for step in steps:
            piece = piece[step(piece)]
        yield piece
