from itertools import pairwise

import numpy as np
import pytest

from evcam import filters
from evcam.core.events import Events
from evcam.errors import InputError

WIDTH, HEIGHT, SECONDS = 120, 90, 2.0


def noise(rate_hz, rng):
    n = rng.poisson(rate_hz * WIDTH * HEIGHT * SECONDS)
    return np.sort(rng.integers(0, int(SECONDS * 1e6), n)), rng.integers(0, WIDTH, n), rng.integers(0, HEIGHT, n)


def bar(rng, events_per_crossing=3):
    """A vertical edge to and fro at 120 px/s: every pixel fires a burst as it passes, jittered by half a millisecond."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    there = x / 120 * 1e6
    t = np.concatenate([there.ravel(), (2e6 - there).ravel()])
    x, y = np.tile(x.ravel(), 2), np.tile(y.ravel(), 2)
    t, x, y = (np.repeat(column, events_per_crossing) for column in (t, x, y))
    burst_us = np.tile(300 * np.arange(events_per_crossing), 2 * WIDTH * HEIGHT)
    return np.clip(t + rng.normal(0, 500, len(t)) + burst_us, 0, None).astype(np.int64), x, y


def scene(noise_hz=1.0, hot=(), hot_hz=300.0, seed=0):
    """Events, and for each what it is: 0 the edge, 1 noise, 2 a hot pixel."""
    rng = np.random.default_rng(seed)
    parts = [bar(rng), noise(noise_hz, rng)]
    for px, py in hot:
        times = np.sort(rng.integers(0, int(SECONDS * 1e6), rng.poisson(hot_hz * SECONDS)))
        parts.append((times, np.full(len(times), px), np.full(len(times), py)))
    kind = np.concatenate([np.full(len(part[0]), min(i, 2)) for i, part in enumerate(parts)])
    t, x, y = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.argsort(t, kind="stable")
    events = Events.from_arrays(t[order], x[order], y[order], rng.random(len(t)) < 0.5, width=WIDTH, height=HEIGHT)
    return events, kind[order]


def shares(events, kind, *filters_):
    """Share of each kind that stays; the times tell, by numbering the events with them."""
    numbered = Events.from_arrays(events.t, events.x, events.y, events.p, width=WIDTH, height=HEIGHT)
    keep = np.ones(len(events), bool)
    for filter_ in filters_:
        step = filter_.start(WIDTH, HEIGHT)
        inside = np.flatnonzero(keep)
        keep[inside] = step(numbered[keep])
    return [keep[kind == k].mean() for k in range(kind.max() + 1)]


def test_background_activity_keeps_the_edge_and_drops_the_noise():
    """At 1 Hz and 10 ms a share of 1 - exp(-8 * 0.01) = 0.077 of the noise has company by chance, and some lies on the edge."""
    events, kind = scene(noise_hz=1.0)
    edge, background = shares(events, kind, filters.BackgroundActivity(10_000))
    assert edge > 0.98
    assert 0.06 < background < 0.12
    edge, background = shares(events, kind, filters.BackgroundActivity(10_000, support=2))
    assert edge > 0.98
    assert background < 0.05


@pytest.mark.parametrize("window_us", [2_000, 20_000])
def test_background_activity_keeps_of_noise_alone_what_chance_says(window_us):
    rng = np.random.default_rng(1)
    t, x, y = noise(3.0, rng)
    inner = (x > 0) & (x < WIDTH - 1) & (y > 0) & (y < HEIGHT - 1)
    events = Events.from_arrays(t, x, y, np.ones(len(t), bool), width=WIDTH, height=HEIGHT)
    keep = filters.BackgroundActivity(window_us).start(WIDTH, HEIGHT)(events)
    assert keep[inner].mean() == pytest.approx(1 - np.exp(-8 * 3.0 * window_us * 1e-6), abs=0.01)


def test_hot_pixels_are_found_and_no_others():
    hot = [(10, 20), (11, 20), (60, 45), (0, 0), (WIDTH - 1, HEIGHT - 1)]
    events, kind = scene(noise_hz=1.0, hot=hot)
    mask = filters.find_hot_pixels([events[:1000], events[1000:1000], events[1000:]])
    assert sorted(zip(*np.nonzero(mask.T), strict=True)) == sorted(hot)
    edge, background, hot_share = shares(events, kind, filters.HotPixels(mask))
    assert hot_share == 0
    assert edge > 0.999
    assert background > 0.99
    assert not filters.find_hot_pixels(events, minimum_hz=400.0).any()
    assert not filters.find_hot_pixels(scene(noise_hz=5.0)[0]).any()


def test_refractory_keeps_the_first_of_each_burst():
    events, _ = scene(noise_hz=0.0)
    kept = filters.apply(events, filters.Refractory(10_000))
    assert len(kept) == pytest.approx(2 * WIDTH * HEIGHT, rel=0.02)  # the bar turns at the right: there two passes are one
    for pixel in ((5, 5), (77, 60)):
        t = kept.t[(kept.x == pixel[0]) & (kept.y == pixel[1])]
        assert np.all(np.diff(t) >= 10_000)


def test_a_region_keeps_its_pixels_and_their_numbers():
    events, _ = scene(hot=[(30, 30)])
    kept = filters.apply(events, filters.RegionOfInterest(10, 20, 40, 33))
    inside = (events.x >= 10) & (events.x < 40) & (events.y >= 20) & (events.y < 33)
    np.testing.assert_array_equal(kept.t, events.t[inside])
    np.testing.assert_array_equal(kept.x, events.x[inside])
    assert (kept.width, kept.height) == (WIDTH, HEIGHT)


def test_pieces_are_filtered_as_the_whole():
    events, _ = scene(hot=[(30, 30)])
    chain = (filters.RegionOfInterest(5, 5, 110, 80), filters.HotPixels(filters.find_hot_pixels(events)),
             filters.BackgroundActivity(5_000), filters.Refractory(2_000))
    whole = filters.apply(events, *chain)
    cuts = [0, 1, 1, 500, 30_000, len(events)]
    pieces = list(filters.apply((events[a:b] for a, b in pairwise(cuts)), *chain))
    assert [len(piece) for piece in pieces[:2]] == [len(pieces[0]), 0]
    joined = Events.joined(pieces)
    for name in "txyp":
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    assert 0 < len(whole) < len(events) / 2
    assert len(filters.apply(events, *chain)) == len(whole)  # no state is left in the descriptions


@pytest.mark.kernels
def test_small_cases_by_hand():
    events = Events.from_arrays([0, 5, 6, 2000, 2001], [4, 5, 5, 5, 0], [4, 4, 4, 5, 0], [1, 1, 0, 0, 1], width=8, height=8)
    assert list(filters.apply(events, filters.BackgroundActivity(1000)).t) == [5, 6]
    assert list(filters.apply(events, filters.BackgroundActivity(2000)).t) == [5, 6, 2000]
    assert list(filters.apply(events, filters.BackgroundActivity(2000, support=2)).t) == [2000]
    assert list(filters.apply(events, filters.Refractory(2)).t) == [0, 5, 2000, 2001]
    assert list(filters.apply(events, filters.Refractory(1)).t) == [0, 5, 6, 2000, 2001]
    assert list(filters.apply(events, filters.RegionOfInterest(5, 4, 6, 5)).t) == [5, 6]
    mask = np.zeros((8, 8), bool)
    mask[4, 5] = True
    assert list(filters.apply(events, filters.HotPixels(mask)).t) == [0, 2000, 2001]
    assert not filters.find_hot_pixels(Events.empty(8, 8)).any()


@pytest.mark.parametrize(("filter_", "message"), [
    (filters.RegionOfInterest(0, 0, 9, 8), "not within a sensor of 8x8"), (filters.RegionOfInterest(3, 0, 3, 8), "is empty"),
    (filters.HotPixels(np.zeros((8, 9), bool)), r"shape \(8, 9\)"), (filters.Refractory(0), "must be positive"),
    (filters.BackgroundActivity(0), "window of 0 us"), (filters.BackgroundActivity(5, support=9), "9 neighbours"),
])
def test_descriptions_that_do_not_fit_are_refused(filter_, message):
    with pytest.raises(InputError, match=message):
        filters.apply(Events.empty(8, 8), filter_)


def test_pieces_of_different_sensors_are_refused():
    with pytest.raises(InputError, match=r"different sensors: \[\(8, 8\), \(9, 9\)\] px"):
        list(filters.apply([Events.empty(8, 8), Events.empty(9, 9)], filters.Refractory(5)))
    with pytest.raises(InputError, match="follows pieces of another"):
        filters.find_hot_pixels([Events.empty(8, 8), Events.empty(9, 9)])
    with pytest.raises(InputError, match="not even an empty piece"):
        filters.find_hot_pixels([])
    with pytest.raises(InputError, match="must be positive"):
        filters.find_hot_pixels(Events.empty(8, 8), factor=0)


@pytest.mark.parametrize("filter_", [
    filters.BackgroundActivity(5), filters.Refractory(5), filters.RegionOfInterest(0, 0, 8, 8),
    filters.HotPixels(np.zeros((8, 8), bool)),
], ids=lambda filter_: type(filter_).__name__)
def test_a_step_refuses_events_that_lie_outside_its_arrays(filter_):
    step = filter_.start(8, 8)
    with pytest.raises(InputError, match="events of a 640x480 sensor in a stream of 8x8 pixels"):
        step(Events.from_arrays([0], [600], [400], [1], width=640, height=480))


def test_pieces_that_run_backwards_are_refused():
    first, second = (Events.from_arrays([t], [0], [0], [1], width=8, height=8) for t in (5, 4))
    with pytest.raises(InputError, match="begins at 4 us, before the previous one ends, at 5 us"):
        list(filters.apply([first, Events.empty(8, 8), second], filters.Refractory(5)))


@pytest.mark.parametrize("filter_", [
    filters.BackgroundActivity(1e4), filters.BackgroundActivity(float("nan")), filters.BackgroundActivity(5, 1.5),
    filters.BackgroundActivity(2**70), filters.Refractory(float("nan")), filters.Refractory("5"),
    filters.RegionOfInterest(0.5, 0, 8, 8), filters.RegionOfInterest("a", 0, 8, 8),
], ids=repr)
def test_descriptions_are_whole_numbers(filter_):
    with pytest.raises(InputError):
        filters.apply(Events.empty(8, 8), filter_)


def test_what_are_no_filters_or_no_events_is_said():
    with pytest.raises(InputError, match="give filters one by one"):
        filters.apply(Events.empty(8, 8), [filters.Refractory(5)])
    with pytest.raises(InputError, match="give filters one by one"):
        filters.apply(Events.empty(8, 8), filters.Refractory)
    with pytest.raises(InputError, match="pieces must be Events, not int"):
        list(filters.apply([3], filters.Refractory(5)))
