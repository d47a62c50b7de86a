"""Events lie where the scene's geometry puts them, and the truth says where that is."""

import dataclasses
import json

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import Checkerboard, CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError, OutputExistsError
from evcam.sim import Board, Gyro, Line, Lines, Scene, Sensor, Truth, checkerboard_flicker, circle_grid, line_world, simulate
from evcam.sim.placing import hand_before

RADTAN = Camera("pinhole-radtan", [120, 121, 63.0, 48.0, -0.3, 0.1, 0.0006, -0.0004, 0], 128, 96)
FISHEYE = Camera("pinhole-equidistant", [90, 90, 63.0, 48.0, 0.02, -0.01, 0.0, 0.0], 128, 96)
TARGET = CircleGrid.asymmetric(5, 4, 0.05, 0.02)


def first_events_from_black(camera, step_px=0.5):
    """First ON events of pixels that start inside a disc, with a threshold that is crossed at half intensity."""
    world = Board(TARGET)
    sensor = Sensor.ideal(float(np.log((world.white + world.black) / 2 / world.black)))
    pose = exp_so3([0.2, -0.3, 0.1]), [-0.17, -0.08, 0.45]
    motion = Trajectory.steady(*pose, [0.35, 0.2, 0.1], [0.1, -0.2, 0.4], duration_s=0.15)
    scene = Scene(camera, motion, world, sensor, step_px=step_px)
    events = simulate(scene).events
    _, first = np.unique(events.y.astype(int) * camera.width + events.x, return_index=True)
    first = first[events.p[first]]
    return scene, events.t[first], np.stack([events.x[first], events.y[first]], 1).astype(float)


def contour_distance_px(scene, t_us, px):
    """Signed distance of pixels to the projected outline of the nearest disc, at their own times."""
    R, t = scene.trajectory.pose(t_us)
    bearing = np.einsum("nji,nj->ni", R, scene.camera.unproject(px))
    eye = -np.einsum("nji,nj->ni", R, t)
    point = eye - bearing * (eye[:, 2:] / bearing[:, 2:])
    centre = TARGET.object_points[np.linalg.norm(point[:, None] - TARGET.object_points, axis=-1).argmin(1)]
    rim = centre + (point - centre) / np.linalg.norm(point - centre, axis=1, keepdims=True) * TARGET.radius_m
    near = scene.camera.project(np.einsum("nij,nj->ni", R, rim) + t)
    inside = np.linalg.norm(point - centre, axis=1) < TARGET.radius_m
    return np.where(inside, -1, 1) * np.linalg.norm(near - px, axis=1), centre


@pytest.mark.parametrize("camera", [RADTAN, FISHEYE], ids=["radtan", "equidistant"])
def test_edges_are_crossed_when_the_analytic_contour_passes(camera):
    scene, t_us, px = first_events_from_black(camera)
    distance, centre = contour_distance_px(scene, t_us, px)
    began, _ = contour_distance_px(scene, np.zeros(len(px)), px)
    on_disc = (began < -2.2) & (np.abs(distance) < 1.0)  # fully black at first; the sheet's rim has first ON events too
    assert on_disc.sum() > 60
    assert abs(distance[on_disc].mean()) < 0.02
    assert np.percentile(np.abs(distance[on_disc]), 90) < 0.05
    assert len(np.unique(centre[on_disc], axis=0)) > 8


def test_coarser_sampling_changes_times_little():
    fine, coarse = (first_events_from_black(RADTAN, step_px)[1:] for step_px in (0.1, 0.5))
    a, b = ({tuple(px): t for t, px in zip(*part, strict=True)} for part in (fine, coarse))
    common = a.keys() & b.keys()
    assert len(common) > 0.97 * max(len(a), len(b))
    # 50 px/s: 1 ms is 0.05 px
    assert np.percentile([abs(a[key] - b[key]) for key in common], 95) < 1000


def test_truth_is_the_direct_projection():
    scene = Scene(RADTAN, hand_before(TARGET, RADTAN, 1.0), Board(TARGET))
    truth, t_us = Truth.of(scene), np.array([0, 333_333, 1_000_000])
    for k, centers in enumerate(truth.centers(t_us)):
        R, t = scene.trajectory.pose(t_us[k])
        np.testing.assert_allclose(centers, RADTAN.project(TARGET.object_points @ R.T + t), atol=1e-9)


def test_truth_file_has_the_layout_of_the_verification_data(tmp_path):
    path = tmp_path / "truth.npz"
    truth = Truth.of(Scene(RADTAN, hand_before(TARGET, RADTAN, 0.5), Board(TARGET)))
    truth.save(path)
    saved = np.load(path)
    meta = json.loads(str(saved["meta"]))
    assert meta["camera"] == [128, 96, *RADTAN.params]
    assert (meta["rows"], meta["cols"], meta["s"], meta["rad"], meta["layout"]) == (5, 4, 0.05, 0.02, "asymmetric")
    assert saved["gt_t"].shape == (501,)
    points = np.einsum("nij,kj->nki", saved["gt_R"], TARGET.object_points) + saved["gt_T"][:, None]
    np.testing.assert_allclose(saved["gt_centers"], RADTAN.project(points), atol=1e-4)
    with pytest.raises(OutputExistsError):
        truth.save(path)


def test_hand_before_a_board_covers_the_image():
    truth = Truth.of(Scene(RADTAN, hand_before(TARGET, RADTAN, 6.0), Board(TARGET)))
    centers = truth.centers(np.arange(0, 6_000_001, 10_000))
    inside = np.all((centers > 0) & (centers < [128, 96]), axis=-1)
    assert inside.all(1).mean() > 0.5
    cells = np.unique((centers[inside] // 16).astype(int), axis=0)
    assert len(cells) >= 0.8 * 8 * 6


def test_checkerboard_corners_stay_quiet_between_squares_that_fire():
    board = Checkerboard(4, 6, 0.05)
    simulation = checkerboard_flicker(board, RADTAN, sensor=Sensor.ideal(), duration_s=0.3)
    corners = simulation.truth.centers(0)
    assert np.isfinite(corners).all()
    events, image = simulation.events, np.zeros((96, 128))
    np.add.at(image, (events.y, events.x), np.where(events.p, 1, -1) * np.where((events.t // 100_000) % 2 == 0, 1, -1))
    for x, y in corners:
        quadrants = [image[round(y + dy), round(x + dx)] for dx, dy in ((4, 4), (-4, 4), (-4, -4), (4, -4))]
        assert np.sign(quadrants).tolist() in ([1, -1, 1, -1], [-1, 1, -1, 1])


def lines_scene(**changes):
    lines = (Line((-0.5, -0.2, 1.2), (0.5, 0.3, 1.5), 0.03), Line((0.1, -0.6, 1.0), (0.0, 0.6, 1.6), 0.03, brightness=3.0))
    motion = Trajectory.steady(np.eye(3), [0, 0, 0], [0.4, 0.3, 0.1], [0.2, -0.1, 0.3], duration_s=0.2)
    return Scene(RADTAN, motion, Lines(lines), **{"sensor": Sensor.ideal(), **changes})


def test_line_events_lie_on_the_true_edges():
    simulation = simulate(lines_scene())
    truth, events = simulation.truth, simulation.events
    assert len(events) > 2000
    R, t = truth.scene.trajectory.pose(events.t)
    edges = truth.edges_m().reshape(-1, 2, 3)
    share = np.linspace(0, 1, 400)[:, None, None]
    points = (edges[:, 0] + share * (edges[:, 1] - edges[:, 0])).reshape(-1, 3)
    nearest = []
    for k in range(0, len(events), 37):
        px = RADTAN.project(points @ R[k].T + t[k])
        nearest.append(np.nanmin(np.linalg.norm(px - [events.x[k], events.y[k]], axis=1)))
    assert np.percentile(nearest, 95) < 1.7  # the blur has 0.67 px
    assert np.median(nearest) < 0.7


def test_gyro_is_the_camera_turn_in_its_own_axes():
    R_cam_imu = exp_so3([0.3, 0.2, -1.0])
    gyro = Gyro(rate_hz=500.0, noise_radps=0.0, bias_radps=(0.01, 0.02, -0.03), R_cam_imu=R_cam_imu, offset_us=250)
    scene = lines_scene(gyro=gyro)
    imu = Truth.of(scene).imu
    assert len(imu) == 101
    _, omega = scene.trajectory.velocity(imu.t + imu.offset_us)
    np.testing.assert_allclose((imu.gyro_radps - [0.01, 0.02, -0.03]) @ R_cam_imu.T, omega, atol=1e-9)


def test_gyro_noise_follows_the_seed():
    scene = lines_scene(gyro=Gyro(noise_radps=0.01))
    a, b, c = (Truth.of(scene, seed).imu.gyro_radps for seed in (0, 0, 1))
    assert np.array_equal(a, b)
    assert (a - c).std() == pytest.approx(0.01 * np.sqrt(2), rel=0.1)
    np.testing.assert_array_equal(simulate(scene, 0).imu.gyro_radps, a)


def test_saved_lines_carry_velocity_and_gyro(tmp_path):
    simulation = line_world(lines_scene().world.lines, RADTAN, lines_scene().trajectory)
    simulation.truth.save(tmp_path / "lines.npz")
    saved = np.load(tmp_path / "lines.npz")
    np.testing.assert_allclose(saved["gt_v"][0], [0.4, 0.3, 0.1], atol=1e-6)
    np.testing.assert_allclose(saved["gt_w"], np.tile([0.2, -0.1, 0.3], (len(saved["gt_w"]), 1)), atol=1e-6)
    assert saved["lines_m"].shape == (2, 2, 3)
    assert saved["imu_gyro"].shape == (201, 3)


def test_rates_are_those_of_a_hand_held_davis():
    camera = Camera("pinhole-radtan", [322.4, 321.7, 171.3, 132.6, -0.31, 0.105, 0.0006, -0.0004, 0], 346, 260)
    events = circle_grid(CircleGrid.asymmetric(11, 4, 0.05, 0.02), camera, duration_s=0.3).events
    assert 0.3e6 < len(events) / 0.3 < 3e6
    assert events.p.mean() == pytest.approx(0.5, abs=0.05)


def test_scene_refuses_a_board_behind_the_camera():
    with pytest.raises(InputError, match="behind"):
        Scene(RADTAN, Trajectory.still(np.eye(3), [0, 0, -1.0], duration_s=0.1), Board(TARGET))


def test_light_discs_on_dark_ground_swap_polarity():
    dark = simulate(Scene(RADTAN, hand_before(TARGET, RADTAN, 0.2), Board(TARGET), Sensor.ideal())).events
    light_target = dataclasses.replace(TARGET, dark_on_light=False)
    light = simulate(Scene(RADTAN, hand_before(TARGET, RADTAN, 0.2), Board(light_target), Sensor.ideal())).events
    # where one board brightens first the other darkens, but for the rim of the sheet
    first = []
    for events in (dark, light):
        pixel, index = np.unique(events.y.astype(int) * 128 + events.x, return_index=True)
        first.append(dict(zip(pixel.tolist(), events.p[index].tolist(), strict=True)))
    common = first[0].keys() & first[1].keys()
    assert np.mean([first[0][px] != first[1][px] for px in common]) > 0.8


def test_a_board_seen_from_its_edge_on_is_seen_as_nothing():
    camera = Camera("pinhole-radtan", [60.0, 60.0, 31.5, 23.5, -0.1, 0, 0, 0, 0], 64, 48)
    across = Trajectory.steady(exp_so3([np.pi / 2, 0, 0]), [0, 0, 0.6], [0, 0.2, 0], [0, 0, 0], duration_s=0.3)
    board = Board(CircleGrid.asymmetric(5, 4, 0.05, 0.02))
    events = simulate(Scene(camera, across, board, Sensor(background_hz=0.0, hot_pixels=0))).events
    assert len(events) > 100
    assert events.t[0] > 1000
