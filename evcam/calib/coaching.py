"""While a calibration is recorded: what is sure by now, what is still missing, and when it is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.calib.calibration import Calibration
from evcam.calib.cells import cells_with_points
from evcam.calib.coverage import Coverage, measure_coverage
from evcam.calib.intrinsics import MIN_VIEWS, calibrate
from evcam.calib.next_views import what_next
from evcam.calib.options import CalibrationOptions
from evcam.calib.verdict import STRETCHES
from evcam.core.detections import Detections, Rejection, View
from evcam.core.target import CircleGrid, Target
from evcam.detect.board_map import with_circle_centers
from evcam.detect.moving.views import MovingOptions
from evcam.errors import InputError, NotEnoughDataError

Array = NDArray[np.float64]

MOTIONS = ("to the right", "down", "to the left", "up")
"""Directions in which the board's image moves."""

_CELLS = (12, 9)
_MOST_VIEWS = 250
_LEAST_SPEED_PXPS = 15.0
_LEAST_MOVING = 3
_LEAST_US = 3_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """How sure a calibration is to be, as standard deviations.

    Attributes
    ----------
    focal_percent : float
        Of either focal length, relative.
    centre_px : float
        Of either coordinate of the principal point.
    projection_px : float
        Of where a bearing is seen, both axes together and a rotation taken off, over nine tenths of the image.
    """

    focal_percent: float = 0.3
    centre_px: float = 1.0
    projection_px: float = 0.5

    def __post_init__(self) -> None:
        for name in ("focal_percent", "centre_px", "projection_px"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"wanted {name} must be a positive number, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Goal:
    """One wanted standard deviation.

    Attributes
    ----------
    name, unit : str
    std, wanted : float
        What is predicted now, and what it should fall below.
    """

    name: str
    unit: str
    std: float
    wanted: float

    @property
    def is_met(self) -> bool:
        """Whether it is as small as wanted."""
        return self.std <= self.wanted

    @property
    def share(self) -> float:
        """How far it is, 0 to 1: a standard deviation falls with the square root of what is recorded."""
        return float(min(1.0, (self.wanted / max(self.std, 1e-12)) ** 2))


@dataclass(frozen=True, eq=False, slots=True)
class Progress:
    """Where a recording stands.

    Attributes
    ----------
    views : int
        Views of the board so far.
    reasons : dict of str to int
        Why windows gave no view, the most frequent first.
    goals : tuple of Goal
        Empty while the views allow no calibration.
    problem : str
        Why they do not, or why the standard deviations cannot be relied on yet; empty otherwise.
    covered : ndarray of bool, shape (9, 12)
        Cells of the image in which the board was seen.
    missing_zones, missing_sides, missing_distances, missing_motions : tuple of str
        Ninths of the image, sides of the board that were never tilted away, distances and directions of motion.
    advice : tuple of str
        What would help most, in order.
    calibration : Calibration or None
        From the views so far.
    """

    views: int
    reasons: dict[str, int]
    goals: tuple[Goal, ...]
    problem: str
    covered: NDArray[np.bool_]
    missing_zones: tuple[str, ...] = ()
    missing_sides: tuple[str, ...] = ()
    missing_distances: tuple[str, ...] = ()
    missing_motions: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    calibration: Calibration | None = None

    @property
    def is_enough(self) -> bool:
        """Whether every standard deviation is below the wanted one and rests on enough independent stretches of time."""
        return bool(self.goals) and not self.problem and all(goal.is_met for goal in self.goals)


class Coach:
    """Collects views while they come and says how far they go.

    Parameters
    ----------
    target : Target
    width, height : int
        Sensor size, px.
    wanted : Wanted, optional
    model : str
        Camera model.
    options : CalibrationOptions, optional
        For the calibrations on the way.
    """

    def __init__(
        self, target: Target, width: int, height: int, *, wanted: Wanted | None = None, model: str = "pinhole-radtan",
        options: CalibrationOptions | None = None,
    ) -> None:
        self.target = target
        self.size = (width, height)
        self.wanted = wanted or Wanted()
        self.model = model
        self.options = replace(options or CalibrationOptions(), max_views=_MOST_VIEWS)
        self._views: list[View] = []
        self._rejections: list[Rejection] = []
        self._covered = np.zeros(_CELLS[::-1], bool)

    def add(self, outcomes: Sequence[View | Rejection]) -> None:
        """Take views and rejections, later than all before."""
        for outcome in outcomes:
            if isinstance(outcome, Rejection):
                self._rejections.append(outcome)
                continue
            self._views.append(replace(outcome, index=len(self._views)))
            self._covered |= cells_with_points(outcome.xy, self.size, _CELLS)

    @property
    def detections(self) -> Detections:
        """Everything so far."""
        views: Sequence[View] = self._views
        if isinstance(self.target, CircleGrid) and views:
            views = with_circle_centers(views, self.target, *self.size, MovingOptions().discs.min_cosine)
        return Detections(self.target, *self.size, tuple(views), tuple(self._rejections), "moving")

    def judge(self) -> Progress:
        """Calibrate from what there is, and say how far that goes."""
        reasons = dict(Counter(rejection.reason for rejection in self._rejections).most_common())
        motions = missing_motions(self._views)
        try:
            calibration = calibrate(self.detections, self.model, self.options)
        except NotEnoughDataError:
            return Progress(len(self._views), reasons, (), self._too_early(), self._covered.copy(), missing_motions=motions,
                            advice=(_FIRST_ADVICE,))
        coverage = measure_coverage(calibration)
        goals, problem = goals_of(calibration, self.wanted), _problem(calibration)
        return Progress(
            len(self._views), reasons, goals, problem, self._covered.copy(),
            tuple(zone.name for zone in coverage.zones if zone.is_missing), coverage.missing_sides, _missing_distances(coverage),
            motions, tuple(view.text for view in what_next(calibration)) or (_GENERAL_ADVICE,), calibration,
        )

    def _too_early(self) -> str:
        if len(self._views) < MIN_VIEWS:
            return f"{len(self._views)} views of the board so far"
        return "the views so far do not determine the camera"


_FIRST_ADVICE = "move the board before the camera, tilt it, bring it near and far"
_GENERAL_ADVICE = "go on as before: near and far, tilted to every side, into every corner"


def goals_of(calibration: Calibration, wanted: Wanted) -> tuple[Goal, ...]:
    """The standard deviations of a calibration beside the wanted ones."""
    camera, stds = calibration.camera, calibration.stds
    return (
        Goal("focal length", "%", 100 * float((stds[:2] / camera.params[:2]).max()), wanted.focal_percent),
        Goal("principal point", "px", float(stds[2:4].max()), wanted.centre_px),
        Goal("projection", "px", calibration.image_std_p90(), wanted.projection_px),
    )


def _problem(calibration: Calibration) -> str:
    """Why standard deviations cannot be relied on yet: neighbouring views err alike."""
    times = [calibration.detections.views[fit.view].mid_us for fit in calibration.fits]
    seen_us = max(times) - min(times)
    if seen_us < _LEAST_US:
        return f"the board was seen for {seen_us // 100_000 / 10:.1f} s so far, {_LEAST_US * 1e-6:.0f} s are needed"
    if STRETCHES.grade(calibration.independent_stretches):
        return f"{calibration.independent_stretches} independent stretches of time so far, {STRETCHES.usable:.0f} are needed"
    return ""


def _missing_distances(coverage: Coverage) -> tuple[str, ...]:
    if not coverage.is_one_distance:
        return ()
    near, far = coverage.distance_range_m
    return (f"nearer than {near:.2f} m", f"farther than {far:.2f} m")


def missing_motions(views: Sequence[View]) -> tuple[str, ...]:
    """Directions in which the board's image hardly ever moved; edges along which it never moves are seen worst."""
    counts = np.zeros(len(MOTIONS), int)
    for view in views:
        mean = view.velocity.mean(0)
        if np.linalg.norm(mean) >= _LEAST_SPEED_PXPS:
            quarter = np.arctan2(mean[1], mean[0]) / (np.pi / 2)
            counts[int(np.round(quarter)) % 4] += 1
    return tuple(name for name, count in zip(MOTIONS, counts, strict=True) if count < _LEAST_MOVING)
