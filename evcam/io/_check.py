"""Checks of decoded events across the whole length of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import MAX_SENSOR_SIZE_PX, Events
from evcam.errors import FormatError, InputError
from evcam.io.source import Block, Source


def checked_events(source: Source, size: tuple[int, int], max_events: int, start_us: int | None) -> Iterator[Events]:
    """Blocks of a source as checked `Events`; times may not fall from one block to the next either."""
    last_us: int | None = None
    for block in source.blocks(max_events, start_us):
        if not len(block.t):
            continue
        _check_pixels(block, size, str(source.path))
        if not source.is_ordered:
            _check_order(block, last_us, str(source.path))
            last_us = int(block.t[-1])
        columns = (_column(block.t, np.int64), _column(block.x, np.uint16), _column(block.y, np.uint16))
        yield Events(*columns, _column(_polarity(block, str(source.path)), np.bool_), *size)


def check_size(size: tuple[int, int], where: str) -> tuple[int, int]:
    """Refuse a sensor that cannot exist."""
    if not all(0 < n <= MAX_SENSOR_SIZE_PX for n in size):
        raise InputError(f"{where}: sensor size {size[0]}x{size[1]} is not within 1..{MAX_SENSOR_SIZE_PX} pixels")
    return size


def size_from_events(source: Source) -> tuple[int, int] | None:
    """Smallest sensor that holds all events, from one pass over the file; None without events."""
    largest = [-1, -1]
    for block in source.blocks():
        if len(block.x):
            largest = [max(largest[0], int(block.x.max())), max(largest[1], int(block.y.max()))]
    return (largest[0] + 1, largest[1] + 1) if largest[0] >= 0 else None


def _column(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    column = np.ascontiguousarray(values, dtype).view()
    column.flags.writeable = False
    return column


def _check_pixels(block: Block, size: tuple[int, int], where: str) -> None:
    for name, values, limit in (("x", block.x, size[0]), ("y", block.y, size[1])):
        if values.min() < 0 or values.max() >= limit:
            i = int(np.flatnonzero((values < 0) | (values >= limit))[0])
            raise InputError(f"{where}: {_name(block, i)} has {name} = {values[i]}, outside a sensor of "
                             f"{size[0]}x{size[1]} pixels; give the true sensor size")


def _check_order(block: Block, last_us: int | None, where: str) -> None:
    t = block.t
    if last_us is not None and t[0] < last_us:
        before, i = last_us, 0
    else:
        backwards = t[1:] < t[:-1]
        if not backwards.any():
            return
        i = int(backwards.argmax()) + 1
        before = int(t[i - 1])
    raise InputError(f"{where}: time runs backwards at {_name(block, i)}: {t[i]} us after {before} us; "
                     "sort or split the recording first")


def _polarity(block: Block, where: str) -> NDArray[Any]:
    p = block.p
    if p.dtype == np.bool_:
        return p
    on: NDArray[np.bool_] = p == 1
    off = (p == 0) | (p == -1) if p.dtype.kind in "if" else p == 0
    if not np.all(on | off):
        i = int(np.flatnonzero(~(on | off))[0])
        raise FormatError(f"{where}: {_name(block, i)} has polarity {p[i]}; only 0 or -1 (OFF) and 1 (ON) exist")
    return on


def _name(block: Block, i: int) -> str:
    return f"the event at {block.t[i]} us" if block.first is None else f"event {block.first + i}"
