"""Ids of unordered points: any rotation, perspective, clutter and missing points, never a mirror image."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evcam.core.rotation import exp_so3, log_so3
from evcam.core.target import Checkerboard, CircleGrid
from evcam.detect.flicker.lattice import along_board, grow_lattice, place_target

TARGETS = [
    CircleGrid.asymmetric(11, 4, 0.05, 0.02), CircleGrid.asymmetric(6, 5, 0.05, 0.02), CircleGrid.symmetric(4, 7, 0.04, 0.01),
    Checkerboard(4, 8, 0.0055),
]


def image_of(target, rotation, focal_px=400.0):
    points = target.object_points - target.object_points.mean(0)
    cam = points @ exp_so3(rotation).T + [0, 0, 2.5 * np.ptp(points)]
    return focal_px * cam[:, :2] / cam[:, 2:]


def label(xy, target, min_share=0.6):
    lattice = grow_lattice(xy, np.ones(len(xy)))
    assert lattice is not None
    lattice = along_board(lattice, target)
    placed = place_target(lattice, target, min_share)
    return None if placed is None else (placed[0], lattice.index[placed[1]])


# Tilted so far, the board's diagonals are as short as its sides.
@example(target=TARGETS[1], turn=-0.5, tilt_x=-0.5625, tilt_y=-0.5625, seed=164)
@settings(max_examples=30, deadline=None)
@given(
    target=st.sampled_from(TARGETS), turn=st.floats(-np.pi, np.pi), tilt_x=st.floats(-0.6, 0.6), tilt_y=st.floats(-0.6, 0.6),
    seed=st.integers(0, 1000),
)
def test_ids_survive_rotation_tilt_and_shuffling(target, turn, tilt_x, tilt_y, seed):
    rotation = exp_so3([tilt_x, tilt_y, 0]) @ exp_so3([0, 0, turn])
    xy = image_of(target, log_so3(rotation))
    order = np.random.default_rng(seed).permutation(len(xy))
    ids, index = label(xy[order], target)
    if target.half_turn_symmetric and not np.array_equal(order[index], ids):
        ids = len(target) - 1 - ids
    assert np.array_equal(order[index], ids)


def test_clutter_and_missing_points():
    target = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
    xy = image_of(target, [0.2, 0.3, 0.4])
    rng = np.random.default_rng(3)
    keep = np.setdiff1d(np.arange(44), [20, 21, 26])
    clutter = rng.uniform(xy.min(0) - 300, xy.max(0) + 300, (40, 2))
    far = np.linalg.norm(clutter[:, None] - xy, axis=2).min(1) > 8
    ids, index = label(np.concatenate([xy[keep], clutter[far]]), target)
    assert np.array_equal(ids, keep)
    assert np.array_equal(keep[index], keep)


def test_board_that_could_lie_elsewhere_is_refused():
    target = CircleGrid.symmetric(4, 7, 0.04, 0.01)
    xy = image_of(target, [0.1, 0.1, 0.0])
    rows, cols = np.divmod(np.arange(28), 7)
    assert label(xy[cols < 6], target) is None
    assert label(xy[(cols < 6) | (rows == 0)], target) is not None


def test_half_turn_symmetric_boards_are_labelled_with_x_to_the_right():
    target = CircleGrid.symmetric(4, 7, 0.04, 0.01)
    for turn in (0.0, 1.0, 2.0, 3.0, -2.0):
        xy = image_of(target, [0.0, 0.0, turn])
        ids, index = label(xy, target)
        labelled = xy[index][np.argsort(ids)]
        assert labelled[1, 0] > labelled[0, 0]


def test_colours_tell_a_checkerboard_from_its_half_turn():
    target = Checkerboard(5, 8, 0.01)
    xy = image_of(target, [0.0, 0.0, 3.0])
    lattice = grow_lattice(xy, np.ones(len(xy)))
    rows, cols = np.divmod(lattice.index, 8)
    # The square before corner 0 is dark, so the first diagonal of corner (0, 0) is the dark one.
    along_board = -np.where((rows + cols) % 2 == 0, 1.0, -1.0)
    board_x = xy[1] - xy[0]
    same_axis = abs(lattice.steps_px[:, 0] @ board_x) > abs(lattice.steps_px[:, 1] @ board_x)
    ids, members = place_target(lattice, target, 0.6, np.where(same_axis, along_board, -along_board))
    assert np.array_equal(lattice.index[members], ids)


@pytest.mark.parametrize("points", [np.empty((0, 2)), np.zeros((3, 2)), np.column_stack([np.arange(9.0), np.zeros(9)])])
def test_no_lattice_in_too_few_or_collinear_points(points):
    assert grow_lattice(points, np.ones(len(points))) is None
