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
