import subprocess
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest

from evcam.core.events import Events
from evcam.errors import FormatError, InputError, OutputExistsError
from evcam.io import open_recording, save_h5


def write(path, t=(0, 1, 2), x=(0, 1, 2), y=(0, 1, 2), p=(0, 1, 0), **attributes):
    with h5py.File(path, "w") as file:
        for name, values in {"t": t, "x": x, "y": y, "p": p}.items():
            if values is not None:
                file.create_dataset(f"events/{name}", data=np.asarray(values))
        file.require_group("events").attrs.update(attributes)
    return path


def write_dsec(path, t_offset, t, ms_to_idx=None):
    with h5py.File(path, "w") as file:
        columns = {"t": np.uint32(t), "x": np.uint16(t) % 640, "y": np.uint16(t) % 480, "p": np.uint8(t) % 2}
        for name, values in columns.items():
            file.create_dataset(f"events/{name}", data=values, chunks=(64,), **hdf5plugin.Blosc(cname="zstd"))
        file["t_offset"] = t_offset
        file["ms_to_idx"] = np.searchsorted(t, np.arange(0, t[-1] + 1, 1000)) if ms_to_idx is None else ms_to_idx
    return path


@pytest.mark.parametrize(("unit", "t"), [
    ("us", [1000, 2000]), ("ns", [1_000_000, 2_000_999]), ("ms", [1, 2]), ("s", [0.001, 0.002]), ("us", [1000.2, 1999.6]),
])
def test_time_units(tmp_path, unit, t):
    with open_recording(write(tmp_path / "a.h5", t, [0, 1], [0, 1], [0, 1], t_unit=unit, width=2, height=2)) as recording:
        np.testing.assert_array_equal(recording.events().t, [1000, 2000])


def test_an_unknown_time_unit_is_refused(tmp_path):
    with pytest.raises(FormatError, match="t_unit is 'min'"):
        open_recording(write(tmp_path / "a.h5", t_unit="min", width=4, height=4))


def test_polarity_may_be_minus_one(tmp_path):
    with open_recording(write(tmp_path / "a.h5", p=np.int8([-1, 1, 0]), width=4, height=4)) as recording:
        np.testing.assert_array_equal(recording.events().p, [False, True, False])
    path = write(tmp_path / "b.h5", p=[0, 2, 1], width=4, height=4)
    with open_recording(path) as recording, pytest.raises(FormatError, match="event 1 has polarity 2"):
        recording.events()


def test_dsec_times_are_absolute_and_blosc_is_read(tmp_path):
    t = np.arange(0, 50_000, 7)
    with open_recording(write_dsec(tmp_path / "events.h5", 60_000_000_000, t)) as recording:
        np.testing.assert_array_equal(recording.events().t, t + 60_000_000_000)
        assert (recording.width, recording.height) == (640, 480)
        assert "largest coordinates" in recording.warnings[0]


def test_filters_of_public_data_sets_are_there_when_needed(tmp_path):
    path = write_dsec(tmp_path / "events.h5", 0, np.arange(0, 50_000, 7))
    # in a process of its own: this one has loaded them
    script = f"import evcam; print(len(evcam.open({str(path)!r}).events()))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split() == ["7143"]


@pytest.mark.parametrize("max_events", [1, 63, 64, 100, 1000])
@pytest.mark.parametrize("start_us", [None, 0, 333, 6395])
def test_blocks_end_with_chunks_and_leave_nothing_out(tmp_path, max_events, start_us):
    t = np.arange(1000)
    with open_recording(write_dsec(tmp_path / "events.h5", 0, t), width=640, height=480) as recording:
        blocks = list(recording._source.blocks(max_events, start_us))
    joined = np.concatenate([block.t for block in blocks]) if blocks else t[:0]
    assert np.array_equal(joined, t[start_us or 0 :])
    assert all(0 < len(block.t) <= max_events for block in blocks)
    cuts = np.array([block.first for block in blocks[1:]])
    assert max_events < 64 or np.all(cuts % 64 == 0)


@pytest.mark.parametrize("index", ["right", "late", "early", "beyond", "none"])
def test_seeking_in_dsec_finds_the_first_event_whatever_its_index_says(tmp_path, index):
    t = np.sort(np.random.default_rng(0).integers(0, 50_000, 3000))
    right = np.searchsorted(t, np.arange(0, 50_000, 1000))
    early, beyond = np.maximum(right - 100, 0), np.full_like(right, 10**6)
    table = {"right": right, "late": right + 100, "early": early, "beyond": beyond, "none": right[:0]}
    with open_recording(write_dsec(tmp_path / "events.h5", 10**12, t, table[index]), width=640, height=480) as recording:
        for start, stop in ((0.0, 0.001), (0.0123456, 0.02), (0.03, 0.0300001), (0.049, 1.0), (2.0, 3.0)):
            low, high = t[0] + round(start * 1e6), t[0] + round(stop * 1e6)
            np.testing.assert_array_equal(recording.events(start, stop).t - 10**12, t[(t >= low) & (t < high)])


def test_told_size_has_to_agree_with_the_file(tmp_path):
    path = write(tmp_path / "a.h5", width=4, height=4)
    with open_recording(path, width=4, height=4) as recording:
        assert (recording.width, recording.height) == (4, 4)
    with pytest.raises(InputError, match="states a sensor of 4x4 pixels, not 8x8"):
        open_recording(path, width=8, height=8)
    with pytest.raises(InputError, match="both width and height"):
        open_recording(path, width=4)


def test_events_outside_the_sensor_are_refused_by_number(tmp_path):
    with open_recording(write(tmp_path / "a.h5", width=3, height=2)) as recording:
        for max_events in (1, 10):
            with pytest.raises(InputError, match="event 2 has y = 2, outside a sensor of 3x2"):
                list(recording.chunks(max_events))
    told = open_recording(write(tmp_path / "b.h5"), width=2, height=3)
    with told as recording, pytest.raises(InputError, match="event 2 has x = 2"):
        recording.events()
    negative = open_recording(write(tmp_path / "c.h5", x=[0, -1, 0], width=3, height=3))
    with negative as recording, pytest.raises(InputError, match="event 1 has x = -1"):
        recording.events()


@pytest.mark.parametrize("size", [(0, 4), (4, -1), (100_000, 4)])
def test_impossible_sensor_sizes_are_refused(tmp_path, size):
    with pytest.raises(InputError, match="is not within"):
        open_recording(write(tmp_path / "a.h5", width=size[0], height=size[1]))


def test_missing_and_unequal_datasets_are_refused(tmp_path):
    with pytest.raises(FormatError, match="without events/t; it holds events"):
        open_recording(write(tmp_path / "a.h5", t=None))
    with pytest.raises(FormatError, match="equally long"):
        open_recording(write(tmp_path / "b.h5", x=[1, 2]))
    with pytest.raises(FormatError, match="whole numbers"):
        open_recording(write(tmp_path / "c.h5", x=[0.5, 1.5, 2.5]))


def test_a_file_cut_in_half_is_refused(tmp_path):
    path = write(tmp_path / "a.h5", *[np.arange(10_000) % 4] * 4)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="damaged or cut off HDF5"):
        open_recording(path)


def test_a_damaged_chunk_is_refused(tmp_path):
    n = 5000
    events = Events.from_arrays(np.arange(n), np.arange(n) % 4, np.arange(n) % 4, np.arange(n) % 2, width=4, height=4)
    save_h5(tmp_path / "a.h5", events)
    with h5py.File(tmp_path / "a.h5") as file:
        place = file["events/t"].id.get_chunk_info(0)
    data = bytearray((tmp_path / "a.h5").read_bytes())
    data[place.byte_offset:place.byte_offset + place.size] = bytes(place.size)
    (tmp_path / "a.h5").write_bytes(data)
    with open_recording(tmp_path / "a.h5") as recording, pytest.raises(FormatError, match="/events/t cannot be read"):
        recording.events()


def test_inertial_data_without_gyro_are_refused(tmp_path):
    path = write(tmp_path / "a.h5", width=4, height=4)
    with h5py.File(path, "a") as file:
        file["imu/t"] = [1, 2]
    with open_recording(path) as recording, pytest.raises(FormatError, match="imu/t without imu/gyro"):
        recording.imu()


def test_inertial_data_without_their_place_on_the_camera_say_so(tmp_path):
    path = write(tmp_path / "a.h5", width=4, height=4)
    with h5py.File(path, "a") as file:
        file["imu/t"], file["imu/gyro"] = [1, 2], np.ones((2, 3))
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.imu().R_cam_imu, np.eye(3))
        assert recording.imu().accel_mps2 is None
        assert any("R_cam_imu" in warning for warning in recording.warnings)


@pytest.mark.parametrize(("t", "gyro"), [([2, 1], np.ones((2, 3))), ([1, 2], np.ones((3, 3)))])
def test_inertial_data_that_cannot_be_are_refused_with_the_file(tmp_path, t, gyro):
    path = write(tmp_path / "a.h5", width=4, height=4)
    with h5py.File(path, "a") as file:
        file["imu/t"], file["imu/gyro"] = t, gyro
    with open_recording(path) as recording, pytest.raises(FormatError, match=r"a\.h5: IMU"):
        recording.imu()


def pieces(n=200_000, cut=70_001):
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, 10**6, n))
    whole = Events.from_arrays(t, rng.integers(0, 4, n), rng.integers(0, 4, n), rng.integers(0, 2, n), width=4, height=4)
    return whole, [whole[i:i + cut] for i in range(0, n, cut)]


def test_pieces_are_written_as_the_whole_would_be(tmp_path, monkeypatch):
    monkeypatch.setattr("evcam.io.write._CHUNK", 2048)
    whole, parts = pieces()
    save_h5(tmp_path / "whole.h5", whole)
    save_h5(tmp_path / "parts.h5", iter([whole[:0], *parts]))
    for name in ("whole.h5", "parts.h5"):
        with open_recording(tmp_path / name) as recording:
            for column in ("t", "x", "y", "p"):
                np.testing.assert_array_equal(getattr(recording.events(), column), getattr(whole, column))


def test_the_same_events_give_the_same_bytes(tmp_path):
    whole, _ = pieces(1000)
    for name in ("a.h5", "b.h5"):
        save_h5(tmp_path / name, whole, metadata={"seed": 3, "scene": "none"})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with open_recording(tmp_path / "a.h5") as recording:
        assert recording.metadata == {"seed": 3, "scene": "none", "width": 4, "height": 4, "t_unit": "us"}


def test_writing_refuses_what_cannot_be_right_and_leaves_nothing_behind(tmp_path):
    whole, parts = pieces(1000, 100)
    other = Events.empty(5, 5)
    for bad, message in (([], "nothing to write"), ([parts[1], parts[0]], "out of order"), ([whole, other], "different sensors")):
        with pytest.raises(InputError, match=message):
            save_h5(tmp_path / "a.h5", bad)
    with pytest.raises(InputError, match="metadata"):
        save_h5(tmp_path / "a.h5", whole, metadata={"list": [1]})
    assert list(tmp_path.iterdir()) == []
    save_h5(tmp_path / "a.h5", parts[0])
    with pytest.raises(OutputExistsError, match="force"):
        save_h5(tmp_path / "a.h5", whole)
    save_h5(tmp_path / "a.h5", whole, force=True)
    with open_recording(tmp_path / "a.h5") as recording:
        assert len(recording.events()) == 1000
