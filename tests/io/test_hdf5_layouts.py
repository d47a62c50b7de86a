import h5py
import hdf5plugin
import numpy as np
import pytest

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

START_S = 1_506_118_124


def columns(n=5000):
    rng = np.random.default_rng(0)
    return np.cumsum(rng.integers(0, 300, n)), rng.integers(0, 346, n), rng.integers(0, 260, n), rng.integers(0, 2, n)


def write_columns(group, names, arrays, **more):
    for name, array in zip(names, arrays, strict=True):
        group.create_dataset(name, data=array, chunks=(512,), **more)


def same(read, arrays):
    for name, expected in zip("txyp", arrays, strict=True):
        np.testing.assert_array_equal(getattr(read, name), expected)


def test_dsec_with_its_own_compression_and_its_map_beside(tmp_path):
    t, x, y, p = columns()
    with h5py.File(tmp_path / "events.h5", "w") as file:
        write_columns(file.create_group("events"), "txyp", (t.astype("u4"), x.astype("u2"), y.astype("u2"), p.astype("u1")),
                      **hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.SHUFFLE))
        file["ms_to_idx"] = np.searchsorted(t, np.arange(0, t[-1] + 1000, 1000)).astype("u8")
        file["t_offset"] = np.int64(START_S * 1_000_000)
    with h5py.File(tmp_path / "rectify_map.h5", "w") as file:
        file["rectify_map"] = np.zeros((480, 640, 2), "f4")
    for path in (tmp_path, tmp_path / "events.h5"):
        with open_recording(path) as recording:
            assert (recording.width, recording.height, recording.warnings) == (640, 480, ())
            same(recording.events(), (t + START_S * 1_000_000, x, y, p))
            part = recording.between(0.3, 0.31).events()
            inside = (t >= t[0] + 300_000) & (t < t[0] + 310_000)
            np.testing.assert_array_equal(part.t - START_S * 1_000_000, t[inside])


@pytest.mark.parametrize(("names", "scale"), [(("ts", "xs", "ys", "ps"), 1e-6), (("timestamps", "x", "y", "polarity"), 1)])
def test_other_names_of_the_columns(tmp_path, names, scale):
    t, x, y, p = columns()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_columns(file.create_group("events"), names, (t * scale, x, y, p.astype(bool)))
        file.attrs["sensor_resolution"] = (260, 346)
    with open_recording(tmp_path / "a.h5") as recording:
        assert (recording.width, recording.height) == (346, 260)
        same(recording.events(), (t, x, y, p))


def test_columns_without_a_group(tmp_path):
    t, x, y, p = columns()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_columns(file, "txyp", (t, x, y, p))
    with open_recording(tmp_path / "a.h5", width=346, height=260) as recording:
        same(recording.events(), (t, x, y, p))


def test_one_of_two_cameras_of_m3ed(tmp_path):
    t, x, y, p = columns()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for side in ("left", "right"):
            group = file.create_group(f"prophesee/{side}")
            write_columns(group, "txyp", (t + (side == "right"), x, y, p))
            group["calib/resolution"] = np.array([1280, 720])
            group["ms_map_idx"] = np.searchsorted(t, np.arange(0, t[-1], 1000))
    with pytest.raises(InputError, match="several groups of events: left, right"):
        open_recording(tmp_path / "a.h5")
    with open_recording(tmp_path / "a.h5", stream="right") as recording:
        assert (recording.width, recording.height) == (1280, 720)
        same(recording.events(), (t + 1, x, y, p))


def write_mvsec(path, sides=("left",), imu=None):
    t, x, y, p = columns()
    with h5py.File(path, "w") as file:
        for i, side in enumerate(sides):
            rows = np.stack([x, y, START_S + (t + i) * 1e-6, 2.0 * p - 1], 1)
            file.create_dataset(f"davis/{side}/events", data=rows, chunks=(512, 4), compression="gzip")
            if imu is not None:
                file[f"davis/{side}/imu"] = imu
                file[f"davis/{side}/imu_ts"] = START_S + np.arange(len(imu)) * 1e-3
    return START_S * 1_000_000 + t, x, y, p


def test_mvsec(tmp_path):
    imu = np.tile([0.0, -9.8, 0.1, 0.0, 0.5, 0.0], (6, 1))
    arrays = write_mvsec(tmp_path / "a.hdf5", imu=imu)
    with open_recording(tmp_path / "a.hdf5") as recording:
        assert (recording.width, recording.height) == (346, 260)
        same(recording.events(), arrays)
        inside = (arrays[0] >= arrays[0][0] + 300_000) & (arrays[0] < arrays[0][0] + 310_000)
        same(recording.between(0.3, 0.31).events(), [array[inside] for array in arrays])
        samples = recording.imu()
        np.testing.assert_array_equal(samples.t, START_S * 1_000_000 + 1000 * np.arange(6))
        np.testing.assert_array_equal(samples.accel_mps2, imu[:, :3])
        np.testing.assert_array_equal(samples.gyro_radps, imu[:, 3:])


def test_mvsec_gravity_tells_the_accelerometer(tmp_path):
    write_mvsec(tmp_path / "a.hdf5", imu=np.tile([0.0, 0.5, 0.0, 0.0, -9.8, 0.1], (6, 1)))
    with open_recording(tmp_path / "a.hdf5") as recording:
        np.testing.assert_array_equal(recording.imu().gyro_radps[0], [0, 0.5, 0])
        assert any("see gravity" in warning for warning in recording.warnings)


def test_one_of_the_two_cameras_of_mvsec(tmp_path):
    arrays = write_mvsec(tmp_path / "a.hdf5", ("left", "right"))
    with pytest.raises(InputError, match="several cameras of events: left, right"):
        open_recording(tmp_path / "a.hdf5")
    with open_recording(tmp_path / "a.hdf5", stream="right") as recording:
        np.testing.assert_array_equal(recording.events().t, arrays[0] + 1)
        assert not recording.has_imu


@pytest.mark.parametrize(("rows", "message"), [
    (np.array([[0.5, 1, 2, 1]]), "no whole number"), (np.array([[1, 1, np.nan, 1]]), "no possible number of seconds"),
    (np.array([[1, 70000.0, 2, 1]]), "no whole number"), (np.array([[1, 1, 1e300, 1]]), "no possible number"),
    (np.array([[1.0, 1, 2]]), r"must be N x 4 .* not \(1, 3\)"), (np.array([[1, 1, 2, 1]]), "must be N x 4 floating-point"),
    (np.array([[1.0, 1, 2, 3]]), "polarity 3"),
])
def test_mvsec_tables_that_are_none(tmp_path, rows, message):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["davis/left/events"] = rows
    with pytest.raises(FormatError, match=message), open_recording(tmp_path / "a.hdf5") as recording:
        recording.events()
