import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError
from evcam.flow import Crossings, FlowOptions, edge_crossings, normal_flow
from evcam.sim import Board, Scene, Sensor, simulate

SIZE = {"width": 64, "height": 48}
FOCAL_PX = 60.0
CAMERA = Camera("pinhole-radtan", [FOCAL_PX, FOCAL_PX, 31.5, 23.5, 0, 0, 0, 0, 0], **SIZE)
MAX_STD = FlowOptions().max_std


def inner(flow):
    """Full changes away from the image's border."""
    c = flow.crossings
    return flow[(c.full >= 4) & (c.x > 3) & (c.x < 60) & (c.y > 3) & (c.y < 44)]


def angle_error_deg(flow_pxps, true_pxps):
    true_pxps = np.broadcast_to(true_pxps, flow_pxps.shape)
    across = true_pxps[:, 0] * flow_pxps[:, 1] - true_pxps[:, 1] * flow_pxps[:, 0]
    return np.rad2deg(np.arctan2(across, (flow_pxps * true_pxps).sum(1)))


def normalised_squared_errors(flow, true_pxps):
    error = (flow.flow_pxps - true_pxps)[..., None]
    return 0.5 * (error * np.linalg.solve(flow.cov, error)).sum((1, 2))


def rms(values):
    return np.sqrt(np.mean(values**2))


def passing(t_s, polarity=True):
    """Crossings from the times at which an edge passes the pixels of an image; NaN where it does not."""
    y, x = np.nonzero(np.isfinite(t_s))
    t_us = np.round(1e6 * t_s[y, x]).astype(np.int64)
    order = np.argsort(t_us, kind="stable")
    counts = np.full(len(order), 6, np.uint16)
    x, y, polarities = x[order].astype(np.uint16), y[order].astype(np.uint16), np.full(len(order), polarity)
    return Crossings(t_us[order], x, y, polarities, counts, counts, np.zeros(len(order), np.float32), t_s.shape[1], t_s.shape[0])


def together(*parts):
    order = np.argsort(np.concatenate([c.t for c in parts]), kind="stable")
    names = ("t", "x", "y", "p", "count", "full", "step_us")
    columns = (np.concatenate([getattr(c, name) for c in parts])[order] for name in names)
    return Crossings(*columns, parts[0].width, parts[0].height)


def straight(angle_deg, speed_pxps, start_s=1.0, jitter_px=0.0, rng=None):
    """Times at which a straight edge passes the pixels, with errors of a given size in pixels of way; and its flow."""
    normal = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    y, x = np.mgrid[: SIZE["height"], : SIZE["width"]]
    way_px = x * normal[0] + y * normal[1]
    if rng is not None:
        way_px = way_px + jitter_px * rng.standard_normal(x.shape)
    return start_s + way_px / speed_pxps, speed_pxps * normal


@pytest.mark.parametrize("speed_pxps", [25, 250])
@pytest.mark.parametrize(("angle_deg", "brightness"), [(0, 0.2), (30, 5.0), (90, 0.2), (235, 0.2)])
def test_speed_and_direction_of_a_straight_edge(make_edge, angle_deg, brightness, speed_pxps):
    edge = make_edge(angle_deg, speed_pxps, brightness)
    flow = inner(normal_flow(edge.events))
    assert len(flow) > 0.95 * 56 * 40
    assert flow.is_known.all()
    assert np.abs(angle_error_deg(flow.flow_pxps, edge.flow_pxps)).max() < 2
    assert np.abs(flow.speed_pxps / speed_pxps - 1).max() < 0.05


def test_noisy_edge_is_right_in_the_middle_and_mostly(make_edge):
    flow = inner(normal_flow((edge := make_edge(30, 100, sensor=Sensor())).events))
    assert flow.is_known.mean() > 0.95
    flow = flow[flow.is_known]
    error = np.abs(angle_error_deg(flow.flow_pxps, edge.flow_pxps))
    assert np.median(error) < 2
    assert np.percentile(error, 90) < 5
    assert np.median(flow.speed_pxps) == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize("brightness", [0.7, 1.4])
def test_edge_of_hardly_one_event_has_a_flow(make_edge, brightness):
    edge = make_edge(30, 100, brightness, sensor=Sensor(mismatch=0.01))
    assert edge_crossings(edge.events).count.mean() < 1.5
    flow = normal_flow(edge.events)
    assert flow.is_known.mean() > 0.7
    error = np.abs(angle_error_deg(flow.flow_pxps[flow.is_known], edge.flow_pxps))
    assert np.mean(error < 15) > 0.97
    assert not normal_flow(edge.events, FlowOptions(min_count=2)).is_known.any()


def test_flows_that_are_wanted_are_those_of_all(make_edge):
    crossings = edge_crossings(make_edge(30, 100).events)
    wanted = np.random.default_rng(0).random(len(crossings)) < 0.1
    every, some = normal_flow(crossings), normal_flow(crossings, wanted=wanted)
    np.testing.assert_array_equal(some.flow_pxps[wanted], every.flow_pxps[wanted])
    np.testing.assert_array_equal(some.cov[wanted], every.cov[wanted])
    assert not some.is_known[~wanted].any()
    assert not some.points[~wanted].any()
    with pytest.raises(InputError, match="one value for each"):
        normal_flow(crossings, wanted=wanted[1:])


class TestCovariance:
    @pytest.mark.parametrize(("jitter_px", "low", "high"), [(0.1, 0.5, 0.8), (0.2, 0.9, 1.2), (0.4, 1.0, 1.4)])
    def test_errors_are_as_large_as_stated(self, jitter_px, low, high):
        rng = np.random.default_rng(0)
        errors = []
        for angle_deg, speed_pxps in zip(rng.uniform(0, 360, 12), rng.uniform(30, 1000, 12), strict=True):
            t_s, true_pxps = straight(angle_deg, speed_pxps, jitter_px=jitter_px, rng=rng)
            flow = normal_flow(passing(t_s))
            assert flow.is_known.mean() > 0.9
            errors.append(normalised_squared_errors(flow[flow.is_known], true_pxps))
        errors = np.concatenate(errors)
        # a usual scatter of 0.2 px is known beforehand, so smaller ones are overstated and larger ones understated
        assert low < errors.mean() < high
        assert np.mean(errors < 5.991 / 2) > 0.88

    @pytest.mark.parametrize("sensor", [Sensor(), Sensor(background_hz=2.0, threshold_noise=0.05), Sensor(0.5, 0.5)],
                             ids=["usual", "noisy", "insensitive"])
    def test_errors_of_simulated_edges_are_as_large_as_stated(self, make_edge, sensor):
        errors = []
        for angle_deg, speed_pxps in [(10, 60), (37, 150), (120, 300), (250, 500)]:
            edge = make_edge(angle_deg, speed_pxps, sensor=sensor)
            flow = inner(normal_flow(edge.events))
            errors.append(normalised_squared_errors(flow[flow.is_known], edge.flow_pxps))
        errors = np.concatenate(errors)
        assert 0.4 < errors.mean() < 1.4
        assert np.mean(errors < 5.991 / 2) > 0.9

    def test_deviations_are_those_along_and_across_the_flow(self):
        t_s, true_pxps = straight(30, 200, jitter_px=0.2, rng=np.random.default_rng(0))
        flow = normal_flow(passing(t_s))
        c = flow.crossings
        flow = flow[flow.is_known & (c.x > 1) & (c.x < 62) & (c.y > 1) & (c.y < 46)]
        angle_rad = np.deg2rad(angle_error_deg(flow.flow_pxps, true_pxps))
        assert np.std(angle_rad) == pytest.approx(rms(flow.angle_std_rad), rel=0.1)
        assert np.std(flow.speed_pxps) == pytest.approx(rms(flow.speed_std_pxps), rel=0.1)
        np.testing.assert_allclose(np.linalg.norm(flow.normal, axis=1), 1)
        assert max(flow.angle_std_rad.max(), (flow.speed_std_pxps / flow.speed_pxps).max()) <= MAX_STD

    @pytest.mark.parametrize("jitter_px", [0.05, 0.1, 0.15])
    def test_speed_is_right_on_average(self, jitter_px):
        ratios = []
        for seed, angle_deg in enumerate(range(0, 360, 30)):
            t_s, _ = straight(angle_deg, 200, jitter_px=jitter_px, rng=np.random.default_rng(seed))
            flow = normal_flow(passing(t_s))
            c = flow.crossings
            ratios.append(flow.speed_pxps[(c.x > 1) & (c.x < 62) & (c.y > 1) & (c.y < 46)] / 200)
        assert np.nanmean(np.concatenate(ratios)) == pytest.approx(1, abs=0.006)

    def test_scatter_is_that_of_the_crossings(self):
        for jitter_px in (0.1, 0.4):
            t_s, _ = straight(30, 200, jitter_px=jitter_px, rng=np.random.default_rng(0))
            assert np.nanmedian(normal_flow(passing(t_s)).scatter_px) == pytest.approx(jitter_px, rel=0.25)

    def test_limit_decides_what_is_known(self):
        t_s, _ = straight(30, 200, jitter_px=0.5, rng=np.random.default_rng(0))
        loose, strict = (normal_flow(passing(t_s), FlowOptions(max_std=limit)) for limit in (1.0, 0.1))
        is_good = np.maximum(loose.angle_std_rad, loose.speed_std_pxps / loose.speed_pxps) <= 0.1
        assert 0.1 < is_good.mean() < 0.9
        np.testing.assert_array_equal(strict.is_known, is_good)


class TestCurvedEdge:
    RADIUS_PX = 8.0
    SPEED_PXPS = 200.0

    def disc(self, polarity):
        """Times at which the leading (OFF) or trailing (ON) edge of a disc that moves to the right passes; its flow there."""
        y, x = np.mgrid[: SIZE["height"], : SIZE["width"]].astype(float)
        with np.errstate(invalid="ignore"):
            half_px = np.sqrt(self.RADIUS_PX**2 - (y - 24.3) ** 2)
        t_s = 1.0 + (x + (half_px if polarity else -half_px)) / self.SPEED_PXPS
        normal = np.stack([half_px, (y - 24.3) * (-1 if polarity else 1)], -1) / self.RADIUS_PX
        return t_s, self.SPEED_PXPS * normal[..., :1] * normal

    @pytest.mark.parametrize("polarity", [False, True])
    def test_flanks_are_as_good_as_the_front(self, polarity):
        t_s, true_pxps = self.disc(polarity)
        flow = normal_flow(passing(t_s, polarity))
        flow = flow[np.abs(flow.crossings.x - 32.0) < 28]
        assert flow.is_known.all()
        true = true_pxps[flow.crossings.y, flow.crossings.x]
        assert np.abs(angle_error_deg(flow.flow_pxps, true)).max() < 3
        true_speed = np.linalg.norm(true, axis=1)
        error = np.abs(flow.speed_pxps / true_speed - 1)
        assert true_speed.min() < 0.3 * self.SPEED_PXPS
        assert error.max() < 0.12
        assert error[true_speed > 0.5 * self.SPEED_PXPS].max() < 0.01


@pytest.mark.parametrize("dark_on_light", [True, False])
@pytest.mark.parametrize("velocity_px", [(90.0, 0.0), (-60.0, 80.0)])
def test_discs_that_pass_are_right_all_around_also_where_their_edge_just_grazes_the_pixels(velocity_px, dark_on_light):
    grid = CircleGrid(2, 2, 0.6, 0.15, is_asymmetric=False, dark_on_light=dark_on_light)
    velocity_px = np.array(velocity_px)
    start_px = np.array([32.0, 24.0]) - 0.15 * velocity_px  # the first disc is in the middle after 0.15 s
    position_m = np.append((start_px - CAMERA.params[2:4]) / FOCAL_PX, 1.0)
    # the camera moves the other way
    motion = Trajectory.steady(np.eye(3), position_m, np.append(-velocity_px / FOCAL_PX, 0.0), [0, 0, 0], duration_s=0.3)
    flow = normal_flow(simulate(Scene(CAMERA, motion, Board(grid), Sensor.ideal(0.3))).events)
    c = flow.crossings
    from_center = np.stack([c.x, c.y], 1) - start_px - 1e-6 * c.t[:, None] * velocity_px
    distance_px = np.linalg.norm(from_center, axis=1)
    normal = from_center / distance_px[:, None]
    true_pxps = (normal @ velocity_px)[:, None] * normal
    on_edge = (np.abs(distance_px - 0.15 * FOCAL_PX) < 1.5) & (np.abs(normal @ velocity_px) > 30)
    assert on_edge.sum() > 500
    assert flow.is_known[on_edge].mean() > 0.85
    flow, true_pxps = flow[on_edge & flow.is_known], true_pxps[on_edge & flow.is_known]
    error = np.abs(flow.speed_pxps / np.linalg.norm(true_pxps, axis=1) - 1)
    assert np.mean(np.abs(angle_error_deg(flow.flow_pxps, true_pxps)) < 15) > 0.98
    assert np.mean(error < 0.3) > 0.95


def test_edges_close_behind_each_other_are_not_mixed():
    edges = [straight(20, 100, start_s=1 + i * 0.05)[0] for i in range(4)]
    flow = normal_flow(together(*map(passing, edges)))
    c = flow.crossings
    assert flow.is_known[(c.x > 1) & (c.x < 62) & (c.y > 1) & (c.y < 46)].all()
    flow = flow[flow.is_known]
    assert np.abs(angle_error_deg(flow.flow_pxps, straight(20, 100)[1])).max() < 3
    assert np.abs(flow.speed_pxps / 100 - 1).max() < 0.06


def test_polarities_do_not_see_each_other():
    on, off = passing(straight(20, 100)[0], True), passing(straight(110, 60, start_s=1.1)[0], False)
    flow = normal_flow(together(on, off))
    for alone in (on, off):
        part = flow[flow.crossings.p == alone.p[0]]
        np.testing.assert_array_equal(part.flow_pxps, normal_flow(alone).flow_pxps)
        np.testing.assert_array_equal(part.cov, normal_flow(alone).cov)


def noise(rate_hz=0.3, duration_s=2.0):
    rng = np.random.default_rng(0)
    n = rng.poisson(rate_hz * duration_s * 64 * 48)
    t = np.sort(rng.integers(0, int(duration_s * 1e6), n))
    return Events.from_arrays(t, rng.integers(0, 64, n), rng.integers(0, 48, n), rng.integers(0, 2, n), **SIZE)


def flash(jitter_us):
    """Every pixel fires once at the same time."""
    y, x = np.divmod(np.arange(64 * 48), 64)
    t = 10_000 + np.random.default_rng(0).integers(0, jitter_us + 1, x.size)
    order = np.argsort(t, kind="stable")
    return Events.from_arrays(t[order], x[order], y[order], np.ones(x.size, bool), **SIZE)


def one_row():
    """An edge that only the pixels of one row see has no direction."""
    return Events.from_arrays(1000 * np.arange(64), np.arange(64), np.full(64, 20), np.ones(64, bool), **SIZE)


@pytest.mark.parametrize("events", [Events.empty(64, 48), noise()], ids=["nothing", "background"])
def test_still_scene_has_no_flow(events):
    assert not normal_flow(events).is_known.any()


@pytest.mark.parametrize("events", [Events.empty(64, 48), noise(), flash(0), flash(200), one_row()],
                         ids=["nothing", "background", "flash", "flash with jitter", "one row"])
def test_what_does_not_move_or_has_no_direction_has_no_flow(events):
    flow = normal_flow(events)
    assert flow.is_known.sum() <= 0.01 * len(flow)
    unknown = flow[~flow.is_known]
    for values in (unknown.flow_pxps, unknown.cov, unknown.scatter_px, unknown.angle_std_rad, unknown.speed_std_pxps):
        assert np.isnan(values).all()


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


def test_parts_keep_their_columns_together(make_edge):
    flow = normal_flow(make_edge(30, 250).events)
    right = flow.crossings.x > 40
    part = flow[right]
    assert len(part) == right.sum() < len(flow)
    assert part.crossings.x.min() == 41
    np.testing.assert_array_equal(part.flow_pxps, flow.flow_pxps[right])
    np.testing.assert_array_equal(part.cov, flow.cov[right])
    np.testing.assert_array_equal(part.points, flow.points[right])


@pytest.mark.parametrize("change", [{"radius_px": 0}, {"max_gap_us": 0}, {"min_points": 3}, {"min_count": 0}, {"max_std": 0}])
def test_impossible_options_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        FlowOptions(**change)


@pytest.mark.parametrize("change", [
    {"radius_px": 2.5}, {"radius_px": "2"}, {"max_gap_us": 1.5}, {"min_points": 6.5}, {"min_count": 1.5},
], ids=str)
def test_what_is_counted_is_whole(change):
    with pytest.raises(InputError, match="whole numbers"):
        FlowOptions(**change)


def test_what_is_neither_events_nor_crossings_is_said():
    with pytest.raises(InputError, match="needs Events or Crossings, not list"):
        normal_flow([Events.empty(8, 6)])
