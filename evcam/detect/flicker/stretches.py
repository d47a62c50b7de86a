"""Boards that flicker before a still camera, on a screen or lit by LEDs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evcam.core.detections import Detections, Rejection, View
from evcam.core.events import Events
from evcam.core.target import CircleGrid, Target
from evcam.detect.board_map import with_circle_centers
from evcam.detect.flicker.board import FoundBoard, find_board, fit_of
from evcam.detect.flicker.options import FlickerOptions
from evcam.detect.flicker.phase import FlickerEvidence, flicker_evidence, signed_image
from evcam.detect.silences import Silence
from evcam.errors import InputError

_SHIFT_PROBES = 12


def detect_flicker(
    stretches: Iterable[Events], target: Target, options: FlickerOptions | None = None, *, name: str = "recording"
) -> Detections:
    """Find a board that flickers before a still camera.

    The events of a stretch are accumulated by the phase of the flicker into one
    signed image, in which corners or circles are found and fitted to a fraction of a pixel.

    Parameters
    ----------
    stretches : iterable of Events
        The recording, cut into stretches of `FlickerOptions.stretch_s`.
    target : Target
        Checkerboard or circle grid.
    options : FlickerOptions, optional
    name : str
        The recording's name in views and rejections.

    Returns
    -------
    Detections
        One view per stretch in which the board was found and one rejection for every other, but one for stretches without
        events on end; mode ``"flicker"``.

    Raises
    ------
    InputError
        No stretch at all, or stretches of different sensor sizes.

    Notes
    -----
    Stretches between which the board did not move repeat each other: they average
    noise, but are no independent views.  A pattern that alternates with its own negative has no
    dark squares; a checkerboard that only its colours tell from its half turn is then labelled up to that turn.
    """
    options = options or FlickerOptions()
    views: list[View] = []
    rejections: list[Rejection] = []
    size: tuple[int, int] | None = None
    last_us: int | None = None
    silent: list[Events] = []
    for stretch in stretches:
        if size not in (None, (stretch.width, stretch.height)):
            raise InputError(f"{name}: sensor size changes from {size} to {(stretch.width, stretch.height)} within the recording")
        size = (stretch.width, stretch.height)
        if not len(stretch) and last_us is not None:
            silent.append(stretch)
            continue
        if silent and last_us is not None:
            silence = Silence(last_us, int(stretch.t[0]))
            rejections.append(silence.rejection(name, sum(silence) // 2))
            silent = []
        last_us = int(stretch.t[-1]) if len(stretch) else None
        found = _detect_stretch(stretch, target, options, name, len(views))
        if isinstance(found, View):
            views.append(found)
        else:
            rejections.append(found)
    rejections += [_too_few(stretch, options, name) for stretch in silent]
    if size is None:
        raise InputError(f"{name}: no events to look for a board in")
    centered = with_circle_centers(views, target, *size) if isinstance(target, CircleGrid) else tuple(views)
    return Detections(target, *size, centered, tuple(rejections), mode="flicker")


def _detect_stretch(events: Events, target: Target, options: FlickerOptions, name: str, index: int) -> View | Rejection:
    mid_us = _mid_us(events)
    if len(events) < options.min_events:
        return _too_few(events, options, name)
    evidence = flicker_evidence(events)
    if evidence.coherence < options.min_coherence:
        return Rejection(name, mid_us, "no flicker", _describe(evidence, options))
    board = find_board(signed_image(events, evidence.frequency_hz), target, options.min_share)
    if board is None:
        return Rejection(name, mid_us, "board not found", f"flicker of {evidence.frequency_hz:.2f} Hz, but no {target.rows} x "
                         f"{target.cols} {target.to_dict()['type']} of which {options.min_share:.0%} of the points can be told")
    shift_px = _shift_between_halves(events, board, target, evidence.frequency_hz)
    if shift_px > options.max_shift_px:
        return Rejection(name, mid_us, "board moved", f"by {shift_px:.2f} px within {events.duration_s:.2f} s")
    return _view(board, options, name, index, mid_us, int(events.t[-1] - events.t[0]))


def _mid_us(events: Events) -> int:
    return int((events.t[0] + events.t[-1]) // 2) if len(events) else 0


def _too_few(events: Events, options: FlickerOptions, name: str) -> Rejection:
    return Rejection(name, _mid_us(events), "too few events", f"{len(events)} events, {options.min_events} needed")


def _describe(evidence: FlickerEvidence, options: FlickerOptions) -> str:
    if not np.isfinite(evidence.frequency_hz):
        return "too short, or too few pixels with both polarities, to tell a common frequency"
    return (f"coherence {evidence.coherence:.2f} at {evidence.frequency_hz:.1f} Hz, {options.min_coherence:.2f} needed; "
            "is the camera still and the pattern flickering?")


def _shift_between_halves(events: Events, board: FoundBoard, target: Target, frequency_hz: float) -> float:
    """Median distance that points of the board move from the first half of a stretch to the second, px."""
    middle = int(events.t[0] + events.t[-1]) // 2
    halves = (events.between(int(events.t[0]), middle), events.between(middle, int(events.t[-1]) + 1))
    fit = fit_of(target)
    first, second = (signed_image(half, frequency_hz) for half in halves)
    probes = np.unique(np.linspace(0, len(board.ids) - 1, _SHIFT_PROBES).astype(int))
    pairs = [(fit(first, board.xy[k], board.steps_px[k]), fit(second, board.xy[k], board.steps_px[k])) for k in probes]
    moves = [np.linalg.norm(a.xy - b.xy) for a, b in pairs if a is not None and b is not None]
    return float(np.median(moves)) if 2 * len(moves) > len(pairs) else float("inf")


def _view(
    board: FoundBoard, options: FlickerOptions, name: str, index: int, mid_us: int, window_us: int
) -> View:
    xy = board.xy
    cov = np.array([fit.cov for fit in board.fits]) + options.model_error_px**2 * np.eye(2)
    return View(name, index, np.full(len(xy), mid_us), board.ids, xy, cov, np.zeros_like(xy), window_us)
