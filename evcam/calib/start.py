"""A deterministic start: poses from homographies, focal length from a closed form and a few guesses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.calib.bundle import Estimate, Loss, adjust, residuals_px, robust_scale, whitened_norm
from evcam.calib.observations import Observations
from evcam.core.camera import Camera, CameraModel, get_model
from evcam.solvers.focal_length import focal_length
from evcam.solvers.homography import homography_dlt, homography_refine
from evcam.solvers.planar_pose import planar_pose

Array = NDArray[np.float64]

# Focal lengths in units of the longer side of the image, from a fisheye to a long lens.
_GUESSES = (0.3, 0.45, 0.7, 1.0, 1.5, 2.5, 4.0)
_TRIAL_VIEWS = 20
_TRIED = 3
_HUBER = 2.0


def start_poses(camera: Camera, obs: Observations, *, refine: bool = True) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Pose of the board in each view with given intrinsics; ``refine=False`` is rough and faster.

    Returns
    -------
    R_cam_board : ndarray of float64, shape (V, 3, 3)
    t_cam_board_m : ndarray of float64, shape (V, 3)
    found : ndarray of bool, shape (V,)
        False where the points (on a line, or hardly any inside the valid region) give no pose.
    """
    rotations, translations = np.tile(np.eye(3), (len(obs), 1, 1)), np.tile([0.0, 0.0, 1.0], (len(obs), 1))
    found = np.zeros(len(obs), bool)
    bearings = camera.unproject(obs.xy)
    usable = obs.mask & np.isfinite(bearings).all(-1)
    for i, use in enumerate(usable):
        m = bearings[i, use, :2] / bearings[i, use, 2:]
        board = obs.object_m[i, use, :2]
        solution = homography_dlt(board, m)
        if not solution.is_determined:
            continue
        matrix = homography_refine(solution.matrix, board, m, huber=_HUBER, iterations=5) if refine else solution.matrix
        rotations[i], translations[i] = planar_pose(matrix)
        depth = obs.object_m[i, obs.mask[i]] @ rotations[i, 2] + translations[i, 2]
        found[i] = bool(np.isfinite(depth).all() and (depth > 0).all())
    return rotations, translations, found


def start_camera(model: str, width: int, height: int, obs: Observations, basis: Array) -> Camera:
    """Intrinsics to start from: of several focal lengths the one whose short adjustment fits best.

    The closed form assumes an undistorted image and a plain pinhole; the guesses stand in when a
    wide lens or frontal views mislead it.
    """
    obs = obs.take(np.unique(np.linspace(0, len(obs) - 1, min(len(obs), _TRIAL_VIEWS)).astype(int)))
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    focal = [guess * max(width, height) for guess in _GUESSES]
    closed = focal_length(_pixel_homographies(obs), centre)
    if 0.1 * max(width, height) < closed < 20 * max(width, height):
        focal.append(closed)
    cameras = [_plain_camera(model, f, centre, width, height) for f in focal]
    scored = sorted((_misfit(camera, obs), i) for i, camera in enumerate(cameras))
    tried = [_short_adjustment(cameras[i], obs, basis) for _, i in scored[:_TRIED]]
    _, best = min(((score, i) for i, (score, _) in enumerate(tried)))
    return tried[best][1]


def _pixel_homographies(obs: Observations) -> Array:
    pairs = [(obs.object_m[i, use, :2], obs.xy[i, use]) for i, use in enumerate(obs.mask)]
    solutions = [homography_dlt(board, px) for board, px in pairs]
    return np.array([solution.matrix for solution in solutions if solution.is_determined]).reshape(-1, 3, 3)


def _plain_camera(model: str, focal: float, centre: Array, width: int, height: int) -> Camera:
    distortion = np.zeros(len(Camera.param_names(model)) - 4)
    return Camera(model, np.array([focal, focal, *centre, *distortion]), width, height)


def _misfit(camera: Camera, obs: Observations) -> float:
    """Median whitened residual with poses straight from the homographies; views without a pose count as very bad."""
    R, t, found = start_poses(camera, obs, refine=False)
    norm = whitened_norm(residuals_px(get_model(camera.model), Estimate(camera.params, R, t), obs), obs)
    norm[~found] = 1e9
    return float(np.median(np.minimum(norm, 1e9)[obs.mask]))


def _short_adjustment(camera: Camera, obs: Observations, basis: Array) -> tuple[float, Camera]:
    model: CameraModel = get_model(camera.model)
    R, t, found = start_poses(camera, obs)
    if found.sum() < 2:
        return float("inf"), camera
    obs, estimate = obs.take(found), Estimate(camera.params, R[found], t[found])
    for _ in range(2):
        scale = robust_scale(whitened_norm(residuals_px(model, estimate, obs), obs), obs)
        estimate = adjust(model, estimate, obs, basis, Loss(scale, _HUBER), iterations=12)
    score = robust_scale(whitened_norm(residuals_px(model, estimate, obs), obs), obs)
    if not (np.isfinite(estimate.params).all() and (estimate.params[:2] > 0).all()):
        return float("inf"), camera
    return score / found.mean(), Camera(camera.model, estimate.params, camera.width, camera.height)
