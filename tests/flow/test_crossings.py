import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.flow import BurstOptions, edge_crossings
from evcam.flow._crossings import CROSSING, _sort_by_time
from evcam.flow.crossings import first_polarities

LATER = 500_000


def pixel(*bursts):
    """Events of one pixel; each burst is (polarity, times in ms)."""
    t = np.concatenate([np.asarray(times) * 1000 for _, times in bursts]).astype(int)
    p = np.concatenate([np.full(len(times), polarity) for polarity, times in bursts])
    return Events.from_arrays(t, np.full(len(t), 3), np.full(len(t), 2), p, width=8, height=6)


def run(start_ms, n, step_ms=2):
    return start_ms + step_ms * np.arange(n)


def found(events):
    c = edge_crossings(events)
    assert np.all((c.x == 3) & (c.y == 2))
    return [(int(t) / 1000, bool(p), int(n), int(full)) for t, p, n, full in zip(c.t, c.p, c.count, c.full, strict=True)]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("polarity", [True, False])
def test_half_of_the_change_is_done_at_half_of_the_events(n, polarity):
    # event number k, counted from one, comes at 10 + 2 (k - 1) ms
    assert found(pixel((polarity, run(10, n)))) == [(10 + 2 * (max(n / 2, 1) - 1), polarity, n, n)]


def test_single_event_is_its_own_crossing():
    assert found(pixel((True, [10]))) == [(10, True, 1, 1)]
    assert edge_crossings(pixel((True, [10]))).step_us.tolist() == [0]


def test_step_is_the_time_per_threshold_half_way():
    c = edge_crossings(pixel((True, [10, 11, 13, 17])))
    assert (c.t.tolist(), c.step_us.tolist()) == ([11_000], [2000])
    assert edge_crossings(pixel((True, [10, 11, 13]))).t.tolist() == [10_500]


def test_polarity_changes_and_long_gaps_end_a_burst():
    events = pixel((False, run(0, 6)), (True, run(100, 6)), (True, run(300, 6)), (False, run(400, 6)))
    assert found(events) == [(4, False, 6, 6), (104, True, 6, 6), (304, True, 6, 6), (404, False, 6, 6)]


@pytest.mark.parametrize("stray", [60, 200])
def test_stray_event_neither_moves_a_crossing_nor_counts_as_a_change(stray):
    before, after = pixel((True, run(100, 6)), (True, [stray + 100])), pixel((True, [100 - stray / 2]), (True, run(100, 6)))
    for events in (before, after):
        assert sorted(entry[2:] for entry in found(events)) == [(1, 0), (6, 6)]
        assert (104, True, 6, 6) in found(events)


def test_burst_that_slows_down_evenly_stays_whole():
    t = np.cumsum([0, 1, 2, 4, 8, 16, 32])
    assert found(pixel((True, t))) == [(5, True, 7, 7)]


def test_part_of_a_change_counts_from_the_plateau_on_its_known_side():
    full = 8
    before, after = (False, run(0, full)), (False, run(200, full))
    # from the plateau that the full burst before reached: the half is at the fourth event
    assert found(pixel(before, (True, run(100, 5))))[1] == (106, True, 5, full)
    # to the plateau where the full burst after begins: four of the events come after the half
    assert found(pixel((True, run(100, 5)), after))[0] == (100, True, 5, full)


def test_part_that_stays_on_one_side_of_half_way_says_nothing():
    assert found(pixel((False, run(0, 8)), (True, run(100, 3))))[1][2:] == (3, 0)


def test_first_burst_of_a_pixel_counts_from_where_the_pixel_began():
    events = Events.from_arrays([0, 8, 16, 24, 500, 508, 516, 524], [1] * 8, [2] * 8, [True] * 4 + [False] * 4, width=4, height=4)
    fresh = np.ones((4, 4), bool)
    assert list(edge_crossings(events).t) == [8, 508]
    assert list(edge_crossings(events, fresh=fresh).t) == [10, 508]
    fresh[2, 1] = False
    assert list(edge_crossings(events, fresh=fresh).t) == [8, 508]
    with pytest.raises(InputError, match="shape"):
        edge_crossings(events, fresh=fresh[:3])


def test_faster_edge_with_fewer_events_is_a_full_change():
    slow, fast = np.arange(0, 40, 5), 300 + np.arange(0, 10, 2)
    found_fast = found(pixel((False, slow), (True, fast), (False, slow + 600)))[1]
    assert found_fast == (303, True, 5, 5)
    # as slow as the others, it is a part of a change
    assert found(pixel((False, slow), (True, 300 + np.arange(0, 25, 5)), (False, slow + 600)))[1][3] == 8


def test_edge_that_turns_on_the_pixel_is_no_full_change():
    assert all(entry[3] == 0 for entry in found(pixel((True, run(0, 6)), (False, run(12, 6)))))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=60).map(sorted),
       st.integers(-(10**12), 10**12))
def test_no_event_is_lost_time_shifts_shift_and_polarity_swaps_swap(rows, shift):
    t, x, y, p = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    size = {"width": 4, "height": 3}
    plain = edge_crossings(Events.from_arrays(t, x, y, p, **size))
    assert plain.count.sum() == len(rows)
    assert np.all(np.diff(plain.t) >= 0)
    shifted = edge_crossings(Events.from_arrays(t + shift, x, y, 1 - p, **size))
    # a time half way between two whole ones is rounded to the even one
    assert np.abs(np.sort(shifted.t - shift) - np.sort(plain.t)).max(initial=0) <= 1
    for name in ("count", "full", "x", "y"):
        assert sorted(getattr(shifted, name)) == sorted(getattr(plain, name))
    assert shifted.p.sum() == len(plain) - plain.p.sum()


def offsets_px(edge):
    """How far to the dark side of the edge the full crossings in the image's inner part lie."""
    c = edge_crossings(edge.events)
    c = c[(c.full >= 4) & (c.x > 3) & (c.x < 60) & (c.y > 3) & (c.y < 44)]
    assert len(c) > 0.95 * 56 * 40
    distance = edge.distance_px(c.t, c.x, c.y)
    return -distance if c.p.all() else distance


@pytest.mark.parametrize("angle_deg", [0, 30, 235])
def test_edge_is_found_at_one_distance_whatever_polarity_and_speed(make_edge, angle_deg):
    cases = [(brightness, speed) for brightness in (0.2, 5.0) for speed in (25, 250)]
    offsets = [offsets_px(make_edge(angle_deg, speed, brightness)) for brightness, speed in cases]
    assert max(o.std() for o in offsets) < 0.02
    means = [o.mean() for o in offsets]
    assert np.ptp(means) < 0.02
    assert 0.2 < np.mean(means) < 0.8


def test_slices_and_intervals_keep_the_columns_together(make_edge):
    c = edge_crossings(make_edge(30, 250).events)
    part = c.between(float(c.t[10]), float(c.t[500]))
    assert (part.t[0], part.t[-1] < c.t[500]) == (c.t[10], True)
    on_right = c[c.x > 40]
    assert on_right.x.min() == 41
    assert len(on_right.full) == len(on_right) < len(c)


@pytest.mark.parametrize("change", [{"gap_factor": 1.0}, {"min_gap_us": 0}, {"pair_gap_us": -1}, {"full_share": 1.5}])
def test_impossible_options_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        BurstOptions(**change)


@pytest.mark.parametrize("span_us", [1, 2_000, 5_000_000, 2**40, 2**62])
def test_crossings_are_sorted_stably_by_time(span_us):
    rows = np.zeros(5000, CROSSING)
    rows["t"], rows["x"] = np.random.default_rng(0).integers(0, span_us, len(rows)), np.arange(len(rows))
    expected = rows[np.argsort(rows["t"], kind="stable")]
    assert np.array_equal(_sort_by_time(rows, np.empty_like(rows)), expected)


def test_pieces_are_one_stretch(make_edge):
    events = make_edge(30, 250).events
    whole, pieces = edge_crossings(events), edge_crossings([events[:700], events[700:700], events[700:]])
    for name in ("t", "x", "y", "p", "count", "full", "step_us"):
        assert np.array_equal(getattr(whole, name), getattr(pieces, name))


@pytest.mark.parametrize(("pieces", "says"), [
    ([], "there are none"), ([pixel((True, [10])), Events.empty(9, 6)], "different sensors"),
    ([pixel((True, [10])), pixel((True, [9]))], "before the previous one ends"),
])
def test_what_is_no_stretch_is_refused(pieces, says):
    with pytest.raises(InputError, match=says):
        edge_crossings(pieces)


@pytest.mark.parametrize("years", [0.001, 1, 200])
def test_a_long_rest_between_bursts_is_no_limit(years):
    width, height, later = 50, 48, int(years * 365.25 * 86400e6)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(width), np.arange(height)))
    t = np.repeat([10, 20, 30, later + 10, later + 20, later + 30], len(x))
    c = edge_crossings(Events.from_arrays(t, np.tile(x, 6), np.tile(y, 6), np.ones(len(t)), width=width, height=height))
    assert np.unique(c.t).tolist() == [15, later + 15]
    assert np.array_equal(c.x, np.tile(x, 2))
    assert set(c.count) == {3}


def test_no_events_have_no_crossings():
    assert len(edge_crossings(Events.empty(4, 3))) == len(edge_crossings([Events.empty(4, 3)] * 2)) == 0


@pytest.mark.parametrize("min_count", [1, 2, 4])
def test_first_polarities_are_those_of_the_first_crossings(min_count):
    rng = np.random.default_rng(min_count)
    n, width, height = 2000, 9, 7
    events = Events.from_arrays(np.sort(rng.integers(0, 100_000, n)), rng.integers(0, width, n), rng.integers(0, height, n),
                                rng.integers(0, 2, n), width=width, height=height)
    c = edge_crossings(events)
    c = c[c.count >= min_count]
    expected = np.full((height, width), -1)
    for x, y, p in zip(c.x[::-1], c.y[::-1], c.p[::-1], strict=True):
        expected[y, x] = p
    among = rng.random((height, width)) < 0.7
    assert np.array_equal(first_polarities(events, among, min_count), np.where(among, expected, -1))
    assert (first_polarities(events[:0], among, min_count) == -1).all()


def test_crossings_are_shown_in_one_line():
    events = Events.from_arrays([5, 9], [0, 1], [0, 1], [1, 1], width=8, height=6)
    assert repr(edge_crossings(events)) == "Crossings(2 of 8x6 px, 5 to 9 us)"
    assert repr(edge_crossings(Events.empty(8, 6))) == "Crossings(0 of 8x6 px)"
