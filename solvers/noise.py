"""What events scatter by: pixels, times, and the gyro that derotated them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evcam.errors import InputError


@dataclass(frozen=True, slots=True)
class EventNoise:
    """Standard deviations of the events; what is not given is found out.

    With neither `sigma_px` nor `sigma_time_s`, both kinds are tried, the likelier is taken, and its level is
    estimated from the residuals.  With one or both, they are believed.

    Attributes
    ----------
    sigma_px : float
        Per axis, in the unit of `DerotatedEvents.pixel_jacobians`.
    sigma_time_s : float
        Seconds.
    sigma_gyro_rad_s : float
        Per axis, of a constant error of the angular velocity.
    kind : {"auto", "pixel", "time"}
        Which kind to estimate the level of, when no level is given.
    """

    sigma_px: float = 0.0
    sigma_time_s: float = 0.0
    sigma_gyro_rad_s: float = 0.0
    kind: str = "auto"

    def __post_init__(self) -> None:
        for name in ("sigma_px", "sigma_time_s", "sigma_gyro_rad_s"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise InputError(f"EventNoise: {name} must be finite and not negative, not {value}")
        if self.kind not in ("auto", "pixel", "time"):
            raise InputError(f"EventNoise: kind must be auto, pixel or time, not {self.kind!r}")

    @property
    def level_is_unknown(self) -> bool:
        """Whether the level has to be estimated from the residuals."""
        return self.sigma_px == 0 and self.sigma_time_s == 0

    def candidates(self) -> list[EventNoise]:
        """The kinds to try."""
        if not self.level_is_unknown or self.kind != "auto":
            return [self]
        return [replace(self, kind="pixel"), replace(self, kind="time")]

    def sigmas_or_units(self) -> tuple[float, float]:
        """Pixel and time deviations, with one for the kind whose level is unknown."""
        if not self.level_is_unknown:
            return self.sigma_px, self.sigma_time_s
        return (0.0, 1.0) if self.kind == "time" else (1.0, 0.0)

    def scaled(self, level: float) -> EventNoise:
        """With the estimated level in place."""
        return replace(self, sigma_time_s=level) if self.kind == "time" else replace(self, sigma_px=level)
