import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from evcam.apps import exit_codes
from evcam.apps.cli import main


@pytest.fixture
def two_cameras(tmp_path):
    path = tmp_path / "two.h5"
    with h5py.File(path, "w") as file:
        for side, count in (("left", 5), ("right", 7)):
            for name in "txyp":
                file[f"prophesee/{side}/{name}"] = np.arange(count) % (2 if name == "p" else 100)
    return path


def test_one_of_several_streams_is_chosen(two_cameras, tmp_path, capsys):
    assert main(["info", str(two_cameras)]) == exit_codes.FAILED
    assert "several groups of events: left, right; choose one with stream= (--stream)" in capsys.readouterr().err
    assert main(["info", str(two_cameras), "--stream", "right", "--json"]) == exit_codes.DONE
    assert json.loads(capsys.readouterr().out)["events"] == 7
    assert main(["convert", str(two_cameras), str(tmp_path / "out.txt"), "--stream", "left", "--json"]) == exit_codes.DONE
    assert json.loads(capsys.readouterr().out)["events"] == 5


def test_viewer_and_coach_take_the_stream_that_is_named(two_cameras, tmp_path, capsys):
    picture, board = str(tmp_path / "p.png"), str(Path(__file__).parents[2] / "data" / "circle_grid.yaml")
    for stream, count in (("left", 5), ("right", 7)):
        size = ["--width", "100", "--height", "100", "--size", "320x240"]
        argv = ["view", str(two_cameras), "--stream", stream, *size, "--screenshot", picture, "--force", "--json"]
        assert main(argv) == exit_codes.DONE
        assert json.loads(capsys.readouterr().out)["events"] == count
    argv = ["coach", str(two_cameras), "--stream", "middle", "--target", board, "--no-browser"]
    assert main(argv) == exit_codes.FAILED
    assert "no group of events" in capsys.readouterr().err


def test_a_format_with_one_stream_says_so(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("0.1 1 2 1\n")
    assert main(["info", str(tmp_path / "a.txt"), "--stream", "left"]) == exit_codes.FAILED
    assert "holds one stream of events; leave stream away" in capsys.readouterr().err
