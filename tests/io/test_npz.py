import numpy as np
import pytest

from evcam.errors import FormatError, InputError
from evcam.io import open_recording


def arrays(n=5000, **more):
    i = np.arange(n)
    return {"t": i * 10, "x": (i % 40).astype(np.uint16), "y": (i % 30).astype(np.uint16), "p": i % 2 == 1, **more}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_are_read_piece_by_piece(tmp_path, save):
    content = arrays(width=40, height=30)
    save(tmp_path / "a.npz", **content)
    with open_recording(tmp_path / "a.npz") as recording:
        assert (recording.width, recording.height, recording.format, recording.warnings) == (40, 30, "npz", ())
        chunks = list(recording.chunks(999))
        assert len(recording.events(0.01, 0.02)) == 1000
    assert max(len(chunk) for chunk in chunks) == 999
    for name in ("t", "x", "y", "p"):
        np.testing.assert_array_equal(np.concatenate([getattr(chunk, name) for chunk in chunks]), content[name])


def test_size_is_told_or_taken_from_the_events(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays())
    with open_recording(tmp_path / "a.npz") as recording:
        assert (recording.width, recording.height) == (40, 30)
        assert "largest coordinates" in recording.warnings[0]
    with open_recording(tmp_path / "a.npz", width=64, height=48) as recording:
        assert (recording.width, recording.height, recording.warnings) == (64, 48, ())


def test_neither_size_nor_events_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays(0))
    with pytest.raises(InputError, match="neither states the sensor's size nor holds events"):
        open_recording(tmp_path / "a.npz")


class Dangerous:
    """Would leave a file behind when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_pickled_objects_are_refused_unread(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays(2) | {"p": np.array([Dangerous(str(tmp_path / "bang")), None], object)})
    with pytest.raises(FormatError, match="p holds pickled Python objects"):
        open_recording(tmp_path / "a.npz")
    assert not (tmp_path / "bang").exists()


@pytest.mark.parametrize(("change", "message"), [
    ({"x": np.zeros(3, np.uint16)}, "equally long"), ({"y": np.zeros((5000, 1), int)}, "one-dimensional"),
    ({"t": np.linspace(0, 1, 5000)}, "whole numbers"), ({"p": np.full(5000, 3)}, "event 0 has polarity 3"),
])
def test_arrays_that_are_no_events_are_refused(tmp_path, change, message):
    np.savez(tmp_path / "a.npz", **arrays() | change)
    with pytest.raises(FormatError, match=message):
        open_recording(tmp_path / "a.npz", width=40, height=30).events()


def test_missing_arrays_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", t=np.arange(3), x=np.arange(3))
    with pytest.raises(FormatError, match="without the array y, p"):
        open_recording(tmp_path / "a.npz")


def test_damaged_archives_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **arrays(width=40, height=30))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="damaged or cut off npz"):
        open_recording(path)
    middle = 400
    path.write_bytes(data[:middle] + bytes(200) + data[middle + 200:])
    with pytest.raises(FormatError, match="damaged"):
        open_recording(path).events()


@pytest.mark.parametrize("names", [("ts", "xs", "ys", "ps"), ("timestamps", "x", "y", "polarity"), ("T", "X", "Y", "Pol")])
def test_other_names_of_the_arrays(tmp_path, names):
    content = arrays()
    np.savez(tmp_path / "a.npz", **dict(zip(names, (content[name] for name in "txyp"), strict=True)))
    with open_recording(tmp_path / "a.npz", width=40, height=30) as recording:
        for name in "txyp":
            np.testing.assert_array_equal(getattr(recording.events(), name), content[name])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_structured_array(tmp_path, monkeypatch, save):
    monkeypatch.setattr("evcam.io.formats.npz._PIECE_EVENTS", 700)
    content = arrays()
    events = np.empty(5000, [("x", "<u2"), ("y", "<u2"), ("polarity", "?"), ("timestamp", "<i8")])
    for field, name in zip(events.dtype.names, "xypt", strict=True):
        events[field] = content[name]
    save(tmp_path / "a.npz", other=np.zeros((2, 2)), event_data=events)
    with open_recording(tmp_path / "a.npz", width=40, height=30) as recording:
        for name in "txyp":
            np.testing.assert_array_equal(getattr(recording.events(), name), content[name])
        np.testing.assert_array_equal(recording.between(0.03, 0.04).events().t, np.arange(3000, 4000) * 10)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_stretch_is_entered_in_the_middle(tmp_path, monkeypatch, save):
    monkeypatch.setattr("evcam.io.formats.npz._PIECE_EVENTS", 1000)
    monkeypatch.setattr("evcam.io.formats._zip_member._SPACING_BYTES", 5000)
    monkeypatch.setattr("evcam.io.formats._zip_member._READ_BYTES", 100)
    rng = np.random.default_rng(0)
    content = arrays(60_000) | {"t": np.cumsum(rng.integers(0, 9, 60_000)), "x": rng.integers(0, 40, 60_000)}
    save(tmp_path / "a.npz", **content)
    with open_recording(tmp_path / "a.npz", width=40, height=30) as recording:
        whole = recording.events()
        start = recording.start_us
        for begin in (0.2, 0.05, 0.0, 0.2305, 0.01, 0.2, 0.3):
            part = recording.between(begin, begin + 0.003).events()
            expected = whole.between(start + round(begin * 1e6), start + round(begin * 1e6) + 3000)
            for name in "txyp":
                np.testing.assert_array_equal(getattr(part, name), getattr(expected, name))
        if save is np.savez_compressed:
            inflated = []
            member = recording._source._members["t"]
            monkeypatch.setattr(member, "_inflate", lambda n, keep, go=member._inflate: inflated.append(n) or go(n, keep=keep))
            recording.between(0.2, 0.203).events()
            assert 0 < sum(inflated) < 8 * 60_000
