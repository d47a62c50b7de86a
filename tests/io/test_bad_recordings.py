import struct

import aedat4_files
import bag_files
import numpy as np
import pytest

from evcam.core.events import Events
from evcam.errors import EvcamError, FormatError, InputError
from evcam.io import open_recording, save_h5
from evcam.io.formats import formats
from evcam.io.source import HEAD_BYTES

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(range(256)) * 4
STRANGERS = {
    "image.jpg": JPEG,
    "board.yaml": b"type: checkerboard\nrows: 4\ncols: 8\nsquare_m: 0.0055\n",
    "noise.aedat": np.random.default_rng(0).bytes(5000),
    "zeros.h5": bytes(1000),
    "newer.aedat": b"#!AER-DAT5.0\r\n#Format: RAW\r\n",
    "table.csv": b"time,lat,lon,alt\n0.1,1,2,1\n",
    "pose.txt": b"0.1 1.0 2.0 3.0 0 0 0 1\n",
    "prose.txt": "Nothing to see here, für wahr.\n".encode(),
    "newlines.txt": b"\n\n\n",
}


def samples(folder):
    """One valid recording of each format, two events each."""
    events = Events.from_arrays([0, 10], [1, 2], [0, 3], [1, 0], width=4, height=4)
    columns = tuple(getattr(events, name) for name in "txyp")
    save_h5(folder / "a", events)
    np.savez(folder / "b.npz", t=events.t, x=events.x, y=events.y, p=events.p, width=4, height=4)
    (folder / "c").write_text("4 4\n0.000000 1 0 1\n0.000010 2 3 0\n")
    (folder / "d").write_bytes(b"#!AER-DAT2.0\r\n" + bytes(8) + (10).to_bytes(8, "big"))
    (folder / "j").write_text("x,y,p,t_us\n1,0,1,0\n2,3,0,10\n")
    (folder / "e").write_bytes(b"% evt 3.0\n% geometry 4x4\n" + struct.pack("<7H", 0x8000, 0x6000, 0, 0x2801, 0x600A, 3, 0x2002))
    header = b"% Version 2\n% Width 4\n% Height 4\n\x0c\x08"
    (folder / "f").write_bytes(header + struct.pack("<4I", 0, 1 << 28 | 1, 10, 3 << 14 | 2))
    (folder / "g").write_bytes(b"Event Stream\2\0\0\1" + struct.pack("<2HB2HB2H", 4, 4, 1, 1, 3, 20, 2, 0))
    stream = aedat4_files.header(((0, "EVTS", 4, 4),)) + aedat4_files.packet(0, aedat4_files.events(*columns))
    (folder / "h").write_bytes(stream)
    polarity = struct.pack("<hhiiiiii4I", 1, 0, 8, 4, 0, 2, 2, 2, 1 << 17 | 3, 0, 2 << 17 | 3 << 2 | 1, 10)
    (folder / "i").write_bytes(b"#!AER-DAT3.1\n#Format: RAW\n#Source 0: DVS128\n#!END-HEADER\n" + polarity)
    return {"HDF5": folder / "a", "npz": folder / "b.npz", "text (t x y p)": folder / "c", "AEDAT 2.0": folder / "d",
            "Prophesee RAW": folder / "e", "Prophesee DAT": folder / "f", "Event Stream": folder / "g",
            "AEDAT4": folder / "h", "AEDAT 3.1": folder / "i", "CSV": folder / "j", **bags(folder, columns)}


def bags(folder, columns):
    for kind in ("ros1", "sqlite3", "mcap"):
        maker = bag_files.Maker(kind != "ros1")
        maker.write(folder / kind, [("/e", bag_files.DVS, maker.array(bag_files.DVS, columns, 4, 4))], kind)
    return {"ROS 1 bag": folder / "ros1", "ROS 2 bag (sqlite3)": next((folder / "sqlite3").glob("*.db3")),
            "ROS 2 bag (mcap)": next((folder / "mcap").glob("*.mcap"))}


def test_every_format_is_told_by_its_content_alone(tmp_path):
    paths = samples(tmp_path)
    assert {format_.name for format_ in formats()} == set(paths)
    for name, path in paths.items():
        head = path.read_bytes()[:HEAD_BYTES]
        assert [format_.name for format_ in formats() if format_.matches(head)] == [name]
        with open_recording(path) as recording:
            assert recording.format == name
            events = recording.events()
        if name != "AEDAT 2.0":  # a DVS128's pixel (0, 0) lies elsewhere
            assert list(zip(events.x, events.y, events.p, strict=True)) == [(1, 0, True), (2, 3, False)]
        np.testing.assert_array_equal(events.t, [0, 10])


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_recording_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(STRANGERS[name])
    with pytest.raises(FormatError, match=r"not a recording that evcam reads \(AEDAT 2\.0, AEDAT 3\.1, .*HDF5, .*npz, .*text"):
        open_recording(path)


def test_no_file_a_folder_and_an_empty_file_are_told_apart(tmp_path):
    with pytest.raises(InputError, match=r"absent\.h5: no such file"):
        open_recording(tmp_path / "absent.h5")
    with pytest.raises(InputError, match="is a folder"):
        open_recording(tmp_path)
    (tmp_path / "empty.h5").touch()
    with pytest.raises(FormatError, match="is empty"):
        open_recording(tmp_path / "empty.h5")


@pytest.mark.parametrize("seed", range(40))
def test_damage_gives_events_or_one_clear_line(tmp_path, seed):
    """Whatever byte flips or cuts: sound events, or an error on purpose that names the file."""
    rng = np.random.default_rng(seed)
    for path in samples(tmp_path).values():
        data = bytearray(path.read_bytes())
        if seed % 2:
            data = data[: rng.integers(1, len(data))]
        else:
            for place in rng.integers(0, len(data), 3):
                data[place] = rng.integers(256)
        path.write_bytes(data)
        message = str(path)
        try:
            with open_recording(path) as recording:
                recording.summary()
                assert np.all(np.diff(recording.events().t) >= 0)
        except EvcamError as error:
            message = str(error)
        assert str(path) in message
        assert "\n" not in message
