"""From the events of one window to its estimate; what both the batch and the stream use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.errors import InputError
from evcam.flow import Crossings, edge_crossings
from evcam.motion.camera_share import camera_share
from evcam.motion.direction import Motion, direction_of_motion
from evcam.motion.estimate import LineConstraint, MotionStatus, VelocityEstimate, in_plane_std_rad
from evcam.motion.factor import LineFactor
from evcam.motion.gyro import GyroWindow
from evcam.motion.lines import MovingLine
from evcam.motion.loose_edges import joined
from evcam.motion.options import VelocityOptions
from evcam.motion.pixels import PixelTable
from evcam.motion.posterior import GyroPrior, LineRates
from evcam.motion.rotation import Rotation
from evcam.motion.search import FEWEST_CROSSINGS, LineSearch
from evcam.motion.window import Window
from evcam.solvers import EventNoise
from evcam.solvers.gyro_terms import gyro_terms
from evcam.solvers.joint_fits import JointFits, fit_jointly

Array = NDArray[np.float64]

_MOST_PER_LINE = 300
_MOVES_SIGMA = 3.0
_FEWEST_LINES = 3
# What is not known of an angular velocity that was given, and how it may change within the window; and of a gyro's change.
_GIVEN_RADPS, _GIVEN_RADPS2 = 0.002, 5.0
_STEADY_RADPS2 = 0.1
_MOST_TRIMMED = 0.1
# Change of the plane's normal along itself within half a window at which it is as uncertain as it is large.
_TURNED_OVER = 0.3
_RESOLVED_LOG_ODDS = 6.0


class WindowSolver:
    """Estimates windows one after another; holds what carries over from one to the next."""

    def __init__(self, camera: Camera, options: VelocityOptions) -> None:
        covariance, count = options.camera_covariance, len(camera.params)
        if covariance is not None and covariance.shape != (count, count):
            raise InputError(f"velocity: camera_covariance must be {count}x{count} for {camera.model}, not {covariance.shape}")
        self.options, self.camera = options, camera
        self._search = LineSearch(camera, options)
        self._table: PixelTable | None = None

    @property
    def speed_pxps(self) -> float:
        """Median motion of the edges of the last window, without rotation; NaN before the first."""
        return self._search.speed_pxps

    @property
    def table(self) -> PixelTable:
        """Bearings of the pixels, computed when first needed."""
        if self._table is None:
            self._table = PixelTable.of(self.camera)
        return self._table

    def solve(self, events: Events, span_us: tuple[int, int], gyro: GyroWindow, notes: tuple[str, ...] = ()) -> VelocityEstimate:
        """The estimate of one window; the events begin before it and go on after it, by ``settle_us`` where there are any."""
        if (events.width, events.height) != (self.camera.width, self.camera.height):
            raise InputError(f"velocity: events of a {events.width}x{events.height} sensor do not belong to a "
                             f"{self.camera.width}x{self.camera.height} camera")
        count = len(events.between(*span_us))
        notes = (*notes, *gyro.notes)
        window = self._window(events, span_us, gyro)
        if len(window.t_s) < FEWEST_CROSSINGS:
            return VelocityEstimate.missing(span_us, MotionStatus.EMPTY, event_count=count, notes=notes)
        lines, loose = self._search.lines(window)
        fits = fit_jointly(window.for_solvers([_some(line.members) for line in lines]), EventNoise()) if lines else None
        if fits is None:
            status = MotionStatus.NO_LINES if len(lines) < _FEWEST_LINES else MotionStatus.STILL
            return VelocityEstimate.missing(span_us, status, event_count=count, notes=notes)
        lines = [lines[k] for k in fits.used]
        rates = _rates(window, lines, fits)
        gyro_std = self._gyro_std(window, gyro)
        moving = _moves(rates, gyro_std)
        loose = loose[_moves(loose, gyro_std)]
        prior = GyroPrior(np.zeros(3), gyro_std**2 * np.eye(3), _turning(gyro))
        motion, factor = None, None
        if moving.sum() >= _FEWEST_LINES:
            together = joined(rates[moving], loose)
            motion = direction_of_motion(together, prior)
            ids = tuple(lines[k].id for k in np.flatnonzero(moving))
            factor = LineFactor.of(ids, together, motion, prior)
            self._search.doubt([number for number, right in zip(ids, motion.right[:len(ids)], strict=True) if not right])
        constraints = self._constraints(window, lines, fits, rates, moving, motion)
        covariance = np.zeros((3, 3)) if motion is None else motion.covariance
        known = self.options.camera_covariance
        if motion is not None and known is not None:
            covariance = covariance + camera_share(self.camera, known, fits, rates, moving, motion, loose, prior)
        status = self._status(motion, covariance, rates, moving, len(lines))
        if status is not MotionStatus.OK or motion is None:
            return VelocityEstimate.missing(span_us, status, lines=constraints, event_count=count, notes=notes, factor=factor)
        return VelocityEstimate((span_us[0] + span_us[1]) // 2, *span_us, status, status.reason, motion.vector, covariance,
                                motion.sign_log_odds > _RESOLVED_LOG_ODDS, constraints, count, notes, factor)

    def look_ahead(self, events: Events, span_us: tuple[int, int], gyro: GyroWindow) -> bool:
        """Set the speeds from a first stretch of the recording; False if it holds too little."""
        window = self._window(events, span_us, gyro)
        return len(window.t_s) >= FEWEST_CROSSINGS and self._search.look_ahead(window)

    def _window(self, events: Events, span_us: tuple[int, int], gyro: GyroWindow) -> Window:
        middle_us = (span_us[0] + span_us[1]) // 2
        times = None if gyro.t_us is None else np.asarray((gyro.t_us - middle_us) * 1e-6, np.float64)
        rotation = Rotation.of((span_us[0] - middle_us) * 1e-6, (span_us[1] - middle_us) * 1e-6, gyro.radps, times)
        return Window.of(self._whole_crossings(events, span_us), span_us, rotation, self.table)

    def _whole_crossings(self, events: Events, span_us: tuple[int, int]) -> Crossings:
        """Crossings of bursts that are not cut: at the ends of the recording some part of the window is left out."""
        crossings = edge_crossings(events)
        if not len(events):
            return crossings
        most_us = min(self.options.settle_us, int(_MOST_TRIMMED * (span_us[1] - span_us[0])))
        first = min(int(events.t[0]) + self.options.settle_us, span_us[0] + most_us)
        last = max(int(events.t[-1]) - self.options.settle_us, span_us[1] - most_us)
        return crossings.between(max(first, span_us[0]), min(last, span_us[1]))

    def _gyro_std(self, window: Window, gyro: GyroWindow) -> float:
        """Standard deviation of the mean angular velocity per axis; of one that was given, its rounding."""
        if gyro.t_us is None:
            return _GIVEN_RADPS
        noise = self.options.gyro_noise_radps_rthz / np.sqrt(2 * window.half_s)
        return float(np.sqrt(self.options.gyro_bias_radps**2 + gyro.gap_radps**2 + noise**2 + _GIVEN_RADPS**2))

    def _status(
        self, motion: Motion | None, covariance: Array, rates: LineRates, moving: NDArray[np.bool_], lines: int
    ) -> MotionStatus:
        if lines < _FEWEST_LINES:
            return MotionStatus.NO_LINES
        if motion is None:
            return MotionStatus.STILL
        spread = np.linalg.eigvalsh(rates.b[moving].T @ rates.b[moving] / moving.sum())
        if in_plane_std_rad(motion.vector, covariance) > np.radians(self.options.max_in_plane_std_deg):
            return MotionStatus.ONE_DIRECTION if spread[1] < 0.02 else MotionStatus.UNCERTAIN
        return MotionStatus.OK

    def _constraints(self, window: Window, lines: list[MovingLine], fits: JointFits, rates: LineRates,
                     moving: NDArray[np.bool_], motion: Motion | None) -> tuple[LineConstraint, ...]:
        errors = np.full(len(lines), np.nan)
        if motion is not None:
            errors[moving] = motion.errors[:moving.sum()]
        covariances = fits.fits.covariances * fits.widening[:, None, None]
        ends_px = self.camera.project(np.stack([line.ends for line in lines]))
        return tuple(LineConstraint(line.id, rates.b[k], rates.a[k], covariances[k], float(fits.fits.front_shares[k]),
                                    float(errors[k]), ends_px[k], _taken(window.crossings, line.members))
                     for k, line in enumerate(lines))


def _taken(c: Crossings, index: NDArray[np.int64]) -> Crossings:
    """Some crossings, without a mask over all of them."""
    return Crossings(c.t[index], c.x[index], c.y[index], c.p[index], c.count[index], c.full[index], c.step_us[index],
                     c.width, c.height)


def _turning(gyro: GyroWindow) -> float:
    return _STEADY_RADPS2 if gyro.t_us is not None else _GIVEN_RADPS2


def _moves(rates: LineRates, gyro_std: float) -> NDArray[np.bool_]:
    """Which of them move by more than their uncertainty and the gyro's make them."""
    unsure = np.hypot(rates.speed_std, gyro_std * np.linalg.norm(rates.speed_by_gyro, axis=1))
    return np.asarray(rates.speed > _MOVES_SIGMA * unsure)


def _some(members: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most so many members, evenly over the window."""
    if len(members) <= _MOST_PER_LINE:
        return members
    return members[np.linspace(0, len(members) - 1, _MOST_PER_LINE).astype(np.int64)]


def _rates(window: Window, lines: list[MovingLine], fits: JointFits) -> LineRates:
    rates = fits.rates()
    terms = gyro_terms(fits.stack, fits.fits.vectors, fits.fits.noise)
    rays = np.stack([line.frame[2] + (line.low + line.high) / 2 * line.frame[0] for line in lines])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    # A plane that turns over within the window is the other minimum of a slow line's cost, or noise: its narrowness is none.
    turning = (rates.a * rates.b).sum(1)
    doubt = turning**2 * (np.abs(turning) * window.half_s / _TURNED_OVER) ** 4
    covariance = rates.covariance + doubt[:, None, None] * rates.b[:, :, None] * rates.b[:, None]
    return LineRates(rates.b, rates.a, covariance, rays, terms.shifts[:, 3:])
