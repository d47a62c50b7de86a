"""Limits of the search for a flickering board."""

from __future__ import annotations

from dataclasses import dataclass

from evcam.errors import InputError

FLICKER_COHERENCE = 0.4


@dataclass(frozen=True, slots=True)
class FlickerOptions:
    """Limits of `detect_flicker`.

    Attributes
    ----------
    stretch_s : float
        A recording is cut into stretches of this length; each gives at most one view.
    min_events : int
        A stretch with fewer events is rejected.
    min_coherence : float
        Least `FlickerEvidence.coherence` of a flickering scene.
    min_share : float
        Least share of the board's points that makes a view.
    max_shift_px : float
        Median shift of the points between the halves of a stretch above which the board moved.
    model_error_px : float
        Standard deviation per axis that every point has beside the residuals of its fit: unequal
        pixels and what the models of corner and disc leave out.  The default is what calibrations
        of real 128x128 recordings showed.
    """

    stretch_s: float = 1.0
    min_events: int = 500
    min_coherence: float = FLICKER_COHERENCE
    min_share: float = 0.6
    max_shift_px: float = 1.5
    model_error_px: float = 0.04

    def __post_init__(self) -> None:
        for name in ("stretch_s", "max_shift_px"):
            if not getattr(self, name) > 0:
                raise InputError(f"flicker: {name} must be positive, not {getattr(self, name)!r}")
        for name in ("min_coherence", "min_share"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"flicker: {name} must lie in (0, 1], not {getattr(self, name)!r}")
        if self.min_events < 1 or not self.model_error_px >= 0:
            raise InputError("flicker: min_events must be at least 1 and model_error_px at least 0, "
                             f"not {self.min_events!r} and {self.model_error_px!r}")
