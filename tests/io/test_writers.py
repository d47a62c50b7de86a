"""Round trips through every format that evcam writes."""

from types import SimpleNamespace

import numpy as np
import pytest

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import InputError, OutputExistsError
from evcam.io import Region, convert, open_recording, save_h5
from evcam.io._hdf5_output import Hdf5Output
from evcam.io.writers import Content, writer_of, writers

SUFFIXES = [writer.suffixes[0] for writer in writers()]


def some_events(count=3000, start_us=0, step_us=30, seed=0):
    rng = np.random.default_rng(seed)
    t = start_us + np.cumsum(rng.integers(0, step_us, count) * (rng.random(count) < 0.6))
    x, y, p = rng.integers(0, 346, count), rng.integers(0, 260, count), rng.random(count) < 0.5
    return Events.from_arrays(t, x, y, p, width=346, height=260)


def some_triggers(events, count=40):
    t = np.linspace(int(events.t[0]) - 5, int(events.t[-1]) + 50_000, count).astype(np.int64).clip(0)
    return Triggers(t, (np.arange(count) % 16).astype(np.uint8), np.arange(count) % 2 == 0)


def assert_same(got, expected):
    assert (got.width, got.height) == (expected.width, expected.height)
    for name in "txyp":
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), err_msg=name)


def write(path, events, **more):
    pieces = [events[:100], events[100:100], events[100:1234], events[1234:]]
    return writer_of(path).write(path, Content(events.width, events.height, iter(pieces), **more))


@pytest.mark.kernels
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("start_us", "step_us"), [
    (0, 30), (16_770_000, 30), (1_700_000_000_000_000, 30), (5, 2_000_000), (5, 20_000_000),
])
def test_events_come_back_as_they_were(tmp_path, suffix, start_us, step_us):
    events = some_events(1500, start_us, step_us)
    write(tmp_path / f"a{suffix}", events)
    with open_recording(tmp_path / f"a{suffix}") as recording:
        assert_same(recording.events(), events)
        assert recording.warnings == ()


@pytest.mark.parametrize("suffix", [".raw", ".h5"])
def test_edges_come_back_as_they_were(tmp_path, suffix):
    events = some_events(start_us=20_000_000)
    triggers = some_triggers(events)
    assert write(tmp_path / f"a{suffix}", events, triggers=triggers) == ()
    with open_recording(tmp_path / f"a{suffix}") as recording:
        assert_same(recording.events(), events)
        read = recording.triggers()
        part = recording.between(0.001, 0.01).triggers()
        start_us = recording.start_us
    for name in ("t", "id", "rising"):
        np.testing.assert_array_equal(getattr(read, name), getattr(triggers, name))
    np.testing.assert_array_equal(part.t, triggers.t[(triggers.t >= start_us + 1000) & (triggers.t < start_us + 10_000)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_recording_without_events_is_written_too(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    writer_of(path).write(path, Content(346, 260, iter([])))
    with open_recording(path) as recording:
        assert (recording.width, recording.height, recording.summary().events) == (346, 260, 0)


def test_waits_beyond_several_wraps_are_told_in_steps(tmp_path):
    events = Events.from_arrays([0, 5, 100_000_000, 86_400_000_000], [0, 1, 2, 3], [0, 0, 1, 1], [1, 0, 1, 0], width=4, height=4)
    write(tmp_path / "a.raw", events)
    with open_recording(tmp_path / "a.raw") as recording:
        assert_same(recording.events(), events)


def test_faery_reads_what_is_written(tmp_path):
    faery = pytest.importorskip("faery")
    events = some_events(start_us=1_700_000_000_000_000)
    write(tmp_path / "a.raw", events, triggers=some_triggers(events))
    columns = faery.events_stream_from_file(tmp_path / "a.raw").to_array()
    np.testing.assert_array_equal(columns["t"], events.t)
    np.testing.assert_array_equal(columns["x"], events.x)
    np.testing.assert_array_equal(columns["y"], events.y)
    np.testing.assert_array_equal(columns["on"], events.p)


def test_what_a_format_has_no_place_for_is_said(tmp_path):
    events = some_events()
    imu = ImuSamples(np.arange(3), np.zeros((3, 3)))
    assert write(tmp_path / "a.h5", events, imu=imu, triggers=some_triggers(events)) == ()
    raw = write(tmp_path / "a.raw", events, imu=imu)
    assert raw == ("3 inertial samples are left out: Prophesee RAW (EVT 3.0) has no place for them",)
    assert len(write(tmp_path / "a.txt", events, imu=imu, triggers=some_triggers(events))) == 2


@pytest.mark.parametrize(("t", "size", "words"), [
    ([-5, 3], (4, 4), "times before 0"), ([0, 3 * 10**12], (4, 4), "34 days pass"), ([0, 3], (4096, 4), "up to 2048x2048"),
])
def test_what_evt3_cannot_hold_is_refused(tmp_path, t, size, words):
    events = Events.from_arrays(t, [0, 1], [0, 1], [0, 1], width=size[0], height=size[1])
    with pytest.raises(InputError, match=words):
        write(tmp_path / "a.raw", events)


def test_negative_times_in_text(tmp_path):
    events = Events.from_arrays([-1_500_000, -1, 0, 7], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 0, 1], width=4, height=4)
    write(tmp_path / "a.txt", events)
    assert (tmp_path / "a.txt").read_text() == "4 4\n-1.500000 0 0 0\n-0.000001 1 1 1\n0.000000 2 2 0\n0.000007 3 3 1\n"
    with open_recording(tmp_path / "a.txt") as recording:
        assert_same(recording.events(), events)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_recording_gives_the_same_bytes_and_no_half_files(tmp_path, suffix):
    save_h5(tmp_path / "in.h5", some_events(), imu=ImuSamples(np.arange(3), np.zeros((3, 3))))
    with open_recording(tmp_path / "in.h5") as recording:
        for name in ("a", "b"):
            done = convert(recording, tmp_path / f"{name}{suffix}")
        assert done.events == 3000
        with pytest.raises(OutputExistsError):
            convert(recording, tmp_path / f"a{suffix}")
        with pytest.raises(InputError, match="region of 400x10 pixels"):
            convert(recording, tmp_path / f"c{suffix}", crop=Region(0, 0, 400, 10))
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"a{suffix}", f"b{suffix}", "in.h5"])


def test_an_unknown_suffix_names_those_that_are_known(tmp_path):
    with pytest.raises(InputError, match=r"suffix \.avi; known: .*\.raw \(Prophesee RAW"):
        writer_of(tmp_path / "a.avi")


def test_a_region_becomes_the_sensor(tmp_path):
    events = some_events()
    save_h5(tmp_path / "in.h5", events)
    fractions = []
    with open_recording(tmp_path / "in.h5") as recording:
        done = convert(recording, tmp_path / "a.raw", crop=Region(100, 50, 30, 200), progress=fractions.append)
    inside = (events.x >= 100) & (events.x < 130) & (events.y >= 50) & (events.y < 250)
    with open_recording(tmp_path / "a.raw") as recording:
        read = recording.events()
    assert (read.width, read.height, done.events) == (30, 200, int(inside.sum()))
    np.testing.assert_array_equal(read.x, events.x[inside] - 100)
    np.testing.assert_array_equal(read.y, events.y[inside] - 50)
    np.testing.assert_array_equal(read.t, events.t[inside])
    assert fractions[-1] == 1.0


@pytest.mark.parametrize("suffix", [".aedat4", ".h5", ".raw", ".txt"])
def test_a_disk_without_room_is_told_by_the_name_of_the_output(tmp_path, suffix):
    resource = pytest.importorskip("resource", reason="limits the size of files")
    save_h5(tmp_path / "rec.h5", some_events())
    with open_recording(tmp_path / "rec.h5") as recording:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        try:
            with pytest.raises(OSError, match=r"too large|is the disk full") as caught:
                convert(recording, tmp_path / f"out{suffix}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / f"out{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["rec.h5"]


def test_hdf5_never_meets_an_interrupt(tmp_path, monkeypatch):
    """An exception that leaves a write of HDF5 makes it crash when it closes the file."""
    writes = []
    write = Hdf5Output.write

    def interrupted(output, data):
        writes.append(len(data))
        if len(writes) == 3:
            output._file = SimpleNamespace(write=interrupt, close=output._file.close, truncate=interrupt, seek=output._file.seek)
        return write(output, data)

    def interrupt(data):
        raise KeyboardInterrupt

    monkeypatch.setattr(Hdf5Output, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_h5(tmp_path / "rec.h5", some_events())
    assert len(writes) > 3
    assert list(tmp_path.iterdir()) == []
