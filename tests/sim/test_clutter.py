"""Hands, walls and things that pass lie where they were put, and the truth says what they cover."""

import dataclasses

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError
from evcam.sim import (
    Backdrop,
    Board,
    Limb,
    Occluder,
    Scene,
    Sensor,
    Texture,
    Truth,
    Waypoint,
    hand,
    simulate,
    simulate_chunks,
)

CAMERA = Camera("pinhole-radtan", [120, 121, 63.0, 48.0, -0.3, 0.1, 0.0006, -0.0004, 0], 128, 96)
TARGET = CircleGrid.asymmetric(5, 4, 0.05, 0.02)
STILL = Trajectory.still(exp_so3([0.1, -0.2, 0.1]), [-0.17, -0.08, 0.45], duration_s=0.4)
QUIET = Sensor.ideal()


def half_way(a, b):
    """A sensor that fires when light has gone half of the way from a to b."""
    return Sensor.ideal(abs(float(np.log((a + b) / 2 / a))))


def first_events(events, on):
    pixel = events.y.astype(int) * events.width + events.x
    _, first = np.unique(pixel, return_index=True)
    first = first[events.p[first] == on]
    return events.t[first], np.stack([events.x[first], events.y[first]], 1).astype(float)


def on_plane(scene, t_us, px, z_m):
    """Where pixels look on a plane of the board's frame."""
    R, t = scene.trajectory.pose(t_us)
    bearing = np.einsum("nji,nj->ni", R, CAMERA.unproject(px))
    eye = -np.einsum("nji,nj->ni", R, t)
    return (eye + bearing * ((z_m - eye[:, 2:]) / bearing[:, 2:]))[:, :2], eye


def test_outline_of_an_occluder_passes_when_its_path_says():
    board = Board(TARGET, margin_m=2.0)
    path = Waypoint(0.05, (-0.1, -0.05, -0.1)), Waypoint(0.4, (0.3, 0.2, -0.2))
    disc = Occluder((Limb((0.0, 0.0), (0.0, 0.0), 0.03),), path, 0.1)
    scene = Scene(CAMERA, STILL, dataclasses.replace(board, occluders=(disc,)), half_way(board.white, 0.1))
    t_us, px = first_events(simulate(scene).events, on=False)
    white = np.linalg.norm(on_plane(scene, t_us, px, 0.0)[0][:, None] - TARGET.object_points[:, :2], axis=-1).min(1) > 0.03
    middle = disc.pose(t_us * 1e-6)[1]
    point, eye = on_plane(scene, t_us, px, middle[:, 2:])
    distance_px = (np.linalg.norm(point - middle[:, :2], axis=1) - 0.03) * 120 / (middle[:, 2] - eye[:, 2])
    assert white.sum() > 300
    assert abs(distance_px[white].mean()) < 0.03
    assert np.percentile(np.abs(distance_px[white]), 90) < 0.05


@pytest.mark.parametrize("moving", [False, True])
def test_edges_of_a_backdrop_are_crossed_where_its_waves_cancel(moving):
    texture = Texture(0.2, 0.8, scale_m=0.3, seed=4)
    omega = [0.3, -0.4, 0.5] if not moving else [0.0, 0.0, 0.0]
    velocity = [0.0, 0.0, 0.0] if not moving else [0.4, 0.3, 0.1]
    motion = Trajectory.steady(exp_so3([0.1, -0.2, 0.1]), [-0.17, -0.08, 0.45], velocity, omega, duration_s=0.2)
    scene = Scene(CAMERA, motion, Board(TARGET, backdrop=Backdrop(0.7, texture)), half_way(0.2, 0.8))
    t_us, px = first_events(simulate(scene).events, on=True)

    def field(px):
        waves, (point, _) = texture.waves(), on_plane(scene, t_us, px, 0.7)
        return np.sin(point @ waves[:, :2].T + waves[:, 2]).sum(1)

    f = field(px)
    slope = np.hypot(*(field(px + d) - field(px - d) for d in np.eye(2) / 2))
    x0, x1, y0, y1 = scene.world.outline_m
    on_sheet, _ = on_plane(scene, t_us, px, 0.0)
    beside = ((on_sheet < [x0 - 0.02, y0 - 0.02]) | (on_sheet > [x1 + 0.02, y1 + 0.02])).any(1)
    began, _ = on_plane(scene, np.zeros(len(px)), px, 0.7)
    dark = np.sin(began @ texture.waves()[:, :2].T + texture.waves()[:, 2]).sum(1) < -1.5  # and so a whole step follows
    good = beside & dark & (slope > 0.1)
    assert good.sum() > 100
    assert np.median(f[good] / slope[good]) == pytest.approx(0.0, abs=0.02)
    assert np.percentile(np.abs(f[good] / slope[good]), 90) < 0.05


def test_clouds_take_all_tones_between_dark_and_bright():
    world = Board(TARGET, backdrop=Backdrop(0.5, Texture(0.1, 0.9, scale_m=0.3, sharp=False)))
    motion = Trajectory.steady(np.eye(3), [0.6, -0.1, 0.4], [1.0, 0, 0], [0, 0, 0], duration_s=0.3)  # the board is outside
    thresholds = np.array([simulate(Scene(CAMERA, motion, world, Sensor.ideal(c))).events.t.size for c in (0.1, 0.2, 0.4)])
    # a crossing of an edge fires whole thresholds; a slow change of tone in proportion
    assert thresholds[1] / thresholds[0] == pytest.approx(0.5, abs=0.08)
    assert 0 < thresholds[2] < 0.5 * thresholds[1]


def test_nothing_moves_nothing_fires():
    world = Board(TARGET, backdrop=Backdrop(), occluders=(hand((Waypoint(0.0, (0.2, 0.1, -0.1)),), Texture()),))
    assert len(simulate(Scene(CAMERA, STILL, world, QUIET)).events) == 0


PATH = (Waypoint(0.05, (0.5, 0.2, -0.1), -60), Waypoint(0.25, (0.15, 0.1, -0.1), -80), Waypoint(0.35, (0.15, 0.1, -0.1), -80))


def test_circles_behind_a_hand_are_called_covered_and_no_others():
    # a tone of neither the sheet nor the circles: what it hides fires
    scene = Scene(CAMERA, STILL, Board(TARGET, occluders=(hand(PATH, 0.25, length_m=0.15),)), QUIET)
    simulation = simulate(scene)
    covered = simulation.truth.covered(np.arange(0, 400_001, 5000))
    assert covered.shape == (81, 20)
    assert not covered[0].any()
    assert 3 < covered[-1].sum() < 15
    ever, events = covered.any(0), simulation.events
    for k, (x, y) in enumerate(simulation.truth.centers(0)):
        near = np.hypot(events.x - x, events.y - y)
        assert (near < 3.0).any() <= ever[k]
        if covered[-1, k] and not covered[:40, k].any():
            assert events.t[near < 5.0].min(initial=400_000) > 190_000
    assert any((np.hypot(events.x - x, events.y - y) < 1.0).any() for x, y in simulation.truth.centers(0)[ever])


def test_circles_under_a_palm_fire_no_more():
    palm = Occluder((Limb((0.0, 0.0), (0.2, 0.0), 0.06),), (Waypoint(0.0, (0.05, 0.1, -0.02)),))
    motion = Trajectory.steady(np.eye(3), [-0.17, -0.1, 0.4], [0.3, 0.1, 0.0], [0, 0, 0], duration_s=0.2)
    simulation = simulate(Scene(CAMERA, motion, Board(TARGET, occluders=(palm,)), QUIET))
    inside = [9, 10]  # at (0.1, 0.1) and (0.2, 0.1)
    assert simulation.truth.covered(np.arange(0, 200_001, 10_000))[:, inside].all()
    events = simulation.events
    radius_px = 120 * 0.02 / 0.4
    for k in inside:
        for t_us in (50_000, 100_000, 150_000):
            part = events.between(t_us - 5000, t_us + 5000)
            x, y = simulation.truth.centers(t_us)[k]
            assert not (np.hypot(part.x - x, part.y - y) < radius_px + 2).any()


def test_covered_of_boards_without_clutter_is_false():
    truth = Truth.of(Scene(CAMERA, STILL, Board(TARGET)))
    assert not truth.covered([0, 1000]).any()
    assert truth.covered(0).shape == (20,)


def test_truth_file_says_what_is_covered(tmp_path):
    scene = Scene(CAMERA, STILL, Board(TARGET, occluders=(hand(PATH, length_m=0.15),)))
    Truth.of(scene).save(tmp_path / "truth.npz")
    saved = np.load(tmp_path / "truth.npz")
    np.testing.assert_array_equal(saved["gt_covered"], Truth.of(scene).covered((saved["gt_t"] * 1e6).round().astype(int)))
    Truth.of(dataclasses.replace(scene, world=Board(TARGET))).save(tmp_path / "plain.npz")
    assert "gt_covered" not in np.load(tmp_path / "plain.npz")


def test_same_seed_same_bytes_and_slabs_are_the_same_recording():
    world = Board(TARGET, backdrop=Backdrop(), occluders=(hand(PATH, Texture(sharp=False)),))
    motion = Trajectory.steady(np.eye(3), [-0.1, -0.05, 0.4], [0.8, 0.2, 0], [0, 0, 0.5], duration_s=0.12)
    scene = Scene(CAMERA, motion, world)
    whole, slabs = simulate(scene, 3).events, list(simulate_chunks(scene, 3))
    for name in ("t", "x", "y", "p"):
        assert np.array_equal(np.concatenate([getattr(slab, name) for slab in slabs]), getattr(whole, name))


def test_occluder_moves_from_rest_to_rest_and_stays():
    thing = Occluder((Limb((0, 0), (1, 0), 0.1),), PATH)
    R, at = thing.pose([-1.0, 0.05, 0.15, 0.25, 0.3, 9.0])
    np.testing.assert_allclose(at[:, 0], [0.5, 0.5, 0.325, 0.15, 0.15, 0.15])
    np.testing.assert_allclose(np.degrees(np.arctan2(R[:, 1, 0], R[:, 0, 0])), [-60, -60, -70, -80, -80, -80])
    just = thing.pose([0.05, 0.051])[1][:, 0]
    assert just[0] - just[1] < 1e-5


def test_hand_is_as_long_as_asked():
    whole = hand(PATH, length_m=0.2)
    tips = np.array([[limb.end_m[0], limb.end_m[1] - limb.radius_m] for limb in whole.limbs])
    assert tips[:, 1].min() == pytest.approx(-0.72 * 0.2)
    assert whole.covers([[0.0, 0.0], [0.0, 0.3]]).all()
    assert not whole.covers([[0.0, -0.144], [0.2, 0.0]]).any()


@pytest.mark.parametrize(("make", "names"), [
    (lambda: Texture(dark=0.0), "dark"),
    (lambda: Texture(scale_m=-1.0), "scale_m"),
    (lambda: Texture(sharp=1), "sharp"),
    (lambda: Texture(seed=0.5), "seed"),
    (lambda: Backdrop(0.0), "distance_m"),
    (lambda: Limb((0, 0), (1, 0, 0), 0.1), "end_m"),
    (lambda: Limb((0, 0), (1, 0), 0.0), "radius_m"),
    (lambda: Waypoint(0.0, (0, 0, 0.1)), "z < 0"),
    (lambda: Waypoint(0.0, (0, 0)), "at_m"),
    (lambda: Occluder((), PATH), "limb"),
    (lambda: Occluder((Limb((0, 0), (1, 0), 0.1),), PATH[::-1]), "increase"),
    (lambda: Occluder((Limb((0, 0), (1, 0), 0.1),), PATH, -1.0), "tone"),
    (lambda: hand(PATH, length_m=0.0), "length_m"),
])
def test_impossible_clutter_is_refused(make, names):
    with pytest.raises(InputError, match=names):
        make()
