"""A moving circle grid in a whole recording: block after block, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import Detections, Rejection, View
from evcam.core.events import Events
from evcam.core.target import CircleGrid
from evcam.detect.board_map import with_circle_centers
from evcam.detect.lookahead import LookAhead, made_ahead
from evcam.detect.moving.following import Follower
from evcam.detect.moving.inspect import Inspector
from evcam.detect.moving.scan import Start
from evcam.detect.moving.tone import ToneMap
from evcam.detect.moving.views import MovingOptions, views_of_block
from evcam.detect.silences import Silences, told_once
from evcam.errors import InputError
from evcam.flow.crossings import Crossings, edge_crossings, still_fresh

WINDOW_US = 250_000
_WINDOWS_PER_BLOCK = 8
_BLOCK_EVENTS = 3_000_000
_LOOK_AHEAD_WINDOWS = 12
_LOOK_AHEAD_EVENTS = 10_000_000
_MARGIN_STEPS = 2


@dataclass(frozen=True, eq=False, slots=True)
class _Block:
    """Windows of ``[start_us, stop_us)``, and one more on either side."""

    windows: tuple[Events, ...]
    start_us: int
    stop_us: int
    is_last: bool
    fresh: NDArray[np.bool_]  # pixels that have not fired before these events


def detect_moving(
    windows: Iterable[Events], start_us: int, target: CircleGrid, options: MovingOptions | None = None,
    *, name: str = "recording", progress: Callable[[int], None] | None = None,
    inspector: Inspector | None = None, threads: int = 1,
    on_block: Callable[[list[View | Rejection]], None] | None = None, block_windows: int = _WINDOWS_PER_BLOCK,
) -> Detections:
    """Find a circle grid that moves before the camera, or a camera that moves before it.

    Parameters
    ----------
    windows : iterable of Events
        Consecutive windows of `WINDOW_US`, from the recording's beginning.
    start_us : int
        Where the first window begins.
    target : CircleGrid
        The board.
    options : MovingOptions, optional
        Rate of views, limits.
    name : str
        The recording's name in views and rejections.
    progress : callable, optional
        Called with the time up to which the work is done, us.
    inspector : Inspector, optional
        Keeps what led to the views and rejections of its instants.
    threads : int
        With more than one, the next block is read and reduced while the views of a block are made; the result is the same.
    on_block : callable, optional
        Called with the views and rejections of each block as soon as they are there: numbered by the block's own count, and with
        points that are still middles of ellipses rather than images of the circles' centres.
    block_windows : int
        Windows per block. Fewer give `on_block` something sooner, and cost more since every block looks at its neighbours' edges.

    Returns
    -------
    Detections
        A view or a rejection every ``options.step_us``, but one rejection for a second and more without events; mode
        ``"moving"``.

    Raises
    ------
    InputError
        No window at all.
    """
    options = options or MovingOptions()
    silences = Silences(windows)
    windows = LookAhead(silences)
    start = Start(_picture_at_the_beginning(windows.coming(), options, target), Follower(target))
    found: list[View | Rejection] = []
    size = (0, 0)
    work = _work(windows, start_us, options.step_us, block_windows)
    for crossings, times_us, kept, stop_us in made_ahead(work) if threads > 1 else work:
        if crossings is None:
            start.follower.rest(int(times_us[0]), int(times_us[len(times_us) - 2 * kept.start]))
        else:
            size = (crossings.width, crossings.height)
            out, start = views_of_block(crossings, times_us, kept, start, options, name, inspector)
            found += out
            if on_block is not None:
                on_block(out)
        if progress is not None:
            progress(stop_us)
    found = list(told_once(found, silences.found))
    views = with_circle_centers([v for v in found if isinstance(v, View)], target, *size, options.discs.min_cosine)
    views = tuple(replace(view, index=i) for i, view in enumerate(views))
    return Detections(target, *size, views, tuple(r for r in found if isinstance(r, Rejection)), "moving")


def _picture_at_the_beginning(windows: Iterator[Events], options: MovingOptions, target: CircleGrid) -> ToneMap:
    """Each pixel's tone before the first event, told by the first edge that passes it in the next seconds."""
    tone: ToneMap | None = None
    seen = 0
    for number, window in enumerate(windows):
        if number == _LOOK_AHEAD_WINDOWS or seen > _LOOK_AHEAD_EVENTS:
            break
        seen += len(window)
        if tone is None:
            tone = ToneMap.unknown(window.width, window.height, options.min_tone_count)
        tone.assume_before(window)
    if tone is None:
        raise InputError("no windows of events to look for a board in")
    tone.settle(bright=target.dark_on_light)
    return tone


def _work(
    windows: Iterator[Events], origin: int, step_us: int, block_windows: int
) -> Iterator[tuple[Crossings | None, NDArray[np.int64], slice, int]]:
    """Crossings of one block after the other, the instants to look at, which of them count, and where the block stops.

    None in place of crossings where there are no events, and nothing to look at.
    """
    for block in _blocks(windows, origin, block_windows):
        crossings = edge_crossings(block.windows, fresh=block.fresh) if any(map(len, block.windows)) else None
        yield crossings, *_view_times(block, origin, step_us), block.stop_us


def _blocks(windows: Iterator[Events], origin: int, most: int) -> Iterator[_Block]:
    """Group windows into blocks of ``most`` windows or a few million events, with a neighbour window on either side."""
    held: list[Events] = []
    fresh: NDArray[np.bool_] | None = None
    done = 0
    for window in windows:
        if fresh is None:
            fresh = np.ones((window.height, window.width), np.bool_)
        held.append(window)
        core = held[1 if done else 0 : -1]
        if len(core) >= most or sum(map(len, core)) > _BLOCK_EVENTS:
            stop = done + len(core)
            yield _Block(tuple(held), origin + done * WINDOW_US, origin + stop * WINDOW_US, False, fresh)
            fresh = still_fresh(fresh, held[:-2])
            done, held = stop, held[-2:]
    assert fresh is not None
    core = held[1:] if done else held
    yield _Block(tuple(held), origin + done * WINDOW_US, origin + (done + len(core)) * WINDOW_US, True, fresh)


def _view_times(block: _Block, origin: int, step_us: int) -> tuple[NDArray[np.int64], slice]:
    """Instants of a block's views, with `_MARGIN_STEPS` more before and after, and which of them count.

    They are the middles of steps counted from ``origin``, wherever blocks are cut.
    """
    half, margin = step_us // 2, _MARGIN_STEPS
    first = -((origin + half - block.start_us) // step_us)
    stop = -((origin + half - block.stop_us) // step_us)
    if block.is_last:
        last_us = max((int(window.t[-1]) for window in block.windows if len(window)), default=block.stop_us)
        stop = min(stop, -((origin - last_us) // step_us))
    count = max(stop - first, 0)
    times = origin + half + step_us * np.arange(first - margin, first + count + margin)
    return times, slice(margin, margin + count)
