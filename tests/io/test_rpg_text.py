from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

pytestmark = pytest.mark.kernels


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path, text, **size):
    with open_recording(write(path, text), **(size or {"width": 240, "height": 180})) as recording:
        return recording.events()


def test_lines_as_the_data_set_has_them(tmp_path):
    events = read(tmp_path / "a.txt", "0.003811000 96 133 0\n0.003820001 127 171 1\n1468939993.067416019 4 160 0\n")
    np.testing.assert_array_equal(events.t, [3811, 3820, 1468939993067416])
    np.testing.assert_array_equal(events.x, [96, 127, 4])
    np.testing.assert_array_equal(events.y, [133, 171, 160])
    np.testing.assert_array_equal(events.p, [False, True, False])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**33), st.integers(0, 999_999_999), st.integers(0, 9))
def test_times_are_the_nearest_microsecond_of_the_decimal_text(tmp_path_factory, seconds, nanos, decimals):
    text = f"{seconds}." + f"{nanos:09d}"[:decimals]
    exact = int((Decimal(text) * 10**6).to_integral_value(ROUND_HALF_UP))
    for spelled in (text, f"{Decimal(text):.9E}" if seconds < 10 and decimals else text):
        events = read(tmp_path_factory.mktemp("text") / "a.txt", f"{spelled} 1 2 1\n")
        assert events.t[0] == exact


@pytest.mark.parametrize("text", [
    "1.5 1 2 1\n2.5 3 4 0\n", "1.5 1 2 1\r\n2.5 3 4 0\r\n", "1.5\t1\t2\t1\n2.5  3 4   0",
    "# t x y p\n1.5 1 2 1\n\n# more\n2.5 3 4 -1\n",
    " 1.5 1 2 1 \n 2.5 3 4 0 \n", "1.500000000000000000e+00 1.0e+00 2.000 1\n25e-1 3. 4 0.0\n", "240 180\n1.5 1 2 1\n2.5 3 4 0\n",
])
def test_ways_of_writing_the_same(tmp_path, text):
    events = read(tmp_path / "a.txt", text)
    assert list(zip(events.t, events.x, events.y, events.p, strict=True)) == [(1_500_000, 1, 2, True), (2_500_000, 3, 4, False)]


def test_negative_times_are_kept(tmp_path):
    np.testing.assert_array_equal(read(tmp_path / "a.txt", "-0.5 1 1 1\n-0.000001 1 1 1\n0.5 1 1 1\n").t, [-500_000, -1, 500_000])


def test_the_size_comes_from_the_first_line_or_from_the_events_with_a_warning(tmp_path):
    with open_recording(write(tmp_path / "a.txt", "346 260\n0.1 1 2 1\n")) as recording:
        assert (recording.width, recording.height, recording.warnings) == (346, 260, ())
    with open_recording(write(tmp_path / "b.txt", "0.1 1 2 1\n0.2 9 3 1\n")) as recording:
        assert (recording.width, recording.height) == (10, 4)
        assert "10x4 is taken from the largest coordinates" in recording.warnings[0]


@pytest.mark.parametrize(("line", "message"), [
    ("nan 1 2 1", "t is not a finite number: 'nan 1 2 1'"),
    ("0.2 1.5 2 1", "x is not a whole number: '0.2 1.5 2 1'"),
    ("0.2 1 nan 1", "y is not a finite number"),
    ("0.2 1 inf 1", "y is not a finite number"),
    ("0.2 1 2", "fewer than the four columns"),
    ("0.2 1 2 1 7", "more than the four columns"),
    ("0.2 -1 2 1", "x is out of range"),
    ("0.2 1 70000 1", "y is out of range"),
    ("0.2 1 2 5", "p is out of range"),
    ("0.2 1 2 1x", "p is not a finite number"),
    ("0.2 1 2 e", "p is not a finite number"),
    ("1e400 1 2 1", "t is out of range"),
    ("0.2, 1, 2, 1", "t is not a finite number"),
])
@pytest.mark.parametrize("ending", ["\n", "\n0.3 1 2 1\n"])
def test_a_faulty_line_is_named(tmp_path, line, message, ending):
    text = f"# comment\n0.1 1 2 1\n\n{line}{ending}"
    with pytest.raises(FormatError, match=f"line 4: {message}"):
        read(tmp_path / "a.txt", text)


def test_an_incomplete_last_line_is_left_out_with_a_warning(tmp_path):
    with open_recording(write(tmp_path / "a.txt", "0.1 1 2 1\n0.2 1"), width=9, height=9) as recording:
        assert len(recording.events()) == 1
        assert "last line is incomplete ('0.2 1')" in recording.warnings[0]


def test_times_without_decimals_are_not_taken_for_seconds(tmp_path):
    with pytest.raises(FormatError, match="times without decimals"):
        open_recording(write(tmp_path / "a.txt", "1000 1 2 1\n2000 1 2 1\n"))


def test_time_running_backwards_is_refused(tmp_path):
    with pytest.raises(InputError, match="backwards at event 2: 150000 us after 200000 us"):
        read(tmp_path / "a.txt", "0.1 1 2 1\n0.2 1 2 1\n0.15 1 2 1\n")


def test_pieces_of_the_file_join_seamlessly(tmp_path, monkeypatch):
    monkeypatch.setattr("evcam.io.formats._text_source._READ_BYTES", 57)
    t = np.arange(0, 400_000, 1003)
    text = "".join(f"{s / 1e6:.9f} {i % 240} {i % 180} {i % 2}\n" for i, s in enumerate(t))
    with open_recording(write(tmp_path / "a.txt", text), width=240, height=180) as recording:
        np.testing.assert_array_equal(recording.events().t, t)
        assert sum(len(w) for w in recording.windows(duration_us=10_000)) == len(t)
        np.testing.assert_array_equal(np.concatenate([c.x for c in recording.chunks(2)]), np.arange(len(t)) % 240)
