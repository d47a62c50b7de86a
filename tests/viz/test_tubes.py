"""Circles through time."""

import numpy as np
import pytest

from evcam.calib import calibrate
from evcam.core.camera import Camera
from evcam.core.detections import Detections, View
from evcam.core.rotation import exp_so3
from evcam.core.target import Checkerboard, CircleGrid
from evcam.flow import Crossings
from evcam.viz import theme
from evcam.viz.scene import Labels, Lines, Points, Triangles
from evcam.viz.spacetime import SpaceTime
from evcam.viz.tubes import arcs_layer, circle_of_crossings, grid_layer, outlines, rows_of, tubes_layer, within

CAMERA = Camera("pinhole-radtan", [250.0, 250.0, 160.0, 120.0, -0.1, 0.02, 0.0, 0.0, 0.0], 320, 240)
TARGET = CircleGrid.asymmetric(rows=5, cols=4, spacing_m=0.06, radius_m=0.02)
VELOCITY = np.array([80.0, -30.0])


def view(index, t_us, xy, ids=None):
    ids = np.arange(len(xy)) if ids is None else ids
    cov = np.tile(0.01 * np.eye(2), (len(xy), 1, 1))
    return View("r", index, np.full(len(xy), t_us), ids, xy, cov, np.tile(VELOCITY, (len(xy), 1)), 30_000)


def posed(index, t_us, turn, shift):
    R = exp_so3(turn)
    points = TARGET.object_points @ R.T + np.array(shift) - R @ TARGET.object_points.mean(0)
    return view(index, t_us, CAMERA.project(points))


@pytest.fixture(scope="module")
def detections():
    rng = np.random.default_rng(0)
    turns, shifts = rng.uniform(-0.4, 0.4, (12, 3)), rng.uniform([-0.08, -0.08, 0.6], [0.08, 0.08, 0.8], (12, 3))
    views = [posed(k, 20_000 * k, turn, shift) for k, (turn, shift) in enumerate(zip(turns, shifts, strict=True))]
    return Detections(TARGET, 320, 240, tuple(views), (), "moving")


def sliding(times_us):
    """Views of a frontal board that slides along with `VELOCITY`."""
    xy = 160 + 400 * (TARGET.object_points[:, :2] - TARGET.object_points[:, :2].mean(0)) - [0, 40]
    return Detections(TARGET, 320, 240, tuple(view(k, t, xy + VELOCITY * t * 1e-6) for k, t in enumerate(times_us)), (), "moving")


def test_outlines_from_points_agree_with_those_from_camera_and_pose(detections):
    calibration = calibrate(detections)
    known, plain = outlines(detections, calibration), outlines(detections)
    assert len(known) == len(plain) == 12
    for a, b in zip(known, plain, strict=True):
        assert a.rings.shape == (20, 25, 2)
        assert np.abs(a.rings - b.rings).max() < 1.0
    # Not the same: without a calibration the lens is not known.
    assert max(np.abs(a.rings - b.rings).max() for a, b in zip(known, plain, strict=True)) > 1e-3


def test_points_of_a_checkerboard_get_small_marks():
    board = Checkerboard(rows=3, cols=4, square_m=0.05)
    found = outlines(Detections(board, 320, 240, (view(0, 0, 100 + 300 * board.object_points[:, :2]),)))
    np.testing.assert_allclose(np.linalg.norm(found[0].rings - found[0].view.xy[:, None], axis=-1), 2.5)


def crossings_at(t_us, xy):
    n = len(xy)
    return Crossings(np.full(n, t_us, np.int64), *np.round(xy).astype(np.uint16).T, np.ones(n, bool), np.ones(n, np.uint16),
                     np.zeros(n, np.uint16), np.zeros(n, np.float32), 320, 240)


def test_crossings_on_an_outline_belong_to_its_circle_when_it_is_there():
    found = outlines(sliding([0, 20_000, 40_000]))
    later = found[1].rings[7, :-1] + VELOCITY * 0.008
    assert set(circle_of_crossings(crossings_at(28_000, later), found)) <= {7, -1}
    assert (circle_of_crossings(crossings_at(28_000, later), found) == 7).mean() > 0.9
    between_circles = found[1].view.xy[[7]] + 400 * 0.06 / np.sqrt(2)
    assert (circle_of_crossings(crossings_at(28_000, between_circles), found) == -1).all()
    assert (circle_of_crossings(crossings_at(900_000, later), found) == -1).all()


def test_arcs_are_coloured_by_id_and_counted():
    found = outlines(sliding([0, 20_000, 40_000]))
    crossings = crossings_at(20_000, np.concatenate([found[1].rings[3, :-1], [[5.0, 5.0]]]))
    layer = arcs_layer(SpaceTime(320, 240, 40_000, 50_000), found, crossings)
    (points,) = layer.of(Points)
    assert (points.rgb == theme.by_number([3])).all()
    assert layer.note == f"{len(points.xyz)} of 25 crossings"


def test_tubes_join_views_but_not_across_gaps():
    space = SpaceTime(320, 240, 500_000, 500_000)
    near = tubes_layer(space, outlines(sliding([100_000, 120_000, 140_000])))
    assert sum(len(shape.corners) for shape in near.of(Triangles)) == 2 * 20 * 24 * 2
    assert near.note == "20 circles, 3 views"
    far = tubes_layer(space, outlines(sliding([100_000, 400_000])))
    assert not far.of(Triangles)
    assert len(far.of(Lines)) == 2


def test_a_circle_that_is_missing_in_one_view_has_no_tube_there():
    both = sliding([100_000, 120_000]).views
    part = view(1, 120_000, both[1].xy[1:], both[1].ids[1:])
    layer = tubes_layer(SpaceTime(320, 240, 200_000, 200_000), outlines(Detections(TARGET, 320, 240, (both[0], part))))
    assert sum(len(shape.corners) for shape in layer.of(Triangles)) == 19 * 24 * 2


def test_within_takes_half_open_stretches():
    found = outlines(sliding([0, 20_000, 40_000]))
    assert [one.t_us for one in within(found, 0, 40_000)] == [0, 20_000]


def test_the_grid_is_moved_to_the_present():
    space = SpaceTime(320, 240, 30_000, 50_000)
    found = outlines(sliding([0, 20_000]))
    layer = grid_layer(space, found, TARGET)
    (labels,) = layer.of(Labels)
    assert labels.texts == tuple(map(str, range(20)))
    expected = space.place(found[1].view.xy + VELOCITY * 0.01, 30_000)
    np.testing.assert_allclose(labels.xyz[:, :2], expected[:, :2], atol=1e-4)
    assert grid_layer(SpaceTime(320, 240, 300_000, 50_000), found, TARGET).note == "no board now"


def test_rows_end_where_the_board_does_and_where_points_are_missing():
    ids = np.array([0, 1, 3, 4, 5])
    assert [tuple(ids[pair]) for pair in rows_of(ids, TARGET)] == [(0, 1), (4, 5)]
