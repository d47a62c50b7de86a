"""Direction of motion from a stream of events and gyro samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.errors import InputError
from evcam.motion.core import WindowSolver
from evcam.motion.estimate import MotionStatus, VelocityEstimate
from evcam.motion.event_buffer import EventBuffer
from evcam.motion.gyro import GyroBuffer, GyroWindow
from evcam.motion.options import VelocityOptions

_FIRST_LOOK_US = 10_000
# Share of a window that has to be left at the end of the recording for another one.
_LEAST_LEFT = 0.25


class VelocityEstimator:
    """Estimates as events and gyro samples come in.

    Pushed events are kept, not copied, until their window is done; a window is done when events and gyro have passed its end.
    A time without any events, longer than a window and than ``options.longest_us``, is one empty window.
    Nothing is shared between estimators, and the kernels release the GIL; one estimator is for one thread at a time.

    Parameters
    ----------
    camera : Camera
    options : VelocityOptions, optional
    angular_velocity_radps : array_like of float, shape (3,), optional
        Of the camera, in its own axes; then no gyro is waited for.

    Examples
    --------
    >>> camera = Camera("pinhole-radtan", [200, 200, 119.5, 89.5, 0, 0, 0, 0, 0], 240, 180)
    >>> odometer = VelocityEstimator(camera, angular_velocity_radps=[0, 0, 0])
    >>> odometer.push_events(Events.empty(240, 180))
    >>> odometer.poll()
    []
    """

    def __init__(
        self, camera: Camera, options: VelocityOptions | None = None, *, angular_velocity_radps: ArrayLike | None = None
    ) -> None:
        self.options = options or VelocityOptions()
        self._solver = WindowSolver(camera, self.options)
        self._gyro = GyroBuffer()
        self._constant = None if angular_velocity_radps is None else _checked(angular_velocity_radps)
        self._events = EventBuffer(camera.width, camera.height)
        self._start_us: int | None = None
        self._first_us: int | None = None
        self._before_us: int | None = None
        self._look_us = _FIRST_LOOK_US
        self._finished = False

    def push_events(self, events: Events) -> None:
        """Add events that follow those pushed before.

        Raises
        ------
        InputError
            Events of another sensor, or that begin before the last ones end, or after `finish`.
        """
        camera = self._solver.camera
        self._check_open()
        if (events.width, events.height) != (camera.width, camera.height):
            raise InputError(f"velocity: events of a {events.width}x{events.height} sensor do not belong to a "
                             f"{camera.width}x{camera.height} camera")
        if not len(events):
            return
        self._events.push(events)
        if self._first_us is None:
            self._first_us = int(events.t[0])
            # Bursts that began before the recording did are cut.
            self._start_us = self._first_us + (0 if self._is_fixed else self.options.settle_us)

    def push_imu(self, samples: ImuSamples) -> None:
        """Add gyro samples, with their `R_cam_imu` and `offset_us`; they may come before or after the events.

        Raises
        ------
        InputError
            Samples that are not finite, of which none is added; an angular velocity that was given; after `finish`.
        """
        self._check_open()
        if self._constant is not None:
            raise InputError("velocity: the angular velocity was given; a gyro cannot be used with it")
        broken = ~np.isfinite(samples.gyro_radps).all(1)
        if broken.any():
            raise InputError(f"velocity: the gyro sample at {samples.t[broken][0]} us is not finite; leave such samples out")
        self._gyro.push(samples)

    def advance(self, t_us: int) -> None:
        """No events before ``t_us`` will come: a camera at rest, or a filter, sends none, and time goes on all the same.

        The window of the last events is then done in time, and gyro samples that no window can need are let go.  Windows without
        any event still wait for the next one, as in the batch.

        Raises
        ------
        InputError
            After `finish`.  Events before ``t_us`` are refused from then on.
        """
        self._check_open()
        self._events.advance(t_us)
        silent_us = max(self.options.longest_us, self.options.window_us or 0)
        if self._start_us is None or (not self._has_events and t_us - self._start_us >= silent_us):
            self._gyro.forget_before(t_us - self.options.settle_us, done_us=t_us - self.options.settle_us)

    def poll(self) -> list[VelocityEstimate]:
        """Estimates of all windows that have become ready."""
        return self._ready(last=False)

    def finish(self) -> list[VelocityEstimate]:
        """No more events or samples will come: what is left.

        The last window ends with the last event, and begins in the one before if it would else be shorter than planned.
        """
        estimates = self._ready(last=True)
        self._finished = True
        self._events.clear()
        return estimates

    def _check_open(self) -> None:
        if self._finished:
            raise InputError("velocity: the stream was finished; make a new estimator")

    def _ready(self, last: bool) -> list[VelocityEstimate]:
        estimates: list[VelocityEstimate] = []
        while self._start_us is not None:
            end_us = self._events.end_us if last else self._events.known_until_us
            if end_us is None or not (last or self._has_events):
                break
            if self._start_us >= end_us and not (last and self._before_us is None):
                break
            stop_us = self._stop_us(end_us, last)
            if stop_us is None or (stop_us + self.options.settle_us > end_us and not last):
                break
            silent_until_us = self._silent_until_us(stop_us)
            if silent_until_us is not None:
                estimates.append(VelocityEstimate.missing((self._start_us, silent_until_us), MotionStatus.EMPTY))
                self._forget(silent_until_us, silent_until_us)
                continue
            span_us = self._start_us, stop_us
            if stop_us + self._left_at_end_us > end_us:
                last_us = self._last_span(stop_us - self._start_us, end_us)
                if last_us is None:
                    break
                span_us = last_us
            span_us = span_us[0], min(span_us[1], end_us)
            if not (last or self._gyro_is_there(span_us[1], end_us)):
                break
            estimates.append(self._estimate(span_us))
            self._forget(*span_us)
            if last and not self._is_fixed and span_us[1] + self.options.settle_us >= end_us:
                self._start_us = end_us
        return estimates

    @property
    def _has_events(self) -> bool:
        """Whether any event of the window to come is there."""
        return self._start_us is not None and self._events.first_from(self._start_us) is not None

    @property
    def _is_fixed(self) -> bool:
        return self.options.window_us is not None or self.options.window_events is not None

    @property
    def _left_at_end_us(self) -> int:
        """Bursts at the end may not be complete; windows of a fixed length take them all the same."""
        return 0 if self._is_fixed else self.options.settle_us

    def _last_span(self, length_us: int, end_us: int) -> tuple[int, int] | None:
        """The last window, as long as planned: it shares events with the one before, and ends where bursts are complete.

        None where next to nothing is left; the whole recording where it is too short for anything else.
        """
        assert self._start_us is not None
        assert self._first_us is not None
        settle_us = self._left_at_end_us
        stop_us = end_us - settle_us
        if self._before_us is not None:
            left = stop_us - self._start_us
            return (max(stop_us - length_us, self._before_us), stop_us) if left > _LEAST_LEFT * length_us else None
        if stop_us - length_us >= self._first_us + settle_us:
            return stop_us - length_us, stop_us
        return max(self._first_us, end_us - length_us), end_us

    def _stop_us(self, end_us: int, last: bool) -> int | None:
        """End of the next window; None as long as it cannot be told."""
        assert self._start_us is not None
        options = self.options
        if options.window_us is not None:
            return self._start_us + options.window_us
        if options.window_events is not None:
            return self._after_count(options.window_events, last)
        if not np.isfinite(self._solver.speed_pxps) and not self._looked_ahead(end_us, last):
            return None
        speed = self._solver.speed_pxps
        length_us = options.longest_us if not np.isfinite(speed) or speed <= 0 else 1e6 * options.motion_px / speed
        return self._start_us + int(min(max(length_us, options.shortest_us), options.longest_us))

    def _after_count(self, count: int, last: bool) -> int | None:
        assert self._start_us is not None
        stop_us, held = self._events.count(self._start_us, count, self.options.longest_us)
        few = self._before_us is not None and held <= _LEAST_LEFT * count
        return stop_us if held == count or (last and not few) else None

    def _silent_until_us(self, stop_us: int) -> int | None:
        """When the next event comes, if the window up to ``stop_us`` has none and none comes for long."""
        assert self._start_us is not None
        next_us = self._events.first_from(self._start_us)
        if next_us is None or next_us < max(stop_us, self._start_us + self.options.longest_us):
            return None
        return next_us

    def _looked_ahead(self, end_us: int, last: bool) -> bool:
        """Measure the first motion on a stretch that grows until it shows one; True when done."""
        assert self._start_us is not None
        # A stretch that showed nothing is not looked at again when more has come.
        while (length_us := self._look_us) < self.options.longest_us:
            stop_us = min(self._start_us + length_us, end_us)
            if self._start_us + length_us + self.options.settle_us > end_us and not last:
                return False
            if not (last or self._gyro_is_there(stop_us, end_us)):
                return False
            gyro = self._rotation(self._start_us, stop_us)
            if gyro is None or self._solver.look_ahead(self._around(self._start_us, stop_us), (self._start_us, stop_us), gyro):
                return True
            self._look_us *= 2
        return True

    def _gyro_is_there(self, stop_us: int, end_us: int) -> bool:
        return self._constant is not None or self._gyro.reaches(stop_us) or end_us > stop_us + self.options.imu_patience_us

    def _rotation(self, start_us: int, stop_us: int) -> GyroWindow | None:
        return GyroWindow(None, self._constant) if self._constant is not None else self._gyro.window(start_us, stop_us)

    def _estimate(self, span_us: tuple[int, int]) -> VelocityEstimate:
        gyro = self._rotation(*span_us)
        events = self._around(*span_us)
        if gyro is None:
            return VelocityEstimate.missing(span_us, MotionStatus.NO_GYRO, event_count=len(events.between(*span_us)),
                                            notes=(f"window from {span_us[0]} to {span_us[1]} us, {self._gyro.span}",))
        return self._solver.solve(events, span_us, gyro)

    def _around(self, start_us: int, stop_us: int) -> Events:
        """Events of a window and of what completes its bursts."""
        return self._events.between(start_us - self.options.settle_us, stop_us + self.options.settle_us)

    def _forget(self, start_us: int, stop_us: int) -> None:
        """Keep the window that is done, for the last one may reach back into it."""
        self._before_us, self._start_us, self._look_us = start_us, stop_us, _FIRST_LOOK_US
        self._events.forget_before(start_us - self.options.settle_us)
        self._gyro.forget_before(start_us, done_us=stop_us)


def _checked(angular_velocity_radps: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    w = np.array(angular_velocity_radps, float)
    if w.shape != (3,) or not np.isfinite(w).all():
        raise InputError(f"velocity: the angular velocity must be three finite numbers in rad/s, not {angular_velocity_radps!r}")
    return w
