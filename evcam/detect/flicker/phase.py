"""What flickers, how fast and in which phase: from events to one signed image of the pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.detect.flicker.options import FLICKER_COHERENCE

_MAX_PIXELS = 2000
_BIN_S = 5e-4
_MAX_HZ = 500.0
_MAX_SPECTRUM_S = 2.0
_MIN_CYCLES = 2
_MIN_EVENTS_PER_PIXEL = 4
_MAX_PHASE_TURNS = 2
_SCAN_BLOCKS = 128
_PROBE_EVENTS = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class FlickerEvidence:
    """How well one common flicker explains the events of a stretch.

    Attributes
    ----------
    frequency_hz : float
        Strongest common frequency; NaN when there are too few events to tell.
    coherence : float
        0 to 1: share of the events that fall into the half period of their polarity,
        with one phase across the sensor (up to a screen's scan).  About 0.8 before a flickering screen.
    """

    frequency_hz: float
    coherence: float


def flicker_frequency_hz(events: Events) -> float:
    """Frequency at which the signed events of the busiest pixels repeat.

    Power spectra of ON minus OFF are summed over pixels, so that patterns whose
    fields flicker in opposite phase count as well as those that flash together.

    Returns
    -------
    float
        Hz; NaN when fewer than a handful of pixels fire with both polarities,
        or the stretch is too short for two periods.
    """
    span_s = min(events.duration_s, _MAX_SPECTRUM_S)
    lowest_hz = _MIN_CYCLES / max(span_s, 1e-9)
    if lowest_hz >= _MAX_HZ / 2:
        return float("nan")
    t_s, row, sign, pixels = _busy_pixels(events, span_s)
    if pixels < 10:
        return float("nan")
    bins = int(np.ceil(span_s / _BIN_S)) + 1
    series = np.bincount(row * bins + (t_s / _BIN_S).astype(np.int64), sign, pixels * bins).reshape(pixels, bins)
    length = 2 * bins
    power = (np.abs(np.fft.rfft(series, length)) ** 2).sum(0)
    hz = np.fft.rfftfreq(length, _BIN_S)
    power[(hz < lowest_hz) | (hz > _MAX_HZ)] = 0.0
    # Short bursts make harmonics nearly as strong as the fundamental: take the first strong peak.
    first = int(np.argmax(power > 0.5 * power.max()))
    peak = first + int(np.argmax(power[first : first + 4]))
    return _refined_hz(t_s, row, sign, pixels, float(hz[peak]), span_s)


def _busy_pixels(
    events: Events, span_s: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], int]:
    """Times, row numbers and signs of the busiest pixels' events; pixels of one polarity only (hot ones) are left out."""
    events = events.between(int(events.t[0]), int(events.t[0] + span_s * 1e6) + 1)
    pixel = events.y.astype(np.int64) * events.width + events.x
    size = events.width * events.height
    on, total = np.bincount(pixel[events.p], minlength=size), np.bincount(pixel, minlength=size)
    mixed = (np.minimum(on, total - on) > 0.1 * total) & (total >= _MIN_EVENTS_PER_PIXEL)
    chosen = np.argsort(-(total * mixed), kind="stable")[: min(_MAX_PIXELS, int(mixed.sum()))]
    row_of = np.full(size, -1)
    row_of[chosen] = np.arange(len(chosen))
    row = row_of[pixel]
    keep = row >= 0
    t_s = (events.t[keep] - events.t[0]) * 1e-6
    return t_s, row[keep], np.where(events.p[keep], 1.0, -1.0), len(chosen)


def _refined_hz(
    t_s: NDArray[np.float64], row: NDArray[np.int64], sign: NDArray[np.float64], pixels: int, hz: float, span_s: float
) -> float:
    """Maximum of the summed power near a coarse peak, by a parabola through a fine scan."""
    trials = hz + np.linspace(-0.6, 0.6, 25) / span_s
    power = np.empty(len(trials))
    for k, trial in enumerate(trials):
        angle = 2 * np.pi * trial * t_s
        real, imaginary = (np.bincount(row, sign * part, pixels) for part in (np.cos(angle), np.sin(angle)))
        power[k] = (real**2 + imaginary**2).sum()
    k = int(np.clip(np.argmax(power), 1, len(trials) - 2))
    bend = power[k - 1] - 2 * power[k] + power[k + 1]
    shift = 0.5 * (power[k - 1] - power[k + 1]) / bend if bend < 0 else 0.0
    return float(trials[k] + np.clip(shift, -1, 1) * (trials[1] - trials[0]))


def phase_image(events: Events, frequency_hz: float) -> NDArray[np.complex128]:
    """First Fourier component of ON minus OFF per pixel, per period; shape (height, width)."""
    pixel = events.y.astype(np.int64) * events.width + events.x
    t_s = (events.t - events.t[0]) * 1e-6
    angle = 2 * np.pi * frequency_hz * t_s
    sign = np.where(events.p, 1.0, -1.0)
    size = events.width * events.height
    image = np.empty(size, np.complex128)
    image.real = np.bincount(pixel, sign * np.cos(angle), size)
    image.imag = np.bincount(pixel, -sign * np.sin(angle), size)
    return image.reshape(events.height, events.width) / max(1.0, events.duration_s * frequency_hz)


def scan_phase(image: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], float]:
    """Common phase of the flicker, up to a linear change across the sensor.

    A screen draws its lines one after the other.  The phase is doubled first,
    because fields that flicker in opposite phase differ by half a turn.

    Returns
    -------
    (ndarray of complex128, shape (height, width); float)
        Unit phasors, and the sum of the doubled components that agree with them.
    """
    size = np.abs(image)
    doubled = np.divide(image**2, size, out=np.zeros_like(image), where=size > 0)
    block = -(-max(image.shape) // _SCAN_BLOCKS)
    blocks = _summed_blocks(doubled, block)
    spectrum = np.fft.fft2(blocks, [4 * n for n in blocks.shape])
    turns = [np.minimum(np.arange(4 * n), np.arange(4 * n, 0, -1)) / 4 for n in blocks.shape]
    strength = np.abs(spectrum) * (turns[0] <= _MAX_PHASE_TURNS)[:, None] * (turns[1] <= _MAX_PHASE_TURNS)
    i, j = np.unravel_index(int(np.argmax(strength)), strength.shape)
    ky, kx = np.fft.fftfreq(4 * blocks.shape[0], block)[i], np.fft.fftfreq(4 * blocks.shape[1], block)[j]
    y, x = (np.arange(n) - (block - 1) / 2 for n in image.shape)
    phase = np.pi * (kx * x + (ky * y)[:, None]) + 0.5 * np.angle(spectrum[i, j])
    return np.exp(1j * phase), float(strength[i, j])


def _summed_blocks(image: NDArray[np.complex128], block: int) -> NDArray[np.complex128]:
    """Sums over squares of ``block`` pixels; a slow change of phase needs no finer sampling."""
    height, width = (-(-n // block) * block for n in image.shape)
    padded = np.zeros((height, width), np.complex128)
    padded[: image.shape[0], : image.shape[1]] = image
    sums: NDArray[np.complex128] = padded.reshape(height // block, block, width // block, block).sum((1, 3))
    return sums


def flicker_evidence(events: Events) -> FlickerEvidence:
    """Measure whether a stretch of events shows a still, flickering scene.

    Before a moving pattern pixels may repeat, but not in one phase across the sensor.
    """
    frequency_hz = flicker_frequency_hz(events) if len(events) else float("nan")
    if not np.isfinite(frequency_hz):
        return FlickerEvidence(float("nan"), 0.0)
    cycles = events.duration_s * frequency_hz
    _, agreeing = scan_phase(phase_image(events, frequency_hz))
    return FlickerEvidence(frequency_hz, float(agreeing * cycles / len(events)))


def looks_like_flicker(events: Events | Sequence[Events]) -> bool:
    """Whether a stretch of events (half a second is plenty), or pieces of one, shows a still camera before a flickering pattern.

    See `flicker_evidence` for the figures behind the answer.  Of many events those of evenly
    spread pixels are looked at.
    """
    pieces = [events] if isinstance(events, Events) else events
    every = sum(map(len, pieces)) // _PROBE_EVENTS
    if every > 1:
        pieces = [piece[(piece.x + 5 * piece.y) % every == 0] for piece in pieces]
    return flicker_evidence(Events.joined(pieces)).coherence >= FLICKER_COHERENCE


def signed_image(events: Events, frequency_hz: float) -> NDArray[np.float64]:
    """Contrast of the flickering pattern, shape (height, width).

    Positive where brightness follows the common phase, negative where it opposes it
    (a pattern that alternates with its negative), zero where nothing flickers.
    In events per period; hot pixels have no common phase and vanish, those that
    stick out of all their neighbours nevertheless take their neighbours' median.
    """
    image = phase_image(events, frequency_hz)
    phasor, _ = scan_phase(image)
    signed = (image * phasor.conj()).real
    if signed.sum() < 0:
        signed = -signed
    return _without_outliers(signed)


def _without_outliers(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace pixels far above or below all eight neighbours by the median of the neighbourhood."""
    import cv2  # only where something flickers: a moving board is told from that without

    ring = np.ones((3, 3), np.uint8)
    ring[1, 1] = 0
    image32 = image.astype(np.float32)
    high, low = cv2.dilate(image32, ring), cv2.erode(image32, ring)
    margin = 0.3 * (high - low) + 0.1 * float(np.percentile(np.abs(image), 99))
    outlying = (image32 > high + margin) | (image32 < low - margin)
    return np.where(outlying, cv2.medianBlur(image32, 3), image32).astype(np.float64)
