"""From events to what the page shows: pictures at once, the board half a second later, a judgement every second."""

from __future__ import annotations

import base64
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from evcam.calib.coaching import Coach, Progress
from evcam.core.detections import Rejection, View
from evcam.core.events import Events
from evcam.core.target import CircleGrid
from evcam.detect.moving.stream import WINDOW_US, detect_moving
from evcam.errors import EvcamError
from evcam.viz.spacetime import SpaceTime, event_picture

_PICTURE_US = 30_000
_PICTURE_EVERY_S = 0.08
_JUDGE_EVERY_S = 1.0
_BLOCK_WINDOWS = 1
_LAST_WORDS_S = 0.5

Publish = Callable[[str, dict[str, Any]], None]


class Coaching:
    """Follows events and publishes what a person holding a board should see.

    Parameters
    ----------
    coach : Coach
    publish : callable
        Takes the name of a message (``"picture"``, ``"board"``, ``"progress"``) and its content.
    name : str
        Of the camera or recording.
    """

    def __init__(self, coach: Coach, publish: Publish, *, name: str = "camera") -> None:
        self.coach = coach
        self._publish = publish
        self._name = name
        self._windows: queue.SimpleQueue[Events | None] = queue.SimpleQueue()
        self._detector = threading.Thread(target=self._detect, name="detector", daemon=True)
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._progress = Progress(0, {}, (), "no view of the board so far", np.zeros((9, 12), bool))
        self._enough = threading.Event()
        self._start_us = 0

    def follow(self, pieces: Iterable[Events], *, until_enough: bool = False) -> Progress:
        """Work through pieces as they come, to their end or until it is enough.

        Parameters
        ----------
        pieces : iterable of Events
            Consecutive pieces of one camera, as long or short as they come.
        until_enough : bool
            Stop as soon as the wanted standard deviations are reached.
        """
        drawn_s = 0.0
        try:
            for piece in self._into_windows(pieces):
                if self._failure is not None or (until_enough and self._enough.is_set()):
                    break
                if len(piece) and time.monotonic() - drawn_s >= _PICTURE_EVERY_S:
                    drawn_s = time.monotonic()
                    self._publish_picture(piece)
        except EvcamError:
            self._windows.put(None)  # or the detector would wait for ever
            raise
        return self.finish()

    def finish(self) -> Progress:
        """Let the detector come to its end, judge for the last time and say so."""
        self._windows.put(None)
        if self._detector.is_alive():
            self._detector.join()
        if self._failure is not None:
            raise self._failure
        with self._lock:
            self._judge(is_over=True)
        time.sleep(_LAST_WORDS_S)  # until the page has heard it
        return self._progress

    def _into_windows(self, pieces: Iterable[Events]) -> Iterator[Events]:
        """Hand every piece on, and what fills a quarter of a second to the detector."""
        pending: list[Events] = []
        stop_us: int | None = None
        for piece in pieces:
            rest = piece
            while len(rest):
                if stop_us is None:
                    self._start_us = int(rest.t[0])
                    stop_us = self._start_us + WINDOW_US
                    self._detector.start()
                cut = int(np.searchsorted(rest.t, stop_us))
                pending.append(rest[:cut])
                rest = rest[cut:]
                if len(rest):
                    self._windows.put(Events.joined(pending))
                    pending, stop_us = [], stop_us + WINDOW_US
                    if not cut:
                        pending = [rest[:0]]
            yield piece
        if pending:
            self._windows.put(Events.joined(pending))

    def _detect(self) -> None:
        judged_s = time.monotonic()

        def take(outcomes: list[View | Rejection]) -> None:
            nonlocal judged_s
            with self._lock:
                self.coach.add(outcomes)
                self._publish_board(outcomes)
                if time.monotonic() - judged_s >= _JUDGE_EVERY_S:
                    self._judge()
                    judged_s = time.monotonic()

        try:
            target = self.coach.target
            assert isinstance(target, CircleGrid)
            detect_moving(iter(self._windows.get, None), self._start_us, target, name=self._name, on_block=take,
                          block_windows=_BLOCK_WINDOWS)
        except BaseException as error:  # handed to the thread that waits
            self._failure = error

    def _judge(self, *, is_over: bool = False) -> None:
        self._progress = self.coach.judge()
        if self._progress.is_enough:
            self._enough.set()
        self._publish("progress", {**progress_to_dict(self._progress), "over": is_over})

    def _publish_picture(self, piece: Events) -> None:
        import cv2

        space = SpaceTime(piece.width, piece.height, int(piece.t[-1]), _PICTURE_US)
        done, png = cv2.imencode(".png", event_picture(space, piece)[..., ::-1])
        assert done
        seconds = (int(piece.t[-1]) - self._start_us) * 1e-6
        self._publish("picture", {"png": base64.b64encode(png.tobytes()).decode(), "t_s": seconds,
                                  "width": piece.width, "height": piece.height})

    def _publish_board(self, outcomes: list[View | Rejection]) -> None:
        if not outcomes:
            return
        views = [outcome for outcome in outcomes if isinstance(outcome, View)]
        boards = [{"t_s": (view.mid_us - self._start_us) * 1e-6, "xy": view.xy.round(1).tolist()} for view in views]
        last = outcomes[-1]
        self._publish("board", {"boards": boards, "reason": last.reason if isinstance(last, Rejection) else ""})


def progress_to_dict(progress: Progress) -> dict[str, Any]:
    """What the page needs to know."""
    return {
        "enough": progress.is_enough, "views": progress.views, "problem": progress.problem, "advice": list(progress.advice[:3]),
        "goals": [{"name": goal.name, "unit": goal.unit, "std": goal.std, "wanted": goal.wanted, "share": goal.share,
                   "met": goal.is_met} for goal in progress.goals],
        "covered": progress.covered.astype(int).tolist(),
        "missing": {"zones": list(progress.missing_zones), "sides": list(progress.missing_sides),
                    "distances": list(progress.missing_distances), "motions": list(progress.missing_motions)},
        "reasons": dict(list(progress.reasons.items())[:3]),
    }
