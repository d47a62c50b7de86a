"""Gyro samples as they come, on the camera's clock and in its axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples

Array = NDArray[np.float64]

# A gyro that says nothing for longer has a gap.
_GAP_US = 12_000
# Of a gyro that is slower than that by itself, so many periods are a gap that is worth a word.
_PERIODS = 2.5
# What the angular velocity may do in a gap that nobody sees, rad/s^2.
_UNSEEN_RADPS2 = 5.0


@dataclass(frozen=True, eq=False, slots=True)
class GyroWindow:
    """Angular velocity over a window.

    Attributes
    ----------
    t_us : ndarray of int64, shape (M,), or None
        Times that cover the window; none for a constant angular velocity.
    radps : ndarray of float64, shape (M, 3) or (3,)
        In the camera's axes.
    gap_radps : float
        Standard deviation of the mean angular velocity that gaps leave.
    notes : tuple of str
    """

    t_us: NDArray[np.int64] | None
    radps: Array
    gap_radps: float = 0.0
    notes: tuple[str, ...] = ()


class GyroBuffer:
    """Samples that windows to come may need."""

    def __init__(self) -> None:
        self._t_us: NDArray[np.int64] = np.empty(0, np.int64)
        self._radps: Array = np.empty((0, 3))
        self._forgotten_us: int | None = None
        self._late = 0

    def push(self, samples: ImuSamples) -> None:
        """Add samples; those that belong to windows which are done are counted, and left out."""
        seen = samples.in_camera_frame()
        t_us, radps = seen.t, seen.gyro_radps
        if self._forgotten_us is not None:
            late = t_us < self._forgotten_us
            self._late += int(late.sum())
            t_us, radps = t_us[~late], radps[~late]
        in_order = not len(t_us) or not len(self._t_us) or t_us[0] > self._t_us[-1]
        t_us, radps = np.concatenate([self._t_us, t_us]), np.concatenate([self._radps, radps])
        if not in_order:
            t_us, first = np.unique(t_us, return_index=True)
            radps = radps[first]
        self._t_us, self._radps = t_us, radps

    def forget_before(self, t_us: int, done_us: int) -> None:
        """Drop what no later window needs, one sample before ``t_us`` is kept; windows up to ``done_us`` are done."""
        keep = max(int(np.searchsorted(self._t_us, t_us, side="right")) - 1, 0)
        self._t_us, self._radps, self._forgotten_us = self._t_us[keep:], self._radps[keep:], done_us - _GAP_US

    def reaches(self, t_us: int) -> bool:
        """Whether samples exist at this time or later."""
        return len(self._t_us) > 0 and bool(self._t_us[-1] >= t_us)

    @property
    def span(self) -> str:
        """When there are samples, in words."""
        if not len(self._t_us):
            return "no gyro samples have come" if self._forgotten_us is None else "no later gyro samples have come"
        return f"the gyro samples held are from {self._t_us[0]} to {self._t_us[-1]} us"

    def window(self, start_us: int, stop_us: int) -> GyroWindow | None:
        """Samples that cover a window, gaps filled by straight lines, ends held; None if there are none at all."""
        first = max(int(np.searchsorted(self._t_us, start_us, side="right")) - 1, 0)
        last = int(np.searchsorted(self._t_us, stop_us)) + 1
        t_us, radps = self._t_us[first:last], self._radps[first:last]
        inside = (t_us > start_us - _GAP_US) & (t_us < stop_us + _GAP_US)
        if not inside.any():
            return None
        notes = []
        if self._late:
            notes.append(f"{self._late} gyro samples came after their window was done")
            self._late = 0
        knots = np.unique(np.clip(np.concatenate([[start_us], t_us, [stop_us]]), start_us, stop_us))
        gaps = np.diff(np.concatenate([[start_us], t_us[(t_us > start_us) & (t_us < stop_us)], [stop_us]]))
        if t_us[0] <= start_us and t_us[-1] >= stop_us:
            gaps = np.diff(t_us)
        widest = int(gaps.max(initial=0))
        unseen = 0.0
        if widest > max(_GAP_US, _PERIODS * np.median(np.diff(self._t_us)) if len(self._t_us) > 1 else 0.0):
            notes.append(f"the gyro has a gap of {widest / 1000:.0f} ms")
        if widest > _GAP_US:
            unseen = float(_UNSEEN_RADPS2 * (gaps[gaps > _GAP_US] * 1e-6 / 2).max())
        held = np.stack([np.interp(knots, t_us, radps[:, k]) for k in range(3)], 1)
        return GyroWindow(knots.astype(np.int64), held, unseen, tuple(notes))
