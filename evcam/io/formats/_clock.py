"""Camera clocks of 31 or 32 bits that wrap, are set back to zero, or stamp some events late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LATE_US = 1 << 16
_NEAR_ZERO_US = 10_000_000
_RESET_US = 1_000_000
_NEAR_A_WRAP_US = 1 << 28
_RESETS = "times that the camera's clock was set back to zero, from where times go on without the gap"
_SHORT_WRAPS = "times that the clock fell by about 2^31 us, taken for a wrap of 31 bits"
_HELD = "events that came late, held at the latest time"


class WrappingClock:
    """Continues a signed 32-bit clock in microseconds beyond its wraps and resets.

    A fall by about 2^32 us is a wrap of 32 bits (after 71.6 minutes), one by about 2^31 us of 31 bits (35.8 minutes), and
    a fall to less than ten seconds a reset.  Other falls are left as they are.

    Attributes
    ----------
    repairs : dict of str to int
        How often the clock was set back or wrapped at 31 bits so far.
    """

    def __init__(self, last: int | None = None, offset_us: int = 0) -> None:
        self._last = last
        self._offset_us = offset_us
        self.repairs = {_RESETS: 0, _SHORT_WRAPS: 0}

    def go_on(self, raw: NDArray[np.int32]) -> NDArray[np.int64]:
        """Times of the next records."""
        t = raw.astype(np.int64)
        if not len(t):
            return t
        steps = np.diff(t, prepend=t[:1] if self._last is None else self._last)
        self._last = int(t[-1])
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
        t += self._offset_us + np.cumsum(repairs)
        self._offset_us += int(repairs.sum())
        return t


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
