"""Homography and radial distortion together, and the circle centres that depend on them."""

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.solvers.circle_image import circle_center_offset
from evcam.solvers.lens_homography import _linearised, fit_lens_homography

TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
MIDDLE, HALF = np.array([172.5, 129.5]), 173.0


def _view(tilt, k1, k2):
    camera = Camera("pinhole-radtan", [322, 322, 171.0, 132.0, k1, k2, 0.0006, -0.0004, 0], 346, 260)
    R = exp_so3(tilt) @ exp_so3([0, 0, np.pi / 2])
    t = [0.02, -0.01, 0.75] - R @ TARGET.object_points.mean(0)
    board = TARGET.object_points[:, :2]
    return board, lambda xy: camera.project(np.column_stack([xy, np.zeros(len(xy))]) @ R.T + t)


@pytest.mark.parametrize(("k1", "k2"), [(0.0, 0.0), (-0.31, 0.105), (0.1, 0.0)])
@pytest.mark.parametrize("tilt", [(0.0, 0.44, 0.0), (0.35, 0.17, 0.0)])
def test_follows_a_lens_that_is_neither_centred_nor_quite_radial(tilt, k1, k2):
    board, to_image = _view(tilt, k1, k2)
    fitted = fit_lens_homography(board, to_image(board), MIDDLE, HALF)
    assert np.abs(fitted(board) - to_image(board)).max() < 0.1


@pytest.mark.parametrize("tilt", [(0.0, 0.44, 0.0), (0.35, 0.17, 0.0)])
def test_gives_the_offset_of_circle_centres_to_some_thousandths_of_a_pixel(tilt):
    board, to_image = _view(tilt, -0.31, 0.105)
    exact = circle_center_offset(to_image, board, TARGET.radius_m)
    seen = to_image(board) + exact
    fitted = circle_center_offset(fit_lens_homography(board, seen, MIDDLE, HALF), board, TARGET.radius_m)
    error = np.linalg.norm(fitted - exact, axis=1)
    assert np.abs(exact).max() > 0.05
    assert np.sqrt((error**2).mean()) < 3e-3
    assert error.max() < 0.01


def test_few_noisy_points_do_not_invent_distortion():
    board, to_image = _view((0.1, 0.2, 0.0), 0.0, 0.0)
    few = board[[4, 5, 8, 9, 12, 13, 16, 17]]
    noisy = to_image(few) + np.random.default_rng(0).normal(0, 0.05, few.shape)
    offset = circle_center_offset(fit_lens_homography(few, noisy, MIDDLE, HALF), few, TARGET.radius_m)
    assert np.abs(offset - circle_center_offset(to_image, few, TARGET.radius_m)).max() < 0.1


def test_jacobian_against_central_differences():
    rng = np.random.default_rng(1)
    q, y = rng.uniform(-1, 1, (6, 2)), rng.uniform(-1, 1, (6, 2))
    H = np.array([[0.5, 0.1, 0.05], [-0.08, 0.6, 0.1], [0.05, -0.1, 1.0]])
    k = np.array([-0.1, 0.02])
    _, jacobian = _linearised(H, k, q, y)
    for i in range(10):
        step = np.zeros(10)
        step[i] = 1e-6
        plus, minus = (
            _linearised(H + s * np.append(step[:8], 0).reshape(3, 3), k + s * step[8:], q, y)[0] for s in (1, -1)
        )
        assert np.allclose(jacobian[:, i], (minus - plus) / 2e-6, atol=1e-7)
