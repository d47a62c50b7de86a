"""The truth's edges lie where the scene's geometry puts them and move as it says; the score of known flows is known."""

import numpy as np
import pytest
from flow_score import Compared
from flow_truth import CircleEdges, LineEdges

from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory

FOCAL_PX = 100.0
CAMERA = Camera("pinhole-radtan", [FOCAL_PX, FOCAL_PX, 80, 60, 0, 0, 0, 0, 0], 160, 120)
BENT = Camera("pinhole-radtan", [FOCAL_PX, FOCAL_PX, 80, 60, -0.3, 0.1, 0.001, 0, 0], 160, 120)
GRID = CircleGrid.symmetric(rows=2, cols=2, spacing_m=0.5, radius_m=0.2)
T_US = np.array([500_000])


def steady(velocity_mps):
    """The camera moves; the board, one metre before it, moves the other way."""
    return Trajectory.steady(np.eye(3), [0.0, 0.0, 1.0], velocity_mps, [0, 0, 0], duration_s=1.0)


@pytest.mark.parametrize("angle_deg", [0, 70, 200])
def test_outline_of_a_circle_that_moves_sideways(angle_deg):
    edges = CircleEdges(CAMERA, steady([0.2, 0, 0]), GRID)
    outwards = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    center = np.array([80 - 0.1 * FOCAL_PX, 60])
    found = edges.edges(T_US, (center + 21.2 * outwards)[None])
    assert found.distance_px == pytest.approx(1.2, abs=1e-6)
    assert found.flow_pxps[0] == pytest.approx(-20 * outwards[0] * outwards, abs=1e-3)
    assert edges.board_speed_pxps(T_US) == pytest.approx(20)


def test_outline_seen_through_a_lens_is_carried_along_by_its_points():
    edges = CircleEdges(BENT, steady([0.2, -0.1, 0.1]), GRID)
    point = np.array([0.5 + 0.2 * np.cos(0.7), 0.2 * np.sin(0.7), 0])

    def pixel(t_us):
        R, t = edges.trajectory.pose(t_us)
        return BENT.project(R @ point + t)

    found = edges.edges(T_US, pixel(T_US[0])[None])
    normal = found.flow_pxps[0] / np.linalg.norm(found.flow_pxps[0])
    velocity = (pixel(T_US[0] + 500) - pixel(T_US[0] - 500)) / 1e-3
    assert found.distance_px == pytest.approx(0, abs=1e-6)
    assert found.flow_pxps[0] @ normal == pytest.approx(velocity @ normal, rel=1e-4)


def test_line_moves_along_its_normal_and_ends_are_left_out():
    upright = np.array([[[[0, -0.5, 1], [0, 0.5, 1]], [[0.02, -0.5, 1], [0.02, 0.5, 1]]]], float)
    camera_moves = Trajectory.steady(np.eye(3), [0.0, 0.0, 0.0], [0.2, 0.3, 0], [0, 0, 0], duration_s=1.0)
    edges = LineEdges(CAMERA, camera_moves, upright)
    x = 80 - 0.1 * FOCAL_PX
    found = edges.edges(T_US.repeat(2), np.array([[x - 1, 60], [x, 60 - 0.65 * FOCAL_PX + 3]]))
    assert np.abs(found.distance_px[0]) == pytest.approx(1, abs=0.01)
    assert found.flow_pxps[0] == pytest.approx([-20, 0], abs=1e-3)
    assert np.isnan(found.distance_px[1])


def test_score_counts_what_is_right():
    true = np.tile([100.0, 0.0], (4, 1))
    flow = np.array([[100, 0], [100, 30], [140, 0], [np.nan, np.nan]])
    compared = Compared(flow, np.tile(np.diag([400.0, 450.0]), (4, 1, 1)), true, np.array([4, 4, 4, 8]), np.full(4, 60.0))
    score = compared.fast_edges()
    assert (score.crossings, score.known_share, score.known_event_share) == (4, 0.75, 0.6)
    assert score.direction_share == pytest.approx(2 / 3)
    assert score.magnitude_share == pytest.approx(2 / 3)
    assert score.normalised_squared_error == pytest.approx((0 + 1 + 2) / 3)
    assert score.within_95_share == 1
    assert compared.edges_between(0, 50).crossings == 0
