import bag_files as make
import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

KINDS = ("ros1", "sqlite3", "mcap")
START_US = 1_600_000_000_000_000


def columns(n=2000, start_us=START_US, seed=0):
    rng = np.random.default_rng(seed)
    return start_us + np.cumsum(rng.integers(0, 30, n)), rng.integers(0, 346, n), rng.integers(0, 260, n), rng.random(n) < 0.4


def split(events, size=97):
    return [tuple(column[i : i + size] for column in events) for i in range(0, len(events[0]), size)]


def bag(path, kind, messages, compression=None):
    """``messages`` makes the messages with a Maker; the path of what was written."""
    maker = make.Maker(kind != "ros1")
    return maker.write(path, messages(maker), kind, compression)


def arrays(maker, pieces):
    return [("/e", make.DVS, maker.array(make.DVS, piece)) for piece in pieces]


def same(read, events):
    for column, expected in zip((read.t, read.x, read.y, read.p), events, strict=True):
        np.testing.assert_array_equal(column, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message_type", [make.DVS, make.PROPHESEE])
def test_arrays_of_events(tmp_path, kind, message_type):
    """Also messages of one event and of none, and frame names that shift what follows."""
    events = columns()
    pieces = [*split(events)[:-1], *split(tuple(column[1940:] for column in events), 1)]

    def messages(maker):
        none = tuple(column[:0] for column in events)
        return [("/cam/events", message_type, maker.array(message_type, piece, frame_id="c" * (i % 5)))
                for i, piece in enumerate([none, *pieces, none])]

    with open_recording(bag(tmp_path / "bag", kind, messages)) as recording:
        assert (recording.width, recording.height, recording.warnings) == (346, 260, ())
        same(recording.events(), events)
        assert recording.metadata["topic"] == "/cam/events"
        assert recording.triggers() is None
        assert not recording.has_imu
        part = recording.between(0.01, 0.02).events()
        same(part, [column[(events[0] >= events[0][0] + 10_000) & (events[0] < events[0][0] + 20_000)] for column in events])


@pytest.mark.parametrize(("kind", "compression"), [
    ("ros1", Writer1.CompressionFormat.BZ2), ("ros1", Writer1.CompressionFormat.LZ4),
    ("mcap", (CompressionMode.STORAGE, CompressionFormat.ZSTD)), ("sqlite3", (CompressionMode.MESSAGE, CompressionFormat.ZSTD)),
])
def test_compressed_bags(tmp_path, kind, compression):
    events = columns()
    path = bag(tmp_path / "bag", kind, lambda maker: arrays(maker, split(events)), compression)
    with open_recording(path) as recording:
        same(recording.events(), events)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("big_endian", [False, True])
def test_packets_of_mono_events(tmp_path, kind, big_endian):
    t, x, y, p = columns()
    words = (p.astype(np.uint64) << 63) | (y.astype(np.uint64) << 48) | (x.astype(np.uint64) << 32)
    words |= ((t - START_US) * 1000).astype(np.uint64)
    payloads = [part.astype(">u8" if big_endian else "<u8").tobytes() for part in np.array_split(words, 9)]
    path = bag(tmp_path / "bag", kind, lambda maker: [
        ("/e", make.PACKETS, maker.packet(payload, "mono", START_US * 1000, big_endian=big_endian)) for payload in payloads])
    with open_recording(path) as recording:
        same(recording.events(), (t, x, y, p))


@pytest.mark.parametrize("kind", KINDS)
def test_packets_of_libcaer_events_wrap_once(tmp_path, kind):
    t, x, y, p = columns(300)
    low = (t - START_US + (1 << 31) - 2000).astype(np.int64)
    words = np.stack([(x << 17) | (y << 2) | (p << 1) | 1, low & 0x7FFFFFFF], 1).astype("<u4")
    base = (START_US - (1 << 31) + 2000) * 1000
    path = bag(tmp_path / "bag", kind, lambda maker: [("/e", make.PACKETS, maker.packet(words.tobytes(), "libcaer", base))])
    with open_recording(path) as recording:
        same(recording.events(), (t, x, y, p))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["trigger", ""])
def test_an_unknown_encoding_is_refused_by_name(tmp_path, kind, encoding):
    path = bag(tmp_path / "bag", kind, lambda maker: [("/e", make.PACKETS, maker.packet(b"", encoding))])
    with pytest.raises(FormatError, match=f"bag.*: event packets in the encoding '{encoding}'"):
        open_recording(path)


@pytest.mark.parametrize("first", ["mono", "evt3", "libcaer"])
def test_packets_of_two_encodings_are_not_mixed(tmp_path, first):
    payload = np.zeros(8, np.uint8).tobytes()
    path = bag(tmp_path / "bag", "mcap", lambda maker: [
        ("/e", make.PACKETS, maker.packet(payload, encoding)) for encoding in (first, "mono" if first != "mono" else "evt3")])
    with open_recording(path) as recording, pytest.raises(FormatError, match=f"its encoding is not {first} as that of the first"):
        recording.events()


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_several_topics_is_chosen_and_the_nearest_inertial_sensor(tmp_path, kind):
    left, right = columns(100), columns(100, START_US + 10, 1)

    def messages(maker):
        for i in range(5):
            for side, gyro in (("left", 1.0), ("right", 2.0)):
                yield f"/{side}/imu", make.IMU, maker.imu((START_US + 10 * i) * 1000 + 600, (gyro, 0.0, 0.5), (0.0, 0.0, 9.8))
        yield "/left/events", make.DVS, maker.array(make.DVS, left)
        yield "/right/events", make.PROPHESEE, maker.array(make.PROPHESEE, right)

    path = bag(tmp_path / "bag", kind, messages)
    with pytest.raises(InputError, match=r"several topics of events: /left/events, /right/events; choose one with stream="):
        open_recording(path)
    with pytest.raises(InputError, match="named /nowhere"):
        open_recording(path, stream="/nowhere")
    with open_recording(path, stream="/right/events") as recording:
        same(recording.events(), right)
        imu = recording.imu()
        np.testing.assert_array_equal(imu.t, START_US + 1 + 10 * np.arange(5))
        np.testing.assert_array_equal(imu.gyro_radps, [[2.0, 0.0, 0.5]] * 5)
        np.testing.assert_array_equal(imu.accel_mps2, [[0.0, 0.0, 9.8]] * 5)
        assert imu.offset_us == 0
        assert "R_cam_imu" in recording.warnings[0]


@pytest.mark.parametrize("kind", KINDS)
def test_messages_that_overlap_hold_late_events_and_count_them(tmp_path, kind):
    pieces = [([100, 200], [1, 2], [3, 4], [0, 1]), ([150, 210], [1, 2], [3, 4], [0, 1])]
    path = bag(tmp_path / "bag", kind, lambda maker: arrays(maker, [tuple(map(np.array, piece)) for piece in pieces]))
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.events().t, [100, 200, 200, 210])
        assert recording.warnings == ("events that came late, held at the latest time: 1",)
    pieces[0] = ([100, 900_000], [1, 2], [3, 4], [0, 1])
    path = bag(tmp_path / "other", kind, lambda maker: arrays(maker, [tuple(map(np.array, piece)) for piece in pieces]))
    with open_recording(path) as recording, pytest.raises(InputError, match="backwards at event 2: 150 us after 900000 us"):
        recording.events()


def evt3_words(t, x, y, p):
    """Every event as time, row and column words."""
    out = []
    for t_us, px, py, on in zip(t, x, y, p, strict=True):
        out += [0x8000 | (int(t_us) >> 12) & 0xFFF, 0x6000 | int(t_us) & 0xFFF, int(py), 0x2000 | (int(on) << 11) | int(px)]
    return np.array(out, "<u2")


@pytest.mark.parametrize("kind", KINDS)
def test_packets_of_evt3_are_one_stream_entered_at_marks(tmp_path, kind, monkeypatch):
    """The sensor's clock wraps twice; inertial samples carry the computer's."""
    monkeypatch.setattr("evcam.io.formats._gather.MARK_EVENTS", 100)
    t, x, y, p = columns(4000, 5_000_000)
    t = 5_000_000 + (t - 5_000_000) * 700
    payloads = np.array_split(evt3_words(t, x, y, p), 33 * 64)

    def messages(maker):
        for i, words in enumerate(payloads):
            yield "/e", make.PACKETS, maker.packet(words.tobytes(), "evt3", stamp_ns=(START_US + 10 * i) * 1000)
        yield "/imu", make.IMU, maker.imu(START_US * 1000, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    with open_recording(bag(tmp_path / "bag", kind, messages)) as recording:
        late = recording.between(20.0, 21.0)
        first = late.events()
        same(recording.events(), (t, x, y, p))
        same(first, [column[(t >= t[0] + 20_000_000) & (t < t[0] + 21_000_000)] for column in (t, x, y, p)])
        same(late.events(), (first.t, first.x, first.y, first.p))
        assert recording.imu().offset_us == t[0] - START_US
        assert any("tied by the first" in warning for warning in recording.warnings)


@pytest.mark.parametrize("kind", KINDS)
def test_bags_without_events_say_so(tmp_path, kind):
    path = bag(tmp_path / "bag", kind, lambda maker: [("/imu", make.IMU, maker.imu(0, (0.0,) * 3, (0.0,) * 3))])
    with pytest.raises(FormatError, match=r"holds no topic of events that is known; there is /imu \(sensor_msgs/Imu\)"):
        open_recording(path)


@pytest.mark.parametrize("kind", ["ros1", "mcap"])
def test_a_bag_that_was_cut_off_opens_up_to_the_cut(tmp_path, kind):
    """The library's chunks hold a megabyte: 75,000 events."""
    events = columns(160_000)
    path = bag(tmp_path / "bag", kind, lambda maker: arrays(maker, split(events, 8000)))
    data = (path if kind == "ros1" else next(path.glob("*.mcap"))).read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(0.95 * len(data))])
    with open_recording(tmp_path / "cut") as recording:
        read = recording.events()
        assert any("incomplete" in warning and "cut off" in warning for warning in recording.warnings)
    assert 140_000 < len(read) < 160_000
    same(read, [column[: len(read)] for column in events])


def test_a_bag_whose_recorder_was_killed_ends_in_loose_records(tmp_path):
    """The last chunk has no length yet, and its records follow."""
    events = columns(2000)
    data = bytearray(bag(tmp_path / "bag", "ros1", lambda maker: arrays(maker, split(events))).read_bytes())
    chunk = len(b"#ROSBAG V2.0\n") + 4096
    place = chunk + 4 + int.from_bytes(data[chunk : chunk + 4], "little")
    size = int.from_bytes(data[place : place + 4], "little")
    data[place : place + 4] = bytes(4)
    (tmp_path / "killed").write_bytes(data[: place + 4 + size - 1000])
    with open_recording(tmp_path / "killed") as recording:
        read = recording.events()
        assert "cut off" in recording.warnings[0]
    assert 1800 < len(read) < 2000
    same(read, [column[: len(read)] for column in events])


def test_the_files_of_a_folder_are_one_bag(tmp_path):
    events = columns()
    parts = split(events, 1000)
    folder = tmp_path / "whole"
    folder.mkdir()
    for i, part in enumerate(parts):
        path = bag(tmp_path / f"bag{i}", "sqlite3", lambda maker, part=part: [("/e", make.DVS, maker.array(make.DVS, part))])
        next(path.glob("*.db3")).rename(folder / f"split_{9 + i}.db3")
    with open_recording(folder) as recording:
        same(recording.events(), events)
        assert recording.name == "whole"


@pytest.mark.parametrize("kind", ["sqlite3", "mcap"])
def test_a_file_of_a_folder_opens_alone(tmp_path, kind):
    events = columns()
    path = bag(tmp_path / "bag", kind, lambda maker: arrays(maker, split(events)))
    with open_recording(next(path.glob("*.db3" if kind == "sqlite3" else "*.mcap"))) as recording:
        same(recording.events(), events)


def test_a_bag_that_was_cut_off_before_its_first_topic_says_so(tmp_path):
    path = tmp_path / "cut.bag"
    path.write_bytes(b"#ROSBAG V2.0\n" + bytes(7))
    with pytest.raises(FormatError, match="cut off before the first"):
        open_recording(path)
