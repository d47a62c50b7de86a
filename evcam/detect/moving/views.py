"""A moving circle grid: from a stream of events to timed views of its disc centres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import Rejection, View
from evcam.core.median import median
from evcam.core.target import CircleGrid
from evcam.detect.moving.discs import FITTED, REGION_STD_PX, TOO_FEW, DiscFits, DiscOptions, DiscStart, fit_discs
from evcam.detect.moving.field import smooth_field
from evcam.detect.moving.inspect import Inspector
from evcam.detect.moving.outliers import on_the_board
from evcam.detect.moving.scan import Start, scan
from evcam.detect.moving.sighting import NotSeen, Sighting, inside
from evcam.detect.moving.tracking import MAX_GAP_US
from evcam.errors import InputError
from evcam.flow.crossings import Crossings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MovingOptions:
    """How a moving grid is looked for.

    Attributes
    ----------
    step_us : int
        A view is attempted every ``step_us``, at most 100,000: the board is followed from one to the next.
    min_tone_count : int
        Bursts of fewer events do not change a pixel's tone.
    min_discs : int
        Views with fewer discs are rejected; at least 4.
    max_sigma_px : float
        A disc is rejected when the crossings scatter more than this around its outline.
    max_miss_px : float
        A disc is rejected when its outline's centre lies further than this from the centroid of its region.
    max_std_px : float
        A disc is rejected when its centre is less certain than this.
    discs : DiscOptions
        How each disc is fitted.
    """

    step_us: int = 20_000
    min_tone_count: int = 2
    min_discs: int = 8
    max_sigma_px: float = 0.4
    max_miss_px: float = 4.0
    max_std_px: float = 2.0
    discs: DiscOptions = field(default_factory=DiscOptions)

    def __post_init__(self) -> None:
        if not 1 <= self.step_us <= MAX_GAP_US:
            raise InputError(f"moving: step_us must lie between 1 and {MAX_GAP_US}, not {self.step_us!r}")
        for name, least in (("min_tone_count", 1), ("min_discs", 4)):
            if not getattr(self, name) >= least:
                raise InputError(f"moving: {name} must be at least {least}, not {getattr(self, name)!r}")
        for name in ("max_sigma_px", "max_miss_px", "max_std_px"):
            if not getattr(self, name) > 0:
                raise InputError(f"moving: {name} must be positive, not {getattr(self, name)!r}")


# Crossings that either arc, and both together, must have: of a disc alone, and of one that borrows from the others.
_ALONE = (5, 14)
_TOGETHER = (0, 5)
_ROUGH_SHAPE_STD = 0.15
_SHAPE_FLOOR = 0.01
_VELOCITY_FLOOR_PXPS = 3.0
_MIN_FOR_FIELD = 6
_BORDER_PX = 0.5  # of an outline that leaves the image a part is not seen, and the fit leans on the rest


def views_of_block(
    crossings: Crossings, times_us: NDArray[np.int64], kept: slice, start: Start, options: MovingOptions, recording: str,
    inspector: Inspector | None = None,
) -> tuple[list[View | Rejection], Start]:
    """Views at the instants ``times_us[kept]``; their points are the centres of the discs' images.

    The same number of instants before and after them only serve for velocities
    and accelerations.  An inspector keeps what led to the views of its instants.

    Returns
    -------
    list of View or Rejection
        One per kept instant.
    Start
        For the next block, whose first instant lies twice that number of steps before the end of this one's.
    """
    target = start.follower.target
    sightings, following = scan(crossings, times_us, start, len(times_us) - 2 * kept.start, inspector)
    starts = [_rough(sightings, i) for i in range(len(sightings))]
    fits = [_fit(crossings, s, target, options, _ALONE) if isinstance(s, DiscStart) else None for s in starts]
    out: list[View | Rejection] = []
    for i in range(len(times_us))[kept]:
        rough = starts[i]
        if isinstance(rough, NotSeen):
            out.append(Rejection(recording, rough.t_us, rough.reason, rough.detail))
            continue
        fit = _fit(crossings, _refined(rough, fits, i, options.step_us), target, options, _TOGETHER)
        if inspector is not None:
            inspector.fitted(rough.t_us, fit)
        out.append(_view(fit, rough, target, (crossings.width, crossings.height), options, recording))
    return out, following


def _fit(
    crossings: Crossings, start: DiscStart, target: CircleGrid, options: MovingOptions, needed: tuple[int, int]
) -> DiscFits:
    return fit_discs(
        crossings, start, dark=target.dark_on_light, options=options.discs, min_arc=needed[0], min_both=needed[1]
    )


def _rough(sightings: list[Sighting | NotSeen], i: int) -> DiscStart | NotSeen:
    """A start from the sightings before and after."""
    here = sightings[i]
    if isinstance(here, NotSeen):
        return here
    around = [s for s in sightings[max(i - 1, 0) : i + 2] if isinstance(s, Sighting)]
    first, last = around[0], around[-1]
    if len(around) == 1:
        return NotSeen(here.t_us, "no motion known", "the board is not seen just before or after")
    both = first.seen & last.seen
    if both.sum() < 3:
        return NotSeen(here.t_us, "no motion known", "fewer than three discs are seen just before and after")
    change = (last.centers - first.centers) / ((last.t_us - first.t_us) * 1e-6)
    velocities = smooth_field(here.centers, change, both, 2)
    spread = 10.0 + 0.3 * float(median(np.linalg.norm(velocities, axis=1)))
    still = np.zeros_like(velocities)
    return DiscStart(here.t_us, here.centers, velocities, still, here.shapes, here.seen, spread, _ROUGH_SHAPE_STD)


def _refined(start: DiscStart, fits: list[DiscFits | None], i: int, step_us: int) -> DiscStart:
    """A start that knows how the board as a whole moves and how its discs look, from the first fits.

    A disc that hardly moves, or shows one arc only, then borrows velocity and shape from the others.
    """
    before, fit, after = fits[i - 1] if i else None, fits[i], fits[i + 1] if i + 1 < len(fits) else None
    assert fit is not None
    good = fit.status == FITTED
    if good.sum() < _MIN_FOR_FIELD:
        return start
    velocities = smooth_field(start.centers, fit.velocities, good, 2)
    shapes = smooth_field(start.centers, fit.shapes.reshape(-1, 4), good, 2).reshape(-1, 2, 2)
    velocity_std = _scatter(fit.velocities[good] - velocities[good]) + _VELOCITY_FLOOR_PXPS
    size = np.sqrt(np.abs(np.linalg.det(shapes)))[:, None]
    shape_std = _scatter((fit.shapes - shapes).reshape(-1, 4)[good] / size[good]) + _SHAPE_FLOOR
    accelerations = np.zeros_like(velocities)
    known = [f for f in (before, fit, after) if f is not None]
    if len(known) > 1:
        both = (known[0].status == FITTED) & (known[-1].status == FITTED)
        if both.sum() >= _MIN_FOR_FIELD:
            span_s = step_us * 1e-6 * (len(known) - 1)
            accelerations = smooth_field(start.centers, (known[-1].velocities - known[0].velocities) / span_s, both, 2)
    return DiscStart(start.t_us, start.centers, velocities, accelerations, shapes, start.seen, velocity_std, shape_std)


def _scatter(differences: Array) -> float:
    """Robust standard deviation of differences around zero."""
    return 1.4826 * float(median(np.abs(differences).ravel()))


def _view(
    fit: DiscFits, start: DiscStart, target: CircleGrid, size: tuple[int, int], options: MovingOptions, recording: str
) -> View | Rejection:
    t_us = start.t_us
    miss = np.linalg.norm(fit.centers - start.centers, axis=1)
    std = np.sqrt(np.trace(fit.covariances, axis1=1, axis2=2))
    whole = inside(fit.centers, fit.shapes, size, _BORDER_PX)
    good = (fit.status == FITTED) & (miss < options.max_miss_px)
    good &= (fit.sigma_px < options.max_sigma_px) & (std < options.max_std_px) & whole
    # A disc that rests for a moment while the others move shows no edges: its region alone tells where it is.
    resting = (fit.status == TOO_FEW) & start.seen & whole
    centers = np.where(resting[:, None], start.centers, fit.centers)
    agree = on_the_board(target, centers, np.where(resting, 0.0, std), good | resting, start.seen)
    good &= agree
    if good.sum() < options.min_discs:
        return Rejection(recording, t_us, "too few discs fitted", f"{good.sum()} of {len(good)}")
    covariances = np.where(resting[:, None, None], REGION_STD_PX**2 * np.eye(2), fit.covariances)
    velocities = np.where(resting[:, None], start.velocities, fit.velocities)
    ids = np.flatnonzero(good | (resting & agree))
    return View(
        recording, 0, np.full(len(ids), t_us), ids, centers[ids], covariances[ids], velocities[ids],
        int(2 * fit.half_windows_us[ids].max()),
    )
