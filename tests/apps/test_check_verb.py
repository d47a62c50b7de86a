"""``evcam check``: what it says of a gyro, and what it takes for camera, IMU and mount."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

import evcam
from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.io import save_h5

SPOKES = Path(os.environ.get("EVCAM_REFERENCE_DATA", "")) / "recordings" / "spokes_imu_davis240" / "IMU_rotDisk.aedat"
LINES = Path(__file__).parents[2] / "data" / "lines.h5"
LINES_CAMERA = [224.0, 223.5, 118.6, 91.3, -0.31, 0.105, 0.0006, -0.0004, 0.0]  # as in data/scenes/lines.yaml
NO_EVENTS = ("calib", "groundtruth", "circle_info")  # beside recordings
needs_spokes = pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ, reason="EVCAM_REFERENCE_DATA is not set")


@pytest.fixture
def camera(tmp_path):
    path = tmp_path / "cam.json"
    Camera("pinhole-radtan", LINES_CAMERA, 240, 180).save(path)
    return path


def write_imu(path, imu, change=((1, 0, 0), (0, 1, 0), (0, 0, 1)), factor=1.0):
    rows = np.c_[imu.t, factor * imu.gyro_radps @ np.transpose(change)]
    np.savetxt(path, rows, delimiter=",", header="t_us,wx,wy,wz", comments="", fmt=["%d", "%.9g", "%.9g", "%.9g"])
    return path


@needs_spokes
def test_a_rolling_davis_turns_as_its_gyro_says(process):
    outcome = process("check", SPOKES, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["gyro"]["rate_ratio"] == pytest.approx(1.0, abs=0.02)
    assert abs(found["gyro"]["scale"] - 1) < 2 * found["gyro"]["scale_std"] < 0.08
    assert found["gyro"]["axes_seen"] == [False, False, True]
    assert abs(found["gyro"]["offset_us"]) < 3000
    assert 0 < found["gyro"]["offset_std_us"] < 1500
    severity = {finding["topic"]: finding["severity"] for finding in found["findings"]}
    assert set(severity.values()) <= {"ok", "note"}
    assert severity["gyro axes"] == severity["gyro scale"] == severity["gyro clock"] == "ok"
    assert severity["IMU rate"] == severity["accelerometer unit"] == severity["IMU span"] == "ok"
    assert found["figures"]["flicker"]["hz"] == pytest.approx(100, abs=0.2)


@needs_spokes
@pytest.mark.parametrize(("change", "factor", "topic"), [
    (-np.eye(3), 1.0, "gyro axes"),
    (np.diag([1.0, 1.0, -1.0]), 1.0, "gyro axes"),
    (np.eye(3)[[2, 1, 0]], 1.0, "gyro axes"),
    (np.eye(3)[[0, 2, 1]], 1.0, "gyro axes"),
    (np.eye(3), 180 / np.pi, "gyro scale"),
])
def test_the_same_gyro_made_wrong_is_not_trusted(run, tmp_path, change, factor, topic):
    with evcam.open(SPOKES) as recording:
        table = write_imu(tmp_path / "imu.csv", recording.imu(), change, factor)
    outcome = run("check", SPOKES, "--imu", table, "--json")
    assert outcome.code == 3
    found = json.loads(outcome.out)
    assert found["verdict"] == "do not trust this recording"
    errors = {finding["topic"] for finding in found["findings"] if finding["severity"] == "error"}
    assert {topic} <= errors <= {topic, "gyro unit"}


@needs_spokes
def test_a_table_keeps_the_mount_that_the_recording_states(run, tmp_path):
    with evcam.open(SPOKES) as recording:
        table = write_imu(tmp_path / "imu.csv", recording.imu())
    outcome = run("check", SPOKES, "--imu", table)
    assert outcome.code == 0
    assert "mount:     the recording's own" in outcome.out
    # Told otherwise, the same samples are wrong.
    assert run("check", SPOKES, "--imu", table, "--r-cam-imu", *np.eye(3).ravel()).code == 3


def test_text_names_recording_gyro_mount_and_verdict(run, camera):
    outcome = run("check", LINES, "--camera", camera)
    assert outcome.code == 0, outcome
    says = ("lines.h5", "1,001 samples, the recording's own", "mount:     the recording's own", "events:    96,613", "time unit",
            "verdict: no reason for distrust found")
    assert all(words in outcome.out for words in says)


def test_out_holds_the_same_object(run, camera, tmp_path):
    outcome = run("check", LINES, "--camera", camera, "--json", "--out", tmp_path / "check.json")
    assert json.loads((tmp_path / "check.json").read_text()) == json.loads(outcome.out)
    assert run("check", LINES, "--camera", camera, "--out", tmp_path / "check.json").code == 1


def test_a_recording_without_a_gyro(run, recording):
    outcome = run("check", recording)
    assert outcome.code == 0
    assert "There is no gyro" in outcome.out
    assert "verdict: no reason for distrust found" in outcome.out
    refused = run("check", recording, "--imu-offset-us", 10)
    assert (refused.code, len(refused.error_lines)) == (1, 1)
    assert "--imu" in refused.err


def test_a_mount_that_nothing_states_is_said(run, recording, tmp_path):
    table = tmp_path / "imu.csv"
    table.write_text("t_us,wx,wy,wz\n1000000,0,0,0\n1300000,0,0,0\n")
    outcome = run("check", recording, "--imu", table)
    assert "its axes are taken for the camera's" in outcome.err
    given = run("check", recording, "--imu", table, "--r-cam-imu", 0, -1, 0, 1, 0, 0, 0, 0, 1)
    assert given.err == ""
    assert "R_cam_imu as given" in given.out


def kalibr(folder, R, shift_s, with_camera):
    T = np.eye(4)
    T[:3, :3] = R
    first = {"T_cam_imu": T.tolist(), "timeshift_cam_imu": shift_s}
    if with_camera:
        first |= {"camera_model": "pinhole", "distortion_model": "radtan", "intrinsics": LINES_CAMERA[:4],
                  "distortion_coeffs": LINES_CAMERA[4:8], "resolution": [240, 180]}
    path = folder / "camchain-imucam.yaml"
    path.write_text(yaml.safe_dump({"cam0": first}))
    return path


def test_kalibrs_mount_is_used_and_its_shift_has_the_opposite_sign(run, camera, tmp_path):
    R = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    mount = kalibr(tmp_path, R, 0.004, False)
    found = json.loads(run("check", LINES, "--camera", camera, "--imu-mount", mount, "--json").out)
    assert str(mount) in found["gyro"]["mount"]
    beside = kalibr(tmp_path, R, 0.004, True)
    found = json.loads(run("check", LINES, "--camera", beside, "--json").out)
    assert str(beside) in found["gyro"]["mount"]


def write_text_recording(path, width=32, height=24):
    rng = np.random.default_rng(0)
    t = np.sort(rng.uniform(0, 0.2, 3000))
    xyp = np.stack([rng.integers(0, width, 3000), rng.integers(0, height, 3000), rng.integers(0, 2, 3000)], -1)
    path.write_text("".join(f"{a:.6f} {x} {y} {p}\n" for a, (x, y, p) in zip(t, xyp, strict=True)))
    return path


def test_plain_numbers_take_the_recordings_size(run, tmp_path):
    events = write_text_recording(tmp_path / "events.txt")
    plain = tmp_path / "calib.txt"
    plain.write_text("30 30 15.5 11.5 0 0 0 0 0\n")
    outcome = run("check", events, "--camera", plain)
    assert outcome.code == 0
    assert "32x24 is taken from the largest coordinates" in outcome.out


@pytest.mark.parametrize(("numbers", "says"), [
    ("200 200 120 90 0 0 0 0 0", "principal point (120, 90) lies outside the 32x24 px"),
    ("200 200 120", "not 3 numbers"),
])
def test_plain_numbers_that_do_not_fit(run, tmp_path, numbers, says):
    events = write_text_recording(tmp_path / "events.txt")
    plain = tmp_path / "calib.txt"
    plain.write_text(numbers)
    outcome = run("check", events, "--camera", plain)
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert says in outcome.err


def test_a_camera_tells_a_recording_its_size(run, tmp_path):
    events = write_text_recording(tmp_path / "events.txt", 30, 20)
    camera = tmp_path / "cam.json"
    Camera("pinhole-radtan", [30.0, 30.0, 15.5, 11.5, 0, 0, 0, 0, 0], 32, 24).save(camera)
    outcome = run("check", events, "--camera", camera)
    assert (outcome.code, outcome.err) == (0, "")


def test_a_camera_of_another_sensor(run, recording, camera):
    outcome = run("check", recording, "--camera", camera)
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert "240x180 sensor, not 32x24" in outcome.err


@pytest.mark.parametrize(("argv", "says"), [
    (("--imu", "gone.csv"), "no such IMU file"),
    (("--camera", "gone.json"), "no such camera file"),
    (("--imu-mount", "gone.yaml"), "no such Kalibr"),
    (("--r-cam-imu", *"110000001"), "no rotation"),
])
def test_bad_input_gets_one_line(run, argv, says):
    outcome = run("check", LINES, *argv)
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert says in outcome.err


def test_a_stretch_beyond_the_end(run, camera):
    outcome = run("check", LINES, "--camera", camera, "--start", 7)
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert "no events in the stretch from 7 s on" in outcome.err


def test_a_stretch_and_no_events(run, tmp_path, camera):
    assert run("check", LINES, "--camera", camera, "--start", 0.2, "--duration", 0.5).code == 0
    empty = tmp_path / "empty.h5"
    save_h5(empty, Events.empty(32, 24))
    outcome = run("check", empty)
    assert outcome.code == 3
    assert "There are no events" in outcome.out


def write_columns(path, t, x):
    with h5py.File(path, "w") as file:
        group = file.create_group("events")
        group.attrs.update({"width": 32, "height": 24})
        for name, values in (("t", t), ("x", x), ("y", np.zeros(len(t), np.uint16)), ("p", np.arange(len(t)) % 2)):
            group[name] = values
    return path


def test_what_other_verbs_refuse_is_told_from_the_worst_down(run, tmp_path):
    rng = np.random.default_rng(0)
    t, x = np.sort(rng.integers(0, 10**6, 3000)), rng.integers(0, 32, 3000)
    t[100], x[7] = t[99] - 3, 40
    outcome = run("check", write_columns(tmp_path / "bad.h5", t, x), "--out", tmp_path / "check.json")
    assert (outcome.code, outcome.err) == (3, "")
    assert "ERROR    coordinates: 1 of 3,000" in outcome.out
    assert "ERROR    order: Times fall 1 times" in outcome.out
    marks = [line[:7].strip().lower() for line in outcome.out.splitlines() if line[:1] in "EWno" and line[7:8] == " "]
    order = ["error", "warning", "note", "ok"]
    assert [order.index(mark) for mark in marks] == sorted(order.index(mark) for mark in marks)
    data = json.loads((tmp_path / "check.json").read_text())
    assert data["figures"]["columns"]["outside"] == data["figures"]["stamps"]["backwards"] == 1


def test_a_gyro_is_not_held_against_events_out_of_order(run, tmp_path):
    table = tmp_path / "imu.csv"
    table.write_text("t_us,wx,wy,wz\n" + "".join(f"{1000 * i},0,0,{i % 3}\n" for i in range(30)))
    bad = write_columns(tmp_path / "bad.h5", np.array([5, 9, 7]), np.array([0, 1, 2]))
    outcome = run("check", bad, "--imu", table)
    assert outcome.code == 3
    assert "was not held against" in outcome.out


@needs_spokes
@pytest.mark.parametrize("path", sorted(path for kind in ("aedat", "txt", "h5", "raw", "dat", "es", "aedat4", "bag", "db3")
                                        for path in SPOKES.parents[1].rglob(f"*.{kind}")
                                        if path.parent.name != "sim_circle_grid" and path.stem not in NO_EVENTS),
                         ids=lambda path: path.name)
def test_sound_recordings_raise_no_alarm(run, path):
    outcome = run("check", path, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert [finding for finding in found["findings"] if finding["severity"] in ("warning", "error")] == []
    if "flicker" in path.parent.name:
        assert found["figures"]["flicker"]["hz"] == pytest.approx(30, abs=0.3)


@pytest.mark.parametrize("camera_too", [False, True])
def test_a_stream_that_is_not_there(run, camera, camera_too):
    outcome = run("check", LINES, "--stream", "left", *(("--camera", camera) if camera_too else ()))
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert "left" in outcome.err
