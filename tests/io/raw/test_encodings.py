"""What the independent encoders write is read back, whatever the coding and however it is cut."""

import numpy as np
import pytest
from raw_encoders import DAT1_HEADER, ENCODINGS, HEIGHT, WIDTH, as_events, assert_same, evt3_words, random_items, raw_header

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("name", ENCODINGS)
def test_events_and_edges_are_those_that_were_written(read, name):
    encoding = ENCODINGS[name]
    items = random_items(2000, start_us=1000, edges=encoding.edges)
    events, edges, warnings = read(encoding.file(items))
    assert_same(events, as_events(items))
    assert (events.width, events.height, warnings) == (WIDTH, HEIGHT, ())
    if encoding.edges:
        assert list(zip(edges.t, edges.id, edges.rising, strict=True)) == [item for item in items if len(item) == 3]
        assert len(edges)
    else:
        assert edges is None


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_are_no_larger_than_asked_for(tmp_path, name, size):
    items = random_items(300, edges=ENCODINGS[name].edges)
    (tmp_path / "a").write_bytes(ENCODINGS[name].file(items))
    with open_recording(tmp_path / "a") as recording:
        chunks = list(recording.chunks(size))
    assert {len(chunk) for chunk in chunks[:-1]} == {size}
    np.testing.assert_array_equal(np.concatenate([chunk.x for chunk in chunks]), as_events(items).x)


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_file_without_events_has_none(tmp_path, name):
    (tmp_path / "a").write_bytes(ENCODINGS[name].header)
    with open_recording(tmp_path / "a") as recording:
        assert recording.summary().events == 0


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_file_that_was_cut_off_opens_up_to_the_cut(read, name):
    encoding = ENCODINGS[name]
    items = random_items(200, edges=False)
    whole = encoding.file(items)
    expected = as_events(items)
    for cut in range(1, 30):
        events, _, warnings = read(whole[:-cut])
        assert_same(events, expected[: len(events)])
        assert len(expected) - 60 <= len(events) <= len(expected)
        assert all("cut off" in warning for warning in warnings)
    assert read(whole[:-1])[2]


def test_old_dat_files_have_narrower_coordinates(read):
    data = DAT1_HEADER + np.array([5, 303 | 239 << 9 | 1 << 17, 9, 0], "<u4").tobytes()
    events, _, _ = read(data)
    assert list(zip(events.t, events.x, events.y, events.p, strict=True)) == [(5, 303, 239, True), (9, 0, 0, False)]


@pytest.mark.parametrize(("geometry", "size"), [
    ("% geometry 320x240\n", (320, 240)), ("% width 320\n% height 240\n", (320, 240)),
    ("% format EVT3;height=240;width=320\n", (320, 240)), ("% plugin_name hal_plugin_gen31_fx3\n", (640, 480)),
    ("% sensor_generation 4.2\n", (1280, 720)), ("% sensor_name IMX636\n", (1280, 720)), ("% sensor_name GenX320\n", (320, 320)),
])
def test_the_size_comes_from_the_header_or_the_name_of_the_sensor(read, geometry, size):
    words = np.array(evt3_words([(5, 300, 200, True)]), "<u2").tobytes()
    events, _, warnings = read(raw_header("3.0", geometry=geometry) + words)
    assert (events.width, events.height, warnings) == (*size, ())


@pytest.mark.parametrize("name", ["EVT2", "EVT3"])
def test_old_headers_that_state_no_encoding(read, name):
    items = random_items(500)
    header = b"% Date 2017-01-01 10:00:00\n% integrator_name Prophesee\n% system_ID 21\n% geometry 640x480\n"
    events, _, warnings = read(header + ENCODINGS[name].payload(items))
    assert_same(events, as_events(items))
    assert warnings == ()
    with pytest.raises(FormatError, match="neither its header nor its first events tell"):
        read(header + b"\x00\xb0\x00\x90" * 100)


def test_a_file_of_edges_alone_takes_no_more_memory_than_one_of_events(tmp_path):
    words = np.array([0x8000, 0x6000, *[0xA001] * 600_000, 0, 0x2000], "<u2")
    (tmp_path / "a").write_bytes(raw_header("3.0") + words.tobytes())
    with open_recording(tmp_path / "a") as recording:
        pieces = [columns for _, columns in recording._source._columns(1000, None)]
        assert max(len(columns.triggers) for columns in pieces) < 300_000
        assert (recording.summary().events, recording.summary().triggers, len(recording.triggers())) == (1, 600_000, 600_000)


def test_without_a_size_the_largest_coordinates_count_or_what_is_told(read):
    data = raw_header("3.0", geometry="") + np.array(evt3_words([(5, 300, 200, True)]), "<u2").tobytes()
    events, _, warnings = read(data)
    assert (events.width, events.height) == (301, 201)
    assert any("largest coordinates" in warning for warning in warnings)
    events, _, warnings = read(data, width=640, height=480)
    assert (events.width, events.height, warnings) == (640, 480, ())
    with pytest.raises(InputError, match="outside a sensor of 100x100"):
        read(data, width=100, height=100)


def test_events_outside_the_stated_sensor_are_left_out_and_counted(read):
    data = raw_header("3.0") + np.array(evt3_words([(5, 640, 1, True), (6, 639, 479, True), (7, 3, 480, False)]), "<u2").tobytes()
    events, _, warnings = read(data)
    assert list(events.t) == [6]
    assert warnings == ("events outside the sensor, left out: 2",)


def test_events_before_the_first_time_word_are_left_out_and_counted(read):
    words = [3, 0x2001, 0x8001, 0x6005, 0x2002]
    events, _, warnings = read(raw_header("3.0") + np.array(words, "<u2").tobytes())
    assert list(zip(events.t, events.x, strict=True)) == [(4101, 2)]
    assert warnings == ("events before the first time word, left out: 1",)


@pytest.mark.parametrize("name", ["EVT3", "EVT2", "EVT21", "DAT"])
def test_a_time_stated_in_the_header_is_added(read, name):
    items = random_items(50, edges=False)
    file = ENCODINGS[name].file(items)
    begin = file.index(b"\n") + 1
    events, _, warnings = read(file[:begin] + b"% t0 1700000000000000\n" + file[begin:])
    np.testing.assert_array_equal(events.t, as_events(items).t + 1_700_000_000_000_000)
    assert warnings == ()


def test_an_event_may_begin_like_a_header_line(read):
    words = [0x2025, *evt3_words([(5, 1, 2, True)])]  # as bytes "% " and no text
    events, _, warnings = read(raw_header("3.0").replace(b"% end\n", b"") + np.array(words, "<u2").tobytes())
    assert (list(events.t), warnings) == ([5], ("events before the first time word, left out: 1",))


@pytest.mark.parametrize(("header", "words"), [
    (raw_header("3.0", geometry="% geometry 99999x99999\n"), "within 1..16384"),
    (raw_header("3.0", geometry="% geometry 4096x4096\n"), "up to 2047"),
    (raw_header("3.0", geometry="% geometry 0x480\n"), "within 1..16384"),
    (raw_header("4.0"), "EVT 4.0"),
    (raw_header("2.1", more="% format EVT21;endianness=big\n"), "endianness"),
    (raw_header("3.0", more="% t0 9" + "9" * 30 + "\n"), "not whole microseconds"),
    (b"% Data file containing CD events\n% Version 2\n\x0e\x08", "edges on external inputs"),
    (b"% Data file containing CD events\n% Version 2\n\x0c\x10", "8 bytes"),
    (b"% Data file containing CD events\n% Version x\n\x0c\x08", "version"),
    (b"Event Stream\x01\x00\x00\x01" + bytes(8), "version 1"),
    (b"Event Stream\x02\x00\x00\x00" + bytes(8), "generic events"),
    (b"Event Stream\x02\x00\x00\x01\xff\xff\xff\xff", "within 1..16384"),
    (b"% evt 3.0\n" + b"% note x\n" * (1 << 17), "does not end"),
])
def test_headers_that_cannot_be_are_refused(tmp_path, header, words):
    (tmp_path / "a").write_bytes(header + bytes(64))
    with pytest.raises((FormatError, InputError), match=words):
        open_recording(tmp_path / "a")


@pytest.mark.parametrize("data", [
    b"% Data file containing CD events\n% Version 2\n\x0c", b"% Data file containing CD events\n% Version 2\n% Date 2018-0",
    b"Event Stream\x02\x00",
])
def test_a_header_that_was_cut_off_is_refused(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(FormatError, match="cut off within its header"):
        open_recording(tmp_path / "a")


def test_decoded_events_are_told_from_the_cameras_whatever_the_header_says_of_the_camera(read):
    header = b"% Version 2\n% plugin_name hal_plugin_gen31_fx3\n% serial_number 00000846\n\x0c\x08"
    events, _, warnings = read(header + np.array([5, 303 | 239 << 14 | 1 << 28], "<u4").tobytes())
    assert list(zip(events.t, events.x, events.y, events.p, strict=True)) == [(5, 303, 239, True)]
    assert (events.width, events.height, warnings) == (640, 480, ())
