import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.rotation import exp_so3
from evcam.solvers.focal_length import focal_length
from evcam.solvers.homography import homography_dlt, homography_refine, transfer
from evcam.solvers.planar_pose import planar_pose

GRID = np.stack(np.meshgrid(np.arange(6), np.arange(4)), -1).reshape(-1, 2) * 0.05


def view(w, t):
    R = exp_so3(w)
    return R, np.asarray(t, float), np.column_stack([R[:, :2], t])


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.floats(-0.6, 0.6)] * 3), st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0.4, 3.0)))
def test_pose_of_a_plane_is_recovered(w, t):
    R, t, H = view(w, t)
    solution = homography_dlt(GRID, transfer(H, GRID))
    assert solution.is_determined
    R_found, t_found = planar_pose(solution.matrix)
    assert pytest.approx(R, abs=1e-6) == R_found
    assert t_found == pytest.approx(t, abs=1e-6)


def test_refinement_reaches_the_minimum_that_opencv_reaches():
    rng = np.random.default_rng(0)
    _, _, H = view([0.4, -0.3, 0.2], [-0.1, -0.05, 0.6])
    px = transfer(np.diag([300.0, 300.0, 1.0]) @ H, GRID) + rng.normal(0, 0.5, GRID.shape)
    ours = homography_refine(homography_dlt(GRID, px).matrix, GRID, px)
    theirs = cv2.findHomography(GRID, px)[0]

    def cost(h):
        return ((transfer(h, GRID) - px) ** 2).sum()

    assert cost(ours) <= cost(theirs) * (1 + 1e-9)
    assert cost(ours) == pytest.approx(cost(theirs), rel=1e-6)


def test_outliers_hardly_move_a_huber_refinement():
    rng = np.random.default_rng(1)
    _, _, H = view([0.4, -0.3, 0.2], [-0.1, -0.05, 0.6])
    H = np.diag([300.0, 300.0, 1.0]) @ H
    px = transfer(H, GRID) + rng.normal(0, 0.1, GRID.shape)
    px[5] += 8.0
    start = homography_dlt(GRID, px).matrix
    plain, robust = (homography_refine(start, GRID, px, huber=h) for h in (np.inf, 2.0))
    error = [np.abs(transfer(h, GRID) - transfer(H, GRID)).max() for h in (plain, robust)]
    assert error[1] < 0.35
    assert error[1] < 0.2 * error[0]


def test_points_on_a_line_and_too_few_points_are_reported():
    line = np.column_stack([np.arange(8.0), 2 * np.arange(8.0)])
    assert not homography_dlt(line, line + 1).is_determined
    assert not homography_dlt(GRID[:3], GRID[:3]).is_determined
    assert homography_dlt(GRID, GRID).is_determined


def test_focal_length_from_tilted_views():
    rng = np.random.default_rng(2)
    K = np.array([[410.0, 0, 170.0], [0, 410.0, 130.0], [0, 0, 1]])
    views = [K @ view(rng.normal(0, 0.3, 3), [*rng.normal(0, 0.1, 2), 0.8])[2] for _ in range(12)]
    assert focal_length(np.array(views), np.array([170.0, 130.0])) == pytest.approx(410.0, rel=1e-9)
    assert focal_length(np.array(views), np.array([173.0, 127.0])) == pytest.approx(410.0, rel=0.05)


def test_frontal_views_do_not_determine_a_focal_length():
    frontal = np.diag([300.0, 300.0, 1.0]) @ view([0, 0, 0.5], [0, 0, 1.0])[2]
    assert np.isnan(focal_length(frontal[None], np.zeros(2)))
    assert np.isnan(focal_length(np.empty((0, 3, 3)), np.zeros(2)))
