"""Bundle adjustment of one camera and one board: Levenberg-Marquardt with the poses eliminated.

Every view has its own pose and all share the intrinsics, so the normal equations are an arrow:
a narrow border of intrinsics and one 6x6 block per view, which the Schur complement removes.
Everything is batched over the views.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.calib.observations import Observations
from evcam.core.camera import CameraModel
from evcam.core.camera.models import project_points, project_points_jacobians
from evcam.core.rotation import exp_so3, hat

Array = NDArray[np.float64]

_MIN_DEPTH_M = 1e-6
_GAIN = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """Intrinsics, shape (P,), and poses of the board, shapes (V, 3, 3) and (V, 3)."""

    params: Array
    R_cam_board: Array
    t_cam_board_m: Array

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Estimate:
        """The same intrinsics with some of the poses."""
        return replace(self, R_cam_board=self.R_cam_board[index], t_cam_board_m=self.t_cam_board_m[index])


@dataclass(frozen=True, eq=False, slots=True)
class Loss:
    """Huber's loss of the whitened 2-D residual: quadratic up to ``knee`` standard deviations ``scale``."""

    scale: float = 1.0
    knee: float = np.inf

    def cost(self, norm: Array) -> float:
        """Sum of the loss of residual norms."""
        e = norm / self.scale
        if np.isinf(self.knee):
            return float((e * e).sum())
        return float(np.where(e <= self.knee, e * e, 2 * self.knee * e - self.knee**2).sum())

    def weight(self, norm: Array) -> Array:
        """Weights that make least squares act like the loss."""
        limit = self.knee * self.scale
        weight: Array = np.minimum(1.0, limit / np.maximum(norm, 1e-300)) / self.scale**2
        return weight


@dataclass(frozen=True, eq=False, slots=True)
class NormalEquations:
    """Blocks of the normal matrix and gradient: n free intrinsics, V poses.

    Attributes
    ----------
    intrinsic : ndarray, shape (V, n, n)
        Contribution of each view.
    mixed : ndarray, shape (V, 6, n)
    pose : ndarray, shape (V, 6, 6)
    gradient : ndarray, shape (V, n), and gradient_pose : ndarray, shape (V, 6)
    """

    intrinsic: Array
    mixed: Array
    pose: Array
    gradient: Array
    gradient_pose: Array


def points_in_camera(estimate: Estimate, object_m: Array) -> Array:
    """Board points in the camera's frame, (V, K, 3)."""
    points: Array = object_m @ estimate.R_cam_board.transpose(0, 2, 1) + estimate.t_cam_board_m[:, None]
    return points


def residuals_px(model: CameraModel, estimate: Estimate, obs: Observations) -> Array:
    """Projected minus observed, shape (V, K, 2); infinite behind the camera, zero where a point takes no part."""
    points = points_in_camera(estimate, obs.object_m)
    behind = points[..., 2] < _MIN_DEPTH_M
    points[behind] = (0.0, 0.0, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        residual = project_points(model, estimate.params, points) - obs.xy
    residual[behind] = np.inf
    residual[~obs.mask] = 0.0
    return residual


def whitened_norm(residual: Array, obs: Observations) -> Array:
    """Lengths of residuals in units of their stated standard deviations, (V, K)."""
    with np.errstate(invalid="ignore", over="ignore"):
        norm: Array = np.linalg.norm((obs.whitening @ residual[..., None])[..., 0], axis=-1)
    return np.where(np.isfinite(norm), norm, np.inf)


def robust_scale(norm: Array, obs: Observations) -> float:
    """Standard deviation of the whitened residuals per axis, from their median (Rayleigh)."""
    return max(float(np.median(norm[obs.mask])) / 1.1774, 1e-9)


def design_rows(model: CameraModel, estimate: Estimate, obs: Observations, basis: Array) -> tuple[Array, Array]:
    """Projected points (V, K, 2) and their derivatives by free intrinsics and pose (V, K, 2, n + 6)."""
    rotated = obs.object_m @ estimate.R_cam_board.transpose(0, 2, 1)
    px, by_point, by_params = project_points_jacobians(model, estimate.params, rotated + estimate.t_cam_board_m[:, None])
    # exp(w) R X + t + d: a small rotation acts on the left, in the camera's frame.
    return px, np.concatenate([by_params @ basis, -by_point @ hat(rotated), by_point], -1)


def weighted_products(rows: Array, norm: Array, obs: Observations, loss: Loss) -> Array:
    """Products in each view of whitened columns (V, K, 2, M), weighted by the residuals' lengths (V, K), (V, M, M)."""
    rows = rows * np.sqrt(loss.weight(norm))[..., None, None]
    rows[~obs.mask] = 0.0
    stacked = rows.reshape(len(obs), -1, rows.shape[-1])
    product: Array = stacked.transpose(0, 2, 1) @ stacked
    return product


def normal_equations(
    model: CameraModel, estimate: Estimate, obs: Observations, basis: Array, loss: Loss
) -> NormalEquations:
    """Gauss-Newton blocks at an estimate; ``basis`` (P, n) spans the free directions of the intrinsics."""
    n = basis.shape[1]
    px, design = design_rows(model, estimate, obs, basis)
    rows = obs.whitening @ np.concatenate([design, (px - obs.xy)[..., None]], -1)
    product = weighted_products(rows, np.linalg.norm(rows[..., n + 6], axis=-1), obs, loss)
    pose = slice(n, n + 6)
    return NormalEquations(
        product[:, :n, :n], product[:, pose, :n], product[:, pose, pose], product[:, :n, n + 6], product[:, pose, n + 6]
    )


def schur_complement(equations: NormalEquations) -> tuple[Array, Array]:
    """Information (V, n, n) and gradient (V, n) of the intrinsics in each view, its pose eliminated."""
    right = np.concatenate([equations.mixed, equations.gradient_pose[..., None]], -1)
    eliminated = np.linalg.solve(equations.pose, right)
    product = equations.mixed.transpose(0, 2, 1) @ eliminated
    return equations.intrinsic - product[..., :-1], equations.gradient - product[..., -1]


def adjust(
    model: CameraModel, start: Estimate, obs: Observations, basis: Array, loss: Loss, *, iterations: int = 50
) -> Estimate:
    """Minimise the loss of all reprojection errors over intrinsics and poses.

    Levenberg-Marquardt with the damping of Nielsen (1999), scaled by the diagonal.
    """
    estimate, damping, growth = start, 1e-4, 2.0
    cost = loss.cost(whitened_norm(residuals_px(model, start, obs), obs))
    equations = normal_equations(model, estimate, obs, basis, loss)
    for _ in range(iterations):
        trial = _step(estimate, equations, basis, damping)
        trial_cost = loss.cost(whitened_norm(residuals_px(model, trial, obs), obs))
        if not trial_cost < cost:
            damping, growth = damping * growth, growth * 2
            if damping > 1e10:
                break
            continue
        gain = cost - trial_cost
        estimate, cost = trial, trial_cost
        damping, growth = max(damping / 10, 1e-12), 2.0
        if gain <= _GAIN * cost:
            break
        equations = normal_equations(model, estimate, obs, basis, loss)
    return estimate


def _step(estimate: Estimate, equations: NormalEquations, basis: Array, damping: float) -> Estimate:
    n = basis.shape[1]
    pose = equations.pose + damping * _diagonal(equations.pose)
    right = np.concatenate([equations.mixed, equations.gradient_pose[..., None]], -1)
    eliminated = np.linalg.solve(pose, right)
    total = equations.intrinsic.sum(0)
    reduced = np.concatenate([total + damping * _diagonal(total), equations.gradient.sum(0)[:, None]], 1)
    reduced -= (equations.mixed.transpose(0, 2, 1) @ eliminated).sum(0)
    intrinsics = -np.linalg.solve(reduced[:, :n], reduced[:, n]) if n else np.zeros(0)
    poses = -(eliminated[..., n] + eliminated[..., :n] @ intrinsics)
    return Estimate(
        estimate.params + basis @ intrinsics,
        exp_so3(poses[:, :3]) @ estimate.R_cam_board,
        estimate.t_cam_board_m + poses[:, 3:],
    )


def _diagonal(matrices: Array) -> Array:
    return matrices * np.eye(matrices.shape[-1])
