import struct

import numpy as np
import pytest

from evcam.errors import FormatError, InputError
from evcam.io import open_recording
from evcam.io.formats import aedat2
from evcam.io.formats._clock import WrappingClock

DVS_HEADER = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# created Mon May 11 18:51:08 CEST 2015\r\n"
DAVIS_HEADER = (
    b"#!AER-DAT2.0\r\n# HardwareInterface: DAVIS FX2 1\r\n# AEChip: eu.seebetter.ini.chips.davis.DAVIS240C\r\n"
    b"#Start of Preferences for this AEChip\r\n#<entry key: no=\"value\"/>\r\n#End of Preferences for this AEChip\r\n"
)


def records(words, times):
    return b"".join(struct.pack(">Ii", word, t) for word, t in zip(words, times, strict=True))


def write(path, header, words, times, tail=b""):
    path.write_bytes(header + records(words, times) + tail)
    return path


def dvs(x, y, on):
    return (127 - y) << 8 | (127 - x) << 1 | (not on)


def davis(x, y, on):
    return (179 - y) << 22 | (239 - x) << 12 | on << 11


def imu_words(accel, gyro, temperature=0):
    values = [*accel, temperature, *gyro]
    return [1 << 31 | code << 28 | (value & 0xFFFF) << 12 | 3 << 10 for code, value in enumerate(values)]


def test_dvs128_pixels_and_polarity(tmp_path):
    path = write(tmp_path / "a.aedat", DVS_HEADER, [dvs(0, 0, True), dvs(127, 5, False), dvs(64, 127, True)], [5, 5, 9])
    with open_recording(path) as recording:
        events = recording.events()
        assert (recording.width, recording.height, recording.format) == (128, 128, "AEDAT 2.0")
        assert recording.metadata == {"created": "Mon May 11 18:51:08 CEST 2015"}
        assert not recording.has_imu
        assert recording.summary().frames is None
    assert list(zip(events.t, events.x, events.y, events.p, strict=True)) == [
        (5, 0, 0, True), (5, 127, 5, False), (9, 64, 127, True),
    ]


def test_dvs128_raw_address_zero_is_an_on_event_at_the_bottom_right(tmp_path):
    with open_recording(write(tmp_path / "a.aedat", DVS_HEADER, [0], [0])) as recording:
        events = recording.events()
    assert (events.x[0], events.y[0], events.p[0]) == (127, 127, True)


def test_davis240_separates_events_frames_and_inertial_samples(tmp_path):
    frame = [1 << 31 | kind << 10 | y << 22 | x << 12 for kind in (0, 1) for y in range(180) for x in range(240)]
    imu = imu_words((0, 4096, -2048), (328, -328, 0))
    words = [davis(3, 4, True), *imu, davis(239, 179, False), *frame, *imu_words((0, 4096, 0), (0, 0, 3280))]
    times = [10, *[20] * 7, 30, *[40] * len(frame), *[50] * 7]
    with open_recording(write(tmp_path / "a.aedat", DAVIS_HEADER, words, times)) as recording:
        events, samples, summary = recording.events(), recording.imu(), recording.summary()
        assert recording.has_imu
        assert recording.metadata["AEChip"].endswith("DAVIS240C")
        assert "entry" not in str(recording.metadata)
    assert (recording.width, recording.height) == (240, 180)
    assert list(zip(events.t, events.x, events.y, events.p, strict=True)) == [(10, 3, 4, True), (30, 239, 179, False)]
    assert summary.frames == 1
    np.testing.assert_array_equal(samples.t, [20, 50])
    np.testing.assert_allclose(samples.accel_mps2, [[0, 9.80665, -9.80665 / 2], [0, 9.80665, 0]])
    np.testing.assert_allclose(samples.gyro_radps, np.deg2rad([[10, -10, 0], [0, 0, 100]]))
    np.testing.assert_array_equal(samples.R_cam_imu, np.diag([-1, 1, -1]))


def test_incomplete_and_repeated_inertial_samples_are_left_out_with_a_warning(tmp_path):
    good, words = imu_words((0, 4096, 0), (0, 0, 0)), []
    words = [*good[3:], *good, *good[:4], *good, *good, davis(1, 1, True)]
    times = [*[5] * 4, *[10] * 7, *[15] * 4, *[20] * 7, *[20] * 7, 30]
    with open_recording(write(tmp_path / "a.aedat", DAVIS_HEADER, words, times)) as recording:
        np.testing.assert_array_equal(recording.imu().t, [10, 20])
        assert any("15 words" in warning for warning in recording.warnings)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_the_clock_wraps_without_going_backwards(tmp_path, chunk):
    top, bottom = 2**31 - 1, -(2**31)
    times = [top - 5, top, bottom, *range(100), top, bottom + 7]
    path = write(tmp_path / "a.aedat", DVS_HEADER, [dvs(1, 1, True)] * len(times), times)
    with open_recording(path) as recording:
        t = np.concatenate([c.t for c in recording.chunks(chunk)])
    np.testing.assert_array_equal(t, [top - 5, top, top + 1, *(2**32 + t for t in (*range(100), top, top + 8))])


@pytest.mark.parametrize("chunk", [1, 2, 100])
@pytest.mark.parametrize("damage", [
    [2_623_992, 707_528_744, -1_542_224_640], [8900 - 2**31], [9100 - 2**31], [2**31 - 1], [2**30], [-1]])
def test_damaged_times_that_leap_away_do_not_move_the_clock(chunk, damage):
    raw = np.array([8000, 9000, *damage, 9600, 9700], np.int32)
    clock = WrappingClock()
    t = np.concatenate([clock.go_on(raw[i : i + chunk]) for i in range(0, len(raw), chunk)])
    assert t[[0, 1, -2, -1]].tolist() == [8000, 9000, 9600, 9700]


@pytest.mark.parametrize("chunk", [1, 100])
def test_a_pause_and_a_wrap_or_a_reset_in_it_are_believed(chunk):
    before, after = 2**31 - 400_000_000 + np.arange(100), -(2**31) + 400_000_000 + np.arange(100)
    raw = np.concatenate([before, after, np.arange(100)]).astype(np.int32)
    clock = WrappingClock()
    t = np.concatenate([clock.go_on(raw[i : i + chunk]) for i in range(0, len(raw), chunk)])
    assert t[:200].tolist() == [*before, *(after + 2**32)]
    assert np.all(np.diff(t) > 0)


def test_an_inertial_sample_late_across_the_wrap_does_not_shift_the_clock(tmp_path):
    top, bottom = 2**31 - 1, -(2**31)
    words = [davis(1, 1, True), davis(1, 1, True), *imu_words((0, 0, 0), (0, 0, 0)), davis(1, 1, True)]
    with open_recording(write(tmp_path / "a.aedat", DAVIS_HEADER, words, [top, bottom, *[top - 3] * 7, bottom + 9])) as recording:
        np.testing.assert_array_equal(recording.events().t, [top, top + 1, top + 10])
        np.testing.assert_array_equal(recording.imu().t, [top - 3])


def test_time_running_backwards_names_the_event_and_the_times(tmp_path):
    path = write(tmp_path / "a.aedat", DVS_HEADER, [dvs(1, 1, True)] * 4, [30_000_000, 30_100_000, 30_020_000, 30_200_000])
    with open_recording(path) as recording:
        for max_events in (1, 2, 10):
            with pytest.raises(InputError, match="backwards at event 2: 30020000 us after 30100000 us"):
                list(recording.chunks(max_events))


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_events_that_come_late_are_held_and_counted(tmp_path, chunk):
    path = write(tmp_path / "a.aedat", DVS_HEADER, [dvs(1, 1, True)] * 5, [100, 200, 150, 199, 300])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(np.concatenate([c.t for c in recording.chunks(chunk)]), [100, 200, 200, 200, 300])
        assert recording.warnings == ("events that came late, held at the latest time: 2",)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_a_clock_that_is_set_back_to_zero_goes_on_and_is_counted(tmp_path, chunk):
    times = [500_000_000, 500_000_010, 5, 20, 30_000_000, 7]
    with open_recording(write(tmp_path / "a.aedat", DVS_HEADER, [dvs(1, 1, True)] * 6, times)) as recording:
        t = np.concatenate([c.t for c in recording.chunks(chunk)])
        assert recording.warnings[0].startswith("times that the camera's clock was set back to zero")
    np.testing.assert_array_equal(t - 500_000_000, [0, 10, 10, 25, 30_000_005, 30_000_005])


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_the_clock_of_31_bits_wraps_after_35_8_minutes(tmp_path, chunk):
    top = 2**31 - 1
    path = write(tmp_path / "a.aedat", DVS_HEADER, [dvs(1, 1, True)] * 4, [top - 5, top, 3, 9])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(np.concatenate([c.t for c in recording.chunks(chunk)]) - top, [-5, 0, 4, 10])
        assert "a wrap of 31 bits" in recording.warnings[0]


def test_a_stretch_is_entered_at_a_mark(tmp_path, monkeypatch):
    """Four wraps, a reset and late events lie before it."""
    monkeypatch.setattr("evcam.io.formats._gather.MARK_EVENTS", 50)
    monkeypatch.setattr("evcam.io.formats.aedat2.BLOCK_EVENTS", 40)
    t = np.cumsum(np.random.default_rng(0).integers(0, 60_000_000, 1000))
    t[301:] -= t[301] - 9
    raw = ((t - np.where(np.arange(1000) % 7 == 6, 30, 0) + 2**31) % 2**32 - 2**31)
    with open_recording(write(tmp_path / "a.aedat", DVS_HEADER, [dvs(i % 128, 1, True) for i in range(1000)], raw)) as recording:
        whole = recording.events()
        read = []
        original = aedat2.Aedat2Source._read
        monkeypatch.setattr(aedat2.Aedat2Source, "_read", lambda self, *args: read.append(args[0]) or original(self, *args))
        stretch = recording.between(20_000, 20_500)
        np.testing.assert_array_equal(stretch.events().t, stretch.events().t)
        read.clear()
        part = stretch.events()
        expected = whole.between(whole.t[0] + 20_000_000_000, whole.t[0] + 20_500_000_000)
        np.testing.assert_array_equal(part.t, expected.t)
        np.testing.assert_array_equal(part.x, expected.x)
        assert len(part) > 5
        assert min(read) > 400


def test_external_inputs_are_left_out_with_a_warning(tmp_path):
    cases = ((DVS_HEADER, [dvs(1, 1, True), 1 << 15]), (DAVIS_HEADER, [davis(1, 1, True), davis(0, 0, True) | 1 << 10]))
    for header, words in cases:
        with open_recording(write(tmp_path / "a.aedat", header, words, [1, 2])) as recording:
            assert len(recording.events()) == 1
            assert any("external input" in warning for warning in recording.warnings)


def test_a_partial_last_record_is_left_out_with_a_warning(tmp_path):
    path = write(tmp_path / "a.aedat", DVS_HEADER, [dvs(1, 1, True)] * 3, [1, 2, 3], tail=b"\x00\x01\x02")
    with open_recording(path) as recording:
        assert len(recording.events()) == 3
        assert recording.summary().warnings == recording.warnings
        assert "last record is incomplete (3 of 8 bytes)" in recording.warnings[0]


def test_a_record_that_begins_with_the_comment_sign_is_a_record(tmp_path):
    word = davis(3, 179 - (0x23000000 >> 22), True)
    assert word >> 24 == ord("#")
    with open_recording(write(tmp_path / "a.aedat", DAVIS_HEADER, [word, word], [10, 11])) as recording:
        assert len(recording.events()) == 2


@pytest.mark.parametrize("length", [20, len(DAVIS_HEADER) - 60])
def test_a_file_cut_within_its_header_is_refused(tmp_path, length):
    (tmp_path / "a.aedat").write_bytes(DAVIS_HEADER[:length])
    with pytest.raises(FormatError, match="within its header"):
        open_recording(tmp_path / "a.aedat")


def test_an_unknown_camera_is_refused_by_name(tmp_path):
    header = DAVIS_HEADER.replace(b"DAVIS240C", b"Davis640")
    with pytest.raises(FormatError, match="Davis640 is not supported"):
        open_recording(write(tmp_path / "a.aedat", header, [0], [0]))


def test_addresses_that_a_dvs128_cannot_have_are_refused(tmp_path):
    path = write(tmp_path / "a.aedat", DVS_HEADER, [davis(3, 4, True)], [0])
    with open_recording(path) as recording, pytest.raises(FormatError, match="not those of a DVS128"):
        recording.events()
