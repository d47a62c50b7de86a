"""The stated covariance against the scatter of many synthetic calibrations."""

import numpy as np
import pytest

from evcam.calib import CalibrationOptions, calibrate
from evcam.core.camera import Camera

RADIAL = CalibrationOptions(fix=("k3", "p1", "p2"))


@pytest.mark.parametrize(("views", "duration_s", "phi"), [(50, 10.0, 0.0), (70, 1.4, 0.7)], ids=["white", "correlated"])
def test_normalised_squared_error_is_one(views, duration_s, phi, make_detections, radtan):
    truth = Camera(radtan.model, [*radtan.params[:6], 0, 0, 0], radtan.width, radtan.height)
    free = [0, 1, 2, 3, 4, 5]
    squared = []
    for seed in range(50):
        result = calibrate(make_detections(truth, views=views, duration_s=duration_s, phi=phi, seed=seed), options=RADIAL)
        error = (result.camera.params - truth.params)[free]
        squared.append(error @ np.linalg.solve(result.covariance[np.ix_(free, free)], error) / len(free))
    assert 0.7 < np.mean(squared) < 1.3


def test_the_naive_covariance_would_be_far_too_small_for_correlated_noise(make_detections):
    """Guards the test above: correlation along the views really matters at this strength."""
    white, correlated = (
        [calibrate(make_detections(views=50, duration_s=1.0, phi=phi, seed=seed), options=RADIAL).camera.params[0]
         for seed in range(12)]
        for phi in (0.0, 0.7)
    )
    assert np.var(correlated) > 2 * np.var(white)


@pytest.mark.parametrize("rotation_free", [False, True])
def test_projection_std_is_the_scatter_of_projections(rotation_free, make_detections):
    result = calibrate(make_detections(views=30))
    rng = np.random.default_rng(0)
    px = np.array([[172.0, 130.0], [30.0, 40.0], [300.0, 220.0]])
    bearings = result.camera.unproject(px)
    grid = np.stack(np.meshgrid(np.linspace(0, 345, 16), np.linspace(0, 259, 12)), -1).reshape(-1, 2)
    rays = result.camera.unproject(grid)
    shifted = []
    for params in rng.multivariate_normal(result.camera.params, result.covariance, 1500, method="cholesky"):
        other = Camera(result.camera.model, params, 346, 260)
        moved = other.project(bearings)
        if rotation_free:
            spin = _spin(result.camera, rays, other.project(rays) - grid)
            moved = moved - np.stack([result.camera.project(b + np.cross(spin, b)) for b in bearings]) + px
        shifted.append(moved - px)
    scatter = np.sqrt((np.array(shifted) ** 2).sum(-1).mean(0))
    assert result.projection_std(px, rotation_free=rotation_free) == pytest.approx(scatter, rel=0.08)


def test_taking_the_rotation_off_leaves_less(make_detections):
    result = calibrate(make_detections(views=30))
    centre = np.array([172.0, 130.0])
    assert result.projection_std(centre, rotation_free=True) < result.projection_std(centre)


def _spin(camera, rays, change):
    """Small rotation vector whose effect on the image is nearest to ``change``."""
    columns = [(camera.project(rays + 1e-6 * np.cross(axis, rays)) - camera.project(rays)) / 1e-6 for axis in np.eye(3)]
    return np.linalg.lstsq(np.stack(columns, -1).reshape(-1, 3), change.ravel())[0]
