"""Two calibrations of one camera: how far apart they are, and whether their uncertainty explains it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evcam.calib.calibration import Calibration
from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3, hat, log_so3
from evcam.errors import InputError

Array = NDArray[np.float64]

_ACROSS = 48
_ROUNDS = 30
_HUBER = 1.5
_LEAST_STD_PX = 1e-3
_UNKNOWN_STD_PX = 100.0
_LEAST_PROBABILITY = 0.0027
_LEAST_PIXELS = 10


class Agreement(StrEnum):
    """What a comparison says."""

    AGREE = "agree within their uncertainty"
    DISAGREE = "disagree"
    UNKNOWN = "no uncertainty is known to judge the difference by"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The difference between two cameras of one sensor, after the rotation that explains it best.

    Attributes
    ----------
    a, b : Camera
    R_b_a : ndarray of float64, shape (3, 3)
        The rotation from camera a to camera b: poses of the board absorb it, so it is no error.
    px : ndarray of float64, shape (H, W, 2)
        Pixels of a on a grid over the image.
    difference_px : ndarray of float64, shape (H, W, 2)
        Where b sees, after the rotation, what a sees at ``px``, minus ``px``; NaN where one of them sees nothing.
    expected_px : ndarray of float64, shape (H, W), or None
        Standard deviation of the difference, both axes together, that the covariances predict; None if neither is known.
    parameter_stds : ndarray of float64, shape (P,), or None
        b minus a in standard deviations of the difference, NaN where both were held; None for different models or without
        covariances.
    probability : float
        How often chance alone makes a difference as large as this one; NaN if no covariance is known.
    shared_views : int
        Views on which both rest.
    """

    a: Camera
    b: Camera
    R_b_a: Array
    px: Array
    difference_px: Array
    expected_px: Array | None
    parameter_stds: Array | None
    probability: float
    shared_views: int

    @property
    def length_px(self) -> Array:
        """Length of the difference, shape (H, W)."""
        length: Array = np.linalg.norm(self.difference_px, axis=-1)
        return length

    @property
    def median_px(self) -> float:
        """Median of the difference's length over the image."""
        return float(np.nanmedian(self.length_px))

    @property
    def max_px(self) -> float:
        """Largest difference over the image."""
        return float(np.nanmax(self.length_px))

    @property
    def rotation_deg(self) -> float:
        """Angle of the implied rotation."""
        return float(np.degrees(np.linalg.norm(log_so3(self.R_b_a))))

    @property
    def agreement(self) -> Agreement:
        """Whether the predicted uncertainty explains the difference: disagreement if chance made it once in 370 times or less."""
        if np.isnan(self.probability):
            return Agreement.UNKNOWN
        return Agreement.DISAGREE if self.probability < _LEAST_PROBABILITY else Agreement.AGREE


def compare(a: Calibration | Camera, b: Calibration | Camera) -> Comparison:
    """Compare two calibrations, or cameras without evidence, of the same sensor.

    Every pixel's bearing in ``a`` is projected with ``b``; the rotation between the two that explains the differences best
    is fitted robustly over the image, where their uncertainty is small above all, and taken off.

    Parameters
    ----------
    a, b : Calibration or Camera
        A camera's own uncertainty is taken as zero.

    Raises
    ------
    InputError
        Sensors of different sizes, or cameras whose images have hardly a pixel in common.

    Notes
    -----
    The probability is that of the mean squared difference, each pixel in units of its own standard deviation, under the stated
    covariances: a sum of squares of normal variables, taken for a scaled chi-square of the same mean and variance
    (Satterthwaite 1946).
    Cameras that share views share errors, which makes them closer than two independent ones.
    """
    camera_a, camera_b = _camera(a), _camera(b)
    if (camera_a.width, camera_a.height) != (camera_b.width, camera_b.height):
        raise InputError(f"cameras of {camera_a.width}x{camera_a.height} and {camera_b.width}x{camera_b.height} px cannot be "
                         "compared; they are not of one sensor")
    px = _grid(camera_a)
    bearings = camera_a.unproject(px)
    seen = np.isfinite(bearings).all(-1) & np.isfinite(camera_b.project(np.where(np.isfinite(bearings), bearings, 0.0))).all(-1)
    if seen.sum() < _LEAST_PIXELS:
        raise InputError(f"the cameras have {seen.sum()} of {seen.size} pixels in common; are they of one sensor?")
    known = [given for given in (a, b) if isinstance(given, Calibration)]
    parts = [_effects(calibration, bearings[seen]) for calibration in known]
    variance = sum((_variance(calibration, px[seen]) for calibration in known), np.zeros(seen.sum()))
    weight = 1 / np.maximum(variance, _LEAST_STD_PX**2)
    R = _best_rotation(camera_b, bearings[seen], px[seen], weight / weight.max())
    difference = np.full_like(px, np.nan)
    difference[seen] = camera_b.project(bearings[seen] @ R.T) - px[seen]
    expected, probability = None, float("nan")
    if parts:
        effects = _without_rotation(camera_b, bearings[seen], np.concatenate(parts, -1), weight)
        expected = np.full(seen.shape, np.nan)
        expected[seen] = np.sqrt((effects**2).sum((-1, -2)))
        probability = _probability(difference[seen], effects)
    return Comparison(camera_a, camera_b, R, px, difference, expected, _parameter_stds(a, b), probability, _shared_views(a, b))


def _camera(given: Calibration | Camera) -> Camera:
    return given.camera if isinstance(given, Calibration) else given


def _grid(camera: Camera) -> Array:
    """Middles of equal cells, about 48 across, shape (H, W, 2)."""
    down = max(round(_ACROSS * camera.height / camera.width), 2)
    x = (np.arange(_ACROSS) + 0.5) / _ACROSS * camera.width - 0.5
    y = (np.arange(down) + 0.5) / down * camera.height - 0.5
    return np.stack(np.meshgrid(x, y), -1)


def _variance(calibration: Calibration, px: Array) -> Array:
    std = calibration.projection_std(px, rotation_free=True)
    return np.nan_to_num(std, nan=_UNKNOWN_STD_PX) ** 2


def _effects(calibration: Calibration, bearings: Array) -> Array:
    """What each independent unit error of the parameters does to the pixels, (N, 3) -> (N, 2, P)."""
    values, vectors = np.linalg.eigh(calibration.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    by_params = calibration.camera.project_jacobians(bearings)[2]
    effects: Array = np.nan_to_num(by_params) @ root
    return effects


def _best_rotation(camera: Camera, bearings: Array, px: Array, weight: Array) -> Array:
    """The rotation of bearings that brings their projections nearest to ``px``: Gauss-Newton with Huber's loss."""
    R = np.eye(3)
    for _ in range(_ROUNDS):
        turned = bearings @ R.T
        seen_px, by_point, _ = camera.project_jacobians(turned)
        use = np.isfinite(seen_px).all(-1)
        residual, rows = (seen_px - px)[use], (by_point @ -hat(turned))[use]
        length = np.linalg.norm(residual, axis=-1) * np.sqrt(weight[use])
        knee = _HUBER * np.median(length) + 1e-12
        factor = weight[use] * np.minimum(1.0, knee / np.maximum(length, 1e-300))
        normal = np.einsum("n,nij,nik->jk", factor, rows, rows)
        step = -np.linalg.solve(normal, np.einsum("n,nij,ni->j", factor, rows, residual))
        R = exp_so3(step) @ R
        if np.linalg.norm(step) < 1e-12:
            break
    return R


def _without_rotation(camera: Camera, bearings: Array, effects: Array, weight: Array) -> Array:
    """Effects (N, 2, M) less what the best rotation takes off each."""
    _, by_point, _ = camera.project_jacobians(bearings)
    rows = np.nan_to_num(by_point @ -hat(bearings))
    normal = np.einsum("n,nij,nik->jk", weight, rows, rows)
    best = np.linalg.solve(normal, np.einsum("n,nij,nim->jm", weight, rows, effects))
    remaining: Array = effects - rows @ best
    return remaining


def _probability(difference: Array, effects: Array) -> float:
    """How often normal unit errors with these effects make a mean squared difference, in their own units, as large as this."""
    from scipy.stats import chi2

    use = np.isfinite(difference).all(-1)
    std = np.sqrt(np.maximum((effects[use] ** 2).sum((-1, -2)), _LEAST_STD_PX**2))
    found = float(((difference[use] / std[:, None]) ** 2).sum(-1).mean())
    scaled = (effects[use] / std[:, None, None]).reshape(-1, effects.shape[-1])
    powers = np.linalg.eigvalsh(scaled.T @ scaled / len(std))
    # Where less than a thousandth of a pixel is expected, the mean would be below one.
    mean = max(float(powers.sum()), 1.0)
    freedom = mean**2 / max(float((powers**2).sum()), 1e-12)
    return float(chi2.sf(found * freedom / mean, freedom))


def _parameter_stds(a: Calibration | Camera, b: Calibration | Camera) -> Array | None:
    camera_a, camera_b = _camera(a), _camera(b)
    covariances = [given.covariance for given in (a, b) if isinstance(given, Calibration)]
    if camera_a.model != camera_b.model or not covariances:
        return None
    std = np.sqrt(sum(np.diag(covariance) for covariance in covariances))
    difference = camera_b.params - camera_a.params
    return np.array([d / s if s > 0 else np.nan for d, s in zip(difference, std, strict=True)])


def _shared_views(a: Calibration | Camera, b: Calibration | Camera) -> int:
    if not (isinstance(a, Calibration) and isinstance(b, Calibration)):
        return 0
    views = [{given.detections.views[fit.view].xy.tobytes() for fit in given.fits} for given in (a, b)]
    return len(views[0] & views[1])
