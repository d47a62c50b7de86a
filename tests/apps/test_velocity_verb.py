"""``evcam velocity`` as a user runs it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import evcam
from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.io import save_h5
from evcam.motion import load_velocity_csv
from evcam.sim import load_scene

DATA = Path(__file__).parents[2] / "data"
LINES = DATA / "lines.h5"
SLIDER = Path(os.environ.get("EVCAM_REFERENCE_DATA", "")) / "recordings" / "slider_depth_davis240"


@pytest.fixture(scope="module")
def scene():
    return load_scene(DATA / "scenes" / "lines.yaml")


@pytest.fixture
def camera(scene, tmp_path):
    scene.camera.save(tmp_path / "cam.json")
    return tmp_path / "cam.json"


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def in_plane_deg(estimates, scene):
    truth, _ = scene.trajectory.velocity([e.t_us for e in estimates])
    found = np.array([e.direction for e in estimates])
    return np.degrees(np.angle((found[:, 0] + 1j * found[:, 1]) / (truth[:, 0] + 1j * truth[:, 1])))


def test_with_the_recordings_gyro(process, camera, scene, out):
    outcome = process("velocity", LINES, "--camera", camera, "--window-ms", 200, "--out", out / "v.csv", "--plot", out / "v.png")
    assert outcome.code == 0, outcome.err
    assert "5 windows of 200 to 200 ms" in outcome.out
    assert "the recording's own; mount: the recording's own" in outcome.out
    assert (out / "v.png").read_bytes().startswith(b"\x89PNG")
    estimates = [e for e in load_velocity_csv(out / "v.csv") if e]
    assert len(estimates) >= 3
    assert np.abs(in_plane_deg(estimates, scene)).max() < 15
    assert sorted(path.name for path in out.iterdir()) == ["v.csv", "v.png"]


def test_json_has_the_same_figures(run, camera, out):
    outcome = run("velocity", LINES, "--camera", camera, "--window-ms", 100, "--out", out / "v.csv", "--json")
    found, estimates = json.loads(outcome.out), load_velocity_csv(out / "v.csv")
    assert (found["windows"], found["answered"]) == (len(estimates), sum(map(bool, estimates)))
    assert sum(found["statuses"].values()) == found["windows"]
    assert found["omega_radps"] is None
    assert 0 < found["in_plane_std_deg"] < 15


def test_an_angular_velocity_takes_the_gyros_place(run, camera, scene, out):
    with evcam.open(LINES) as recording:
        omega = recording.imu().in_camera_frame().gyro_radps.mean(0)
    outcome = run("velocity", LINES, "--camera", camera, "--omega", *omega, "--window-ms", 200, "--out", out / "v.csv", "--json")
    assert outcome.code == 0, outcome.err
    estimates = [e for e in load_velocity_csv(out / "v.csv") if e]
    assert len(estimates) >= 3
    assert np.abs(in_plane_deg(estimates, scene)).max() < 15
    assert json.loads(outcome.out)["omega_radps"] == pytest.approx(omega.tolist())


def test_negative_numbers_in_any_notation_are_no_options(run, camera, out):
    argv = ("velocity", LINES, "--camera", camera, "--duration", 0.02, "--out", out / "v.csv")
    assert run(*argv, "--omega", "-1e-3", "-.5", "-2").code in (0, 3)
    assert (out / "v.csv").exists()


def test_a_window_longer_than_the_recording_is_the_whole_recording(run, camera, out):
    stretch = ("--start", 0.5, "--duration", 0.2, "--window-ms", 1e6)
    outcome = run("velocity", LINES, "--camera", camera, *stretch, "--out", out / "v.csv")
    assert outcome.code == 0, outcome
    (estimate,) = load_velocity_csv(out / "v.csv")
    with evcam.open(LINES) as recording:
        first_us = recording.start_us
    assert 0 <= estimate.start_us - (first_us + 500_000) < 500
    assert estimate.stop_us - estimate.start_us == pytest.approx(200_000, abs=500)
    assert "direction (" in outcome.out


def test_wrong_mount_of_the_gyro_makes_a_difference(run, camera, scene, out):
    """The mount reaches the estimate: with the axes turned it gets worse."""
    argv = ("velocity", LINES, "--camera", camera, "--window-ms", 200)
    run(*argv, "--out", out / "right.csv")
    run(*argv, "--r-cam-imu", 0, 1, 0, -1, 0, 0, 0, 0, 1, "--out", out / "wrong.csv")
    right, wrong = ([e for e in load_velocity_csv(out / name) if e] for name in ("right.csv", "wrong.csv"))
    assert not wrong or np.median(np.abs(in_plane_deg(wrong, scene))) > 2 * np.median(np.abs(in_plane_deg(right, scene)))


def test_a_calibrations_covariance_is_part_of_the_answers(run, camera, out, tmp_path):
    stds = []
    for name, sigma in (("sure", 1e-3), ("unsure", 20.0)):
        known = {"format": "evcam calibration 1", "camera": json.loads(camera.read_text()),
                 "covariance": np.diag([sigma**2] * 4 + [0.0] * 5).tolist()}
        (tmp_path / f"{name}.json").write_text(json.dumps(known))
        argv = ("velocity", LINES, "--camera", tmp_path / f"{name}.json", "--window-ms", 200)
        run(*argv, "--duration", 0.2, "--out", out / f"{name}.csv")
        (estimate,) = load_velocity_csv(out / f"{name}.csv")
        stds.append(estimate.in_plane_std_rad)
    assert stds[1] > 1.02 * stds[0]


@pytest.mark.parametrize("covariance", ["[[1, 2], [3]]", '"small"', "[[1, 0], [0, 1]]", "[1, 2]"])
def test_a_covariance_that_is_none(run, camera, out, tmp_path, covariance):
    bad = tmp_path / "bad.json"
    bad.write_text(f'{{"camera": {camera.read_text()}, "covariance": {covariance}}}')
    outcome = run("velocity", LINES, "--camera", bad, "--out", out / "v.csv")
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, ""), outcome
    assert "covariance" in outcome.err


def test_without_any_gyro_that_is_said(run, camera, out, tmp_path):
    with evcam.open(LINES) as recording:
        save_h5(tmp_path / "bare.h5", recording.events(0.0, 0.1))
    outcome = run("velocity", tmp_path / "bare.h5", "--camera", camera, "--out", out / "v.csv")
    assert "taken for zero" in outcome.err


def test_nothing_to_see_is_no_answer(run, recording, out, tmp_path):
    camera = Camera("pinhole-radtan", [30.0, 30.0, 15.5, 11.5, 0, 0, 0, 0, 0], 32, 24)
    camera.save(tmp_path / "cam.json")
    outcome = run("velocity", recording, "--camera", tmp_path / "cam.json", "--omega", 0, 0, 0, "--out", out / "v.csv",
                  "--plot", out / "v.png")
    assert outcome.code == 3
    assert not any(load_velocity_csv(out / "v.csv"))
    save_h5(tmp_path / "empty.h5", Events.empty(32, 24))
    outcome = run("velocity", tmp_path / "empty.h5", "--camera", tmp_path / "cam.json", "--omega", 0, 0, 0,
                  "--out", out / "w.csv", "--plot", out / "w.png")
    assert (outcome.code, load_velocity_csv(out / "w.csv")) == (3, ())


@pytest.mark.parametrize(("argv", "says"), [
    (("--imu", "gone.csv"), "no such IMU file"),
    (("--out", "v.txt"), "must end in .csv"),
    (("--plot", "v.pdf"), "must end in .png"),
    (("--omega", "nan", "0", "0"), "three finite numbers"),
    (("--imu-mount", "gone.yaml"), "no such Kalibr"),
    (("--r-cam-imu", *"100010000"), "no rotation"),
    (("--width", "100", "--height", "80"), "240x180"),
])
def test_bad_input_gets_one_line(run, camera, out, argv, says):
    outcome = run("velocity", LINES, "--camera", camera, "--out", out / "v.csv", *argv)
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, ""), outcome
    assert says in outcome.err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("argv", [
    ("--omega", "1", "2"), ("--omega", "0", "0", "0", "--imu", "imu.csv"), ("--window-ms", "0"), ("--window-ms", "nan"),
    ("--duration", "0"),
])
def test_wrong_usage(run, camera, out, argv):
    assert run("velocity", LINES, "--camera", camera, "--out", out / "v.csv", *argv).code == 2


def test_outputs_need_force_and_appear_together(run, camera, out):
    argv = ("velocity", LINES, "--camera", camera, "--duration", 0.1, "--out", out / "v.csv", "--plot", out / "v.png")
    (out / "v.png").write_bytes(b"mine")
    assert run(*argv).code == 1
    assert (out / "v.png").read_bytes() == b"mine"
    assert not (out / "v.csv").exists()
    assert run(*argv, "--force").code == 0
    assert (out / "v.png").read_bytes() != b"mine"


@pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ, reason="EVCAM_REFERENCE_DATA is not set")
def test_text_events_and_plain_numbers_for_the_camera(run, out):
    outcome = run("velocity", SLIDER / "events.txt", "--camera", SLIDER / "calib.txt", "--start", 0.06, "--omega", 0, 0, 0,
                  "--out", out / "v.csv")
    assert outcome.code == 0, outcome.err
    assert all(e.direction[0] > 0.7 for e in load_velocity_csv(out / "v.csv") if e and e.sign_resolved)
