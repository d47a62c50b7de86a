import os
import struct
from pathlib import Path

import numpy as np
import pytest
from raw_encoders import as_events, assert_same, evt3_words, random_items

from evcam.errors import FormatError
from evcam.io.formats._event_packets import EventPacketDecoder


@pytest.mark.kernels
@pytest.mark.parametrize("cut", [2, 14, 1000])
def test_a_stream_cut_into_packets_anywhere_is_the_same_stream(cut):
    items = random_items(1000)
    payload = np.array(evt3_words(items), "<u2").tobytes()
    decoder = EventPacketDecoder("evt3", 640, 480)
    pieces = [decoder.decode(payload[i : i + cut]) for i in range(0, len(payload), cut)]
    whole = EventPacketDecoder("evt3", 640, 480).decode(payload)
    for k in range(4):
        np.testing.assert_array_equal(np.concatenate([piece[k] for piece in pieces]), whole[k])
    assert_same(whole, as_events(items))
    assert sum(len(piece.triggers) for piece in pieces) == len(whole.triggers) > 0
    assert decoder.repairs() == {}


def test_what_has_no_row_or_time_yet_is_left_out_of_a_stream_entered_anywhere():
    words = [0x2001, 0x8001, 0x2001, 0x6005, 0x2002, 3, 0x2004]
    decoder = EventPacketDecoder("evt3", 640, 480)
    columns = decoder.decode(np.array(words, "<u2").tobytes() + b"\x00")
    assert list(zip(columns.t, columns.x, columns.y, strict=True)) == [(4101, 4, 3)]
    assert decoder.repairs() == {
        "events before the first time word, left out": 3, "packets that end within a word, which is left out": 1,
    }


def test_packets_full_of_vectors_give_all_their_events():
    words = [0x8001, 0x6005, 3, *[0x3000, 0x4FFF, 0x4FFF, 0x50FF] * 500]
    columns = EventPacketDecoder("evt3", 640, 480).decode(np.array(words, "<u2").tobytes())
    np.testing.assert_array_equal(columns.x, np.tile(np.arange(32), 500))


def test_mono_counts_nanoseconds_from_the_packets_own_time():
    events = [(999, 5, 6, 1), (1001, 639, 479, 0), (4_000_000_000, 640, 3, 1)]
    payload = b"".join(struct.pack("<Q", p << 63 | y << 48 | x << 32 | dt) for dt, x, y, p in events)
    decoder = EventPacketDecoder("mono", 640, 480)
    columns = decoder.decode(payload, time_base_ns=1_700_000_000_000_000_000)
    assert list(zip(columns.t, columns.x, columns.y, columns.p, strict=True)) == [
        (1_700_000_000_000_000, 5, 6, True), (1_700_000_000_000_001, 639, 479, False),
    ]
    assert decoder.repairs() == {"events outside the sensor, left out": 1}


@pytest.mark.kernels
@pytest.mark.parametrize("base_ns", [0, 999, 1_700_000_000_123_456_789, (1 << 64) - 1])
def test_mono_cuts_nanoseconds_off_whatever_the_delay(base_ns):
    delays = np.concatenate([np.arange(3000), np.random.default_rng(0).integers(0, 1 << 32, 3000), [(1 << 32) - 1]])
    columns = EventPacketDecoder("mono", 640, 480).decode(delays.astype("<u8").tobytes(), base_ns)
    assert columns.t.tolist() == [(base_ns + delay) // 1000 for delay in delays.tolist()]


def test_unknown_encodings_and_damage_are_refused():
    with pytest.raises(FormatError, match="'libcaer'; evcam reads evt3 and mono"):
        EventPacketDecoder("libcaer", 640, 480)
    with pytest.raises(FormatError, match="damaged at byte 14: too many words of unknown kinds"):
        EventPacketDecoder("evt3", 640, 480).decode(b"\xff\xb0" * 100)


@pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ, reason="needs the verification data: set EVCAM_REFERENCE_DATA")
def test_a_real_bag():
    highlevel = pytest.importorskip("rosbags.highlevel")
    path = Path(os.environ["EVCAM_REFERENCE_DATA"]) / "recordings" / "formats" / "event_packet_evt3_ros1.bag"
    decoder = EventPacketDecoder("evt3", 640, 480)
    with highlevel.AnyReader([path]) as reader:
        messages = [reader.deserialize(raw, connection.msgtype) for connection, _, raw in reader.messages()]
    pieces = [decoder.decode(message.events, message.time_base) for message in messages]
    assert sum(len(piece.t) for piece in pieces) == 343_474
    assert (pieces[-1].t[-1] - pieces[0].t[0]) * 1e-6 == pytest.approx(2.08, abs=0.01)
    edges = np.concatenate([piece.triggers.t for piece in pieces])
    np.testing.assert_array_equal(np.unique(np.diff(edges)), [500])
    assert decoder.repairs() == {}
