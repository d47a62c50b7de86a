"""``evcam compare``: two calibrations, camera files of other programs, and the halves of one."""

import json

import cv2
import pytest

from evcam.core.camera import Camera


@pytest.fixture
def calibrated(run, write_detections, tmp_path):
    """A calibration of the same camera from detections of its own."""

    def make(name, **options):
        table = write_detections(f"{name}.csv", **options)
        assert run("calibrate", table, "--out", tmp_path / f"{name}.json").code == 0
        return tmp_path / f"{name}.json"

    return make


def test_two_recordings_of_one_camera_agree(process, calibrated, tmp_path):
    a, b = calibrated("a", seed=1), calibrated("b", seed=2)
    outcome = process("compare", a, b, "--out", tmp_path / "page.html")
    assert (outcome.code, outcome.err) == (0, "")
    assert "verdict: agree within their uncertainty" in outcome.out
    assert "B - A in standard deviations: fx " in outcome.out
    assert "Agree within their uncertainty" in (tmp_path / "page.html").read_text()


def test_json_holds_the_figures(run, calibrated):
    a, b = calibrated("a", seed=1), calibrated("b", seed=2)
    data = json.loads(run("compare", a, b, "--json").out)
    assert 0 < data["median_px"] <= data["max_px"] < 2
    assert 0 < data["probability"] <= 1
    assert data["shared_views"] == 0
    assert set(data["parameter_stds"]) == {"fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3"}


def test_another_camera_is_told_apart(run, calibrated, tmp_path, true_camera):
    a = calibrated("a")
    params = true_camera.params.copy()
    params[:2] += 5
    other = tmp_path / "other.yaml"
    Camera(true_camera.model, params, true_camera.width, true_camera.height).export(other, "opencv")
    outcome = run("compare", a, other, "--out", tmp_path / "map.png")
    assert outcome.code == 3
    assert outcome.out.splitlines()[-2] == "verdict: disagree"
    assert cv2.imread(str(tmp_path / "map.png")).std() > 10


def test_files_without_uncertainty_get_figures_only(run, tmp_path, true_camera):
    text = tmp_path / "calib.txt"
    text.write_text(" ".join(map(str, true_camera.params)))
    true_camera.export(tmp_path / "same.yaml", "opencv")
    size = ("--width", true_camera.width, "--height", true_camera.height)
    outcome = run("compare", text, tmp_path / "same.yaml", *size)
    assert outcome.code == 0
    assert "differ by 0.000 px" in outcome.out
    assert "no uncertainty is known" in outcome.out


def test_halves_of_one(run, calibrated, tmp_path):
    outcome = run("compare", calibrated("a"), "--split", "--out", tmp_path / "page.html")
    assert outcome.code == 0
    assert "A: one half\nB: the other half\n" in outcome.out
    assert "Halves of a.json" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(("count", "options"), [(1, ()), (2, ("--split",)), (3, ())])
def test_wrong_number_is_wrong_usage(run, calibrated, count, options):
    outcome = run("compare", *[calibrated("a")] * count, *options)
    assert outcome.code == 2
    assert "give two calibrations, or one with --split" in outcome.err


def test_a_camera_alone_has_no_halves(run, tmp_path, true_camera):
    true_camera.save(tmp_path / "camera.json")
    outcome = run("compare", tmp_path / "camera.json", "--split")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "not a calibration of evcam" in outcome.err


def test_no_such_file(run, calibrated, tmp_path):
    outcome = run("compare", calibrated("a"), tmp_path / "none.json")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "no such camera file" in outcome.err
