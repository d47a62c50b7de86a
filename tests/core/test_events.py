import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evcam.core.events import Events
from evcam.errors import InputError

SIZE = {"width": 8, "height": 6}


def some(n=10):
    return Events.from_arrays(np.arange(n) * 100, np.arange(n) % 8, np.arange(n) % 6, np.arange(n) % 2, **SIZE)


def test_columns_have_the_one_layout_whatever_comes_in():
    events = Events.from_arrays([1.0, 2.0], np.array([1, 2], ">i8"), np.array([[3, 9], [4, 9]], np.int8)[:, 0], [0, 1], **SIZE)
    for column, dtype in zip((events.t, events.x, events.y, events.p), (np.int64, np.uint16, np.uint16, np.bool_), strict=True):
        assert column.dtype == dtype
        assert column.flags.c_contiguous
        assert not column.flags.writeable
    assert (events.t.tolist(), events.x.tolist(), events.y.tolist()) == ([1, 2], [1, 2], [3, 4])
    assert events.p.tolist() == [False, True]


def test_slices_are_views_and_masks_are_copies_and_both_read_only():
    events = some()
    assert np.shares_memory(events[2:5].t, events.t)
    picked = events[events.p]
    assert picked.t.tolist() == [100, 300, 500, 700, 900]
    for part in (events[::3], picked, events[np.array([1, 4])]):
        with pytest.raises(ValueError, match="read-only"):
            part.t[0] = 0


@given(st.lists(st.integers(-50, 50), max_size=30).map(sorted), st.integers(-60, 60), st.integers(-60, 60))
def test_between_takes_the_half_open_interval(t, start, stop):
    zero = np.zeros(len(t), int)
    part = Events.from_arrays(t, zero, zero, zero, **SIZE).between(start, stop)
    assert part.t.tolist() == [v for v in t if start <= v < stop]


@pytest.mark.parametrize(("change", "says"), [
    ({"t": [1, 3, 2]}, "rec: time runs backwards at event 2: 2 us after 3 us (1 such steps)"),
    ({"x": [0, 8, 0]}, "rec: event 1 has x = 8, outside a sensor of 8x6 pixels"),
    ({"y": [0, 0, -1]}, "rec: event 2 has y = -1"),
    ({"x": [0, float("nan"), 0]}, "rec: event 1 has x = nan"),
    ({"x": [0, 1.5, 0]}, "rec: event 1 has x = 1.5"),
    ({"t": [0.001, 0.002, 0.003]}, "rec: event 0 has t = 0.001"),
    ({"p": [1, -1, 1]}, "rec: event 1 has p = -1"),
    ({"p": [1, 0]}, "equally long"),
    ({"t": [[1, 2, 3]]}, "one-dimensional"),
    ({"width": 0}, "sensor size 0x6"),
    ({"height": 20_000}, "sensor size 8x20000"),
])
def test_what_is_wrong_is_said_and_where(change, says):
    good = {"t": [1, 2, 3], "x": [0, 0, 0], "y": [0, 0, 0], "p": [0, 1, 0], **SIZE}
    with pytest.raises(InputError) as caught:
        Events.from_arrays(**{**good, **change}, where="rec")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("index", [3, slice(None, None, -1), np.array([4, 1]), np.array([[1, 2]])], ids=str)
def test_no_index_breaks_the_order_in_time(index):
    with pytest.raises(InputError):
        some()[index]


def test_duration_and_emptiness():
    assert some(11).duration_s == pytest.approx(1e-3)
    assert some(1).duration_s == 0
    none = Events.empty(8, 6)
    assert len(none) == len(none.between(0, 10)) == none.duration_s == 0


def test_pieces_join_to_what_they_were_cut_from():
    events = some()
    joined = Events.joined([events[:3], events[3:3], events[3:]])
    for name in ("t", "x", "y", "p"):
        assert np.array_equal(getattr(joined, name), getattr(events, name))
        assert not getattr(joined, name).flags.writeable
    assert np.shares_memory(Events.joined([events[3:3], events]).t, events.t)
    assert len(Events.joined([events[3:3]] * 2)) == 0


@pytest.mark.parametrize(("pieces", "says"), [
    ([some()[5:], some()[:5]], "before the previous one ends"), ([some(), Events.empty(9, 6)], "different sensors"),
    ([], "there are none"),
])
def test_only_consecutive_pieces_of_one_sensor_are_joined(pieces, says):
    with pytest.raises(InputError, match=says):
        Events.joined(pieces)


@pytest.mark.parametrize(("change", "says"), [
    ({"t": np.array([1, 2, 3], "timedelta64[ns]")}, "t has the type timedelta64[ns]"),
    ({"t": np.array([1, 2, 3], "datetime64[us]")}, "t has the type datetime64[us]"),
    ({"t": np.array([1.5, 2.5, 3.5], object)}, "t has the type object"),
    ({"t": [1, 2j, 3]}, "t has the type complex128"),
    ({"t": np.array([1, 2, 2**63 + 1], np.uint64)}, "event 2 has t = 9223372036854775809; times are whole microseconds below"),
    ({"t": [1.0, 2.0, 1e19]}, "event 2 has t = 1e+19; times are whole microseconds below 2^63"),
    ({"x": ["0", "1", "2"]}, "x has the type <U1"),
    ({"y": [[1], [2, 3]]}, "y has rows of different lengths"),
    ({"p": ["0", "1", "1"]}, "p has the type <U1"),
    ({"width": 7.5}, "sensor size 7.5x6"),
    ({"width": "8"}, "sensor size 8x6 is not within 1..16384 whole pixels"),
])
def test_nothing_is_cut_off_wrapped_around_or_taken_in_another_unit(change, says):
    good = {"t": [1, 2, 3], "x": [0, 0, 0], "y": [0, 0, 0], "p": [0, 1, 0], **SIZE}
    with pytest.raises(InputError) as caught:
        Events.from_arrays(**{**good, **change}, where="rec")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arrays_of_the_layout_are_shared_with_the_caller_and_others_are_not():
    t, x = np.arange(3), np.zeros(3, np.uint16)
    events = Events.from_arrays(t, x, np.zeros(3, np.int32), [0, 1, 0], **SIZE)
    assert np.shares_memory(events.t, t)
    assert np.shares_memory(events.x, x)
    assert t.flags.writeable
    t[0] = -5
    assert events.t[0] == -5


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda events: pickle.loads(pickle.dumps(events))])
def test_copies_and_pickles_are_read_only_as_well(copied):
    events = copied(some()[2:5])
    assert events.t.tolist() == [200, 300, 400]
    assert not any(getattr(events, name).flags.writeable for name in "txyp")


def test_events_are_shown_in_one_line():
    assert repr(some()) == "Events(10 of 8x6 px, 0 to 900 us)"
    assert repr(Events.empty(8, 6)) == "Events(0 of 8x6 px)"


def test_a_span_beyond_int64_has_a_duration():
    events = Events.from_arrays([-2**62, 2**63 - 1], [0, 0], [0, 0], [0, 1], **SIZE)
    assert events.duration_s == pytest.approx(1.3835e13, rel=1e-4)
