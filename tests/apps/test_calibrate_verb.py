"""``evcam calibrate`` and ``evcam export``, from detections."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from evcam.calib import Calibration
from evcam.core.camera import Camera


def _image_px(camera: Camera) -> np.ndarray:
    x, y = np.meshgrid(np.arange(10, camera.width - 10, 20.0), np.arange(10, camera.height - 10, 20.0))
    return np.stack([x, y], -1).reshape(-1, 2)


def _displacement_px(camera: Camera, truth: Camera) -> np.ndarray:
    px = _image_px(truth)
    return np.linalg.norm(camera.project(truth.unproject(px)) - px, axis=1)


def test_finds_the_camera_and_says_how_well(process, detections, tmp_path, true_camera):
    outcome = process("calibrate", detections, "--model", "pinhole-radtan", "--out", tmp_path / "cal.json")
    assert (outcome.code, outcome.err) == (0, "")
    assert "verdict: good" in outcome.out
    assert "fx" in outcome.out
    calibration = Calibration.load(tmp_path / "cal.json")
    displacement_px = _displacement_px(Camera.load(tmp_path / "cal.json"), true_camera)
    assert displacement_px.mean() < 0.2
    assert (displacement_px < 4 * calibration.projection_std(_image_px(true_camera))).all()
    assert 0.04 < calibration.rms_px / np.sqrt(2) < 0.06


def test_json_on_stdout_is_one_object(run, detections, tmp_path):
    data = json.loads(run("calibrate", detections, "--out", tmp_path / "cal.json", "--json").out)
    assert data["verdict"] == "good"
    assert data["reasons"] == []
    assert abs(data["camera"]["fx"] - 250) < 2
    assert 0 < data["std"]["fx"] < 1
    assert (data["views"], data["views_rejected"]) == (30, 0)


def test_fixed_terms_stay_zero_in_both_spellings(run, detections, tmp_path):
    for fix in (["--fix", "k3", "--fix", "p1,p2"], ["--fix", "p2, p1,k3"]):
        data = json.loads(run("calibrate", detections, "--out", tmp_path / "cal.json", "--force", "--json", *fix).out)
        assert [data["camera"][name] for name in ("p1", "p2", "k3")] == [0, 0, 0]
        assert [data["std"][name] for name in ("p1", "p2", "k3")] == [0, 0, 0]
        assert data["camera"]["k2"] != 0


def test_same_input_gives_the_same_bytes(run, detections, tmp_path):
    for name in ("a.json", "b.json"):
        assert run("calibrate", detections, "--out", tmp_path / name).code == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_too_few_views_says_how_many(run, write_detections, tmp_path):
    outcome = run("calibrate", write_detections("few.csv", views=4), "--out", tmp_path / "cal.json")
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert "4" in outcome.err
    assert not (tmp_path / "cal.json").exists()


def test_poor_data_are_calibrated_but_not_trusted(run, write_detections, tmp_path):
    outcome = run("calibrate", write_detections("poor.csv", views=6, noise_px=2.0), "--out", tmp_path / "cal.json")
    assert outcome.code == 3
    assert "verdict: do not trust this\n  - " in outcome.out
    assert (tmp_path / "cal.json").exists()


def test_recording_without_target_is_wrong_usage(run, recording, tmp_path):
    outcome = run("calibrate", recording, "--out", tmp_path / "cal.json")
    assert outcome.code == 2
    assert "--target" in outcome.err


def test_table_of_another_program_needs_target_and_size(run, write_detections, board, tmp_path, true_camera):
    ours = write_detections("ours.csv").read_text().splitlines(keepends=True)
    table = tmp_path / "theirs.csv"
    table.write_text("".join(line for line in ours if not line.startswith("#")))
    out = ("--out", tmp_path / "cal.json")
    assert "target" in run("calibrate", table, *out).err
    assert "size" in run("calibrate", table, "--target", board, *out).err
    outcome = run("calibrate", table, "--target", board, "--width", true_camera.width, "--height", true_camera.height, *out)
    assert (outcome.code, outcome.err) == (0, "")


@pytest.fixture
def calibration(run, detections, tmp_path):
    assert run("calibrate", detections, "--out", tmp_path / "cal.json").code == 0
    return tmp_path / "cal.json"


def test_export_holds_the_same_camera(process, run, calibration, tmp_path):
    camera = Camera.load(calibration)
    assert process("export", calibration, "--format", "kalibr", "--out", tmp_path / "kalibr.yaml").code == 0
    for format in ("ros", "opencv"):
        outcome = run("export", calibration, "--format", format, "--out", tmp_path / f"{format}.yaml")
        assert (outcome.code, outcome.err) == (0, "")
        assert "exact" in outcome.out
        assert _displacement_px(Camera.load(tmp_path / f"{format}.yaml"), camera).max() < 1e-6


def test_export_states_what_the_format_cannot_hold(run, calibration, tmp_path):
    data = json.loads(run("export", calibration, "--format", "kalibr", "--out", tmp_path / "cam.yaml", "--json").out)
    assert data["exact"] is False
    assert 0 < data["rms_px"] <= data["max_px"]
    camchain = yaml.safe_load((tmp_path / "cam.yaml").read_text())["cam0"]
    assert len(camchain["distortion_coeffs"]) == 4
    assert camchain["resolution"] == [320, 240]


def test_export_of_plain_numbers_is_told_the_size(run, true_camera, tmp_path):
    text = tmp_path / "calib.txt"
    text.write_text(" ".join(map(str, true_camera.params)))
    argv = ("export", text, "--format", "opencv", "--out", tmp_path / "cam.yaml")
    outcome = run(*argv)
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "give width and height (--width, --height)" in outcome.err
    assert run(*argv, "--width", true_camera.width, "--height", true_camera.height).code == 0
    assert _displacement_px(Camera.load(tmp_path / "cam.yaml"), true_camera).max() < 1e-6


def test_export_of_something_else_is_refused(run, detections, tmp_path):
    outcome = run("export", detections, "--format", "ros", "--out", tmp_path / "cam.yaml")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert not (tmp_path / "cam.yaml").exists()


def test_a_table_that_is_not_there_is_told_before_a_target_is_asked_for(run, tmp_path):
    outcome = run("calibrate", tmp_path / "gone.csv", "--out", tmp_path / "cal.json")
    assert outcome.code == 1
    assert "gone.csv: no such file" in outcome.err


@pytest.mark.parametrize("column", [slice(4, 5), slice(4, 6)], ids=["one line", "one place"])
def test_points_in_one_line_or_place_are_told(run, detections, tmp_path, column):
    lines = Path(detections).read_text().splitlines()
    for i, line in enumerate(lines):
        if not line.startswith("#") and "x_px" not in line:
            cells = line.split(",")
            cells[column] = ["1"] * (column.stop - column.start)
            lines[i] = ",".join(cells)
    (tmp_path / "flat.csv").write_text("\n".join(lines) + "\n")
    outcome = run("calibrate", tmp_path / "flat.csv", "--out", tmp_path / "cal.json")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "points in one line or place" in outcome.err
