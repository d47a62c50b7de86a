import struct

import numpy as np
import pytest

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

HEADER = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DAVIS240C\r\n#Start-Time: 2016-01-01 00:00:00\r\n#!END-HEADER\r\n"
SPECIAL, POLARITY, FRAME, IMU6, IMU9 = range(5)


def packet(kind, bodies, wraps=0, source=1, time_at=4):
    size = len(bodies[0]) if bodies else 8
    return struct.pack("<hhiiiiii", kind, source, size, time_at, wraps, len(bodies), len(bodies), len(bodies)) + b"".join(bodies)


def polarity(t, x, y, p, wraps=0, source=1, valid=True):
    words = [(int(a) << 17) | (int(b) << 2) | (int(c) << 1) | valid for a, b, c in zip(x, y, p, strict=True)]
    return packet(POLARITY, [struct.pack("<Ii", w, int(when)) for w, when in zip(words, t, strict=True)], wraps, source)


def imu(t, accel, gyro, kind=IMU6):
    rest = (25.0,) if kind == IMU6 else (25.0, 0.0, 0.0, 0.0)
    return packet(kind, [struct.pack(f"<Ii{6 + len(rest)}f", 1, when, *accel, *gyro, *rest) for when in t])


def special(t, kind):
    return packet(SPECIAL, [struct.pack("<Ii", (kind << 1) | 1, when) for when in t])


def write(path, *packets, header=HEADER):
    path.write_bytes(header + b"".join(packets))
    return path


def columns(n=3000):
    rng = np.random.default_rng(0)
    return np.cumsum(rng.integers(0, 900, n)), rng.integers(0, 240, n), rng.integers(0, 180, n), rng.random(n) < 0.4


def test_events_samples_edges_and_frames(tmp_path):
    t, x, y, p = columns()
    pieces = [polarity(*(column[i : i + 100] for column in (t, x, y, p))) for i in range(0, 3000, 100)]
    pieces.insert(3, imu([100, 200, 200], (0.0, 0.0, -1.0), (180.0, 0.0, 0.0)))
    pieces.insert(7, special([300], 2) + special([350], 3) + special([400], 5))
    pieces.insert(9, packet(FRAME, [bytes(56)] * 2) + polarity([t[900]], [1], [1], [1], valid=False))
    with open_recording(write(tmp_path / "a", *pieces)) as recording:
        assert (recording.format, recording.width, recording.height) == ("AEDAT 3.1", 240, 180)
        events = recording.events()
        for column, expected in zip((events.t, events.x, events.y, events.p), (t, x, y, p), strict=True):
            np.testing.assert_array_equal(column, expected)
        np.testing.assert_allclose(recording.imu().gyro_radps, [[np.pi, 0, 0]] * 2)
        np.testing.assert_allclose(recording.imu().accel_mps2, [[0, 0, -9.80665]] * 2)
        edges = recording.triggers()
        assert list(zip(edges.t, edges.rising, strict=True)) == [(300, True), (350, False)]
        assert recording.summary().frames == 2
        part = recording.between(1.0, 1.1).events()
        np.testing.assert_array_equal(part.t, t[(t >= t[0] + 1_000_000) & (t < t[0] + 1_100_000)])


def test_nine_axes(tmp_path):
    path = write(tmp_path / "a", polarity([1], [1], [1], [1]), imu([5], (1.0, 0.0, 0.0), (0.0, 0.0, 90.0), IMU9))
    with open_recording(path) as recording:
        np.testing.assert_allclose(recording.imu().gyro_radps, [[0, 0, np.pi / 2]])


def test_a_clock_of_31_bits_goes_on_beyond_its_wrap(tmp_path):
    top = 2**31 - 1
    pieces = polarity([top - 5, top], [1, 2], [1, 2], [1, 0]), polarity([3, 9], [1, 2], [1, 2], [1, 0], wraps=1)
    with open_recording(write(tmp_path / "a", *pieces)) as recording:
        np.testing.assert_array_equal(recording.events().t - top, [-5, 0, 4, 10])
        assert recording.warnings == ()
        np.testing.assert_array_equal(recording.between(4e-6, 9.5e-6).events().t - top, [0, 4])


def test_a_reset_of_the_clock_is_counted_and_late_events_are_held(tmp_path):
    pieces = polarity([50_000_000, 50_000_010], [1, 1], [1, 1], [1, 1]), polarity([7, 5, 20], [1, 1, 1], [1, 1, 1], [1, 1, 1])
    with open_recording(write(tmp_path / "a", *pieces)) as recording:
        np.testing.assert_array_equal(recording.events().t - 50_000_000, [0, 10, 10, 10, 23])
        assert recording.warnings == (
            "times that the camera's clock was set back to zero, from where times go on without the gap: 1",
            "events that came late, held at the latest time: 1")


def test_one_of_two_cameras_is_chosen(tmp_path):
    header = HEADER.replace(b"#!END", b"#Source 2: DVS128\r\n#!END")
    path = write(tmp_path / "a", polarity([1], [1], [1], [1]), polarity([2], [127], [1], [1], source=2), header=header)
    with pytest.raises(InputError, match="several sources of events: 1, 2"):
        open_recording(path)
    with open_recording(path, stream="2") as recording:
        assert (recording.width, list(recording.events().t)) == (128, [2])


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_a_file_that_was_cut_off_opens_up_to_the_cut(tmp_path, length):
    path = write(tmp_path / "a", polarity([1], [1], [1], [1]), polarity([2, 3, 4], [2] * 3, [2] * 3, [1] * 3))
    path.write_bytes(path.read_bytes()[:-min(length, 51)])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.events().t, [1])
        assert "incomplete and left out" in recording.warnings[0]


@pytest.mark.parametrize(("change", "message"), [
    ({"kind": 101}, "kind 101"), ({"size": 9}, "have 8 bytes"), ({"time_at": 6}, "time at byte 4, not 8, 6"),
    ({"wraps": -1}, "-1 wraps"), ({"count": -1}, "-1 events"), ({"valid": 5}, r"1 events \(5 valid\)"),
    ({"kind": -32767}, "compressed"),
    ({"kind": 2, "size": 2**20, "count": 2**20, "valid": 0}, "at most 268435456"),
])
def test_damaged_packets_are_named_by_their_byte(tmp_path, change, message):
    fields = {"kind": 1, "source": 1, "size": 8, "time_at": 4, "wraps": 0, "capacity": 1, "count": 1, "valid": 1} | change
    path = write(tmp_path / "a", polarity([1], [1], [1], [1]), struct.pack("<hhiiiiii", *fields.values()) + bytes(8))
    with pytest.raises(FormatError, match=rf"damaged packet at byte {len(HEADER) + 36}: .*{message}"):
        open_recording(path)


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(FormatError, match="in the format SerializedTS is not read"):
        open_recording(write(tmp_path / "a", header=HEADER.replace(b"RAW", b"SerializedTS")))
    with pytest.raises(FormatError, match="damaged within its header, at byte 14"):
        open_recording(write(tmp_path / "b", header=HEADER[:20]))
