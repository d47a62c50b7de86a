import numpy as np
import pytest

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

ROWS = [(1_500_000, 1, 2, 1), (2_500_000, 3, 4, 0)]


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(events):
    return list(zip(events.t.tolist(), events.x.tolist(), events.y.tolist(), events.p.tolist(), strict=True))


@pytest.mark.parametrize("text", [
    "t_us,x,y,p\n1500000,1,2,1\n2500000,3,4,0\n",
    "x,y,p,t\n1,2,1,1500000\n3,4,0,2500000",
    "# x y t[s] polarity\n1 2 1.5 1\n3 4 2.5 -1\n",
    "y;x;polarity;timestamp_ns\r\n2;1;1;1500000000\r\n4;3;-1;2500000499\r\n",
    "id\tx\ty\tp\ttime (ms)\tnote\n7\t1\t2\t1\t1500.0004\tfirst one\n8\t3\t4\t0\t2500\t\n",
    "\ufeff\"Timestamp\", \"x_px\", \"y_px\", \"pol\"\n1.5, 1, 2, True\n2.5, 3, 4, False\n",
    "time,x,y,on\n# a comment\n1.5e0,1,2.0,t\n\n25e-1,3.,4,f\n",
    "%geometry:640,480\n1,2,1,1500000\n3,4,0,2500000\n",
    "t,x@640,y@480,on\n1500000,1,2,1\n2500000,3,4,0\n",
    "# geometry: 640x480\nt_s x y p\n1.5 1 2 1\n2.5 3 4 0\n",
])
def test_columns_in_any_order_and_unit(tmp_path, text):
    with open_recording(write(tmp_path / "a", text)) as recording:
        assert recording.format == "CSV"
        assert rows(recording.events()) == ROWS
        assert (recording.width, recording.height) == ((640, 480) if "480" in text else (4, 5))


def test_an_assumed_unit_is_told(tmp_path):
    with open_recording(write(tmp_path / "a", "t,x,y,p\n1500000,1,2,1\n")) as recording:
        assert any("whole numbers are taken for microseconds" in warning for warning in recording.warnings)
    with open_recording(write(tmp_path / "b", "t_us,x,y,p\n1500000,1,2,1\n"), width=9, height=9) as recording:
        assert recording.warnings == ()


@pytest.mark.parametrize(("line", "message"), [
    ("1,2", "fewer than the 4 columns that the first line names"), ("1,2,1,5,7", "more than the 4 columns"),
    ("1,2,x,5", "p is not a finite number"), ("1,70000,1,5", "y is out of range"), ("1,2,2,5", "p is out of range"),
    ("1,2,1,", "fewer than the 4 columns"), ("1,,1,5", "y is not a finite number"), ("1 2 1 5", "x is not a finite number"),
    ("1,2,maybe,5", "p is not a finite number"), ("1.5,2,1,5", "x is not a whole number"),
])
@pytest.mark.parametrize("ending", ["\n", "\n3,4,0,9\n"])
def test_a_faulty_line_is_named(tmp_path, line, message, ending):
    text = f"x,y,p,t_us\n1,2,1,3\n# comment\n{line}{ending}"
    with pytest.raises(FormatError, match=f"line 4: {message}"), open_recording(write(tmp_path / "a", text)) as recording:
        recording.events()


def test_an_incomplete_last_line_is_left_out_with_a_warning(tmp_path):
    with open_recording(write(tmp_path / "a", "x,y,p,t_us\n1,2,1,3\n1,2,1"), width=9, height=9) as recording:
        assert len(recording.events()) == 1
        assert "last line is incomplete ('1,2,1')" in recording.warnings[0]


def test_numbers_without_names_ask_for_them(tmp_path):
    with pytest.raises(FormatError, match="put one in front, such as t_us,x,y,p"):
        open_recording(write(tmp_path / "a", "1,2,1,1500000\n3,4,0,2500000\n"))


@pytest.mark.parametrize("header", ["t_us,x,y,p", "t_us x y p"])
def test_a_stretch_costs_a_seek(tmp_path, header):
    t = np.cumsum(np.random.default_rng(0).integers(0, 9, 200_000))
    separator = "," if "," in header else " "
    text = "".join(separator.join(map(str, row)) + "\n" for row in zip(t, t % 640, t % 480, t % 2, strict=True))
    with open_recording(write(tmp_path / "a", f"{header}\n# comment\n{text}"), width=640, height=480) as recording:
        whole = recording.events()
        np.testing.assert_array_equal(whole.t, t)
        for start in (0, 1, 12_345, 400_000, 799_000, int(t[-1] - t[0])):
            block = next(recording._source.blocks(1000, int(t[0]) + start))
            assert block.t[0] <= t[0] + start <= block.t[-1] or start < 5000 or start > 790_000
            part = recording.between(start * 1e-6, start * 1e-6 + 0.003).events()
            np.testing.assert_array_equal(part.t, whole.between(t[0] + start, t[0] + start + 3000).t)


def test_damage_behind_a_seek_is_named_by_its_byte(tmp_path):
    t = np.arange(10_000, 110_000)
    text = "t_us,x,y,p\n" + "".join(f"{row},1,1,1\n" for row in t) + "oops\n"
    with open_recording(write(tmp_path / "a", text), width=2, height=2) as recording, \
            pytest.raises(FormatError, match=r"line \d+ from byte \d+ on: t is not a finite number: 'oops'"):
        recording.between(0.0999, 1.0).events()


def test_a_folder_of_the_rpg_data_set_is_one_recording(tmp_path):
    write(tmp_path / "events.txt", "0.5 1 2 1\n0.75 3 4 0\n")
    write(tmp_path / "imu.txt", "0.5 0 9.8 0.25 1 0 -1\n0.501 0 9.8 0.25 1 0 -2\n0.501 0 9.8 0.25 1 0 -2\n")
    write(tmp_path / "calib.txt", "199.1 198.8 132.2 110.7 -0.37 0.15 0 0 0\n")
    with open_recording(tmp_path, width=240, height=180) as recording:
        assert rows(recording.events()) == [(500_000, 1, 2, True), (750_000, 3, 4, False)]
        imu = recording.imu()
        np.testing.assert_array_equal(imu.t, [500_000, 501_000])
        np.testing.assert_array_equal(imu.gyro_radps, [[1, 0, -1], [1, 0, -2]])
        np.testing.assert_array_equal(imu.accel_mps2, [[0, 9.8, 0.25]] * 2)
        assert recording.metadata["calib"].startswith("199.1 ")
        assert any("left out: 1" in warning for warning in recording.warnings)
    with open_recording(tmp_path / "events.txt", width=240, height=180) as recording:
        assert not recording.has_imu
    write(tmp_path / "imu.txt", "0.5 0 9.8\n")
    with pytest.raises(FormatError, match=r"imu\.txt: not lines of t ax ay az gx gy gz"):
        open_recording(tmp_path, width=240, height=180)


def test_a_folder_of_other_files_is_refused(tmp_path):
    write(tmp_path / "a.txt", "0.5 1 2 1\n")
    with pytest.raises(InputError, match="not together one recording"):
        open_recording(tmp_path)
