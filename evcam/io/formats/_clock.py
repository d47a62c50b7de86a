"""Camera clocks of 31 or 32 bits that wrap, are set back to zero, or stamp some events late."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LATE_US = 1 << 16
_NEAR_ZERO_US = 10_000_000
_RESET_US = 1_000_000
_NEAR_A_WRAP_US = 1 << 28
_LEAP_US, _FEW = 1 << 28, 64
_RESETS = "times that the camera's clock was set back to zero, from where times go on without the gap"
_SHORT_WRAPS = "times that the clock fell by about 2^31 us, taken for a wrap of 31 bits"
_HELD = "events that came late, held at the latest time"


class WrappingClock:
    """Continues a signed 32-bit clock in microseconds beyond its wraps and resets.

    A fall by more than 2^31 us is a wrap of 32 bits (after 71.6 minutes), one by about 2^31 us of 31 bits (35.8 minutes), and
    a fall to less than ten seconds a reset.  Other falls are left as they are.  Where times leap away by minutes and come
    back after a few records, these are damaged, and what they seemed to say of the clock is taken back.

    Attributes
    ----------
    repairs : dict of str to int
        How often the clock was set back or wrapped at 31 bits so far.
    """

    def __init__(self, last: int | None = None, offset_us: int = 0) -> None:
        self._last = last
        self._offset_us = offset_us
        self._records = 0
        self._leap: _Leap | None = None
        self.repairs = {_RESETS: 0, _SHORT_WRAPS: 0}

    def go_on(self, raw: NDArray[np.int32]) -> NDArray[np.int64]:
        """Times of the next records."""
        t = raw.astype(np.int64)
        if not len(t):
            return t
        steps = np.diff(t, prepend=t[:1] if self._last is None else self._last)
        self._last = int(t[-1])
        self._records += len(t)
        if steps.min() >= -_LATE_US and steps.max() <= _LEAP_US:
            t += self._offset_us
            return t
        # A record that comes slightly late may still carry the time before the wrap: hence both signs.
        repairs = ((steps < -(1 << 31)).astype(np.int64) - (steps > (1 << 31))) << 32
        fell = (steps < -_LATE_US) & (repairs == 0)
        if fell.any():
            short = fell & (steps < _NEAR_A_WRAP_US - (1 << 31)) & (t >= 0)
            reset = fell & ~short & (t >= 0) & (t < _NEAR_ZERO_US)
            repairs[short] = 1 << 31
            repairs[reset] = -steps[reset]
            self.repairs[_RESETS] += int(reset.sum())
            self.repairs[_SHORT_WRAPS] += int(short.sum())
        self._take_back(t, steps, repairs)
        t += self._offset_us + np.cumsum(repairs)
        self._offset_us += int(repairs.sum())
        return t

    def _take_back(self, raw: NDArray[np.int64], steps: NDArray[np.int64], repairs: NDArray[np.int64]) -> None:
        """Where times come back to where they leapt from, let them go on as if they had not; changes ``repairs``."""
        offsets_us, taken_us = self._offset_us + np.cumsum(repairs), 0
        for i in np.flatnonzero(np.abs(_signed(steps)) > _LEAP_US).tolist():
            record, time_us = self._records - len(raw) + i, int(raw[i] + offsets_us[i]) + taken_us
            leap = self._leap if self._leap is not None and record - self._leap.record <= _FEW else None
            if leap is None:
                before_us = int(raw[i] - steps[i])
                self._leap = _Leap(record, before_us, time_us - int(steps[i] + repairs[i]))
            elif abs(_signed(int(raw[i]) - leap.raw_us)) <= _LEAP_US:
                more_us = leap.time_us + _signed(int(raw[i]) - leap.raw_us) - time_us
                repairs[i] += more_us
                taken_us += more_us
                self._leap = None


class _Leap(NamedTuple):
    """A leap of the clock: the number of its record, and the counter and the time just before it."""

    record: int
    raw_us: int
    time_us: int


def _signed(difference_us: Any) -> Any:
    """A difference between counters of 32 bits, whichever of them has wrapped."""
    return (difference_us + (1 << 31)) % (1 << 32) - (1 << 31)


class LateEvents:
    """Holds events that come out of order at the latest time, if they are late by no more than 65 ms.

    Attributes
    ----------
    repairs : dict of str to int
        How many they were so far.
    """

    def __init__(self) -> None:
        self._latest_us: int | None = None
        self.repairs = {_HELD: 0}

    def hold(self, t_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times that do not fall, except by more than is called late."""
        if not len(t_us):
            return t_us
        before = int(t_us[0]) if self._latest_us is None else self._latest_us
        if t_us[0] >= before and not np.any(t_us[1:] < t_us[:-1]):
            self._latest_us = int(t_us[-1])
            return t_us
        latest = np.maximum(np.maximum.accumulate(t_us), before)
        late = (t_us < latest) & (t_us >= latest - _LATE_US)
        self.repairs[_HELD] += int(late.sum())
        self._latest_us = int(latest[-1])
        return np.where(late, latest, t_us)


class PacketClock:
    """What has to be added to the times of packets that count the wraps of a clock of 31 bits themselves.

    A packet that begins near zero, more than a second before one ahead of it, comes after a reset.

    Attributes
    ----------
    repairs : dict of str to int
        How often the clock was set back so far.
    """

    def __init__(self) -> None:
        self._latest_us: int | None = None
        self._shift_us = 0
        self.repairs = {_RESETS: 0}

    def offset_us(self, wraps: int, first: int, last: int) -> int:
        """For the next packet, by its count of wraps and the times of its first and last event."""
        t_us = (wraps << 31) + first
        if self._latest_us is not None and t_us < _NEAR_ZERO_US and t_us + self._shift_us < self._latest_us - _RESET_US:
            self._shift_us = self._latest_us - t_us
            self.repairs[_RESETS] += 1
        offset_us = (wraps << 31) + self._shift_us
        self._latest_us = max(offset_us + last, offset_us + last if self._latest_us is None else self._latest_us)
        return offset_us
