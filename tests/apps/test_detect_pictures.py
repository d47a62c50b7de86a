"""``evcam detect --debug``: pictures of windows, as a user asks for them."""

import json
from pathlib import Path

import cv2
import pytest

import evcam
from evcam.io import save_h5

DATA = Path(__file__).parents[2] / "data"
FLICKER = ("detect", DATA / "flicker_03.h5", "--target", DATA / "checkerboard.yaml")


@pytest.fixture(scope="module")
def stretch(tmp_path_factory) -> Path:
    """The board for 0.8 s, without the events of 0.2 s in the middle."""
    path = tmp_path_factory.mktemp("stretch") / "rec.h5"
    with evcam.open(DATA / "circle_grid.h5") as recording:
        events = recording.events(0.0, 0.8)
    save_h5(path, events[(events.t < 300_000) | (events.t >= 500_000)])
    return path


def test_pictures_of_views_and_rejections(run, stretch, tmp_path):
    folder = tmp_path / "why"
    argv = ["detect", stretch, "--target", DATA / "circle_grid.yaml", "--out", tmp_path / "found.csv"]
    outcome = run(*argv, "--debug", folder, "--json")
    data = json.loads(outcome.out)
    assert outcome.code == 0
    assert sorted(data["pictures"]) == sorted(map(str, folder.iterdir()))
    assert len(data["pictures"]) == 6
    assert folder / "rec.h5_0000.330s.png" in folder.iterdir()
    for path in data["pictures"]:
        assert cv2.imread(path).std() > 10


def test_a_recording_without_a_board_gets_pictures_of_its_rejections(run, recording, board, tmp_path):
    argv = ["detect", recording, "--target", board, "--mode", "moving", "--out", tmp_path / "found.csv"]
    outcome = run(*argv, "--debug", tmp_path / "why", "--debug-at", "0.1", "--debug-at", "0.2")
    assert outcome.code == 3
    assert f"2 pictures written to {tmp_path / 'why'}" in outcome.out
    assert len(list((tmp_path / "why").glob("noise.h5_0000.*s.png"))) == 2


def test_pictures_are_only_replaced_by_force(run, tmp_path):
    argv = [*FLICKER, "--debug", tmp_path / "why"]
    assert run(*argv, "--out", tmp_path / "1.csv").code == 0
    outcome = run(*argv, "--out", tmp_path / "2.csv")
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert "--force" in outcome.err
    assert not (tmp_path / "2.csv").exists()
    assert run(*argv, "--out", tmp_path / "2.csv", "--force").code == 0


def test_bad_arguments_are_said_in_one_line_before_the_work(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    for folder, words in ((tmp_path / "file", "not a folder"), (tmp_path / "no" / "why", "does not exist")):
        outcome = run(*FLICKER, "--out", tmp_path / "found.csv", "--debug", folder)
        assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
        assert words in outcome.err
    outcome = run(*FLICKER, "--out", tmp_path / "found.csv", "--debug", tmp_path / "why", "--debug-at", "9")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "lies after the recording's end at 0.5" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "options", [["--debug-at", "1"], ["--debug", "why", "--debug-at", "-1"], ["--debug", "why", "--debug-at", "soon"]]
)
def test_wrong_usage(process, options, tmp_path):
    outcome = process(*FLICKER, "--out", tmp_path / "found.csv", *options, cwd=tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--debug-at" in outcome.error_lines[-1]
    assert list(tmp_path.iterdir()) == []
