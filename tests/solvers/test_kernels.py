"""The solvers' kernels on a few small problems, quick enough to run uncompiled."""

import numpy as np
import pytest

from evcam.solvers import EventNoise, Status, eventail_five_point, eventail_linear, refine_line
from evcam.solvers._scoring import _cheapest, _squared_distances
from evcam.solvers.circle_image import circle_center_offset
from evcam.solvers.homography import homography_dlt

pytestmark = pytest.mark.kernels


@pytest.fixture
def seen(scenes):
    return scenes.see_line(np.random.default_rng(3), np.array([0.1, 0.4, 0.2]), np.array([0.1, -0.1, 0.2]), 12)


def same_line(got, expected):
    return got * np.sign(got[:3] @ expected[:3]) == pytest.approx(expected, abs=1e-6 * np.linalg.norm(expected))


def test_exact_events_give_the_line(seen):
    f, t = seen.events.bearings, seen.times_s
    assert same_line(eventail_five_point(f[:5], t[:5]).vectors, seen.vector)
    assert same_line(eventail_linear(f, t).vectors, seen.vector)
    assert same_line(eventail_linear(f, t, np.linspace(0.5, 2, 12), time_scale_s=1.0).vectors, seen.vector)


def test_a_system_whose_normal_matrix_has_lost_the_answer(seen):
    # Times so short that the smallest two eigenvalues of the normal matrix drown in rounding beside the largest.
    shrunk = seen.times_s * 1e-5
    line = seen.vector * np.repeat([1, 1e5], 3)
    f, t = seen.events.bearings, shrunk
    for weights in (None, np.linspace(0.5, 2, 12)):
        got = eventail_linear(f, t, weights, time_scale_s=1.0)
        assert got.status is Status.OK
        assert got.front_share == 1.0
        assert same_line(got.vectors, line)
        assert got.vectors @ eventail_linear(f, t).vectors > 0


@pytest.mark.parametrize("noise", [EventNoise(), EventNoise(sigma_px=0.1), EventNoise(sigma_time_s=1e-4)])
def test_refinement_of_exact_events_stays_where_it_is(seen, noise):
    line = refine_line(seen.events, noise=noise)
    assert same_line(line.vector, seen.vector)
    assert line.chi2 < 1e-6 or line.level_was_estimated


def test_scores_are_squared_distances_in_pixels(seen, scenes):
    events = scenes.derotated(seen.pixels + [3.0, 0.0], seen.times_s, seen.w_gyro)
    squared = np.empty(12)
    arrays = (events.bearings, events.pixel_jacobians, events.times_s)
    _squared_distances(*arrays, seen.vector, squared)
    assert (squared > 0).all()
    assert squared.max() < 9.5
    best, cost = _cheapest(*arrays, np.stack([np.roll(seen.vector, 1), seen.vector]), 100.0, np.inf)
    assert best == 1
    assert cost == pytest.approx(squared.sum() / 100)


def test_homography_and_ellipse_of_a_projected_plane():
    rng = np.random.default_rng(0)
    h, points = np.array([[2, 0.1, 3], [0.2, 1.5, -1], [0.1, 0.05, 1.0]]), rng.uniform(-1, 1, (6, 2))

    def projected(xy):
        image = np.concatenate([xy, np.ones((len(xy), 1))], 1) @ h.T
        return image[:, :2] / image[:, 2:]

    found = homography_dlt(points, projected(points))
    np.testing.assert_allclose(found.matrix / found.matrix[2, 2], h, atol=1e-9)
    # The centre of the image of a circle is the pole of the image of the line at infinity (Hartley & Zisserman, result 2.14).
    conic = np.linalg.inv(h).T @ np.diag([1, 1, -0.01]) @ np.linalg.inv(h)
    center = np.linalg.solve(conic, [0, 0, 1])
    offset = circle_center_offset(projected, np.zeros((1, 2)), 0.1)
    np.testing.assert_allclose(offset[0], center[:2] / center[2] - h[:2, 2], rtol=0.05)
