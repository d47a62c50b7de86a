import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evcam.core.camera import Camera
from evcam.core.detections import View
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.detect.board_map import LensBend, fit_lens, with_circle_centers

TARGET = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
WIDTH, HEIGHT = 240, 180
CAMERAS = [
    Camera("pinhole-radtan", [200, 201, 119.5, 89.5, 0, 0, 0, 0, 0], WIDTH, HEIGHT),
    Camera("pinhole-radtan", [200, 201, 122.0, 86.0, -0.35, 0.15, 0.0005, -0.0005, 0], WIDTH, HEIGHT),
    Camera("pinhole-equidistant", [110, 110, 119.0, 91.0, 0.02, -0.01, 0, 0], WIDTH, HEIGHT),
]


@given(st.floats(-0.8, 0.2), st.floats(-0.05, 0.05), st.floats(0, 239), st.floats(0, 179))
def test_bending_undoes_straightening(a, b, x, y):
    lens = LensBend(WIDTH, HEIGHT, a, b)
    np.testing.assert_allclose(lens.bent(lens.straightened(np.array([[x, y]]))), [[x, y]], atol=1e-8)


def poses(number, distance_m):
    rng = np.random.default_rng(1)
    for _ in range(number):
        R = exp_so3([*rng.uniform(-0.5, 0.5, 2), 0]) @ exp_so3([0, 0, rng.uniform(-3, 3)])
        at = rng.uniform(-0.12, 0.12, 2) * distance_m
        yield R, np.array([*at, distance_m]) - R @ TARGET.object_points.mean(0)


def outlines(camera, R, t):
    """Least-squares ellipse centres of the discs' outlines, and the images of their centres."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = TARGET.object_points[:, None] + TARGET.radius_m * np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    middles, rings = camera.project(TARGET.object_points @ R.T + t), camera.project(ring @ R.T + t)
    centers = np.empty_like(middles)
    for k, (middle, px) in enumerate(zip(middles, rings, strict=True)):
        x, y = (px - middle).T
        a, b, c, d, e = np.linalg.lstsq(np.stack([x * x, x * y, y * y, x, y], -1), np.ones(60), rcond=None)[0]
        centers[k] = middle + np.linalg.solve([[2 * a, b], [b, 2 * c]], [-d, -e])
    return centers, middles


@pytest.mark.parametrize("camera", CAMERAS, ids=["straight", "radtan", "equidistant"])
def test_image_centres_become_images_of_centres(camera):
    distance_m = 0.9 * camera.params[0] / 200
    views, truth = [], []
    for i, (R, t) in enumerate(poses(8, distance_m)):
        centers, middles = outlines(camera, R, t)
        n = len(centers)
        views.append(View("a", i, np.zeros(n, int), np.arange(n), centers, np.tile(np.eye(2), (n, 1, 1)), np.zeros((n, 2)), 0))
        truth.append(middles)
    corrected = with_circle_centers(views, TARGET, WIDTH, HEIGHT)
    before = np.concatenate([v.xy - m for v, m in zip(views, truth, strict=True)])
    after = np.concatenate([v.xy - m for v, m in zip(corrected, truth, strict=True)])
    assert np.linalg.norm(before, axis=1).max() > 0.04
    assert np.sqrt((after**2).sum(1).mean()) < 0.01
    assert np.linalg.norm(after, axis=1).max() < 0.03


@pytest.mark.parametrize("a", [-0.5, -0.1, 0.2])
def test_lens_of_its_own_kind_is_found(a):
    lens = LensBend(WIDTH, HEIGHT, a)
    board = TARGET.object_points[:, :2]
    views = [(board, lens.bent(CAMERAS[0].project(TARGET.object_points @ R.T + t))) for R, t in poses(5, 0.9)]
    found = fit_lens(WIDTH, HEIGHT, views)
    px = np.concatenate([image for _, image in views])
    # the lens of a flat board is known up to a homography alone
    assert np.linalg.norm(found.straightened(px) - lens.straightened(px), axis=1).max() < 0.5


def test_without_views_the_lens_is_straight():
    straight = LensBend(WIDTH, HEIGHT)
    assert fit_lens(WIDTH, HEIGHT, []) == straight
    few = np.random.default_rng(0).uniform(0, 1, (6, 2))
    assert fit_lens(WIDTH, HEIGHT, [(few, few)]) == straight
