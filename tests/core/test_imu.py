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
