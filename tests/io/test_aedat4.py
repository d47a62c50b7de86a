import sys
import threading

import aedat
import aedat4_files as make
import faery
import lz4.frame
import numpy as np
import pytest
from faery import file_encoder

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.errors import FormatError, InputError, MissingLibraryError
from evcam.io import open_recording
from evcam.io.formats import _inflate, aedat4
from evcam.io.writers import Content, writer_of

EVENTS = ([10, 20, 30], [1, 2, 3], [0, 1, 2], [1, 0, 1])


def random_events(n=50_000):
    rng = np.random.default_rng(0)
    events = np.empty(n, faery.EVENTS_DTYPE)
    events["t"] = 1_600_000_000_000_000 + np.cumsum(rng.integers(0, 30, n))
    events["x"], events["y"] = rng.integers(0, 346, n), rng.integers(0, 260, n)
    events["on"] = rng.random(n) < 0.4
    return events


def write(path, *packets, streams=((0, "EVTS", 40, 30),), compression=0, table_position=-1):
    path.write_bytes(make.header(streams, compression, table_position) + b"".join(packets))
    return path


@pytest.mark.parametrize("compression", [None, ("lz4", 1), ("zstd", 3)])
def test_what_another_library_wrote(tmp_path, compression):
    events = random_events()
    pieces = np.array_split(events, 37)
    file_encoder.events_to_file(pieces, tmp_path / "a.aedat4", (346, 260), compression=compression, file_type="aedat")
    with open_recording(tmp_path / "a.aedat4") as recording:
        assert (recording.format, recording.width, recording.height) == ("AEDAT4", 346, 260)
        read = recording.events()
        for name, other in (("t", "t"), ("x", "x"), ("y", "y"), ("p", "on")):
            np.testing.assert_array_equal(getattr(read, name), events[other])
        assert [len(chunk) for chunk in recording.chunks(7000)] == [7000] * 7 + [1000]
        assert recording.warnings == ()
        assert not recording.has_imu


@pytest.mark.kernels
def test_events_that_lie_at_any_byte(tmp_path):
    packets = [make.packet(0, make.events([10 + 30 * gap, 20 + 30 * gap], [1, 2], [3, 4], [0, 255], gap)) for gap in range(9)]
    with open_recording(write(tmp_path / "a", *packets)) as recording:
        events = recording.events()
    assert events.t.tolist() == [t for gap in range(9) for t in (10 + 30 * gap, 20 + 30 * gap)]
    assert (events.x.tolist(), events.y.tolist(), events.p.tolist()) == ([1, 2] * 9, [3, 4] * 9, [False, True] * 9)


def test_a_stretch_decodes_few_packets(tmp_path, monkeypatch):
    events = random_events()
    file_encoder.events_to_file(np.array_split(events, 200), tmp_path / "a.aedat4", (346, 260), file_type="aedat")
    with open_recording(tmp_path / "a.aedat4") as recording:
        whole = recording.events()
        part = recording.between(0.7, 0.71)
        inflated = []
        monkeypatch.setattr(aedat4, "inflate", lambda *args: inflated.append(1) or lz4.frame.decompress(args[1]))
        read = part.events()
    np.testing.assert_array_equal(read.t, whole.between(whole.t[0] + 700_000, whole.t[0] + 710_000).t)
    assert len(read) > 500
    assert len(inflated) < 25


def test_inertial_samples_in_their_units(tmp_path):
    samples = [(5, 0.0, 1.0, 0.0, 180.0, 0.0, 0.0), (15, 0.5, 0.0, -1.0, 0.0, 0.0, -90.0), (15, 0, 0, 0, 0, 0, 9.0)]
    path = write(tmp_path / "a", make.packet(1, make.imu(samples)), make.packet(0, make.events(*EVENTS)),
                 streams=((0, "EVTS", 40, 30), (1, "IMUS", 0, 0)))
    with open_recording(path) as recording:
        imu = recording.imu()
        assert recording.has_imu
        np.testing.assert_array_equal(imu.t, [5, 15])
        np.testing.assert_allclose(imu.gyro_radps, [[np.pi, 0, 0], [0, 0, -np.pi / 2]], rtol=1e-6)
        np.testing.assert_allclose(imu.accel_mps2, [[0, 9.80665, 0], [4.903325, 0, -9.80665]])
        assert any("inertial samples not later than the one before, left out: 1" in warning for warning in recording.warnings)
        assert any("R_cam_imu" in warning for warning in recording.warnings)


def test_edges_on_the_input(tmp_path):
    path = write(tmp_path / "a", make.packet(2, make.triggers([(5, 1), (6, 3), (12, 2), (13, 0)])),
                 streams=((0, "EVTS", 40, 30), (2, "TRIG", 0, 0)))
    with open_recording(path) as recording:
        edges = recording.triggers()
        assert list(zip(edges.t, edges.id, edges.rising, strict=True)) == [(5, 0, True), (12, 0, False)]
        assert recording.warnings == ("special signals that are no edges, left out: 2",)


def test_one_of_several_streams_is_chosen(tmp_path):
    streams = ((0, "EVTS", 40, 30), (4, "EVTS", 50, 60))
    packets = make.packet(0, make.events(*EVENTS)), make.packet(4, make.events([7], [1], [59], [1]))
    path = write(tmp_path / "a", *packets, streams=streams)
    with pytest.raises(InputError, match=r"several streams of events: 0, 4; choose one with stream="):
        open_recording(path)
    with open_recording(path, stream="4") as recording:
        assert (recording.width, recording.height, list(recording.events().t)) == (50, 60, [7])
    with pytest.raises(InputError, match="no stream of events named 5; there is 0, 4"):
        open_recording(path, stream="5")
    with pytest.raises(FormatError, match="holds no stream of events"):
        open_recording(write(tmp_path / "b", streams=((0, "FRME", 9, 9),)))


def test_a_file_that_was_cut_off_opens_up_to_the_cut(tmp_path):
    path = write(tmp_path / "a", make.packet(0, make.events(*EVENTS)), make.packet(0, make.events([40], [1], [1], [1])))
    path.write_bytes(path.read_bytes()[:-5])
    with open_recording(path) as recording:
        assert len(recording.events()) == 3
        assert "incomplete and left out" in recording.warnings[0]
    path = write(tmp_path / "c", make.packet(0, make.events(*EVENTS)), table_position=10**6)
    with open_recording(path) as recording:
        assert len(recording.events()) == 3
        assert "table of packets should be at byte 1000000" in recording.warnings[0]


@pytest.mark.parametrize(("name", "data", "message"), [
    ("short", b"#!AER-DAT4.0\r\n\x10\0", "cut off within its header, 18 bytes"),
    ("cut", b"#!AER-DAT4.0\r\n\x10\0\0\0abc", "cut off within its header, 21 bytes"),
    ("claims", b"#!AER-DAT4.0\r\n\xff\xff\xff\x7f", "claims 2147483647 bytes"),
    ("nothing", b"#!AER-DAT4.0\r\n\x08\0\0\0\xff\xff\xff\xff\0\0\0\0", "damaged header at byte 14"),
])
def test_a_damaged_header_is_refused(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError, match=message):
        open_recording(tmp_path / name)


def test_damaged_packets_are_named_by_their_byte(tmp_path):
    sound = make.packet(0, make.events(*EVENTS))
    start = len(make.header(((0, "EVTS", 40, 30),), 1)) + len(make.packet(0, lz4.frame.compress(make.events(*EVENTS))))
    bad = make.packet(0, b"no lz4")
    path = write(tmp_path / "a", make.packet(0, lz4.frame.compress(make.events(*EVENTS))), bad, compression=1)
    with open_recording(path) as recording, pytest.raises(FormatError, match=f"damaged packet at byte {start}: lz4 data"):
        recording.events()
    path = write(tmp_path / "b", sound, make.packet(9, b""))
    with open_recording(path) as recording, pytest.raises(FormatError, match="stream 9 of 0 bytes"):
        recording.events()


def test_a_packet_that_would_fill_the_memory_is_refused(tmp_path):
    path = write(tmp_path / "a", make.packet(0, lz4.frame.compress(bytes(1 << 29))), compression=1)
    with open_recording(path) as recording, pytest.raises(FormatError, match="hold more than the 268435456 bytes"):
        recording.events()


def test_xml_that_could_expand_is_refused(tmp_path):
    data = make.header(((0, "EVTS", 40, 30),)).replace(b'<dv version="2.0">', b"<!DOCTYPE x []>   ")
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(FormatError, match="XML with declarations"):
        open_recording(tmp_path / "a")


def test_what_is_written_an_independent_library_reads(tmp_path):
    events = Events.from_arrays([5, 6, 9], [1, 2, 3], [0, 1, 2], [1, 0, 1], width=40, height=30)
    imu = ImuSamples(np.array([3]), np.zeros((1, 3)))
    told = writer_of("a.aedat4").write(tmp_path / "a.aedat4", Content(40, 30, [events], imu))
    assert told == ("1 inertial samples are left out: AEDAT4 has no place for them",)
    read = np.concatenate([packet["events"] for packet in aedat.Decoder(tmp_path / "a.aedat4")])
    for name, other in (("t", "t"), ("x", "x"), ("y", "y"), ("p", "on")):
        np.testing.assert_array_equal(read[other], getattr(events, name))
    early = Events.from_arrays([-1], [1], [0], [1], width=40, height=30)
    with pytest.raises(InputError, match="no time before 0"):
        writer_of("b.aedat4").write(tmp_path / "b.aedat4", Content(40, 30, [early]))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python brings zstd along")
@pytest.mark.parametrize(("module", "what"), [("lz4.frame", "lz4-compressed data"), ("backports.zstd", "zstd-compressed data")])
def test_a_library_that_is_missing_is_named_with_the_command(monkeypatch, tmp_path, module, what):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(_inflate, "_of_this_thread", threading.local())
    _inflate._library.cache_clear()
    path = write(tmp_path / "a", make.packet(0, b"x"), compression=1 if "lz4" in module else 3)
    package = module.removesuffix(".frame")
    with open_recording(path, width=40, height=30) as recording, \
            pytest.raises(MissingLibraryError, match=rf"{what} needs the package {package}: .* -m pip install {package}"):
        recording.events()
