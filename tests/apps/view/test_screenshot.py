"""``--screenshot``: the real program without a display, and what its picture shows."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evcam.viz import theme


def near(picture, colour, tolerance=40):
    return np.abs(picture.astype(int) - colour).max(-1) <= tolerance


def without_display():
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}


def test_the_program_draws_a_picture_without_a_display(process, sample, calibration, tmp_path):
    out = tmp_path / "s.png"
    done = process("view", sample, "--calibration", calibration, "--at", "1", "--size", "640x480", "--screenshot", out, "--json",
                   "--quiet", env=without_display())
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["events"] > 5000
    assert int(told["layers"]["tubes"].split(" circles")[0]) > 40
    picture = np.asarray(Image.open(out))
    assert picture.shape == (480, 640, 3)
    flat = picture[10:140, 450:630]  # the image plane from the front
    assert near(flat, theme.ON).sum() > 50
    assert near(flat, theme.OFF).sum() > 50
    assert (flat.min(-1) > 200).sum() > 100  # ids
    assert near(picture[:420, :440], theme.BACKGROUND, 3).mean() > 0.3
    assert len(np.unique(picture[60:400, :440].reshape(-1, 3), axis=0)) > 1000
    assert near(picture[422:], theme.ON, 60).any()  # the time line's present


def test_the_same_picture_twice_and_another_one_elsewhere(run, sample, tmp_path):
    for name, at in (("a", "0.5"), ("b", "0.5"), ("c", "1.5")):
        assert run("view", sample, "--at", at, "--size", "320x240", "--screenshot", tmp_path / f"{name}.png").code == 0
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_layers_can_be_chosen(run, sample, calibration, tmp_path):
    out = tmp_path / "s.png"
    done = run("view", sample, "--calibration", calibration, "--at", "1", "--layers", "normal flow,arcs", "--size", "320x240",
               "--screenshot", out, "--json")
    layers = json.loads(done.out)["layers"]
    assert set(layers) == {"normal flow", "arcs"}
    assert int(layers["arcs"].split()[0].replace(",", "")) > 500
    assert "px/s" in layers["normal flow"]


def test_velocity_without_a_calibration(run, sample, tmp_path):
    velocity = tmp_path / "v.csv"
    velocity.write_text("t_us,status,dx,dy,dz,sign_resolved,cxx,cxy,cxz,cyy,cyz,czz\n"
                        "1000000,ok,1,0,0,1,0,0,0,0.01,0,0.01\n1050000,no_lines,,,,,,,,,,\n")
    out = tmp_path / "s.png"
    done = run("view", sample, "--velocity", velocity, "--at", "1", "--size", "320x240", "--screenshot", out, "--json")
    assert json.loads(done.out)["layers"]["velocity"] == "± 5.7°"


def test_detections_of_another_program_need_the_board(run, sample, tmp_path):
    table, out = tmp_path / "own.csv", ("--at", "1", "--size", "320x240", "--screenshot", tmp_path / "s.png", "--json")
    rows = [f"0,{500_000 + 100_000 * k},{k},{40 + 9 * k},90" for k in range(10)]
    table.write_text("\n".join(["view,t_us,id,x_px,y_px", *rows]) + "\n")
    refused = run("view", sample, "--detections", table, *out)
    assert (refused.code, len(refused.error_lines)) == (1, 1)
    assert "give it with target= (--target)" in refused.err
    told = run("view", sample, "--detections", table, "--target", sample.with_suffix(".yaml"), *out)
    assert "grid" in json.loads(told.out)["layers"]


@pytest.mark.parametrize(("argv", "part"), [
    (["--at", "99"], "lies after the recording's end at 4."),
    (["--at", "1", "--layers", "tubes"], "'tubes' is not there; these data give: events, image plane, normal flow"),
    (["--calibration", "none.json"], "no such calibration file"),
    (["--velocity", "none.csv"], "no such velocity file"),
    (["--detections", __file__], "not a detections CSV: no column view"),
])
def test_what_cannot_be_shown_is_one_line(run, sample, tmp_path, argv, part):
    done = run("view", sample, "--screenshot", tmp_path / "s.png", *argv)
    assert done.code == 1
    assert part in done.error_lines[-1]
    assert not (tmp_path / "s.png").exists()


def test_a_calibration_of_another_sensor_is_refused(run, recording, calibration, tmp_path):
    done = run("view", recording, "--calibration", calibration, "--screenshot", tmp_path / "s.png")
    assert done.code == 1
    assert "240x180" in done.error_lines[-1]
    assert "32x24" in done.error_lines[-1]


def test_only_png(run, sample, tmp_path):
    assert "must end in .png" in run("view", sample, "--screenshot", tmp_path / "s.jpg").error_lines[-1]


def test_a_recording_with_gyro_and_camera_shows_lines_and_direction(run, tmp_path):
    from evcam.sim import load_scene

    data = Path(__file__).parents[3] / "data"
    camera = tmp_path / "camera.json"
    load_scene(data / "scenes" / "lines.yaml").camera.save(camera)
    done = run("view", data / "lines.h5", "--calibration", camera, "--at", "0.6", "--window", "200", "--size", "320x240",
               "--screenshot", tmp_path / "s.png", "--json")
    layers = json.loads(done.out)["layers"]
    assert int(layers["eventails"].split()[0]) >= 4
    assert layers["velocity"].startswith("± ")
