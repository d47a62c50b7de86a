"""``evcam detect`` and ``evcam calibrate`` from recordings: everything by the command line, from the scene to the camera."""

import json
from pathlib import Path

import pytest

from evcam.apps.cli import main
from evcam.core.camera import Camera
from evcam.core.detections import Detections
from evcam.core.target import Checkerboard

TARGET = Checkerboard(rows=4, cols=7, square_m=0.02)
SCENE = """
camera: {{model: pinhole-radtan, width: 128, height: 96, params: {{
  fx: 100, fy: 101, cx: 63, cy: 48.5, k1: -0.2, k2: 0.03, p1: 0, p2: 0, k3: 0}}}}
target: board.yaml
duration_s: 0.5
board: {{flicker: {{hz: 8}}}}
trajectory: {{type: still, tilt_deg: {tilt}, at_px: {at}, distance_m: {distance}}}
"""
VIEWS = [
    ([0, 0], [64, 48], 0.2), ([25, 0], [60, 44], 0.19), ([-25, 5], [70, 50], 0.19),
    ([0, 28], [56, 48], 0.18), ([5, -28], [72, 48], 0.18), ([20, 20], [50, 40], 0.21),
    ([-20, -20], [78, 56], 0.21), ([18, -22], [52, 58], 0.22), ([-22, 18], [76, 38], 0.22),
]


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """A folder with a board and recordings of it, flickering before a still camera."""
    folder = tmp_path_factory.mktemp("session")
    TARGET.save(folder / "board.yaml")
    for i, (tilt, at, distance) in enumerate(VIEWS):
        (folder / "scene.yaml").write_text(SCENE.format(tilt=tilt, at=at, distance=distance))
        out = str(folder / f"view{i}.h5")
        assert main(["simulate", str(folder / "scene.yaml"), "--seed", str(i), "--out", out, "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def table(session) -> Path:
    """Detections of the first four recordings."""
    argv = ["detect", *map(str, _recordings(session)[:4]), "--target", str(session / "board.yaml"), "--quiet"]
    assert main([*argv, "--out", str(session / "found.csv")]) == 0
    return session / "found.csv"


def _recordings(session: Path) -> list[Path]:
    return sorted(session.glob("view*.h5"))


def test_finds_the_board_and_names_recordings(process, session, tmp_path):
    argv = ["detect", *_recordings(session)[:2], "--target", session / "board.yaml"]
    outcome = process(*argv, "--out", tmp_path / "found.csv", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    found = Detections.load_csv(tmp_path / "found.csv")
    assert found.recordings == ("view0.h5", "view1.h5")
    assert (len(found), found.mode, found.width, found.height) == (2, "flicker", 128, 96)
    assert "2 views" in outcome.out


def test_jobs_change_nothing_but_the_time(run, session, tmp_path):
    argv = ["detect", *_recordings(session)[:2], "--target", session / "board.yaml"]
    for jobs in (1, 2):
        assert run(*argv, "--jobs", jobs, "--out", tmp_path / f"{jobs}.csv").code == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_from_recordings_to_a_camera(run, session, tmp_path):
    argv = ["calibrate", *_recordings(session), "--target", session / "board.yaml", "--fix", "k3", "--fix", "p1,p2"]
    outcome = run(*argv, "--out", tmp_path / "cal.json", "--json")
    data = json.loads(outcome.out)
    truth = {"fx": 100, "fy": 101, "cx": 63, "cy": 48.5, "k1": -0.2}
    for name, value in truth.items():
        assert abs(data["camera"][name] - value) < 4 * data["std"][name] + 0.3 * (name != "k1"), name
    assert data["views"] == len(VIEWS)
    assert data["rms_px"] < 0.2
    assert Camera.load(tmp_path / "cal.json").width == 128


def test_recordings_and_tables_can_be_mixed(run, session, table, tmp_path):
    argv = ["calibrate", table, *_recordings(session)[4:6], "--target", session / "board.yaml", "--fix", "k2,k3,p1,p2"]
    assert json.loads(run(*argv, "--out", tmp_path / "cal.json", "--json").out)["views"] == 6


def test_fewer_than_five_views_says_how_many_and_why(run, session, table, tmp_path, recording):
    outcome = run("calibrate", table, "--out", tmp_path / "cal.json")
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert "4" in outcome.err
    assert not (tmp_path / "cal.json").exists()
    outcome = run("calibrate", recording, "--target", session / "board.yaml", "--mode", "flicker", "--out", tmp_path / "cal.json")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "flicker" in outcome.err


def test_no_board_is_exit_code_3_with_reasons(run, recording, board, tmp_path):
    outcome = run("detect", recording, "--target", board, "--mode", "flicker", "--out", tmp_path / "found.csv")
    assert outcome.code == 3
    assert "rejected 1 x no flicker" in outcome.out
    assert len(Detections.load_csv(tmp_path / "found.csv")) == 0


def test_same_file_names_in_two_folders_stay_apart(run, session, tmp_path):
    for name, source in (("a", "view0.h5"), ("b", "view1.h5")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rec.h5").write_bytes((session / source).read_bytes())
    recordings = [tmp_path / "a" / "rec.h5", tmp_path / "b" / "rec.h5"]
    assert run("detect", *recordings, "--target", session / "board.yaml", "--out", tmp_path / "found.csv").code == 0
    assert Detections.load_csv(tmp_path / "found.csv").recordings == ("a/rec.h5", "b/rec.h5")
