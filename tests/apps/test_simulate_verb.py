"""``evcam simulate``."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import evcam

SCENE = """
camera:
  model: pinhole-radtan
  width: 64
  height: 48
  params: {fx: 60, fy: 60, cx: 31.5, cy: 23.5, k1: 0, k2: 0, p1: 0, p2: 0, k3: 0}
target: {type: asymmetric_circle_grid, rows: 4, cols: 3, spacing_m: 0.05, radius_m: 0.02}
duration_s: 0.2
"""


@pytest.fixture
def scene(tmp_path):
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE)
    return path


def test_writes_recording_and_truth(process, scene, tmp_path):
    outcome = process("simulate", scene, "--seed", 0, "--out", tmp_path / "rec.h5", "--truth", tmp_path / "truth.npz", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    with evcam.open(tmp_path / "rec.h5") as recording:
        assert (recording.width, recording.height) == (64, 48)
        events = recording.events()
    assert f"{len(events):,} events" in outcome.out
    assert 0.15 < events.duration_s <= 0.2
    truth = np.load(tmp_path / "truth.npz", allow_pickle=False)
    assert truth["gt_centers"].shape[1:] == (12, 2)
    assert truth["gt_R"].shape == (len(truth["gt_t"]), 3, 3)
    assert json.loads(str(truth["meta"]))["camera"][:4] == [64, 48, 60, 60]


def test_same_seed_same_bytes_other_seed_other_events(run, scene, tmp_path):
    for name, seed in (("a.h5", 1), ("b.h5", 1), ("c.h5", 2)):
        assert run("simulate", scene, "--seed", seed, "--out", tmp_path / name).code == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.h5", "b.h5", "c.h5"))
    assert a == b
    assert a != c


def test_json(run, scene, tmp_path):
    data = json.loads(run("simulate", scene, "--out", tmp_path / "a.h5", "--json").out)
    assert data["duration_s"] == pytest.approx(0.2)
    assert data["events"] > 100


@pytest.mark.parametrize(("text", "word"), [
    (SCENE + "colour: red\n", "colour"), (SCENE.replace("fx: 60", "fx: -60"), "focal"), ("[1, 2]", "scene.yaml"), ("{", "YAML"),
])
def test_bad_scene_is_one_line_and_leaves_no_file(run, scene, tmp_path, text, word):
    scene.write_text(text)
    outcome = run("simulate", scene, "--out", tmp_path / "rec.h5", "--truth", tmp_path / "truth.npz")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert word in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["scene.yaml"]


def test_interrupted_run_leaves_neither_file(run, scene, tmp_path, monkeypatch):
    def interrupted(*args):
        yield evcam.Events.empty(64, 48)
        raise KeyboardInterrupt

    monkeypatch.setattr("evcam.apps.simulate.simulate_chunks", interrupted)
    outcome = run("simulate", scene, "--out", tmp_path / "rec.h5", "--truth", tmp_path / "truth.npz")
    assert outcome.code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["scene.yaml"]


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM])
def test_process_that_is_ended_leaves_neither_file(scene, tmp_path, request_to_end):
    scene.write_text(SCENE.replace("duration_s: 0.2", "duration_s: 600"))
    command = [sys.executable, "-m", "evcam.apps", "simulate", str(scene), "--out", str(tmp_path / "rec.h5"), "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while len(list(tmp_path.iterdir())) == 1:
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(request_to_end)
        _, error = running.communicate(timeout=60)
    assert (running.returncode, error) == (130, "evcam: interrupted; no unfinished file is left\n")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.yaml"]


def test_truth_and_recording_need_two_files(run, scene, tmp_path):
    assert run("simulate", scene, "--out", tmp_path / "a.h5", "--truth", tmp_path / "a.h5").code == 1
