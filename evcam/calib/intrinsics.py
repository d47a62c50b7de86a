"""From detections to a calibration."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from evcam.calib.bundle import (
    Estimate,
    Loss,
    adjust,
    normal_equations,
    residuals_px,
    robust_scale,
    schur_complement,
    whitened_norm,
)
from evcam.calib.calibration import Calibration
from evcam.calib.covariance import cluster_robust_covariance, time_clusters, view_spacing_us
from evcam.calib.observations import Observations, gather, spread_out
from evcam.calib.options import EQUAL_FOCAL, CalibrationOptions
from evcam.calib.rejection import ViewLedger, faces_like_the_rest, first_sightings, inlier_points, typical_views
from evcam.calib.result import ViewFit, software_versions
from evcam.calib.selection import select_views
from evcam.calib.start import start_camera, start_poses
from evcam.calib.systematic import systematic_covariance
from evcam.core.camera import Camera, get_model
from evcam.core.detections import Detections
from evcam.errors import NotEnoughDataError

Array = NDArray[np.float64]

MIN_VIEWS = 5
_ROUNDS = 4


def calibrate(
    detections: Detections, model: str = "pinhole-radtan", options: CalibrationOptions | None = None
) -> Calibration:
    """Intrinsics, their covariance and the poses of the board from its detected points.

    A deterministic start, then a robust bundle adjustment over all views, in which points and
    views that do not fit are left out with a reason.  No random numbers are drawn.

    Parameters
    ----------
    detections : Detections
        Views of the board; points are moved by their own velocities to the middle of their view.
    model : str
        Camera model, see `Camera`.
    options : CalibrationOptions, optional

    Returns
    -------
    Calibration
        Judge it (`judge`) before it is used.

    Raises
    ------
    InputError
        Unknown model or parameter name.
    NotEnoughDataError
        Fewer than five usable views, or views that leave a parameter undetermined, e.g. because
        the board was never tilted.

    Notes
    -----
    Centres of circles are taken as projections of the true centres.  A scale error of the board
    does not change the intrinsics, only the translations.
    """
    options = options or CalibrationOptions()
    options.check_names(model)
    ledger, basis = ViewLedger(detections.views), free_basis(model, options.fix)
    counts = np.array([len(view) for view in ledger.views], int)
    ledger.keep(counts >= options.min_points, "too few points", [f"{n}, needed {options.min_points}" for n in counts])
    _check_enough(ledger, detections)
    ledger.keep(first_sightings([ledger.views[i] for i in ledger.kept]), "repeats another view")
    _check_enough(ledger, detections)
    obs = gather([ledger.views[i] for i in ledger.kept], detections.target, options.min_std_px)
    spread = spread_out(obs)
    ledger.keep(spread, "points in one line or place")
    _check_enough(ledger, detections)
    obs = obs.take(spread)
    obs = _thin_out(obs, ledger, detections, options)
    camera = start_camera(model, detections.width, detections.height, obs, basis)
    estimate, obs = _start_all(camera, obs, ledger, detections)
    estimate, obs = _refine(estimate, obs, ledger, detections, model, basis, options)
    return _result(estimate, obs, ledger, detections, model, basis, options)


def free_basis(model: str, fix: tuple[str, ...]) -> Array:
    """Directions in which the parameters may move, (P, n): one column each, a common one for tied focal lengths."""
    names = Camera.param_names(model)
    columns = {name: np.eye(len(names))[i] for i, name in enumerate(names) if name not in fix}
    if EQUAL_FOCAL in fix:
        columns["fx"] = columns["fx"] + columns.pop("fy")
    return np.stack(list(columns.values()), 1)


def _thin_out(obs: Observations, ledger: ViewLedger, detections: Detections, options: CalibrationOptions) -> Observations:
    t_us = np.array([ledger.views[i].mid_us for i in ledger.kept])
    chosen = select_views(obs, t_us, detections.width, detections.height, options.max_views)
    keep = np.zeros(len(obs), bool)
    keep[chosen] = True
    ledger.keep(keep, "not needed for coverage")
    return obs.take(keep)


def _start_all(
    camera: Camera, obs: Observations, ledger: ViewLedger, detections: Detections
) -> tuple[Estimate, Observations]:
    R, t, found = start_poses(camera, obs)
    ledger.keep(found, "points do not determine a pose")
    _check_enough(ledger, detections)
    estimate, obs = Estimate(camera.params, R, t).take(found), obs.take(found)
    same_side = faces_like_the_rest(estimate)
    ledger.keep(same_side, "mirrored against the other views")
    _check_enough(ledger, detections)
    return estimate.take(same_side), obs.take(same_side)


def _refine(
    estimate: Estimate, obs: Observations, ledger: ViewLedger, detections: Detections,
    model_name: str, basis: Array, options: CalibrationOptions,
) -> tuple[Estimate, Observations]:
    """Adjust and judge points and views in turn, until the judgement stands."""
    model, detected = get_model(model_name), obs
    knee = options.huber_sigma if options.loss == "huber" else np.inf
    scale = robust_scale(whitened_norm(residuals_px(model, estimate, obs), obs), obs)
    estimate = adjust(model, estimate, obs, basis, Loss(scale, options.huber_sigma), iterations=20)
    for _ in range(_ROUNDS):
        inliers, scale = inlier_points(model, estimate, detected, options)
        before, obs = obs.mask, detected.masked(inliers)
        norm = whitened_norm(residuals_px(model, estimate, obs), obs)
        typical, details = typical_views(norm, inliers, options)
        count = inliers.sum(1)
        enough = count >= options.min_points
        ledger.keep(typical | ~enough, "residual too large", details)
        few = [f"{n} of {m}" for n, m in zip(count, detected.mask.sum(1), strict=True)]
        left = typical | ~enough
        ledger.keep(enough[left], "too few points fit", [few[i] for i in np.flatnonzero(left)])
        _check_enough(ledger, detections)
        keep = typical & enough
        settled = bool(keep.all()) and np.array_equal(before, obs.mask)
        estimate, obs, detected = estimate.take(keep), obs.take(keep), detected.take(keep)
        estimate = adjust(model, estimate, obs, basis, Loss(scale, knee))
        if settled:
            break
    return estimate, obs


def _result(
    estimate: Estimate, obs: Observations, ledger: ViewLedger, detections: Detections,
    model_name: str, basis: Array, options: CalibrationOptions,
) -> Calibration:
    model = get_model(model_name)
    camera = Camera(model_name, estimate.params, detections.width, detections.height)
    residual = residuals_px(model, estimate, obs)
    norm = whitened_norm(residual, obs)
    scale = robust_scale(norm, obs)
    loss = Loss(scale, options.huber_sigma if options.loss == "huber" else np.inf)
    information, gradient = schur_complement(normal_equations(model, estimate, obs, basis, loss))
    _check_determined(information.sum(0), camera, basis)
    views = [ledger.views[i] for i in ledger.kept]
    clusters = time_clusters(views, _by_id(residual, obs, detections, ledger))
    free = cluster_robust_covariance(information, gradient, clusters, view_spacing_us(views))
    size = (detections.width, detections.height)
    free += systematic_covariance(model, estimate, obs, basis, loss, information.sum(0), size, options.systematic_px)
    fits = tuple(
        ViewFit(int(position), estimate.R_cam_board[i], estimate.t_cam_board_m[i], obs.mask[i, : len(ledger.views[position])])
        for i, position in enumerate(ledger.kept)
    )
    rejected = tuple(rejection for _, rejection in sorted(ledger.rejected, key=lambda pair: pair[0]))
    return Calibration(
        camera, basis @ free @ basis.T, fits, rejected, detections, options, len(clusters), software_versions()
    )


def _by_id(residual: Array, obs: Observations, detections: Detections, ledger: ViewLedger) -> Array:
    """Whitened residuals (V, I, 2) in columns of point ids."""
    out = np.zeros((len(obs), len(detections.target), 2))
    whitened = (obs.whitening @ residual[..., None])[..., 0]
    for i, position in enumerate(ledger.kept):
        view = ledger.views[position]
        out[i, view.ids] = whitened[i, : len(view)]
    return out


def _check_enough(ledger: ViewLedger, detections: Detections) -> None:
    if len(ledger.kept) >= MIN_VIEWS:
        return
    reasons = Counter(detections.rejection_counts())
    reasons.update(rejection.reason for _, rejection in ledger.rejected)
    total = len(detections.views) + len(detections.rejections)
    why = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    if not total:
        raise NotEnoughDataError(f"no view of the board, at least {MIN_VIEWS} are needed; record it longer, from more sides")
    advice = "record the board longer, from more sides" if detections.views else "check that the target's numbers are the board's"
    raise NotEnoughDataError(
        f"{len(ledger.kept)} of {total} windows gave usable views, at least {MIN_VIEWS} are needed"
        + (f" ({why})" if why else "") + f"; {advice}"
    )


def _check_determined(information: Array, camera: Camera, basis: Array) -> None:
    """Refuse when some combination of parameters hardly moves any point."""
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    values, vectors = np.linalg.eigh(information / size[:, None] / size)
    if values[0] > 1e-12:
        return
    names = Camera.param_names(camera.model)
    weight = np.abs(basis @ (vectors[:, 0] / size) / np.maximum(np.abs(camera.params), 1.0))
    worst = ", ".join(names[i] for i in np.argsort(-weight)[:3])
    raise NotEnoughDataError(f"the views do not determine {worst}; tilt the board, move it over the image, or fix parameters")
