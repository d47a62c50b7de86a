"""Bad input gets one clear line, exit code 1 and no half-written file."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.io import save_h5


def _write_events(path: Path, t, x, width=32, height=24) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("events")
        group.attrs.update({"width": width, "height": height, "t_unit": "us"})
        for name, values in (("t", np.array(t, np.int64)), ("x", np.array(x, np.uint16)), ("y", np.zeros(len(t), np.uint16)),
                             ("p", np.ones(len(t), np.uint8))):
            group[name] = values
    return path


def _empty(folder: Path, sound: Path) -> Path:
    path = folder / "empty.raw"
    path.touch()
    return path


def _truncated(folder: Path, sound: Path) -> Path:
    path = folder / "truncated.h5"
    path.write_bytes(sound.read_bytes()[: sound.stat().st_size // 2])
    return path


def _picture(folder: Path, sound: Path) -> Path:
    path = folder / "picture.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40)
    return path


BAD_RECORDINGS = {
    "no such file": (lambda folder, sound: folder / "gone.h5", "no such file"),
    "a folder": (lambda folder, sound: folder, "folder"),
    "empty": (_empty, "empty"),
    "truncated": (_truncated, "truncated"),
    "not a recording": (_picture, "not a recording"),
    "events outside the sensor": (lambda folder, sound: _write_events(folder / "size.h5", [1, 2, 3], [0, 40, 1]), "32x24"),
    "time running backwards": (lambda folder, sound: _write_events(folder / "back.h5", [5, 9, 7], [0, 1, 2]), "backwards"),
}


def _with_camera(folder: Path) -> Path:
    path = folder / "cam.json"
    Camera("pinhole-radtan", [30.0, 30.0, 15.5, 11.5, 0, 0, 0, 0, 0], 32, 24).save(path, force=True)
    return path


VERBS = {
    "info": lambda bad, board, out: ("info", bad, "--out", out / "info.json"),
    "convert": lambda bad, board, out: ("convert", bad, out / "out.raw"),
    "detect": lambda bad, board, out: ("detect", bad, "--target", board, "--out", out / "detections.csv"),
    "calibrate": lambda bad, board, out: ("calibrate", bad, "--target", board, "--out", out / "cal.json"),
    "check": lambda bad, board, out: ("check", bad, "--out", out / "check.json"),
    "velocity": lambda bad, board, out: ("velocity", bad, "--camera", _with_camera(board.parent), "--omega", 0, 0, 0,
                                         "--out", out / "v.csv", "--plot", out / "v.png"),
}


def _assert_refused(outcome, out: Path, *words: str) -> None:
    assert outcome.code == 1, outcome
    assert len(outcome.error_lines) == 1, outcome.err
    assert outcome.err.startswith("evcam: error: ")
    for word in words:
        assert word in outcome.err
    assert outcome.out == ""
    assert list(out.iterdir()) == []


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


JUDGED = {"events outside the sensor", "time running backwards"}  # by `check`, which reports what others refuse


@pytest.mark.parametrize(("kind", "verb"), [(kind, verb) for kind in BAD_RECORDINGS for verb in VERBS
                                            if not (verb == "check" and kind in JUDGED)])
def test_bad_recordings(run, recording, board, out, tmp_path, kind, verb):
    make, word = BAD_RECORDINGS[kind]
    bad = make(tmp_path, recording)
    _assert_refused(run(*VERBS[verb](bad, board, out)), out, str(bad.name), word)


@pytest.mark.parametrize("verb", VERBS)
def test_told_size_that_contradicts_the_file(run, recording, board, out, verb):
    _assert_refused(run(*VERBS[verb](recording, board, out), "--width", 16, "--height", 16), out, "16x16")


@pytest.mark.parametrize(("text", "word"), [
    ("{type: asymmetric_circle_grid, rows: 11, cols: 4, spacing_m: 0.05, radius_m: 0.2}", "radius_m"),
    ("{type: asymmetric_circle_grid, rows: 0, cols: 4, spacing_m: 0.05, radius_m: 0.02}", "rows"),
    ("{type: checkerboard, rows: 4, cols: 8, square_m: -0.0055}", "square_m"),
    ("{type: checkerboard, rows: 4, cols: 8, square_m: .nan}", "square_m"),
    ("{type: checkerboard, rows: 4, cols: 8}", "square_m"),
    ("{type: hexagons, rows: 4}", "hexagons"),
    ("{type: checkerboard, rows: [", "YAML"),
    ("just words", "key: value"),
])
def test_targets_that_cannot_exist(run, recording, out, tmp_path, text, word):
    board = tmp_path / "bad.yaml"
    board.write_text(text)
    _assert_refused(run("target", board, "--out", out / "board.pdf"), out, "bad.yaml", word)
    _assert_refused(run("detect", recording, "--target", board, "--out", out / "found.csv"), out, "bad.yaml", word)
    _assert_refused(run("calibrate", recording, "--target", board, "--out", out / "cal.json"), out, "bad.yaml", word)


def test_a_folder_is_no_target(run, recording, out, tmp_path):
    _assert_refused(run("target", tmp_path, "--out", out / "board.pdf"), out, "is a folder; name a target file in it")


def test_a_recording_without_windows_is_not_blamed_on_the_target(run, board, out, tmp_path):
    save_h5(tmp_path / "one.h5", Events.from_arrays([5], [3], [4], [True], width=320, height=240))
    outcome = run("calibrate", tmp_path / "one.h5", "--target", board, "--out", out / "cal.json", "--quiet")
    _assert_refused(outcome, out, "no view of the board", "record it longer")


def test_existing_output_needs_force(run, recording, board, detections, tmp_path):
    for name, argv in {
        "found.csv": ("detect", recording, "--target", board),
        "cal.json": ("calibrate", detections),
        "board.pdf": ("target", board),
        "cam.yaml": ("export", detections, "--format", "ros"),
        "rec.h5": ("simulate", board),
    }.items():
        kept = tmp_path / name
        kept.write_text("precious")
        outcome = run(*argv, "--out", kept)
        assert (outcome.code, len(outcome.error_lines)) == (1, 1)
        assert "--force" in outcome.err
        assert kept.read_text() == "precious"


def test_output_in_a_folder_that_is_not_there(run, detections, tmp_path):
    outcome = run("calibrate", detections, "--out", tmp_path / "no" / "cal.json")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "does not exist" in outcome.err


def test_same_recording_twice(run, recording, board, out):
    _assert_refused(run("detect", recording, recording, "--target", board, "--out", out / "found.csv"), out, "twice")


def test_unknown_parameter_to_fix(run, detections, out):
    _assert_refused(run("calibrate", detections, "--fix", "k9", "--out", out / "cal.json"), out, "k9", "k3")
