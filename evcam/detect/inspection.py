"""Why a window gave a view or none: the stages of a detection, for the instants that a person asks about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import Detections, Rejection, View
from evcam.core.events import Events
from evcam.core.target import CircleGrid
from evcam.detect.automatic import flickers, span_us, windows_of
from evcam.detect.flicker.options import FlickerOptions
from evcam.detect.flicker.phase import FlickerEvidence, flicker_evidence, signed_image
from evcam.detect.moving.inspect import Inspector, Stages
from evcam.detect.moving.stream import WINDOW_US, detect_moving
from evcam.detect.moving.views import MovingOptions
from evcam.errors import InputError
from evcam.io import Recording

_CHOSEN = 6
_EVENTS_BEFORE_US = 300_000
_MORE_WINDOWS = 12  # after the last instant: the next views, and what the first picture is told by


@dataclass(frozen=True, eq=False, slots=True)
class MovingInspection:
    """How a moving board was found or missed.

    Attributes
    ----------
    outcome : View or Rejection
        What came out of it.
    stages : Stages
        What was seen on the way.
    events : Events
        Up to 0.3 s before the instant.
    """

    outcome: View | Rejection
    stages: Stages
    events: Events


@dataclass(frozen=True, eq=False, slots=True)
class FlickerInspection:
    """How a flickering board was found or missed.

    Attributes
    ----------
    outcome : View or Rejection
        What came out of it.
    evidence : FlickerEvidence
        Frequency and coherence of the stretch.
    image : ndarray of float64, shape (height, width), or None
        Contrast in events per period; None when no frequency can be told.
    """

    outcome: View | Rejection
    evidence: FlickerEvidence
    image: NDArray[np.float64] | None


Inspection = MovingInspection | FlickerInspection


def instant_us(outcome: View | Rejection) -> int:
    """The instant of a view or rejection."""
    return outcome.mid_us if isinstance(outcome, View) else outcome.t_us


def choose_outcomes(detections: Detections, name: str) -> tuple[View | Rejection, ...]:
    """Outcomes of one recording that are worth a look, six at most: the first rejections, and views evenly spread.

    Half of them, and what views leave free, are rejections.

    Parameters
    ----------
    detections : Detections
    name : str
        The recording's name in them.

    Returns
    -------
    tuple of View or Rejection
        In order of time.
    """
    outcomes = _outcomes(detections, name)
    rejections = [k for k, outcome in enumerate(outcomes) if isinstance(outcome, Rejection)]
    views = [k for k, outcome in enumerate(outcomes) if isinstance(outcome, View)]
    refused = rejections[: max(_CHOSEN // 2, _CHOSEN - len(views))]
    spread = np.linspace(0, len(views) - 1, min(_CHOSEN - len(refused), len(views))).round().astype(int)
    return tuple(outcomes[k] for k in sorted(refused + [views[int(i)] for i in spread]))


def outcomes_at(detections: Detections, name: str, times_us: Sequence[int]) -> tuple[View | Rejection, ...]:
    """The outcomes of one recording nearest to some instants, each once, in order of time."""
    outcomes = _outcomes(detections, name)
    instants = np.array([instant_us(outcome) for outcome in outcomes], np.int64)
    nearest = {int(np.abs(instants - t_us).argmin()) for t_us in times_us} if outcomes else set()
    return tuple(outcomes[k] for k in sorted(nearest))


def _outcomes(detections: Detections, name: str) -> list[View | Rejection]:
    outcomes: tuple[View | Rejection, ...] = (*detections.views, *detections.rejections)
    return sorted((outcome for outcome in outcomes if outcome.recording == name), key=instant_us)


def inspect(
    recording: Recording | Events, detections: Detections, outcomes: Sequence[View | Rejection], *,
    moving: MovingOptions | None = None, flicker: FlickerOptions | None = None, progress: Callable[[float], None] | None = None,
) -> tuple[Inspection, ...]:
    """What led to some views and rejections of a recording.

    The recording is searched again up to the last of them, so that what is shown is what happened.

    Parameters
    ----------
    recording : Recording or Events
        Where they were found.
    detections : Detections
        Its detections, or merged ones.
    outcomes : sequence of View or Rejection
        Some of its views and rejections.
    moving, flicker : options, optional
        As they were for the detection.
    progress : callable, optional
        Called now and then with the share that is done, 0 to 1.

    Returns
    -------
    tuple of MovingInspection or FlickerInspection
        One per outcome.

    Raises
    ------
    InputError
        An outcome that this recording does not give.
    """
    if not outcomes:
        return ()
    is_flicker = detections.mode == "flicker" or (detections.mode != "moving" and flickers(windows_of(recording, WINDOW_US)))
    if is_flicker:
        return _inspect_flicker(recording, outcomes, flicker or FlickerOptions(), progress or _unheard)
    if not isinstance(detections.target, CircleGrid):
        raise InputError(f"inspect: a moving {detections.target.type} is never found; only circle grids are")
    return _inspect_moving(recording, detections.target, outcomes, moving, progress or _unheard)


def _unheard(share: float) -> None:
    pass


def _inspect_moving(
    recording: Recording | Events, target: CircleGrid, outcomes: Sequence[View | Rejection], options: MovingOptions | None,
    progress: Callable[[float], None],
) -> tuple[MovingInspection, ...]:
    times_us = [instant_us(outcome) for outcome in outcomes]
    start_us, _ = span_us(recording, outcomes[0].recording, whole=False)
    count = (max(times_us) - start_us) // WINDOW_US + 1 + _MORE_WINDOWS
    inspector = Inspector(times_us)
    windows = islice(windows_of(recording, WINDOW_US), count)
    detect_moving(windows, start_us, target, options, inspector=inspector,
                  progress=lambda done_us: progress(min(1.0, (done_us - start_us) / (count * WINDOW_US))))
    progress(1.0)
    for t_us in times_us:
        if t_us not in inspector.stages:
            raise InputError(f"inspect: {t_us} us is not the instant of a view or rejection of {outcomes[0].recording}")
    return tuple(
        MovingInspection(outcome, inspector.stages[t_us], _events(recording, start_us, t_us - _EVENTS_BEFORE_US, t_us + 1))
        for outcome, t_us in zip(outcomes, times_us, strict=True)
    )


def _events(recording: Recording | Events, origin_us: int, start_us: int, stop_us: int) -> Events:
    if isinstance(recording, Events):
        return recording.between(start_us, stop_us)
    return recording.events((start_us - origin_us) * 1e-6, (stop_us - origin_us) * 1e-6)


def _inspect_flicker(
    recording: Recording | Events, outcomes: Sequence[View | Rejection], options: FlickerOptions,
    progress: Callable[[float], None],
) -> tuple[FlickerInspection, ...]:
    stretch_us = round(options.stretch_s * 1e6)
    start_us, _ = span_us(recording, outcomes[0].recording, whole=False)
    # A stretch without events has no instant and lies before the first.
    numbers = [(instant_us(outcome) - start_us) // stretch_us for outcome in outcomes]
    count = max(0, max(numbers) + 1)
    found: dict[int, Events] = {}
    for k, stretch in enumerate(islice(windows_of(recording, stretch_us), count)):
        if k in numbers:
            found[k] = stretch
        progress((k + 1) / count)
    return tuple(_flicker_inspection(outcome, found.get(k)) for outcome, k in zip(outcomes, numbers, strict=True))


def _flicker_inspection(outcome: View | Rejection, events: Events | None) -> FlickerInspection:
    if events is None or not len(events):
        return FlickerInspection(outcome, FlickerEvidence(float("nan"), 0.0), None)
    evidence = flicker_evidence(events)
    image = signed_image(events, evidence.frequency_hz) if np.isfinite(evidence.frequency_hz) else None
    return FlickerInspection(outcome, evidence, image)
