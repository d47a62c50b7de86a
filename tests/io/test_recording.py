import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.errors import InputError
from evcam.io import _windows, open_recording, save_h5

WIDTH, HEIGHT = 40, 30


def random_events(n, seed=0, start_us=5_000_000, mean_step_us=100):
    rng = np.random.default_rng(seed)
    t = start_us + np.cumsum(rng.integers(0, 2 * mean_step_us + 1, n))
    x, y, p = rng.integers(0, WIDTH, n), rng.integers(0, HEIGHT, n), rng.integers(0, 2, n)
    return Events.from_arrays(t, x, y, p, width=WIDTH, height=HEIGHT)


def assert_same(a, b):
    for name in ("t", "x", "y", "p"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.width, a.height) == (b.width, b.height)


@pytest.fixture
def events():
    return random_events(20_000)


@pytest.fixture
def recording(tmp_path, events):
    save_h5(tmp_path / "rec.h5", events)
    with open_recording(tmp_path / "rec.h5") as opened:
        yield opened


def test_what_was_written_is_read(recording, events):
    assert_same(recording.events(), events)
    assert recording.name == "rec.h5"
    assert recording.format == "HDF5"
    assert (recording.width, recording.height) == (WIDTH, HEIGHT)
    assert not recording.has_imu
    assert recording.imu() is None
    assert recording.warnings == ()


def test_events_are_in_the_canonical_layout(recording):
    for part in (recording.events(), next(recording.windows(count=7)), next(recording.between(0.3, 0.4).chunks())):
        assert [c.dtype for c in (part.t, part.x, part.y, part.p)] == [np.int64, np.uint16, np.uint16, np.bool_]
        assert all(c.flags.c_contiguous and not c.flags.writeable for c in (part.t, part.x, part.y, part.p))


@pytest.mark.parametrize("max_events", [1, 999, 20_000, 10**6])
def test_chunks_join_to_the_whole(recording, events, max_events):
    chunks = list(recording.between(0.0, 0.1).chunks(max_events) if max_events == 1 else recording.chunks(max_events))
    assert all(0 < len(chunk) <= max_events for chunk in chunks)
    whole = _windows.join(chunks, (WIDTH, HEIGHT))
    assert_same(whole, events[: len(whole)])
    assert max_events == 1 or len(whole) == len(events)


def test_between_counts_from_the_first_event(recording, events):
    t0 = int(events.t[0])
    assert_same(recording.between(0.25, 0.75).events(), events.between(t0 + 250_000, t0 + 750_000))
    assert_same(recording.events(0.25, 0.75), events.between(t0 + 250_000, t0 + 750_000))
    assert_same(recording.events(stop_s=0.5), events.between(t0, t0 + 500_000))
    assert_same(recording.events(1.5), events[int(np.searchsorted(events.t, t0 + 1_500_000)):])
    assert len(recording.events(100.0, 200.0)) == 0


def test_between_of_between_counts_from_the_view(recording):
    assert_same(recording.between(0.2, 1.0).between(0.1, 0.5).events(), recording.between(0.3, 0.7).events())
    assert_same(recording.between(0.2, 0.4).between(0.1, 9.0).events(), recording.between(0.3, 0.4).events())


def test_count_windows_are_full_but_the_last(recording, events):
    windows = list(recording.windows(count=7000))
    assert [len(w) for w in windows] == [7000, 7000, 6000]
    assert_same(windows[1], events[7000:14000])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=40), st.integers(1, 50), st.lists(st.integers(1, 6), min_size=40, max_size=40))
def test_duration_windows_partition_the_events(steps, duration_us, cuts):
    t = 1000 + np.cumsum([0, *steps])
    zeros = np.zeros(len(t), int)
    events = Events.from_arrays(t, zeros, zeros, zeros, width=1, height=1)
    edges = [0, *(int(i) for i in np.cumsum(cuts) if i < len(t)), len(t)]
    blocks = [events[i:j] for i, j in pairwise(edges) if j > i]
    windows = list(_windows.by_duration(blocks, 1000, duration_us, (1, 1)))
    assert len(windows) == (t[-1] - 1000) // duration_us + 1
    for k, window in enumerate(windows):
        start = 1000 + k * duration_us
        np.testing.assert_array_equal(window.t, t[(t >= start) & (t < start + duration_us)])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 20))
def test_count_windows_do_not_depend_on_blocks(lengths, count):
    n = sum(lengths)
    events = random_events(n)
    edges = np.cumsum([0, *lengths])
    windows = list(_windows.by_count([events[i:j] for i, j in pairwise(edges)], count, (WIDTH, HEIGHT)))
    assert [len(w) for w in windows] == [count] * (n // count) + [n % count] * (n % count > 0)
    assert_same(_windows.join(windows, (WIDTH, HEIGHT)), events)


def test_duration_windows_of_a_view_begin_with_the_view(recording, events):
    view = recording.between(0.31, 0.52)
    start = int(events.t[0]) + 310_000
    windows = list(view.windows(duration_us=100_000))
    assert len(windows) == 3
    assert_same(windows[0], events.between(start, start + 100_000))
    assert_same(windows[2], events.between(start + 200_000, start + 210_000))


def test_empty_windows_are_yielded(tmp_path):
    events = Events.from_arrays([0, 10, 1000], [0, 1, 2], [0, 1, 2], [0, 1, 0], width=4, height=4)
    save_h5(tmp_path / "gap.h5", events)
    with open_recording(tmp_path / "gap.h5") as recording:
        assert [len(w) for w in recording.windows(duration_us=100)] == [2, *[0] * 9, 1]


def test_windows_read_no_further_than_needed(recording, monkeypatch):
    import evcam.io.recording as module

    monkeypatch.setattr(module, "_WINDOW_BLOCK_EVENTS", 500)
    read = []
    blocks = recording._source.blocks
    monkeypatch.setattr(recording._source, "blocks", lambda *a: (read.append(len(b.t)) or b for b in blocks(*a)))
    next(recording.windows(count=600))
    assert sum(read) == 1000


@pytest.mark.parametrize("cut", [{"duration_us": 10_000}, {"count": 20_000}])
def test_memory_is_bounded_by_the_window(tmp_path, cut):
    n = 3_000_000
    events = Events.from_arrays(np.arange(n), *np.zeros((3, n), np.uint16), width=4, height=4)
    save_h5(tmp_path / "long.h5", events)
    del events
    with open_recording(tmp_path / "long.h5") as recording:
        recording.start_us  # noqa: B018  (what opening costs is not counted)
        tracemalloc.start()
        assert sum(len(window) for window in recording.windows(**cut)) == n
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 13 * n / 3


def test_seeking_skips_what_lies_before(recording, events, monkeypatch):
    firsts = []
    blocks = recording._source.blocks
    monkeypatch.setattr(recording._source, "blocks", lambda *a: (firsts.append(b.first) or b for b in blocks(*a)))
    view = recording.between(1.0, 1.1)
    firsts.clear()
    list(view.chunks(1000))
    assert firsts[0] == np.searchsorted(events.t, events.t[0] + 1_000_000)


@pytest.mark.parametrize("arguments", [{}, {"duration_us": 10, "count": 10}, {"duration_us": 0}, {"count": -1}, {"count": 2.5}])
def test_impossible_windows_are_refused(recording, arguments):
    with pytest.raises(InputError, match=r"duration_us|count"):
        recording.windows(**arguments)


@pytest.mark.parametrize("span", [(2.0, 1.0), (None, -1.0), (float("nan"), None)])
def test_impossible_stretches_are_refused(recording, span):
    with pytest.raises(InputError, match=r"cannot end|not a time"):
        recording.between(*span)


def test_a_closed_recording_says_so(recording):
    view = recording.between(0.0, 1.0)
    recording.close()
    for use in (recording.events, view.events, recording.imu, recording.summary):
        with pytest.raises(InputError, match="closed"):
            use()


def test_summary(recording, events):
    summary = recording.summary()
    assert summary.events == len(events)
    assert (summary.start_us, summary.stop_us) == (events.t[0], events.t[-1])
    assert summary.duration_s == pytest.approx(events.duration_s)
    assert summary.on_share == pytest.approx(events.p.mean())
    assert summary.rate_mevps == pytest.approx(len(events) / events.duration_s / 1e6)
    assert (summary.imu_samples, summary.frames, summary.warnings) == (0, None, ())
    assert recording.between(0.0, 0.5).summary().events == len(recording.events(0.0, 0.5))


def test_a_recording_without_events_is_readable(tmp_path):
    save_h5(tmp_path / "none.h5", Events.empty(4, 3))
    with open_recording(tmp_path / "none.h5") as recording:
        assert len(recording.events()) == 0
        assert list(recording.windows(duration_us=10)) == list(recording.windows(count=3)) == list(recording.chunks()) == []
        assert len(recording.events(0.0, 1.0)) == 0
        summary = recording.summary()
    assert (summary.events, summary.rate_mevps, summary.on_share, summary.duration_s) == (0, 0.0, 0.0, 0.0)
    assert summary.warnings == ("no events",)


def test_imu_is_cut_to_the_view_on_the_cameras_clock(tmp_path):
    events = Events.from_arrays([1000, 50_000], [0, 1], [0, 1], [0, 1], width=4, height=4)
    gyro = np.arange(30.0).reshape(10, 3)
    imu = ImuSamples(np.arange(10) * 1000, gyro, -gyro, np.diag([-1.0, 1.0, -1.0]), offset_us=500)
    save_h5(tmp_path / "imu.h5", events, imu=imu)
    with open_recording(tmp_path / "imu.h5") as recording:
        assert recording.has_imu
        whole, part = recording.imu(), recording.between(0.002, 0.004).imu()
        summary = recording.summary()
    np.testing.assert_array_equal(whole.gyro_radps, gyro)
    np.testing.assert_array_equal(whole.accel_mps2, -gyro)
    np.testing.assert_array_equal(whole.R_cam_imu, imu.R_cam_imu)
    assert whole.offset_us == 500
    np.testing.assert_array_equal(part.t, [3000, 4000])  # the first event is at 1000 us: 3000 <= t + 500 < 5000
    assert summary.imu_samples == 10
    assert summary.imu_rate_hz == pytest.approx(1000.0)
