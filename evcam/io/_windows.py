"""Cutting a stream of event blocks into windows, holding one window and one block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from evcam.core.events import Events


def join(pieces: list[Events], size: tuple[int, int]) -> Events:
    """Consecutive pieces as one, none as no events."""
    return Events.joined(pieces) if pieces else Events.empty(*size)


def clip(blocks: Iterable[Events], start_us: int | None, stop_us: int | None) -> Iterator[Events]:
    """Events with ``start_us <= t < stop_us``; reading ends with the block that reaches ``stop_us``."""
    for block in blocks:
        if stop_us is not None and block.t[0] >= stop_us:
            return
        first = 0 if start_us is None else int(np.searchsorted(block.t, start_us))
        last = len(block) if stop_us is None else int(np.searchsorted(block.t, stop_us))
        if first < last:
            yield block[first:last]
        if last < len(block):
            return


def by_duration(blocks: Iterable[Events], start_us: int, duration_us: int, size: tuple[int, int]) -> Iterator[Events]:
    """Windows [start + k d, start + (k + 1) d) up to the one that holds the last event, empty ones included."""
    pending: list[Events] = []
    stop_us = start_us + duration_us
    for block in blocks:
        position = 0
        while block.t[-1] >= stop_us:
            end = position + int(np.searchsorted(block.t[position:], stop_us))
            if end > position:
                pending.append(block[position:end])
            yield join(pending, size)
            pending, position, stop_us = [], end, stop_us + duration_us
        pending.append(block[position:])
    if pending:
        yield join(pending, size)


def by_count(blocks: Iterable[Events], count: int, size: tuple[int, int]) -> Iterator[Events]:
    """Windows of ``count`` events; the last one may hold fewer."""
    pending: list[Events] = []
    held = 0
    for block in blocks:
        position = 0
        while held + len(block) - position >= count:
            end = position + count - held
            yield join([*pending, block[position:end]], size)
            pending, held, position = [], 0, end
        if position < len(block):
            pending.append(block[position:])
            held += len(block) - position
    if pending:
        yield join(pending, size)
