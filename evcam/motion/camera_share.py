"""What the uncertainty of the camera's parameters adds to the direction's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.motion.direction import Motion, moved_direction
from evcam.motion.posterior import GyroPrior, LineRates
from evcam.solvers.gyro_terms import gyro_terms
from evcam.solvers.joint_fits import JointFits

Array = NDArray[np.float64]

# Parameters are moved together along the axes of their covariance; axes that move no bearing by more (rad) are left out.
_NOTHING_RAD = 1e-7


def camera_share(
    camera: Camera, camera_covariance: Array, fits: JointFits, rates: LineRates, moving: NDArray[np.bool_], motion: Motion,
    gyro: GyroPrior,
) -> Array:
    """Covariance (3, 3) of the direction by that of the camera's parameters.

    Along each principal axis of the parameters' covariance they are moved by one standard deviation, and the lines with them; the
    direction that these give differs by that axis's share.
    """
    sizes, axes = np.linalg.eigh(camera_covariance)
    steps = axes * np.sqrt(np.maximum(sizes, 0.0))
    shifts = _bearing_shifts(camera, fits, steps)
    seen = np.abs(shifts).max((0, 1)) > _NOTHING_RAD
    moved = [moved_direction(motion, _shifted(rates, change)[moving], gyro) for change in _line_shifts(fits, shifts[:, :, seen])]
    across = np.array([direction - (direction @ motion.vector) * motion.vector for direction in moved]).reshape(-1, 3)
    share: Array = across.T @ across
    return share


def _bearing_shifts(camera: Camera, fits: JointFits, steps: Array) -> Array:
    """Change of each bearing when the parameters make these steps and its pixel stays, (N, 3, steps)."""
    events = fits.stack.events
    # In the frame of the window's middle the same pixel lies elsewhere, by some degrees of rotation: the difference is small.
    _, _, by_parameters = camera.project_jacobians(events.bearings)
    change = -events.pixel_jacobians @ by_parameters @ steps
    return np.asarray(np.where(np.isfinite(change), change, 0.0))


def _line_shifts(fits: JointFits, shifts: Array) -> list[Array]:
    """Change of every line's [b, a], (M, 6), for each step.

    A change of the bearing is a small turn of it, as an error of the gyro is: the same terms give both, three at a time.
    """
    events, count = fits.stack.events, shifts.shape[2]
    padded = np.concatenate([shifts, np.zeros((*shifts.shape[:2], -count % 3))], 2)
    changes: list[Array] = []
    for first in range(0, count, 3):
        turns = np.cross(events.bearings[:, :, None], padded[:, :, first:first + 3], axis=1)
        stack = replace(fits.stack, events=replace(events, gyro_jacobians=turns))
        terms = gyro_terms(stack, fits.fits.vectors, fits.fits.noise)
        changes += [terms.shifts[:, :, k] for k in range(min(3, count - first))]
    return changes


def _shifted(rates: LineRates, change: Array) -> LineRates:
    b = rates.b + change[:, :3]
    return replace(rates, b=b / np.linalg.norm(b, axis=1, keepdims=True), a=rates.a + change[:, 3:])
