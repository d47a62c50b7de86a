"""What a calibration may be told."""

from __future__ import annotations

from dataclasses import dataclass

from evcam.core.camera import Camera
from evcam.errors import InputError

EQUAL_FOCAL = "fx=fy"
_LOSSES = ("huber", "squared")
_LEAST = {"huber_sigma": 0.5, "outlier_sigma": 2.0, "view_sigma": 1.5, "min_points": 4, "max_views": 5}


@dataclass(frozen=True, slots=True)
class CalibrationOptions:
    """Options of `calibrate`.

    Attributes
    ----------
    fix : tuple of str
        Parameters that are not estimated: distortion coefficients stay zero, ``cx`` and ``cy`` stay
        in the middle of the image, ``"fx=fy"`` ties the focal lengths together.
    loss : str
        ``"huber"`` (default), or ``"squared"`` for points without outliers.
    huber_sigma : float
        Residual, in robust standard deviations, beyond which Huber's loss grows linearly.
    outlier_sigma : float
        Residual, in robust standard deviations, beyond which a point is left out.
    view_sigma : float
        Views whose rms exceeds this multiple of the typical view's are left out.
    min_points : int
        Points that a view needs.
    min_std_px : float
        Standard deviations of points below this are raised to it, so that none dominates.
    systematic_px : float
        Size of the smooth errors of the points that repeat in every view and that no number of views averages out;
        they enter the covariance.  The default is what the detection of simulated recordings with truth leaves.
    max_views : int
        Of more views than this, those that cover image, tilt, distance and time best are used.
    """

    fix: tuple[str, ...] = ()
    loss: str = "huber"
    huber_sigma: float = 3.0
    outlier_sigma: float = 5.0
    view_sigma: float = 4.0
    min_points: int = 8
    min_std_px: float = 0.02
    systematic_px: float = 0.005
    max_views: int = 1500

    def __post_init__(self) -> None:
        if self.loss not in _LOSSES:
            raise InputError(f"loss {self.loss!r} is not known; known: {', '.join(_LOSSES)}")
        if isinstance(self.fix, str):
            raise InputError(f"fix must be a tuple of names, not the text {self.fix!r}")
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise InputError(f"{name} must be at least {least}, not {getattr(self, name)!r}")
        for name in ("min_std_px", "systematic_px"):
            if not 0 <= getattr(self, name) < 10:
                raise InputError(f"{name} must be within 0..10 px, not {getattr(self, name)!r}")

    def check_names(self, model: str) -> None:
        """Refuse names in `fix` that the model does not have.

        Raises
        ------
        InputError
            Naming what can be fixed.
        """
        known = (*Camera.param_names(model)[2:], EQUAL_FOCAL)
        for name in self.fix:
            if name not in known:
                raise InputError(f"{name!r} cannot be fixed; parameters of {model} that can: {', '.join(known)}")
