"""A moving circle grid: from a stream of events to timed views of its disc centres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import Rejection, View
from evcam.core.target import CircleGrid
from evcam.detect.discs import FITTED, DiscFits, DiscOptions, fit_discs
from evcam.detect.following import Follower, NotSeen, Sighting
from evcam.detect.tone import ToneMap
from evcam.flow.crossings import Crossings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MovingOptions:
    """How a moving grid is looked for.

    Attributes
    ----------
    step_us : int
        A view is attempted every ``step_us``.
    min_tone_count : int
        Bursts of fewer events do not change a pixel's tone.
    min_discs : int
        Views with fewer discs are rejected.
    max_sigma_px : float
        A disc is rejected when the crossings scatter more than this around its outline.
    max_miss_px : float
        A disc is rejected when its outline's centre lies further than this from the centroid of its region.
    discs : DiscOptions
        How each disc is fitted.
    """

    step_us: int = 20_000
    min_tone_count: int = 2
    min_discs: int = 8
    max_sigma_px: float = 0.4
    max_miss_px: float = 1.5
    discs: DiscOptions = field(default_factory=DiscOptions)


@dataclass(frozen=True, eq=False, slots=True)
class _Moving:
    """A sighting with its motion, by disc id; NaN where not known."""

    sighting: Sighting
    velocities: Array
    accelerations: Array


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """What a block needs from the one before it: the picture and what was seen last."""

    tone: ToneMap
    follower: Follower

    def copy(self) -> Start:
        """An independent copy of the same moment."""
        return Start(self.tone.copy(), self.follower.copy())


def views_of_block(
    crossings: Crossings, times_us: NDArray[np.int64], kept: slice, start: Start, options: MovingOptions, recording: str
) -> tuple[list[View | Rejection], Start]:
    """Views at the instants ``times_us[kept]``; their points are the centres of the discs' images.

    The same number of instants before and after them only serve for velocities
    and accelerations.

    Returns
    -------
    list of View or Rejection
        One per kept instant.
    Start
        For the next block, whose first instant lies twice that number of steps before the end of this one's.
    """
    target = start.follower.target
    handover = len(times_us) - 2 * kept.start
    sightings: list[Sighting | NotSeen] = []
    following = start
    done = int(crossings.t[0]) if len(crossings) else 0
    for i, t_us in enumerate(map(int, times_us)):
        if i == handover:
            following = start.copy()
        start.tone.advance(crossings.between(done, t_us))
        done = max(done, t_us)
        sightings.append(start.follower.locate(start.tone, t_us))
    moving = [_with_velocities(sightings, i) for i in range(len(sightings))]
    fits = [_fit(crossings, m, target, options) if isinstance(m, _Moving) else None for m in moving]
    out = [
        _refined_view(crossings, moving, fits, i, target, options, recording) for i in range(len(times_us))[kept]
    ]
    return out, following


def _refined_view(
    crossings: Crossings, moving: list[_Moving | NotSeen], fits: list[DiscFits | None], i: int, target: CircleGrid,
    options: MovingOptions, recording: str,
) -> View | Rejection:
    here = moving[i]
    if isinstance(here, NotSeen):
        return Rejection(recording, here.t_us, here.reason, here.detail)
    refined = _with_accelerations(here, fits, i, options.step_us)
    return _view(refined, _fit(crossings, refined, target, options), target, options, recording)


def _with_velocities(sightings: list[Sighting | NotSeen], i: int) -> _Moving | NotSeen:
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
    velocities = _affine_field(here.centers, change, both)
    return _Moving(here, velocities, np.zeros_like(velocities))


def _with_accelerations(here: _Moving, fits: list[DiscFits | None], i: int, step_us: int) -> _Moving:
    """Velocities from the first fit, accelerations from those of the views before and after."""
    before, fit, after = fits[i - 1] if i else None, fits[i], fits[i + 1] if i + 1 < len(fits) else None
    known = [f for f in (before, fit, after) if f is not None]
    assert fit is not None
    good = fit.status == FITTED
    velocities = np.where(good[:, None], fit.velocities, here.velocities)
    accelerations = np.zeros_like(velocities)
    if len(known) > 1:
        span_s = step_us * 1e-6 * (len(known) - 1)
        both = (known[0].status == FITTED) & (known[-1].status == FITTED)
        if both.sum() >= 3:
            accelerations = _affine_field(here.sighting.centers, (known[-1].velocities - known[0].velocities) / span_s, both)
    return _Moving(here.sighting, velocities, accelerations)


def _affine_field(xy: Array, values: Array, known: NDArray[np.bool_]) -> Array:
    """Values that vary affinely over the image, fitted where they are known."""
    middle = xy[known].mean(0)
    scale = max(float(np.abs(xy[known] - middle).max()), 1.0)
    design = np.column_stack([np.ones(len(xy)), (xy - middle) / scale])
    # A little weight on zero slope keeps discs in a row from inventing a shear.
    prior = np.diag([0.0, 1e-3, 1e-3])
    rows = design[known]
    fitted: Array = design @ np.linalg.solve(rows.T @ rows + prior, rows.T @ values[known])
    return fitted


def _fit(crossings: Crossings, here: _Moving, target: CircleGrid, options: MovingOptions) -> DiscFits:
    return fit_discs(
        crossings, here.sighting.t_us, here.sighting.centers, here.velocities, here.accelerations, here.sighting.shapes,
        dark=target.dark_on_light, options=options.discs,
    )


def _view(
    here: _Moving, fit: DiscFits, target: CircleGrid, options: MovingOptions, recording: str
) -> View | Rejection:
    t_us = here.sighting.t_us
    miss = np.linalg.norm(fit.centers - here.sighting.centers, axis=1)
    good = (fit.status == FITTED) & (fit.sigma_px < options.max_sigma_px) & (miss < options.max_miss_px)
    if good.sum() < options.min_discs:
        return Rejection(recording, t_us, "too few discs fitted", f"{good.sum()} of {here.sighting.seen.sum()} that were seen")
    ids = np.flatnonzero(good)
    return View(
        recording, 0, np.full(len(ids), t_us), ids, fit.centers[ids], fit.covariances[ids], fit.velocities[ids],
        int(2 * fit.half_windows_us[ids].max()),
    )
