"""Whether events come in step with a lamp or a screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from evcam.check._kernels import count_blocks
from evcam.check.examiner import Piece
from evcam.check.finding import Finding, Severity

Array = NDArray[np.float64]

_BIN_US, _BINS = 500, 1024
_DOWN, _ACROSS = 6, 8
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 900.0
_BELOW_GRAIN = 0.45
_FEWEST_PERIODS, _FEWEST_EVENTS = 8.0, 500
_SEGMENT_EVENTS = 50

_ABOVE, _LEAST_DEPTH, _LEAST_BLOCKS = 30.0, 0.1, 0.3
_BESIDE = 41
_FUNDAMENTAL = 0.15
_IN_STEP = 0.5
_MAINS_OFF = 0.012
_MAINS = {100.0: "lamps on 50 Hz mains", 120.0: "lamps on 60 Hz mains, or a screen at 120 Hz"}


@dataclass(frozen=True)
class Beat:
    """A frequency that stands out of the event rate.

    Attributes
    ----------
    hz : float
        The lowest that stands out.
    depth : float
        Modulation of the rate at this frequency: 1 for a rate that swings between 0 and twice its mean.
    above : float
        Power over that of neighbouring frequencies.
    blocks : float
        Share of the busy parts of the image (6 x 8) that beat in step with the whole.
    """

    hz: float
    depth: float
    above: float
    blocks: float


class Flicker:
    """Spectrum of the event rate and of its parts in the image, from segments of half a second.

    Parameters
    ----------
    width, height : int
        Sensor size, px.
    """

    def __init__(self, width: int, height: int) -> None:
        self.across: NDArray[np.int64] = np.arange(width) * _ACROSS // width
        self.down: NDArray[np.int64] = np.arange(height) * _DOWN // height
        self.counts: NDArray[np.float32] = np.zeros((_BINS, 2, _DOWN, _ACROSS), np.float32)
        frequencies = _BINS // 2 + 1
        self.power: Array = np.zeros((2, frequencies))
        self.with_all: NDArray[np.complex128] = np.zeros((2, _DOWN * _ACROSS, frequencies), complex)
        self.mass = 0.0
        self.events = 0
        self.segment_us: int | None = None
        self.longest_bins = 0
        self.highest_hz = _HIGHEST_HZ

    def limit(self, grain_us: float) -> None:
        """Leave out the frequencies that times so coarse make up themselves."""
        self.highest_hz = min(_HIGHEST_HZ, _BELOW_GRAIN * 1e6 / grain_us)

    def add(self, piece: Piece) -> None:
        """Take the next events."""
        self.events += len(piece.t)
        first = 0
        while first < len(piece.t):
            if self.segment_us is None:
                self.segment_us = int(piece.t[first])
            first = count_blocks(*piece, first, self.segment_us, _BIN_US, self.across, self.down, self.counts)
            if first < len(piece.t):
                self._close()
                self.segment_us = int(piece.t[first])

    def _close(self) -> None:
        """Add the segment's spectra: of the rate, and of ON less OFF."""
        total = self.counts.sum((1, 2, 3))
        events = float(total.sum())
        used = int(np.flatnonzero(total)[-1]) + 1 if events else 0
        # The last segment is cut off somewhere; if it is short it says little.
        if events >= _SEGMENT_EVENTS and used > max(16, self.longest_bins // 2):
            self.longest_bins = max(used, self.longest_bins)
            off, on = self.counts[:used].reshape(used, 2, -1).transpose(1, 2, 0).astype(float)
            taper = np.hanning(used)
            taper *= used / taper.sum()
            for i, signal in enumerate((on + off, on - off)):
                parts = np.fft.rfft((signal - signal.mean(1, keepdims=True)) * taper, _BINS)
                whole = parts.sum(0)
                self.power[i] += np.abs(whole) ** 2
                self.with_all[i] += parts * whole.conj()
            self.mass += events**2
        self.counts[:] = 0

    def beat(self) -> Beat | None:
        """The frequency that stands out, None without one; ends the segment that was being filled."""
        if self.counts.any():
            self._close()
        hz: Array = np.fft.rfftfreq(_BINS, _BIN_US * 1e-6).astype(np.float64)
        lowest_hz = max(_LOWEST_HZ, _FEWEST_PERIODS / (max(1, self.longest_bins) * _BIN_US * 1e-6))
        seen = (hz >= lowest_hz) & (hz <= self.highest_hz)
        if self.events < _FEWEST_EVENTS or not self.mass or not seen.any():
            return None
        found = [beat for power, with_all in zip(self.power, self.with_all, strict=True)
                 if (beat := self._strongest(hz, seen, power, with_all)) is not None]
        return max(found, key=lambda beat: beat.depth, default=None)

    def _strongest(self, hz: Array, seen: NDArray[np.bool_], power: Array, with_all: NDArray[np.complex128]) -> Beat | None:
        width = max(1, round(2 * _BINS / self.longest_bins))  # of a peak, in frequencies
        floor = median_filter(power, _BESIDE * width) + 1e-3 * self.mass / max(1, self.events)
        depth = 2 * np.sqrt(power / self.mass)
        peak = np.r_[False, (power[1:-1] >= power[:-2]) & (power[1:-1] > power[2:]), False]
        stands_out = peak & seen & (power > _ABOVE * floor) & (depth > _LEAST_DEPTH)
        if not stands_out.any():
            return None
        strongest = power[stands_out].max()
        at = int(np.flatnonzero(stands_out & (power >= _FUNDAMENTAL * strongest))[0])
        blocks = _in_step(with_all[:, at])
        if blocks < _LEAST_BLOCKS:
            return None
        left, middle, right = np.log(np.maximum(power[at - 1:at + 2], 1e-300))
        shift = 0.5 * (left - right) / (left - 2 * middle + right)
        return Beat(float(hz[at] + shift * hz[1]), float(depth[at]), float(power[at] / floor[at]), blocks)

    def findings(self) -> Iterator[Finding]:
        """What beats, if anything."""
        if not self.events:
            return
        beat = self.beat()
        if self.highest_hz <= _LOWEST_HZ:
            yield Finding("flicker", Severity.NOTE, "The times are too coarse to see flicker.",
                          "Have the camera's own times recorded.")
            return
        if beat is None:
            band = f"{_LOWEST_HZ:g} to {self.highest_hz:.0f} Hz"
            yield Finding("flicker", Severity.OK, f"No frequency from {band} stands out of the event rate.")
            return
        what = (f"The event rate beats at {beat.hz:.1f} Hz (modulation {beat.depth:.2f}, {beat.above:.0f} times its neighbours), "
                f"in step over {100 * beat.blocks:.0f} % of the busy image.")
        source = next((name for hz, name in _MAINS.items() if abs(beat.hz - hz) < _MAINS_OFF * hz), None)
        advice = "A screen, a pulsed lamp or a vibration does this; before a flickering pattern it is meant."
        if source is not None:
            advice = f"This is the beat of {source}: record in daylight or under lamps on direct current."
        yield Finding("flicker", Severity.NOTE, what, advice)

    def figures(self) -> dict[str, Any]:
        """The beat, or nothing."""
        beat = self.beat()
        return {} if beat is None else {"hz": beat.hz, "depth": beat.depth, "above": beat.above, "blocks_in_step": beat.blocks}


def _in_step(with_all: NDArray[np.complex128]) -> float:
    """Share of the parts that have much of the beat whose phase is that of the whole."""
    size = np.abs(with_all)
    busy = size > 0.02 * size.max()
    return float((with_all.real[busy] > _IN_STEP * size[busy]).mean())
