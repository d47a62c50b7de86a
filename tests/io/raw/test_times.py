"""Wraps of counters, times that step back, damaged times, clocks that are set back."""

import struct

import numpy as np
import pytest
from raw_encoders import DAT_HEADER, ENCODINGS, as_events, assert_same, evt2_words, evt3_words, random_items, raw_header

from evcam.errors import FormatError
from evcam.io import open_recording
from evcam.io.formats._stream import _Reader

pytestmark = pytest.mark.kernels
HELD = "events that came late, held at the latest time"
IGNORED = "damaged time words, passed over"
RESET = "settings back of the camera's clock, after which times go on without a gap"


def evt3(words):
    return raw_header("3.0") + np.array(words, "<u2").tobytes()


def evt2(words):
    return raw_header("2.0") + np.array(words, "<u4").tobytes()


def at(*times_us):
    return [(t, i % 640, i % 480, bool(i % 2)) for i, t in enumerate(times_us)]


@pytest.mark.parametrize(("name", "wrap_us"), [
    ("EVT3", 1 << 24), ("EVT3 vectors", 1 << 24), ("EVT2", 1 << 34), ("EVT21", 1 << 34), ("DAT", 1 << 32),
])
def test_times_go_on_beyond_the_wraps_of_the_counter(read, name, wrap_us):
    encoding = ENCODINGS[name]
    start = wrap_us - 20_000
    items = [item for k in range(4) for item in random_items(1000, k, start_us=start + k * wrap_us // 3, edges=encoding.edges)]
    events, edges, warnings = read(encoding.file(items))
    expected = as_events(items)
    np.testing.assert_array_equal(events.t, expected.t)
    assert warnings == ()
    if encoding.edges:
        assert list(edges.t) == [item[0] for item in items if len(item) == 3]


def test_a_long_recording_wraps_many_times(read):
    times = np.arange(0, 200_000_000, 7_000_000)
    np.testing.assert_array_equal(read(evt3(evt3_words(at(*map(int, times)))))[0].t, times)


def test_a_time_word_that_comes_a_little_late_holds_the_time(read):
    words = [0x8005, 0x6FFF, 0, 0x2001, 0x6002, 0x2002, 0x8006, 0x6003, 0x2003]
    events, _, warnings = read(evt3(words))
    assert list(events.t) == [0x5FFF, 0x5FFF, 0x6003]
    assert warnings == (f"{HELD}: 1",)


def test_a_clock_that_steps_back_a_little_holds_the_time_until_it_has_caught_up(read):
    words = evt3_words([*at(100_000, 108_000), *at(98_000, 98_001), *at(110_000, 112_300)])
    events, _, warnings = read(evt3(words))
    assert list(events.t) == [100_000, 108_000, 108_000, 108_000, 110_000, 112_300]
    assert warnings == (f"{HELD}: 2",)


@pytest.mark.parametrize("far", [1, 500, 1500, 2500, 4000])
def test_a_single_damaged_time_word_is_passed_over(read, far):
    words = evt3_words(at(*range(100_000, 180_000, 1000)))
    highs = [i for i, word in enumerate(words) if word >> 12 == 8]
    words[highs[10]] = 0x8000 | (words[highs[10]] + far) & 0xFFF
    events, _, warnings = read(evt3(words))
    true = np.arange(100_000, 180_000, 1000)
    if 1 < far < 4080:  # one near by cannot be told from a true one
        assert f"{IGNORED}: 1" in warnings
    assert np.abs(events.t - true).max() <= 8192
    assert (events.t[true > 160_000] == true[true > 160_000]).all()


def test_a_single_damaged_time_word_is_passed_over_in_evt2(read):
    true = np.arange(100_000, 180_000, 50)
    words = evt2_words(at(*map(int, true)))
    highs = [i for i, word in enumerate(words) if word >> 28 == 8]
    words[highs[100]] ^= 1 << 20
    events, _, warnings = read(evt2(words))
    assert f"{IGNORED}: 1" in warnings
    assert np.abs(events.t - true).max() <= 64


@pytest.mark.parametrize("encode", [lambda items: evt3(evt3_words(items)), lambda items: evt2(evt2_words(items))])
def test_a_clock_that_is_set_back_goes_on_from_there(read, encode):
    items = [*at(5_000_000, 5_000_100), *at(130, 900, 7_000)]
    events, _, warnings = read(encode(items))
    steps = np.diff(events.t)
    assert list(events.t[:2]) == [5_000_000, 5_000_100]
    assert 0 <= steps[1] <= 4096
    assert list(steps[2:]) == [770, 6100]
    assert warnings == (f"{RESET}: 1",)


def test_a_long_wait_is_no_clock_that_was_set_back(read):
    words = evt3_words(at(100_000, 12_100_000, 12_100_500, 13_000_000))
    events, _, warnings = read(evt3(words))
    assert (list(events.t), warnings) == ([100_000, 12_100_000, 12_100_500, 13_000_000], ())
    times = (5, 3_000_000_000, 3_000_000_100)
    events, _, warnings = read(DAT_HEADER + b"".join(struct.pack("<2I", t, 1) for t in times))
    assert (tuple(events.t), warnings) == (times, ())


def test_dat_clocks_wrap_step_back_and_are_set_back(read):
    def dat(*times):
        return DAT_HEADER + b"".join(struct.pack("<2I", t & 0xFFFFFFFF, 1) for t in times)

    assert list(read(dat(2**32 - 3, 2**32 + 5, 2**32 - 1, 2**32 + 9))[0].t) == [2**32 - 3, 2**32 + 5, 2**32 + 5, 2**32 + 9]
    events, _, warnings = read(dat(1000, 900, 1100))
    assert (list(events.t), warnings) == ([1000, 1000, 1100], (f"{HELD}: 1",))
    events, _, warnings = read(dat(5_000_000, 0, 7, 30))
    assert (list(events.t), warnings) == ([5_000_000, 5_000_000, 5_000_007, 5_000_030], (f"{RESET}: 1",))
    for damage in (1 << 30, 1 << 31, 3 << 30):
        events, _, warnings = read(dat(1000, 1010, 1020 ^ damage, 1030))
        assert (list(events.t), warnings) == ([1000, 1010, 1010, 1030], ("damaged times, passed over: 1",))


def test_words_of_an_unknown_kind_are_counted_and_many_are_damage(read):
    words = evt3_words(at(*range(1000, 400_000, 1000)))
    words[300] = 0x9123
    assert read(evt3(words))[2] == ("words of unknown kinds, passed over: 1",)
    words[500:520] = [0xB000] * 20
    with pytest.raises(FormatError, match=rf"damaged at byte {len(raw_header('3.0')) + 2 * 507}: too many words of unknown"):
        read(evt3(words))


def test_what_lies_before_the_damage_can_be_read(tmp_path):
    words = evt3_words(at(*range(1000, 400_000, 1000)))
    words[500:520] = [0xB000] * 20
    (tmp_path / "a").write_bytes(evt3(words))
    with open_recording(tmp_path / "a") as recording:
        assert_same(recording.between(0, 0.1).events(), as_events(at(*range(1000, 400_000, 1000)))[:100])


@pytest.mark.parametrize("name", ENCODINGS)
def test_any_stretch_equals_that_of_the_whole_and_is_entered_in_the_middle(tmp_path, monkeypatch, name):
    monkeypatch.setattr("evcam.io.formats._stream._READ_BYTES", 1 << 10)
    monkeypatch.setattr("evcam.io.formats._stream._CHECKPOINT_BYTES", 1 << 10)
    monkeypatch.setattr("evcam.io.formats._stream._LEAST_EVENTS", 64)
    monkeypatch.setattr("evcam.io.formats.dat._SAMPLE_RECORDS", 1 << 7)
    encoding = ENCODINGS[name]
    items = random_items(20_000, edges=encoding.edges, step_us=4000)
    data = encoding.file(items)
    (tmp_path / "a").write_bytes(data)
    whole = as_events(items)
    with open_recording(tmp_path / "a") as recording:
        read_bytes, more = [], _Reader.more

        def counted(self, kept):
            words = more(self, kept)
            read_bytes.append((len(words) - kept) * words.itemsize)
            return words

        monkeypatch.setattr(_Reader, "more", counted)
        origin = recording.start_us
        end_s = (int(whole.t[-1]) - origin) * 1e-6
        for attempt in range(2):
            for start_s, stop_s in ((0.9 * end_s, 0.91 * end_s), (0.2 * end_s, 0.21 * end_s), (0.5 * end_s, 0.52 * end_s)):
                read_bytes.clear()
                part = recording.between(start_s, stop_s).events()
                assert_same(part, whole.between(origin + round(start_s * 1e6), origin + round(stop_s * 1e6)))
                if attempt or name == "DAT":
                    assert sum(read_bytes) < 0.15 * len(data)
        assert recording.summary().events == len(whole)
        assert recording.warnings == ()
