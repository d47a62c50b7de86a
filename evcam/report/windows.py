"""What recordings show of a calibration's views and rejected windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evcam.calib import Calibration
from evcam.core.detections import Rejection
from evcam.core.events import Events
from evcam.detect.inspection import inspect
from evcam.errors import InputError
from evcam.io import Recording
from evcam.viz.residuals import view_rms_px
from evcam.viz.style import Picture
from evcam.viz.views import rejection_picture, view_picture

_BEST, _WORST = 3, 3
_PER_REASON = 2
_LONGEST_US = 50_000


def match_recordings(calibration: Calibration, paths: Sequence[str]) -> dict[str, str]:
    """Which of the calibration's recordings each path is: name to path.

    Raises
    ------
    InputError
        A path that is none of them, or two that are the same.
    """
    names = calibration.detections.recordings
    matched: dict[str, str] = {}
    for path in paths:
        parts = Path(path).absolute().parts
        found = [name for name in names if parts[-len(Path(name).parts):] == Path(name).parts]
        if not found:
            raise InputError(f"{path}: is none of the calibration's recordings, which are {', '.join(names)}")
        if found[0] in matched:
            raise InputError(f"{path}: the calibration has one recording {found[0]}; it is given already as {matched[found[0]]}")
        matched[found[0]] = path
    return matched


def best_and_worst(calibration: Calibration, recordings: Mapping[str, Recording]) -> tuple[list[Picture], list[Picture]]:
    """Pictures of the views that fit best and worst, no two of one moment; with their events where the recording is at hand."""
    order = np.argsort(view_rms_px(calibration), kind="stable").tolist()
    best = _apart(calibration, order, _BEST)
    worst = _apart(calibration, [k for k in reversed(order) if k not in best], _WORST)
    draw = [[view_picture(calibration, k, _events(calibration, k, recordings)) for k in some] for some in (best, worst)]
    return draw[0], draw[1]


def rejection_pictures(
    calibration: Calibration, recordings: Mapping[str, Recording], progress: Callable[[float], None] | None = None
) -> dict[str, list[Picture]]:
    """Pictures of the first windows that were rejected for each reason in the recordings at hand.

    ``progress`` is called now and then with the share that is done, 0 to 1.
    """
    pictures: dict[str, list[Picture]] = {}
    for number, (name, recording) in enumerate(recordings.items()):
        chosen = [rejection for reason in calibration.detections.rejection_counts()
                  for rejection in _first(calibration, name, reason)[: _PER_REASON - len(pictures.get(reason, []))]]
        for inspection in inspect(recording, calibration.detections, chosen, progress=_part(progress, number, len(recordings))):
            assert isinstance(inspection.outcome, Rejection)
            pictures.setdefault(inspection.outcome.reason, []).append(rejection_picture(inspection))
    return pictures


def _part(progress: Callable[[float], None] | None, number: int, count: int) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress((number + share) / count)


def _first(calibration: Calibration, name: str, reason: str) -> list[Rejection]:
    rejections = calibration.detections.rejections
    return [rejection for rejection in rejections if rejection.recording == name and rejection.reason == reason][:_PER_REASON]


def _apart(calibration: Calibration, order: Sequence[int], most: int) -> list[int]:
    """The first of some views, none within a second of another one of its recording."""
    views = [calibration.detections.views[fit.view] for fit in calibration.fits]
    taken: list[int] = []
    for k in order:
        near = (views[k].recording == views[j].recording and abs(views[k].mid_us - views[j].mid_us) < 1_000_000 for j in taken)
        if len(taken) < most and not any(near):
            taken.append(k)
    return taken


def _events(calibration: Calibration, position: int, recordings: Mapping[str, Recording]) -> Events | None:
    view = calibration.detections.views[calibration.fits[position].view]
    recording = recordings.get(view.recording)
    if recording is None:
        return None
    half_us = min(view.window_us or _LONGEST_US, _LONGEST_US) / 2
    at_us = view.mid_us - recording.start_us
    events = recording.events(max((at_us - half_us) * 1e-6, 0.0), (at_us + half_us) * 1e-6)
    if not len(events):
        raise InputError(f"{recording.name}: holds no events at {at_us * 1e-6:.3f} s, where the calibration has a view; "
                         "is it the recording that was calibrated from?")
    return events
