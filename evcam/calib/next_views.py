"""What to record next: views of which there are none, and how much each would help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.calib.bundle import Estimate, Loss, normal_equations, schur_complement
from evcam.calib.calibration import Calibration
from evcam.calib.coverage import SIDES, Coverage, measure_coverage
from evcam.calib.intrinsics import free_basis
from evcam.calib.observations import Observations, gather
from evcam.calib.verdict import MOST_OF_IT, UNSURE_SHARE, ZONE_PX, zone_uncertainty
from evcam.core.camera import get_model
from evcam.core.rotation import exp_so3

Array = NDArray[np.float64]

_TILT_RAD = 0.45
_WORTH = 0.02
_MARGIN_PX = 3.0
_NEARER, _FARTHER = 0.7, 1.4


@dataclass(frozen=True, slots=True)
class NextView:
    """Something to record.

    Attributes
    ----------
    text : str
        For people.
    gain : float
        Share by which one more stretch of time spent on it would lower the uncertainty of projection that nine tenths of
        the image stay below.
    """

    text: str
    gain: float


def what_next(calibration: Calibration) -> tuple[NextView, ...]:
    """Views that are missing and that would help, the most helpful first.

    Missing are ninths of the image in which the board was hardly seen or that alone are uncertain by more than a pixel, sides of
    the board that were never tilted away, and distances other than the only one.  For each, boards are placed before the
    estimated camera, and the information of their points, as good as those of the calibration, is added to what there is.

    Notes
    -----
    The gain is a prediction: it takes the estimate for true and new errors for independent of the old ones, and leaves out errors
    that repeat in every view.
    """
    coverage = measure_coverage(calibration)
    before = calibration.image_std_p90()
    found = []
    for text, poses in _missing(calibration, coverage):
        covariances = _covariances_with(calibration, poses)
        after = [replace(calibration, covariance=covariance).image_std_p90() for covariance in covariances]
        if after and 1 - min(after) / before >= _WORTH:
            found.append(NextView(text, 1 - min(after) / before))
    return tuple(sorted(found, key=lambda view: -view.gain))


def _missing(calibration: Calibration, coverage: Coverage) -> Iterator[tuple[str, list[tuple[Array, Array]]]]:
    """What is missing, in words, and poses of the board that would show it."""
    camera = calibration.camera
    usual = float(np.median(coverage.distances_m))
    middle = np.array([camera.width - 1, camera.height - 1]) / 2
    uncertain = zone_uncertainty(calibration, coverage) > ZONE_PX
    alone = uncertain.mean() < MOST_OF_IT
    for zone, unsure in zip(coverage.zones, uncertain, strict=True):
        if zone.is_missing or (alone and unsure.mean() > UNSURE_SHARE):
            px = (np.array([zone.column, zone.row]) + 0.5) / 3 * (camera.width, camera.height) - 0.5
            way = "to" if zone.is_missing else "farther into"
            yield f"bring the board {way} the {zone.name} of the image", _tilted(calibration, px, usual)
    for name, side in SIDES:
        if name in coverage.missing_sides:
            pose = _pose(calibration, middle, usual, side)
            yield f"tilt the board by 20 to 40 degrees so that its {name} side is farther away", [pose]
    if coverage.is_one_distance:
        near, far = coverage.distance_range_m
        yield f"hold the board nearer than {near:.3g} m", _tilted(calibration, middle, _NEARER * near)
        yield f"hold the board farther away than {far:.3g} m", _tilted(calibration, middle, _FARTHER * far)


def _tilted(calibration: Calibration, px: Array, distance_m: float) -> list[tuple[Array, Array]]:
    return [_pose(calibration, px, distance_m, side) for side in ((0.0, 0.0), *(side for _, side in SIDES))]


def _pose(calibration: Calibration, px: Array, distance_m: float, side: tuple[float, float]) -> tuple[Array, Array]:
    """A board whose middle is seen at a pixel and whose ``side`` is tilted away, turned like most views."""
    turn = calibration.fits[len(calibration.fits) // 2].R_cam_board
    roll = float(np.arctan2(turn[1, 0], turn[0, 0]))
    R = exp_so3([_TILT_RAD * side[1], -_TILT_RAD * side[0], 0.0]) @ exp_so3([0.0, 0.0, roll])
    bearing = calibration.camera.unproject(px)
    at = distance_m * bearing / bearing[2]
    return R, at - R @ calibration.detections.target.object_points.mean(0)


def _covariances_with(calibration: Calibration, poses: Sequence[tuple[Array, Array]]) -> list[Array]:
    """Covariance of the parameters with one more stretch of time at each pose, those that show too little left out."""
    basis = free_basis(calibration.camera.model, calibration.options.fix)
    inverse = np.linalg.pinv(basis)
    now = np.linalg.inv(inverse @ calibration.covariance @ inverse.T)
    taken = _information(calibration, *_taken(calibration), basis)
    per_view = np.exp((np.linalg.slogdet(now)[1] - np.linalg.slogdet(taken.sum(0))[1]) / len(now))
    views = len(calibration.fits) / calibration.independent_stretches
    placed = [_seen(calibration, R, t) for R, t in poses if np.isfinite(t).all()]
    return [basis @ np.linalg.inv(now + per_view * views * _information(calibration, estimate, obs, basis)[0]) @ basis.T
            for estimate, obs in placed if obs.mask.sum() >= calibration.options.min_points]


def _taken(calibration: Calibration) -> tuple[Estimate, Observations]:
    """The used views, with their points where the calibration puts them."""
    fits, views = calibration.fits, calibration.detections.views
    obs = gather([views[fit.view] for fit in fits], calibration.detections.target, calibration.options.min_std_px)
    mask = np.zeros_like(obs.mask)
    for row, fit in zip(mask, fits, strict=True):
        row[: len(fit.inliers)] = fit.inliers
    R, t = np.array([fit.R_cam_board for fit in fits]), np.array([fit.t_cam_board_m for fit in fits])
    return Estimate(calibration.camera.params, R, t), obs.masked(mask)


def _seen(calibration: Calibration, R: Array, t: Array) -> tuple[Estimate, Observations]:
    """What the estimated camera sees of a board, points as certain as the typical one of the calibration."""
    camera, views = calibration.camera, calibration.detections.views
    board = calibration.detections.target.object_points
    xy = camera.project(board @ R.T + t)
    inside = np.all((xy > _MARGIN_PX) & (xy < np.array([camera.width, camera.height]) - 1 - _MARGIN_PX), axis=1)
    variance = np.median(np.concatenate([np.trace(views[fit.view].cov, axis1=1, axis2=2) / 2 for fit in calibration.fits]))
    whitening = np.eye(2) / max(np.sqrt(variance), calibration.options.min_std_px)
    px = np.where(inside[:, None], xy, 0.0)
    obs = Observations(board[None], px[None], np.tile(whitening, (1, len(board), 1, 1)), inside[None])
    return Estimate(camera.params, R[None], t[None]), obs


def _information(calibration: Calibration, estimate: Estimate, obs: Observations, basis: Array) -> Array:
    """What each view tells of the free parameters, shape (V, n, n)."""
    return schur_complement(normal_equations(get_model(calibration.camera.model), estimate, obs, basis, Loss()))[0]
