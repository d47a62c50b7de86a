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
# Beyond 80 degrees from the axis a plane's image runs away and a homography with it.
_LEAST_COSINE = 0.17


def start_poses(camera: Camera, obs: Observations, *, refine: bool = True) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Pose of the board in each view with given intrinsics; ``refine=False`` is rough and faster.

    Returns
    -------
    R_cam_board : ndarray of float64, shape (V, 3, 3)
    t_cam_board_m : ndarray of float64, shape (V, 3)
    found : ndarray of bool, shape (V,)
        False where the points (on a line, or hardly any inside the valid region) give no pose.
    """
    bearings = camera.unproject(obs.xy)
    # NaN, outside the valid region, compares as False.
    usable = obs.mask & (bearings[..., 2] > _LEAST_COSINE)
    m = np.where(usable[..., None], bearings[..., :2] / bearings[..., 2:], 0.0)
    board = obs.object_m[..., :2]
    solution = homography_dlt(board, m, usable)
    found = solution.is_determined
    matrix = np.where(found[:, None, None], solution.matrix, np.eye(3))
    if refine:
        matrix[found] = homography_refine(matrix[found], board[found], m[found], usable[found], huber=_HUBER, iterations=5)
    R, t = planar_pose(matrix)
    depth = (obs.object_m @ R[:, 2, :, None])[..., 0] + t[:, 2:]
    return R, t, found & np.isfinite(depth).all(1) & ((depth > 0) | ~obs.mask).all(1)


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
    solution = homography_dlt(obs.object_m[..., :2], obs.xy, obs.mask)
    determined: Array = solution.matrix[solution.is_determined]
    return determined


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
