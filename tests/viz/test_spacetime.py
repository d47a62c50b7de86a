"""A window of events in space and time."""

import numpy as np
import pytest

from evcam.core.events import Events
from evcam.flow import normal_flow
from evcam.viz import theme
from evcam.viz.scene import Labels, Lines, Points
from evcam.viz.spacetime import SpaceTime, event_picture, events_layer, flow_layer, frame_layer, tick_times_us

SPACE = SpaceTime(32, 24, 1_000_000, 50_000)


def events(*rows):
    t, x, y, p = zip(*rows, strict=True)
    return Events.from_arrays(t, x, y, p, width=32, height=24)


def test_the_present_is_the_image_plane_and_the_past_lies_behind_it():
    xyz = SPACE.place([[15.5, 11.5], [0, 0]], [1_000_000, 950_000])
    np.testing.assert_allclose(xyz[0], 0, atol=1e-6)
    np.testing.assert_allclose(xyz[1], [-15.5, -11.5, SPACE.depth], rtol=1e-6)


@pytest.mark.kernels
def test_events_of_the_window_alone_are_shown_coloured_by_polarity_and_fading():
    layer = events_layer(SPACE, events((940_000, 1, 1, 1), (951_000, 2, 3, 0), (999_990, 4, 5, 1), (1_000_001, 6, 6, 1)))
    (points,) = layer.of(Points)
    assert layer.note == "2"
    np.testing.assert_allclose(points.xyz, SPACE.place([[2, 3], [4, 5]], [951_000, 999_990]), rtol=1e-6)
    assert tuple(points.rgb[1]) == theme.ON
    assert points.rgb[0].argmax() == np.argmax(theme.OFF)
    assert points.rgb[0].sum() < 0.5 * sum(theme.OFF)


@pytest.mark.kernels
def test_of_too_many_events_some_are_shown_and_it_is_said():
    many = events(*[(960_000 + k, k, 5, 1) for k in range(10)])
    layer = events_layer(SPACE, many, most=4)
    (points,) = layer.of(Points)
    np.testing.assert_allclose(points.xyz[:, 0], np.array([0, 3, 6, 9]) - 15.5)
    assert layer.note == "1 of 3 of 10"


@pytest.mark.kernels
def test_coloured_by_time_polarity_does_not_matter():
    (points,) = events_layer(SPACE, events((960_000, 2, 3, 0), (960_000, 4, 5, 1), (990_000, 4, 5, 1)), "time").of(Points)
    assert (points.rgb[0] == points.rgb[1]).all()
    assert (points.rgb[0] != points.rgb[2]).any()


@pytest.mark.kernels
def test_the_picture_shows_the_newest_event_of_each_pixel():
    picture = event_picture(SPACE, events((960_000, 4, 5, 0), (1_000_000, 4, 5, 1)))
    assert picture.shape == (24, 32, 3)
    assert tuple(picture[5, 4]) == theme.ON
    assert tuple(picture[0, 0]) == theme.PANEL


@pytest.mark.parametrize("window_us", [100, 1000, 30_000, 50_000, 1_000_000, 9_000_000])
def test_ticks_are_few_and_begin_now(window_us):
    ticks = tick_times_us(window_us)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 7
    assert ticks[-1] <= window_us
    (labels,) = frame_layer(SpaceTime(32, 24, 0, window_us)).of(Labels)
    assert labels.texts[0] == "now"


def test_flow_points_where_the_edge_goes():
    # An edge along y that moves to the right by one pixel per millisecond.
    rows = [(950_000 + 1000 * x, x, y, 1) for x in range(32) for y in range(24)]
    layer = flow_layer(SPACE, normal_flow(events(*rows)))
    shafts = next(shape for shape in layer.of(Lines))
    way = shafts.stop - shafts.start
    assert len(way) > 300
    assert (way[:, 0] > 0).all()
    assert abs(way[:, 1]).max() < 0.2 * way[:, 0].max()
    assert "1000 px/s" in layer.note or "999 px/s" in layer.note or "1001 px/s" in layer.note


def test_without_flow_the_layer_says_so():
    assert flow_layer(SPACE, normal_flow(events((960_000, 4, 5, 0)))).note == "none"
