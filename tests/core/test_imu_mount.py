"""How the IMU sits on the camera: Kalibr's file, its sign, and rotations with rounded numbers."""

import numpy as np
import pytest
import yaml

from evcam.core.imu_mount import load_imu_mount, nearest_rotation
from evcam.core.rotation import exp_so3
from evcam.errors import FormatError, InputError

R = exp_so3([0.1, 2.0, -1.0])


def camchain(**changes):
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, [0.01, -0.02, 0.03]
    camera = {"camera_model": "pinhole", "T_cam_imu": T.tolist(), "timeshift_cam_imu": 0.0031, **changes}
    return {"cam0": {key: value for key, value in camera.items() if value is not None}}


def write(tmp_path, data):
    path = tmp_path / "camchain-imucam.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_kalibrs_shift_has_the_opposite_sign(tmp_path):
    mount = load_imu_mount(write(tmp_path, camchain()))
    assert mount.R_cam_imu == pytest.approx(R, abs=1e-12)
    assert mount.offset_us == -3100  # t_imu = t_cam + 3.1 ms


def test_no_shift_is_none_and_rounded_numbers_are_made_exact(tmp_path):
    T = np.eye(4)
    T[:3, :3] = R.round(5)
    mount = load_imu_mount(write(tmp_path, camchain(T_cam_imu=T.tolist(), timeshift_cam_imu=None)))
    assert mount.offset_us == 0
    assert mount.R_cam_imu @ mount.R_cam_imu.T == pytest.approx(np.eye(3), abs=1e-14)
    assert mount.R_cam_imu == pytest.approx(R, abs=2e-5)


@pytest.mark.parametrize(("data", "says"), [
    (camchain(T_cam_imu=None), "no T_cam_imu"),
    ({"cam0": 3}, "no T_cam_imu"),
    (camchain(T_cam_imu=[[1, 0, 0, 0]] * 3), "four rows"),
    (camchain(T_cam_imu=[["a", 0, 0, 0]] * 4), "four rows"),
    (camchain(T_cam_imu=np.diag([1.0, 1, -1, 1]).tolist()), "right-handed"),
    (camchain(T_cam_imu=(2 * np.eye(4)).tolist()), "perpendicular unit"),
    (camchain(timeshift_cam_imu="soon"), "must be seconds, not 'soon'"),
    (camchain(timeshift_cam_imu=float("nan")), "must be seconds"),
])
def test_files_that_cannot_be(tmp_path, data, says):
    with pytest.raises(FormatError) as caught:
        load_imu_mount(write(tmp_path, data))
    assert says in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="no such Kalibr camchain-imucam file"):
        load_imu_mount(tmp_path / "gone.yaml")


def test_a_matrix_that_is_no_rotation():
    with pytest.raises(InputError, match="R_cam_imu: holds no rotation"):
        nearest_rotation([[1, 0, 0], [0, 1, 0]], "R_cam_imu")
