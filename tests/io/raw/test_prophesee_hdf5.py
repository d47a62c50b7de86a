"""Prophesee's HDF5 with chunks compressed by ECF."""

import struct

import h5py
import numpy as np
import pytest
from ecf_files import CHUNK, KINDS, RECORD, ecf, write_ecf
from raw_encoders import as_events, assert_same, random_items

from evcam.errors import FormatError
from evcam.io import open_recording

EVENTS = as_events(random_items(5000, step_us=300, edges=False, start_us=2_000_000_000))


@pytest.mark.kernels
@pytest.mark.parametrize("kinds", [KINDS, *[(kind,) for kind in KINDS]])
def test_events_of_every_kind_of_chunk(tmp_path, kinds):
    edges = [(2_000_000_010, 0, True), (2_000_000_900, 6, False)]
    with open_recording(write_ecf(tmp_path / "a.h5", EVENTS, kinds, edges=edges)) as recording:
        assert_same(recording.events(), EVENTS)
        read = recording.triggers()
        assert list(zip(read.t, read.id, read.rising, strict=True)) == edges
        summary = recording.summary()
    assert (summary.width, summary.height, summary.events, summary.triggers, summary.warnings) == (640, 480, 5000, 2, ())


def test_the_bytes_of_one_event_by_hand():
    event = as_events([(4, 1, 2, False)])
    assert ecf(event, "y, x and p") == bytes([6, 0, 0, 0, 4, *[0] * 7, 0x01, 0, 2, 32, 0, *[0] * 8])


@pytest.mark.kernels
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 15, 31, 127, 600])
def test_long_runs_and_odd_numbers(tmp_path, count):
    items = [(1000, 7, 9, True)] * count + [(10**9, x, 480 - 1, False) for x in range(count)]
    events = as_events(items)
    for kind in KINDS:
        with open_recording(write_ecf(tmp_path / "a.h5", events, (kind,))) as recording:
            assert_same(recording.events(), events)


def test_stretches_are_entered_in_the_middle(tmp_path, monkeypatch):
    with open_recording(write_ecf(tmp_path / "a.h5", EVENTS, chunk=64)) as recording:
        whole = recording.events()
        chunks, read = [], type(recording._source)._read
        monkeypatch.setattr(type(recording._source), "_read", lambda self, first: chunks.append(first) or read(self, first))
        end_s = whole.duration_s
        start_us = recording.start_us
        for start_s in (0.1 * end_s, 0.7 * end_s):
            chunks.clear()
            pieces = list(recording.between(start_s, start_s + 0.01).chunks(64))
            expected = whole.between(start_us + round(start_s * 1e6), start_us + round((start_s + 0.01) * 1e6))
            np.testing.assert_array_equal(np.concatenate([piece.x for piece in pieces]), expected.x)
            assert len(chunks) < 20


def test_records_that_hdf5_compressed_itself_are_read_too(tmp_path):
    records = np.zeros(len(EVENTS), RECORD)
    for name in "txyp":
        records[name] = getattr(EVENTS, name)
    for options in ({}, {"compression": "gzip", "shuffle": True}):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("CD/events", data=records, chunks=(CHUNK,), **options)
        with open_recording(tmp_path / "a.h5", width=640, height=480) as recording:
            assert_same(recording.events(), EVENTS)
            assert recording.triggers() is None


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_chunks_name_the_event_and_the_byte(tmp_path, kind):
    def cut(data, i):
        return data[:-1] if i == 2 * CHUNK else data

    with open_recording(write_ecf(tmp_path / "a.h5", EVENTS, (kind,), damage=cut)) as recording:
        pieces = recording.chunks()
        assert_same(next(pieces), EVENTS[:CHUNK])
        assert_same(next(pieces), EVENTS[CHUNK : 2 * CHUNK])
        with pytest.raises(FormatError, match=rf"the chunk at event {2 * CHUNK} is damaged at its byte \d+"):
            recording.events()


@pytest.mark.parametrize("count", [0, 5, 1 << 29])
def test_chunks_that_state_another_number_of_events_are_refused(tmp_path, count):
    def lie(data, i):
        return struct.pack("<I", count << 2) + data[4:]

    with (
        open_recording(write_ecf(tmp_path / "a.h5", EVENTS, damage=lie), width=640, height=480) as recording,
        pytest.raises(FormatError, match=f"states {count} events instead of {CHUNK}"),
    ):
        recording.events()


def test_layouts_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(FormatError, match=r"chunks of 70000 events, more than there can be"):
        open_recording(write_ecf(tmp_path / "a.h5", EVENTS, chunk=70_000))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("CD/events", (1 << 40,), RECORD, chunks=(CHUNK,))
    with pytest.raises(FormatError, match="has 0 of its 1073741824 chunks"):
        open_recording(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["CD/events"] = np.zeros((3, 2))
    with pytest.raises(FormatError, match="must be a chunked list of records"):
        open_recording(tmp_path / "c.h5")
