"""Find moving lines among events with outliers: RANSAC on the eventail."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError
from evcam.solvers._scoring import _cheapest, _squared_distances
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.eventail import EventailSolution, determined_vectors, eventail_linear
from evcam.solvers.line_estimate import LineEstimate
from evcam.solvers.line_fits import EventsOfLines, descend
from evcam.solvers.line_polish import polish
from evcam.solvers.noise import EventNoise
from evcam.solvers.ransac import RansacOptions, RansacReport, ransac
from evcam.solvers.refinement import refine_line
from evcam.solvers.status import Status

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SAMPLE = 5
_LEAST_MEMBERSHIP = 0.01
# A line that moves by less than so many thresholds has two minima.
_SLOW = 10.0
_GRADES = (40.0, 8.0, 3.0, 1.0)


@dataclass(frozen=True, slots=True)
class LineSearchOptions:
    """How lines are looked for among events.

    Attributes
    ----------
    threshold_px : float
        Events within this distance of the moving line are inliers (the unit of `DerotatedEvents.pixel_jacobians`).
    min_inliers : int
        A line needs as many.
    max_lines : int
        `find_lines` stops after as many.
    ransac : RansacOptions
    """

    threshold_px: float = 1.5
    min_inliers: int = 15
    max_lines: int = 20
    ransac: RansacOptions = field(default_factory=RansacOptions)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.threshold_px) and self.threshold_px > 0):
            raise InputError(f"LineSearchOptions: threshold_px must be positive, not {self.threshold_px}")
        if self.min_inliers <= _SAMPLE or self.max_lines < 1:
            raise InputError("LineSearchOptions: min_inliers must exceed 5 and max_lines must be at least 1")


@dataclass(frozen=True, eq=False, slots=True)
class FoundLine:
    """A line found among events.

    Attributes
    ----------
    line : LineEstimate
        Refined over the inliers; status `NO_CONSENSUS` if there were too few.
    inliers : ndarray of bool, shape (N,)
        Which of the events given belong to it.
    report : RansacReport
    """

    line: LineEstimate
    inliers: Mask
    report: RansacReport


class LineEstimator:
    """The moving line as an `Estimator`: five events, one from each fifth of the time.

    Samples spread in time determine the motion best.  Along the line they are spread by chance, and samples that lie too
    close together to determine a line are dropped by the solver.
    """

    def __init__(self, events: DerotatedEvents, threshold_px: float) -> None:
        self.events = events
        self.limit = threshold_px**2
        order = np.argsort(events.times_s, kind="stable")
        self.strata = np.array_split(order, _SAMPLE)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """One event of each fifth."""
        return np.stack([stratum[rng.integers(0, len(stratum), count)] for stratum in self.strata], 1)

    def solve(self, samples: NDArray[np.int64]) -> Array:
        """Five-point solutions."""
        return determined_vectors(self.events.bearings[samples], self.events.times_s[samples])

    def best(self, models: Array, bound: float) -> tuple[int, float]:
        """Cheapest model by truncated squared pixel distance."""
        e = self.events
        which, cost = _cheapest(e.bearings, e.pixel_jacobians, e.times_s, models, self.limit, float(bound))
        return int(which), float(cost)

    def distances(self, model: Array) -> Array:
        """Distance of each event to the line at its own time, pixels."""
        e, out = self.events, np.empty(len(self.events))
        _squared_distances(e.bearings, e.pixel_jacobians, e.times_s, model, out)
        return np.sqrt(out)

    def inliers(self, model: Array) -> Mask:
        """Events within the threshold."""
        near: Mask = self.distances(model) ** 2 < self.limit
        return near

    def refine(self, model: Array, inliers: Mask) -> Array | None:
        """Linear least squares over the inliers, weighted to pixels."""
        if inliers.sum() <= _SAMPLE:
            return None
        e = self.events
        f, t = e.bearings[inliers], e.times_s[inliers]
        n = model[:3] - t[:, None] * model[3:]
        weights = 1 / (np.einsum("nij,ni->nj", e.pixel_jacobians[inliers], n) ** 2).sum(1)
        solution = eventail_linear(f, t, weights / weights.mean())
        return solution.vectors if solution else None

    def probability_of_good_sample(self, inliers: Mask) -> float:
        """Product over the fifths of their share of inliers: exact for this sampler."""
        return float(np.prod([inliers[stratum].mean() for stratum in self.strata]))


def find_line(
    events: DerotatedEvents,
    options: LineSearchOptions | None = None,
    *,
    noise: EventNoise | None = None,
    seed: int | np.random.Generator = 0,
) -> FoundLine:
    """One moving line among events with outliers.

    Parameters
    ----------
    events : DerotatedEvents
    options : LineSearchOptions, optional
    noise : EventNoise, optional
        For the refinement over the inliers.
    seed : int or numpy.random.Generator
        The same seed gives the same result.

    Returns
    -------
    FoundLine

    Notes
    -----
    After the search each event gets a probability of belonging to the line, by its distance and by how dense the outliers are
    beside the line (`evcam.solvers.line_polish`); the refinement weighs the events by it, and inliers are those above a half.
    """
    options = options or LineSearchOptions()
    if len(events) < options.min_inliers:
        return _nothing(len(events), RansacReport(None, np.zeros(len(events), bool), 0.0, 0, 0, "max_trials"), Status.TOO_FEW)
    estimator = LineEstimator(events, options.threshold_px)
    report = ransac(estimator, len(events), options.ransac, seed=seed)
    if report.model is None or report.inliers.sum() < options.min_inliers:
        return _nothing(len(events), report, Status.NO_CONSENSUS)
    return _refined(estimator, report, options, noise)


def find_lines(
    events: DerotatedEvents,
    options: LineSearchOptions | None = None,
    *,
    noise: EventNoise | None = None,
    seed: int | np.random.Generator = 0,
) -> list[FoundLine]:
    """Several moving lines, one after the other, strongest first; each event belongs to one line at most.

    Parameters
    ----------
    events, options, noise, seed
        As in `find_line`.

    Returns
    -------
    list of FoundLine
        Their masks refer to all events given.
    """
    options, rng = options or LineSearchOptions(), np.random.default_rng(seed)
    left = np.arange(len(events))
    found: list[FoundLine] = []
    while len(found) < options.max_lines and len(left) >= options.min_inliers:
        one = find_line(events[left], options, noise=noise, seed=rng)
        if not one.line:
            break
        mask = np.zeros(len(events), bool)
        mask[left[one.inliers]] = True
        found.append(FoundLine(one.line, mask, one.report))
        # Events beside the line, which are more likely outliers, would be found again as its ghosts.
        left = left[~(one.inliers | one.report.inliers)]
    return found


def _refined(
    estimator: LineEstimator, report: RansacReport, options: LineSearchOptions, noise: EventNoise | None
) -> FoundLine:
    vector, membership = polish(estimator.events, _global(estimator, report, options), options.threshold_px)
    inliers = membership > 0.5
    if inliers.sum() < options.min_inliers:
        return FoundLine(LineEstimate.missing(Status.NO_CONSENSUS), report.inliers, report)
    some = np.flatnonzero(membership > _LEAST_MEMBERSHIP)
    start = EventailSolution(vector, np.array(0, np.int8), np.array(1.0), np.array(0.0), np.array(1.0))
    line = refine_line(estimator.events[some], start, noise=noise, weights=membership[some])
    return FoundLine(line, inliers, report)


def _global(estimator: LineEstimator, report: RansacReport, options: LineSearchOptions) -> Array:
    """The model found, or the other minimum that slow lines have, where that costs less.

    A slow line ``[b, 0]`` also fits ``[0, b]``, whose plane sweeps the whole image when it changes its sign, and gathers
    outliers there.  With those as inliers the way back is barred to least squares; it is found from the line at rest, with
    a limit that shrinks to the threshold.
    """
    model = np.asarray(report.model)
    stack = EventsOfLines.joined([estimator.events[report.inliers]])
    f = stack.events.bearings
    other = np.concatenate([np.linalg.eigh(f.T @ f)[1][:, 0], np.zeros(3)])
    distances = estimator.distances(other)[report.inliers]
    if np.median(distances) > _SLOW * options.threshold_px:
        return model
    for limit in _GRADES:
        other = descend(stack.weighted((distances < limit * options.threshold_px).astype(float)), other[None])[0]
        distances = estimator.distances(other)[report.inliers]
    which, _ = estimator.best(np.stack([other, model]), np.inf)
    return other if which == 0 else model


def _nothing(count: int, report: RansacReport, status: Status) -> FoundLine:
    return FoundLine(LineEstimate.missing(status), np.zeros(count, bool), report)
