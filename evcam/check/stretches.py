"""A recording's normal flow, stretch by stretch, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evcam.core.events import Events
from evcam.flow import NormalFlow, normal_flow
from evcam.io import Recording

_STRETCH_US = 500_000
_MARGIN_US = 150_000
_MOST_EVENTS = 500_000


def flow_stretches(recording: Recording, progress: Callable[[float], None] | None = None) -> Iterator[NormalFlow]:
    """Yield the known normal flows of each half second; of a busy one only those of its beginning.

    Parameters
    ----------
    recording : Recording
        Or a stretch of one.
    progress : callable, optional
        Called with the share that is done.
    """
    stop_us = recording.summary().stop_us if progress is not None else 0
    before: Events | None = None
    now: Events | None = None
    start_us = recording.start_us
    for after in recording.windows(duration_us=_STRETCH_US):
        if now is not None:
            yield _flow(before, now, after, start_us)
            start_us += _STRETCH_US
            if progress is not None:
                progress(min(1.0, (start_us - recording.start_us) / max(1, stop_us - recording.start_us)))
        before, now = now, after
    if now is not None:
        yield _flow(before, now, None, start_us)


def _flow(before: Events | None, now: Events, after: Events | None, start_us: int) -> NormalFlow:
    stop_us = start_us + _STRETCH_US
    if len(now) > _MOST_EVENTS:
        stop_us = int(now.t[_MOST_EVENTS])
        now, after = now[: _MOST_EVENTS + _MOST_EVENTS // 4], None
    pieces = [now]
    if before is not None:
        early = before.between(start_us - _MARGIN_US, start_us)
        pieces.insert(0, early[max(0, len(early) - _MOST_EVENTS):])
    if after is not None:
        pieces.append(after.between(stop_us, stop_us + _MARGIN_US)[:_MOST_EVENTS])
    flow = normal_flow(Events.joined(pieces))
    t = flow.crossings.t
    return flow[(t >= start_us) & (t < stop_us) & flow.is_known]
