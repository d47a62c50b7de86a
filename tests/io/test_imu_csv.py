"""IMU tables: what people write, and one line with the row's number for what cannot be."""

import numpy as np
import pytest

from evcam.errors import FormatError, InputError
from evcam.io import load_imu_csv


def write(tmp_path, text):
    path = tmp_path / "imu.csv"
    path.write_text(text)
    return path


def test_gyro_alone(tmp_path):
    imu = load_imu_csv(write(tmp_path, "t_us,wx,wy,wz\n1000,0.1,-0.2,3e-1\n2000,0,0,0\n"))
    assert imu.t.tolist() == [1000, 2000]
    assert imu.t.dtype == np.int64
    assert imu.gyro_radps.tolist() == [[0.1, -0.2, 0.3], [0, 0, 0]]
    assert imu.accel_mps2 is None
    assert np.array_equal(imu.R_cam_imu, np.eye(3))


def test_with_accelerometer_comments_other_columns_and_any_order(tmp_path):
    text = "# from a driver\nwz, wy, wx, t_us, ax, ay, az, temperature\n3,2,1,1700000000123456,7,8,9,41\n"
    imu = load_imu_csv(write(tmp_path, text))
    assert imu.t.tolist() == [1_700_000_000_123_456]
    assert imu.gyro_radps.tolist() == [[1, 2, 3]]
    assert imu.accel_mps2.tolist() == [[7, 8, 9]]


@pytest.mark.parametrize("columns", [4, 7])
def test_without_names(tmp_path, columns):
    rows = [[str(1000 * k + column) for column in range(columns)] for k in range(3)]
    imu = load_imu_csv(write(tmp_path, "\n".join(",".join(row) for row in rows)))
    assert imu.t.tolist() == [0, 1000, 2000]
    assert imu.gyro_radps[1].tolist() == [1001, 1002, 1003]
    assert (imu.accel_mps2 is None) == (columns == 4)


@pytest.mark.parametrize(("text", "says"), [
    ("", "is empty"),
    ("# nothing\n", "is empty"),
    ("t_us,wx,wy\n1,2,3\n", "no column wz"),
    ("1,2,3\n", "3 columns and no names"),
    ("t_us,wx,wy,wz\n", "no rows"),
    ("t_us,wx,wy,wz\n1,2,3,4\n2,2,3\n", "row 3 has 3 columns, not 4"),
    ("t_us,wx,wy,wz\n1,2,3,4\n# gap\n2,2,fast,4\n", "row 4 has wy = 'fast'"),
    ("t_us,wx,wy,wz\n1,2,3,nan\n", "row 2 holds a value that is not finite"),
    ("t_us,wx,wy,wz\n1.5,2,3,4\n", "row 2 has t_us = 1.5; times are whole microseconds"),
    ("t_us,wx,wy,wz\n1,2,3,4\n7,2,3,4\n7,2,3,4\n", "row 4 has t_us = 7, not later than 7"),
    ("0,0,0,0\n-5,0,0,0\n", "row 2 has t_us = -5"),
])
def test_one_line_says_what_is_wrong_and_where(tmp_path, text, says):
    path = write(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        load_imu_csv(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(InputError, match="no such IMU file"):
        load_imu_csv(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="is a folder"):
        load_imu_csv(tmp_path)
    (tmp_path / "imu.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FormatError, match="not text"):
        load_imu_csv(tmp_path / "imu.csv")
