import numpy as np
import pytest

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.flow import FlowOptions, edge_crossings, normal_flow
from evcam.sim import Sensor

SIZE = {"width": 64, "height": 48}


def inner(flow):
    """Full changes away from the image's border, and the flow there."""
    c = flow.crossings
    keep = (c.full >= 4) & (c.x > 3) & (c.x < 60) & (c.y > 3) & (c.y < 44)
    return flow.flow_pxps[keep]


def angle_error_deg(flow_pxps, true_pxps):
    across = flow_pxps @ [-true_pxps[1], true_pxps[0]]
    return np.rad2deg(np.arctan2(across, flow_pxps @ true_pxps))


@pytest.mark.parametrize("speed_pxps", [25, 250])
@pytest.mark.parametrize(("angle_deg", "brightness"), [(0, 0.2), (30, 5.0), (90, 0.2), (235, 0.2)])
def test_speed_and_direction_of_a_straight_edge(make_edge, angle_deg, brightness, speed_pxps):
    edge = make_edge(angle_deg, speed_pxps, brightness)
    flow = inner(normal_flow(edge.events))
    assert len(flow) > 0.95 * 56 * 40
    assert np.isfinite(flow).all()
    assert np.abs(angle_error_deg(flow, edge.flow_pxps)).max() < 2
    assert np.abs(np.linalg.norm(flow, axis=1) / speed_pxps - 1).max() < 0.05


def test_noisy_edge_is_right_in_the_middle_and_mostly(make_edge):
    edge = make_edge(30, 100, sensor=Sensor())
    flow = inner(normal_flow(edge.events))
    known = np.isfinite(flow[:, 0])
    error = np.abs(angle_error_deg(flow[known], edge.flow_pxps))
    speed = np.linalg.norm(flow[known], axis=1) / 100
    assert known.mean() > 0.95
    assert np.median(error) < 3
    assert np.percentile(error, 90) < 10
    assert np.median(speed) == pytest.approx(1, abs=0.05)


def test_residual_is_the_scatter_in_time(make_edge):
    flow = normal_flow(make_edge(30, 100).events)
    # noise-free: a small share of the 10 ms that the edge needs for a pixel
    assert np.nanmedian(flow.residual_s) < 0.5e-3
    assert flow.points.max() <= 25
    assert flow.points[flow.is_known].min() >= FlowOptions().min_points


def noise(rate_hz=0.3, duration_s=2.0):
    rng = np.random.default_rng(0)
    n = rng.poisson(rate_hz * duration_s * 64 * 48)
    t = np.sort(rng.integers(0, int(duration_s * 1e6), n))
    return Events.from_arrays(t, rng.integers(0, 64, n), rng.integers(0, 48, n), rng.integers(0, 2, n), **SIZE)


@pytest.mark.parametrize("events", [Events.empty(64, 48), noise()], ids=["nothing", "background"])
def test_still_scene_has_no_flow(events):
    assert not normal_flow(events).is_known.any()


def changed(events, t=None, x=None, y=None):
    return Events.from_arrays(events.t if t is None else t, events.x if x is None else x, events.y if y is None else y,
                              events.p, **SIZE)


def by_pixel(flow):
    order = np.lexsort((flow.crossings.p, flow.crossings.t, flow.crossings.x, flow.crossings.y))
    return flow.flow_pxps[order]


def test_time_shift_changes_nothing_and_mirror_images_mirror(make_edge):
    events = make_edge(30, 100, sensor=Sensor(hot_pixels=0)).events
    plain = normal_flow(events)
    shifted = normal_flow(changed(events, t=events.t + 10**12))
    np.testing.assert_array_equal(by_pixel(shifted), by_pixel(plain))
    for axis, mirrored in enumerate((changed(events, x=63 - events.x), changed(events, y=47 - events.y))):
        back = normal_flow(mirrored)
        c = back.crossings
        x, y = (63 - c.x, c.y) if axis == 0 else (c.x, 47 - c.y)
        order = np.lexsort((c.p, c.t, x, y))
        expected = by_pixel(plain) * np.where(np.arange(2) == axis, -1, 1)
        np.testing.assert_allclose(back.flow_pxps[order], expected, rtol=1e-6, atol=1e-6)


def test_crossings_can_be_given(make_edge):
    events = make_edge(30, 250).events
    np.testing.assert_array_equal(normal_flow(edge_crossings(events)).flow_pxps, normal_flow(events).flow_pxps)


@pytest.mark.parametrize("change", [{"radius_px": 0}, {"max_gap_us": 0}, {"min_points": 2}, {"refits": 0}])
def test_impossible_options_are_refused(change):
    with pytest.raises(InputError, match="normal flow"):
        FlowOptions(**change)
