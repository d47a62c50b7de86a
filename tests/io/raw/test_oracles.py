"""The raw readers against independent libraries, event for event.

faery is wrong beyond the first wrap of EVT 3.0 (16.8 s), where evt3 is right, and refuses DAT files of generic 2D events;
expelliarmus reads DAT and EVT 2.0.  evlib has its own ECF codec and reads EVT 2.1 with the mask first; as it brings 400 MB along
it is not among the packages for development.
"""

import os
from pathlib import Path

import evt3
import expelliarmus
import faery
import numpy as np
import pytest
from ecf_files import write_ecf
from raw_encoders import ENCODINGS, as_events, assert_same, evt3_words, random_items, raw_header

from evcam.core.events import Events
from evcam.io import open_recording

needs_data = pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ,
                                reason="needs the verification data: set EVCAM_REFERENCE_DATA")
FORMATS = Path(os.environ.get("EVCAM_REFERENCE_DATA", ".")) / "recordings" / "formats"


def by_faery(path):
    stream = faery.events_stream_from_file(path)
    columns = stream.to_array()
    return Events.from_arrays(columns["t"], columns["x"], columns["y"], columns["on"], width=2048, height=2048)


def by_expelliarmus(path, encoding):
    columns = expelliarmus.Wizard(encoding=encoding).read(path)
    return Events.from_arrays(columns["t"], columns["x"], columns["y"], columns["p"], width=2048, height=2048)


@needs_data
@pytest.mark.parametrize(("name", "count", "duration_s", "size"), [
    ("evt2_gen3.raw", 539_481, 0.05, (640, 480)), ("evt3_gen31_sparse.raw", 409_323, 4.04, (640, 480)),
    ("dvs.es", 473_225, 1.0, (320, 240)),
])
def test_real_recordings_equal_faery(name, count, duration_s, size):
    with open_recording(FORMATS / name) as recording:
        summary, events = recording.summary(), recording.events()
    assert (summary.events, summary.width, summary.height, summary.warnings) == (count, *size, ())
    assert summary.duration_s == pytest.approx(duration_s, rel=0.002)
    assert_same(events, by_faery(FORMATS / name))


@needs_data
@pytest.mark.parametrize(("name", "encoding", "count"), [("ncars.dat", "dat", 2009), ("evt2_gen3.raw", "evt2", 539_481)])
def test_real_recordings_equal_expelliarmus(name, encoding, count):
    with open_recording(FORMATS / name) as recording:
        events = recording.events()
    assert len(events) == count
    assert_same(events, by_expelliarmus(FORMATS / name, encoding))


@pytest.mark.parametrize("kind", ["es", "dat2", "evt2", "evt3"])
def test_what_faery_writes_is_read(tmp_path, kind):
    events = as_events(random_items(5000, start_us=804, step_us=20_000, edges=False))
    columns = np.zeros(len(events), faery.EVENTS_DTYPE)
    columns["t"], columns["x"], columns["y"], columns["on"] = events.t, events.x, events.y, events.p
    path = tmp_path / f"a.{'raw' if kind.startswith('evt') else kind.removesuffix('2')}"
    version = None if kind == "es" else kind
    faery.events_stream_from_array(columns, (640, 480)).to_file(path, version=version, zero_t0=kind != "es")
    with open_recording(path) as recording:
        assert_same(recording.events(), events)
        assert (recording.width, recording.height, recording.warnings) == (640, 480, ())


@pytest.mark.parametrize("encoding", ["dat", "evt2"])
def test_what_expelliarmus_writes_is_read(tmp_path, encoding):
    events = as_events(random_items(5000, step_us=20_000, edges=False))
    columns = np.zeros(len(events), [("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "u1")])
    for name in "txyp":
        columns[name] = getattr(events, name)
    path = tmp_path / ("a.dat" if encoding == "dat" else "a.raw")
    expelliarmus.Wizard(encoding=encoding).save(path, columns)
    with open_recording(path, **({"width": 640, "height": 480} if encoding == "dat" else {})) as recording:
        assert_same(recording.events(), events)


def test_faery_reads_the_words_of_these_tests_alike(tmp_path):
    items = random_items(3000, step_us=2000)
    path = tmp_path / "a.raw"
    path.write_bytes(raw_header("3.0") + np.array(evt3_words(items), "<u2").tobytes())
    assert_same(by_faery(path), as_events(items))


@pytest.mark.parametrize("name", ["EVT3", "EVT3 vectors"])
def test_evt3_agrees_beyond_the_wraps_and_on_edges(tmp_path, name):
    path = tmp_path / "a.raw"
    path.write_bytes(ENCODINGS[name].file(random_items(8000, step_us=30_000)))
    theirs, edges = evt3.decode_file_with_triggers(str(path))
    with open_recording(path) as recording:
        expected = Events.from_arrays(theirs.t, theirs.x, theirs.y, theirs.p, width=640, height=480)
        assert_same(recording.events(), expected)
        assert recording.events().duration_s > 40
        np.testing.assert_array_equal(recording.triggers().t, edges.timestamp)
        np.testing.assert_array_equal(recording.triggers().id, edges.id)


@pytest.mark.parametrize("kind", ["EVT21", "ECF"])
def test_evlib_reads_the_files_of_these_tests_alike(tmp_path, kind):
    evlib = pytest.importorskip("evlib")
    items = random_items(5000, start_us=2000, step_us=600, edges=False)
    path = tmp_path / ("a.h5" if kind == "ECF" else "a.raw")
    if kind == "ECF":
        write_ecf(path, as_events(items))
    else:
        path.write_bytes(ENCODINGS[kind].file(items))
    frame = evlib.load_events(str(path)).collect()
    columns = frame["t"].dt.total_microseconds(), frame["x"], frame["y"], frame["polarity"] > 0
    assert_same(Events.from_arrays(*columns, width=640, height=480), as_events(items))
