"""Board, camera's path and velocity in three dimensions."""

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.motion.estimate import MotionStatus, VelocityEstimate
from evcam.viz.rig import Path, board_layer, estimate_at, frustum, path_layer, rig_eye, velocity_layer
from evcam.viz.scene import Lines, Triangles

CAMERA = Camera("pinhole-radtan", [100.0, 100.0, 59.5, 39.5, 0, 0, 0, 0, 0], 120, 80)
TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)


@pytest.fixture
def path():
    R = np.stack([exp_so3([0, angle, 0]) for angle in (0.0, 0.2, 0.4)])
    return Path(np.array([0, 100_000, 1_000_000]), R, np.array([[0, 0, -1.0], [0.2, 0, -1.0], [0.5, 0, -1.0]]))


def test_poses_are_interpolated_on_the_rotations(path):
    R, t = path.pose(50_000)
    np.testing.assert_allclose(R, exp_so3([0, 0.1, 0]), atol=1e-12)
    np.testing.assert_allclose(t, [0.1, 0, -1])


def test_no_pose_in_a_gap_or_far_from_the_ends(path):
    assert path.pose(500_000) is None
    assert path.pose(2_000_000) is None
    assert Path(np.empty(0, np.int64), np.empty((0, 3, 3)), np.empty((0, 3))).pose(0) is None


def test_a_frustum_looks_forwards_with_the_angle_of_view():
    R = exp_so3([0.1, -0.3, 0.2])
    lines = frustum(CAMERA, R, np.array([1.0, 2.0, 3.0]), 0.5, (255, 255, 255), 1.0, 1.0)
    corners = (lines.stop[:4] - [1.0, 2.0, 3.0]) @ R
    np.testing.assert_allclose(corners[:, 2], 0.5, atol=1e-6)
    np.testing.assert_allclose(corners[0, :2], 0.5 * np.array([-0.6, -0.4]), atol=1e-6)
    np.testing.assert_allclose(corners[2, :2], 0.5 * np.array([0.6, 0.4]), atol=1e-6)


def test_the_path_is_not_drawn_across_gaps(path):
    layer = path_layer(path, CAMERA, 50_000, 2.0)
    assert len(layer.of(Lines)[0].start) == 1
    assert layer.note == "3 poses"
    assert layer.of(Triangles)
    assert path_layer(path, CAMERA, 500_000, 2.0).note == "3 poses, none now"


def test_the_eye_sees_board_and_path(path):
    eye = rig_eye(TARGET, path)
    px, depth = eye.project(np.concatenate([TARGET.object_points, path.t_board_cam_m]), 400, 300)
    assert (depth > 0).all()
    assert ((px > 0) & (px < [400, 300])).all()


def test_the_board_shows_every_circle_at_its_place():
    circles = board_layer(TARGET).of(Lines)[1]
    assert len(circles.start) == 44 * 24
    first = circles.start[:24]
    np.testing.assert_allclose(np.linalg.norm(first - TARGET.object_points[0], axis=1), 0.02, atol=1e-6)


def estimate(t_us=1_000, resolved=True):
    vector = np.array([0.6, 0.0, 0.8])
    across = np.array([[0.8, 0, -0.6], [0, 1.0, 0]])
    covariance = across.T @ np.diag([0.01, 0.04]) @ across
    return VelocityEstimate(t_us, t_us - 10, t_us + 10, MotionStatus.OK, "determined", vector, covariance, resolved)


def test_the_cone_is_two_standard_deviations_wide():
    layer = velocity_layer([estimate()], 1_000, None, 2.0)
    arrow, rim = layer.of(Lines)
    np.testing.assert_allclose(arrow.stop[0], 0.7 * np.array([0.6, 0, 0.8]), atol=1e-6)
    reach = np.linalg.norm(rim.start - arrow.stop[0], axis=1) / 0.7
    assert reach.max() == pytest.approx(2 * 0.2, rel=1e-3)
    assert reach.min() == pytest.approx(2 * 0.1, rel=1e-3)
    assert layer.note == "± 11.5°"


def test_an_open_sign_gives_both_ways():
    layer = velocity_layer([estimate(resolved=False)], 1_000, None, 2.0)
    arrows = layer.of(Lines)[::2]
    np.testing.assert_allclose(arrows[0].stop, -arrows[1].stop)
    assert "sign open" in layer.note


def test_the_direction_is_turned_into_the_boards_frame():
    R, t = exp_so3([0, np.pi / 2, 0]), np.array([0.1, 0.2, -1.0])
    (arrow, _) = velocity_layer([estimate()], 1_000, (R, t), 2.0).of(Lines)
    np.testing.assert_allclose(arrow.start[0], t, atol=1e-6)
    np.testing.assert_allclose(arrow.stop[0] - t, 0.7 * R @ [0.6, 0, 0.8], atol=1e-6)


def test_windows_without_an_answer_say_why_and_are_not_drawn():
    missing = VelocityEstimate.missing((0, 2_000), MotionStatus.NO_LINES)
    layer = velocity_layer([missing], 1_000, None, 2.0)
    assert not layer.shapes
    assert "no straight edges" in layer.note
    assert velocity_layer([estimate()], 900_000, None, 2.0).note == "no window now"
    assert estimate_at([], 0) is None
