import struct

import aedat4_files
import lz4.frame
import numpy as np
import pytest
from fuzz_files import NOT_ALLOWED, SOUND, case
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.errors import FormatError, InputError
from evcam.io import open_recording


@pytest.mark.parametrize("name", SOUND)
def test_damaged_files_give_their_events_with_a_warning_or_one_clear_error(tmp_path, name):
    outcomes = [case(name, seed, tmp_path) for seed in range(200)]
    assert [f"{seed}: {o.kind}: {o.detail}" for seed, o in enumerate(outcomes) if o.kind in NOT_ALLOWED] == []
    assert "refused" in {outcome.kind for outcome in outcomes}


def read_or_refuse(path, **size):
    try:
        with open_recording(path, **size) as recording:
            assert np.all(np.diff(recording.events().t) >= 0)
            recording.imu()
            recording.triggers()
    except (FormatError, InputError) as error:
        problem = str(error)
    else:
        return
    assert "\n" not in problem


WORDS = st.sampled_from(["t", "t_us", "time[ns]", "x", "y", "p", "polarity", "#", "%geometry:4,4", ",", ";", "\t", " ", "\n",
                         "1", "0.5", "-1", "1e9", "e", "nan", "True", "\ufeff", "\r", "\u00b5s"])


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("text") / "a"
    path.write_text("".join(words) + "\n", encoding="utf-8", newline="")
    read_or_refuse(path, width=4, height=4)


@settings(max_examples=300, deadline=None)
@given(st.integers(-5, 9), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=200))
def test_any_aedat4_header_and_packet_is_read_or_refused(tmp_path_factory, compression, table_position, payload):
    path = tmp_path_factory.mktemp("aedat4") / "a"
    packed = lz4.frame.compress(payload) if compression in (1, 2) else payload
    streams = ((0, "EVTS", 4, 4), (1, "IMUS", 0, 0), (2, "TRIG", 0, 0))
    packets = b"".join(aedat4_files.packet(i, packed) for i in range(3))
    path.write_bytes(aedat4_files.header(streams, compression, table_position) + packets)
    read_or_refuse(path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=6, max_size=6), st.integers(-3, 101), st.binary(max_size=100))
def test_any_aedat3_packet_is_read_or_refused(tmp_path_factory, numbers, kind, payload):
    path = tmp_path_factory.mktemp("aedat3") / "a"
    path.write_bytes(b"#!AER-DAT3.1\n#Source 0: DVS128\n#!END-HEADER\n" + struct.pack("<hhiiiiii", kind, 0, *numbers) + payload)
    read_or_refuse(path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=40), st.binary(max_size=60)), max_size=6))
def test_any_records_of_a_ros1_bag_are_read_or_refused(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("bag") / "a"
    out = b"#ROSBAG V2.0\n"
    for kind, fields, data in records:
        header = struct.pack("<I4sB", 4, b"op=\0"[:3] + bytes([kind]), 0)[:8] + struct.pack("<I", len(fields)) + fields
        out += struct.pack("<I", len(header)) + header + struct.pack("<I", len(data)) + data
    path.write_bytes(out)
    read_or_refuse(path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 80) | st.integers(0, 2**64 - 1), st.binary(max_size=80)),
                max_size=6))
def test_any_records_of_an_mcap_file_are_read_or_refused(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("mcap") / "a"
    path.write_bytes(b"\x89MCAP0\r\n" + b"".join(struct.pack("<BQ", kind, size) + data for kind, size, data in records))
    read_or_refuse(path)
