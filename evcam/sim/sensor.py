"""The sensor: how a pixel turns light into events."""

from __future__ import annotations

from dataclasses import dataclass

from evcam.errors import InputError


def check_range(where: str, name: str, value: object, low: float, high: float, unit: str = "") -> None:
    """Refuse what is no number between ``low`` and ``high``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InputError(f"{where}: {name} must be a number between {low:g} and {high:g}{unit and ' ' + unit}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Sensor:
    """Pixels that fire when the logarithm of their intensity has changed by a threshold.

    Thresholds, mismatch and noise are in units of log intensity (natural logarithm).

    Attributes
    ----------
    threshold_on, threshold_off : float
        Nominal contrast thresholds, both positive.
    mismatch : float
        Standard deviation of a pixel's thresholds around the nominal ones, fixed for a recording.
    threshold_noise : float
        Standard deviation of the threshold from event to event.
    refractory_s : float
        Time after an event in which the pixel is held in reset; change of brightness in it is lost.
    cutoff_hz : float
        Cut-off of the photoreceptor, a first-order low-pass on log intensity; 0 for none.
    background_hz : float
        Rate of background activity per pixel, Poisson, both polarities alike.
    hot_pixels : int
        Number of pixels that fire without cause.
    hot_hz : float
        Rate of each of them.
    latency_s, latency_jitter_s : float
        Delay of every event, and the standard deviation of its normal variation (never below zero in all).
    psf_px : float
        Standard deviation of the optical blur; the pixel's own area adds 1/12 px^2 to its variance.
    """

    threshold_on: float = 0.3
    threshold_off: float = 0.3
    mismatch: float = 0.03
    threshold_noise: float = 0.02
    refractory_s: float = 0.0005
    cutoff_hz: float = 0.0
    background_hz: float = 0.3
    hot_pixels: int = 5
    hot_hz: float = 100.0
    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    psf_px: float = 0.6

    def __post_init__(self) -> None:
        for name, low, high, unit in _LIMITS:
            check_range("sensor", name, getattr(self, name), low, high, unit)
        if not isinstance(self.hot_pixels, int):
            raise InputError(f"sensor: hot_pixels must be a whole number, not {self.hot_pixels!r}")

    @classmethod
    def ideal(cls, threshold: float = 0.3, psf_px: float = 0.6) -> Sensor:
        """A sensor without noise, mismatch or delay."""
        return cls(threshold, threshold, mismatch=0.0, threshold_noise=0.0, refractory_s=0.0, background_hz=0.0,
                   hot_pixels=0, psf_px=psf_px)


_LIMITS = (
    ("threshold_on", 0.02, 5.0, ""), ("threshold_off", 0.02, 5.0, ""),
    ("mismatch", 0.0, 1.0, ""), ("threshold_noise", 0.0, 1.0, ""),
    ("refractory_s", 0.0, 1.0, "s"), ("cutoff_hz", 0.0, 1e6, "Hz"), ("background_hz", 0.0, 1e4, "Hz"),
    ("hot_pixels", 0, 1e6, ""), ("hot_hz", 0.0, 1e5, "Hz"), ("latency_s", 0.0, 1.0, "s"), ("latency_jitter_s", 0.0, 0.1, "s"),
    ("psf_px", 0.2, 20.0, "px"),
)
