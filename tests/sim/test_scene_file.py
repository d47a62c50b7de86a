"""Scenes as a user writes them."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from evcam.core.target import CircleGrid
from evcam.errors import EvcamError, FormatError, InputError
from evcam.sim import Backdrop, Board, Gyro, Limb, Line, Lines, Occluder, Sensor, Texture, Waypoint, hand, load_scene, simulate
from evcam.sim.scene import Flicker

CAMERA = """
camera:
  {model: pinhole-radtan, width: 64, height: 48,
   params: {fx: 60, fy: 60, cx: 31.5, cy: 23.5, k1: -0.1, k2: 0, p1: 0, p2: 0, k3: 0}}
"""
GRID = "target: {type: asymmetric_circle_grid, rows: 5, cols: 4, spacing_m: 0.05, radius_m: 0.02}\n"
MINIMAL = CAMERA + GRID + "duration_s: 0.2\n"
LINES = CAMERA + """
duration_s: 0.1
lines:
  - {start_m: [-1, 0, 1.5], end_m: [1, 0.2, 2.0], width_m: 0.05}
trajectory: {type: steady, velocity_mps: [0.1, 1.0, 0.0], omega_radps: [0, 0, 0.5]}
gyro: {rate_hz: 200, R_cam_imu: [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]}
"""
SCENES = Path(__file__).parents[2] / "data" / "scenes"


def scene(tmp_path, text):
    (tmp_path / "scene.yaml").write_text(text)
    return load_scene(tmp_path / "scene.yaml")


def test_minimal_scene_moves_by_hand(tmp_path):
    loaded = scene(tmp_path, MINIMAL)
    assert loaded.world == Board(CircleGrid.asymmetric(5, 4, 0.05, 0.02))
    assert loaded.trajectory.duration_s == pytest.approx(0.2)
    assert len(simulate(loaded).events) > 1000


def test_target_and_camera_may_be_files_beside_the_scene(tmp_path):
    inline = scene(tmp_path, MINIMAL)
    inline.camera.save(tmp_path / "camera.json")
    inline.world.target.save(tmp_path / "board.yaml")
    loaded = scene(tmp_path, "camera: camera.json\ntarget: board.yaml\nduration_s: 0.2\n")
    np.testing.assert_array_equal(loaded.camera.params, inline.camera.params)
    assert loaded.world == inline.world


def test_all_sections_reach_the_scene(tmp_path):
    loaded = scene(tmp_path, MINIMAL + """
board: {white: 0.8, flicker: {hz: 5, mode: blink}}
sensor: {threshold_on: 0.4, background_hz: 0}
trajectory: {type: still, distance_m: 0.5, tilt_deg: [10, -20], roll_deg: 5, at_px: [30, 20]}
step_px: 0.2
""")
    assert loaded.world.white == 0.8
    assert loaded.world.flicker.mode == "blink"
    assert loaded.sensor.threshold_on == 0.4
    assert loaded.step_px == 0.2
    R, t = loaded.trajectory.pose(0)
    middle = loaded.world.target.object_points
    middle = (middle.min(0) + middle.max(0)) / 2
    np.testing.assert_allclose(loaded.camera.project(R @ middle + t), [30, 20], atol=1e-6)
    assert (R @ middle + t)[2] == pytest.approx(0.5)


CLUTTER = MINIMAL + """
board:
  backdrop: {distance_m: 0.4, texture: {scale_m: 0.2, sharp: false, seed: 3}}
  occluders:
    - hand: {length_m: 0.2}
      tone: 0.6
      path: [{t_s: 0, at_m: [0.5, 0.1, -0.1], turn_deg: -70}, {t_s: 0.2, at_m: [0.1, 0.1, -0.1]}]
    - {limbs: [{start_m: [0, 0], end_m: [0.1, 0], radius_m: 0.05}], tone: {dark: 0.2}, path: [{t_s: 0, at_m: [0, 0, -0.2]}]}
"""


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.yaml")), ids=lambda path: path.name)
def test_samples_scenes_are_scenes(path):
    assert load_scene(path).trajectory.duration_s > 0.1


def test_clutter(tmp_path):
    board = scene(tmp_path, CLUTTER).world
    assert board.backdrop == Backdrop(0.4, Texture(scale_m=0.2, sharp=False, seed=3))
    path = Waypoint(0, (0.5, 0.1, -0.1), -70), Waypoint(0.2, (0.1, 0.1, -0.1))
    still = (Waypoint(0, (0, 0, -0.2)),)
    assert board.occluders == (hand(path, 0.6, 0.2), Occluder((Limb((0, 0), (0.1, 0), 0.05),), still, Texture(dark=0.2)))


def test_lines_with_gyro(tmp_path):
    loaded = scene(tmp_path, LINES)
    assert isinstance(loaded.world, Lines)
    simulation = simulate(loaded)
    assert len(simulation.events) > 100
    assert len(simulation.imu) == 21


@pytest.mark.parametrize(("text", "names"), [
    (MINIMAL + "sensr: {}\n", "sensr"),
    (MINIMAL + "sensor: {threshold: 0.2}\n", "threshold_on"),
    (MINIMAL + "sensor: {psf_px: wide}\n", "psf_px"),
    (MINIMAL + "board: {whit: 1}\n", "whit"),
    (MINIMAL + "board: {flicker: {mode: invert}}\n", "hz"),
    (CLUTTER.replace("{length_m: 0.2}", "{length: 0.2}"), "length_m"),
    (CLUTTER.replace("{length_m: 0.2}", "big"), "hand"),
    (CLUTTER.replace("sharp: false", "sharp: 2"), "sharp"),
    (CLUTTER.replace("distance_m: 0.4", "distance_m: far"), "distance_m"),
    (CLUTTER.replace("tone: 0.6", "tone: bright"), "tone"),
    (CLUTTER.replace("tone: 0.6", "way: 1"), "way"),
    (CLUTTER.replace(", -0.2]}", ", 0.2]}"), "z < 0"),
    (CLUTTER.replace("limbs: [", "limb: ["), "limb"),
    (CLUTTER.replace("limbs: [{start_m: [0, 0], end_m: [0.1, 0], radius_m: 0.05}]", "limbs: 3"), "limbs"),
    (CLUTTER.replace("path: [{t_s: 0, at_m: [0, 0, -0.2]}]", "path: []"), "waypoint"),
    (MINIMAL + "board: {backdrop: 3}\n", "backdrop"),
    (MINIMAL + "trajectory: {type: fly}\n", "hand_held"),
    (MINIMAL + "trajectory: {type: hand_held, sped: 2}\n", "sped"),
    (MINIMAL + "trajectory: {type: still, tilt_deg: [1]}\n", "tilt_deg"),
    (MINIMAL + "trajectory: {type: still, distance_m: -1}\n", "behind"),
    (MINIMAL.replace("duration_s: 0.2", "duration_s: soon"), "duration_s"),
    (CAMERA + GRID, "duration_s"),
    (CAMERA + "duration_s: 1\n", "either target or lines"),
    (MINIMAL + "lines: []\n", "either target or lines"),
    (MINIMAL.replace("rows: 5", "rows: 0"), "rows"),
    (MINIMAL.replace("fx: 60", "fx: 0"), "focal"),
    (LINES.replace("width_m: 0.05", "width_m: 0"), "width_m"),
    (LINES.replace("[-1, 0, 1.5]", "[1, 0.2, 2.0]"), "same point"),
    (LINES.replace("[-1, 0, 1.5]", "[1, 0.2]"), "start_m"),
    ("[1, 2]", "key"),
    ("a: [", "YAML"),
])
def test_bad_scenes_are_refused_in_one_line(tmp_path, text, names):
    with pytest.raises(EvcamError) as caught:
        scene(tmp_path, text)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "scene.yaml" in str(caught.value)


def test_missing_scene_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: no such"):
        load_scene(tmp_path / "none.yaml")


def test_binary_scene_is_no_yaml(tmp_path):
    (tmp_path / "scene.yaml").write_bytes(b"\xff\xd8\xff\xe0\x00")
    with pytest.raises(FormatError):
        load_scene(tmp_path / "scene.yaml")


@pytest.mark.parametrize("kind", [Board, Flicker, Backdrop, Texture, Occluder, Limb, Waypoint, Line, Sensor, Gyro])
def test_the_conventions_name_every_key_and_its_default(kind):
    text = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
    section = text.split("## Scene files")[1].split("\n## ")[0]
    for given in fields(kind):
        assert f"`{given.name}`" in section, given.name
        if isinstance(given.default, float) and given.default:
            assert f"({given.default:g}" in section, (given.name, given.default)
