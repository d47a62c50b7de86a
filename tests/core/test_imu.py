import numpy as np
import pytest

from evcam.core.imu import ImuSamples
from evcam.core.rotation import exp_so3
from evcam.errors import InputError


def samples(**changes):
    return ImuSamples(**{"t": np.array([0, 1000, 2000]), "gyro_radps": np.zeros((3, 3)), **changes})


def test_axes_are_the_cameras_when_nothing_better_is_known():
    imu = samples()
    assert len(imu) == 3
    assert np.array_equal(imu.R_cam_imu, np.eye(3))
    assert (imu.offset_us, imu.accel_mps2) == (0, None)
    samples(R_cam_imu=exp_so3([0.1, 2.0, -1.0]), accel_mps2=np.ones((3, 3)))


@pytest.mark.parametrize(("change", "says"), [
    ({"t": np.array([0, 1000, 1000])}, "sample 2 at 1000 us follows 1000 us"),
    ({"t": np.array([0, 1000])}, "2 times need gyro"),
    ({"gyro_radps": np.zeros((3, 2))}, "shape (3, 3)"),
    ({"accel_mps2": np.zeros((2, 3))}, "shape (3, 3)"),
    ({"R_cam_imu": 2 * np.eye(3)}, "rotation matrix"),
    ({"R_cam_imu": np.eye(4)}, "rotation matrix"),
    ({"R_cam_imu": np.diag([1.0, 1.0, -1.0])}, "rotation matrix"),
])
def test_impossible_samples_are_refused(change, says):
    with pytest.raises(InputError) as caught:
        samples(**change)
    assert says in str(caught.value)


def test_in_the_cameras_frame_axes_turn_and_times_move():
    R = exp_so3([0.3, -1.0, 2.0])
    gyro, accel = np.arange(9.0).reshape(3, 3), np.ones((3, 3))
    seen = samples(gyro_radps=gyro, accel_mps2=accel, R_cam_imu=R, offset_us=-250).in_camera_frame()
    assert seen.t.tolist() == [-250, 750, 1750]
    assert seen.gyro_radps == pytest.approx(np.array([R @ w for w in gyro]))
    assert seen.accel_mps2 == pytest.approx(np.array([R @ a for a in accel]))
    assert np.array_equal(seen.R_cam_imu, np.eye(3))
    again = seen.in_camera_frame()
    assert again.t.tolist() == seen.t.tolist()
    assert np.array_equal(again.gyro_radps, seen.gyro_radps)


def test_a_better_mount_replaces_what_is_given_and_keeps_the_rest():
    R = exp_so3([0.3, -1.0, 2.0])
    imu = samples(R_cam_imu=R, offset_us=7)
    assert imu.mounted(offset_us=9).offset_us == 9
    assert np.array_equal(imu.mounted(offset_us=9).R_cam_imu, R)
    assert imu.mounted(np.eye(3)).offset_us == 7
    assert np.array_equal(imu.mounted(np.eye(3)).R_cam_imu, np.eye(3))
    with pytest.raises(InputError, match="rotation matrix"):
        imu.mounted(-np.eye(3))


def test_other_types_are_converted():
    imu = samples(t=np.arange(2**31 - 3, 2**31, dtype=np.int32), gyro_radps=[[0, 0, 1]] * 3, accel_mps2=np.ones((3, 3), ">f4"),
                  R_cam_imu=[[-1, 0, 0], [0, 1, 0], [0, 0, -1]], offset_us=10.0)
    seen = imu.in_camera_frame()
    assert seen.t.tolist() == [2**31 + 7, 2**31 + 8, 2**31 + 9]
    assert seen.t.dtype == np.int64
    assert seen.gyro_radps.dtype == np.float64
    assert seen.gyro_radps[0].tolist() == [0, 0, -1]
    assert imu.mounted(np.eye(3).tolist()).R_cam_imu.dtype == np.float64
    t, gyro = np.arange(3), np.zeros((3, 3))
    kept = ImuSamples(t, gyro)
    assert kept.t is t
    assert kept.gyro_radps is gyro


@pytest.mark.parametrize(("change", "says"), [
    ({"t": np.array([3, 2, 1], np.uint64)}, "sample 1 at 2 us follows 3 us"),
    ({"t": [0.001, 0.002, 0.003]}, "sample 0 has t = 0.001; times are whole microseconds"),
    ({"t": [0, np.nan, 2]}, "sample 1 has t = nan"),
    ({"t": np.array([1, 2, 3], "datetime64[ns]")}, "t has the type datetime64[ns]"),
    ({"t": [[0], [1], [2]]}, "one-dimensional, not of shape (3, 1)"),
    ({"t": 5}, "one-dimensional, not of shape ()"),
    ({"gyro_radps": np.zeros(3)}, "shape (3, 3), not (3,)"),
    ({"gyro_radps": np.zeros((3, 3), complex)}, "gyro_radps has the type complex128"),
    ({"accel_mps2": [1]}, "not (3, 3) and (1,)"),
    ({"R_cam_imu": None}, "R_cam_imu has the type object"),
    ({"offset_us": 0.5}, "offset_us must be whole microseconds, not 0.5"),
    ({"offset_us": np.nan}, "offset_us must be whole microseconds, not nan"),
    ({"offset_us": "3"}, "offset_us must be whole microseconds, not '3'"),
])
def test_what_cannot_be_converted_is_said_in_one_line(change, says):
    with pytest.raises(InputError) as caught:
        samples(**change)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recordings_broken_values_are_let_in_for_the_check_to_find():
    assert np.isnan(samples(gyro_radps=np.full((3, 3), np.nan)).gyro_radps).all()
