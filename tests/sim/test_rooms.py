"""Random rooms are what they claim, and pixels that look only at bands near them see the same."""

from dataclasses import replace

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError
from evcam.sim import Line, Lines, Scene, Sensor, _nearby, random_room, simulate
from evcam.sim._nearby import Tiles

CAMERA = Camera("pinhole-radtan", [120, 121, 63.0, 48.0, -0.3, 0.1, 0.0006, -0.0004, 0], 128, 96)
FISHEYE = Camera("pinhole-equidistant", [50, 50, 63.0, 48.0, 0.02, -0.01, 0.0, 0.0], 128, 96)


@pytest.fixture(scope="module", params=[(10, 0.3, 0.5), (60, 2.0, np.pi)], ids=["sparse and slow", "dense and fast"])
def room(request):
    segments, speed_mps, turn_radps = request.param
    return random_room(CAMERA, 7, segments=segments, speed_mps=speed_mps, turn_radps=turn_radps, duration_s=1.5), request.param


def test_flight_is_as_fast_as_asked(room):
    scene, (_, speed_mps, turn_radps) = room
    velocity, omega = scene.trajectory.velocity(np.arange(0, 1_480_001, 5000))
    np.testing.assert_allclose(np.linalg.norm(velocity, axis=1), speed_mps, rtol=0.01)
    assert np.linalg.norm(omega, axis=1).max() == pytest.approx(turn_radps, rel=0.02)


def test_every_segment_is_seen_and_none_is_too_near(room):
    scene, (segments, *_) = room
    R, t = scene.trajectory.pose(np.arange(0, 1_500_001, 5000))
    eyes = -np.einsum("nji,nj->ni", R, t)
    assert len(scene.world.lines) == segments
    for line in scene.world.lines:
        points = np.linspace(line.start_m, line.end_m, 50)
        assert np.linalg.norm(points - eyes[:, None], axis=-1).min() > 0.49
        px = CAMERA.project(np.einsum("nij,j->ni", R, (points[0] + points[-1]) / 2) + t)
        assert ((px > -1) & (px < [128, 96])).all(1).any()


def test_room_fires_and_its_gyro_is_noisy():
    scene = random_room(CAMERA, 3, segments=20, duration_s=0.2)
    simulation = simulate(scene, 1)
    assert len(simulation.events) > 5000
    _, omega = scene.trajectory.velocity(simulation.imu.t)
    error = simulation.imu.gyro_radps - omega
    np.testing.assert_allclose(error.mean(0), scene.gyro.bias_radps, atol=4 * 0.005 / np.sqrt(201))
    assert error.std(0) == pytest.approx(np.full(3, 0.005), rel=0.2)
    assert np.abs(scene.gyro.bias_radps).max() > 1e-3


def test_same_seed_same_room_other_seed_another():
    a, b, c = (random_room(CAMERA, seed, segments=5) for seed in (1, 1, 2))
    assert a.world == b.world != c.world
    np.testing.assert_array_equal(a.trajectory.pose(300_000)[1], b.trajectory.pose(300_000)[1])


@pytest.mark.parametrize("change", [
    {"segments": 0}, {"segments": 2.5}, {"speed_mps": -1.0}, {"turn_radps": "fast"}, {"duration_s": 0.0},
])
def test_impossible_rooms_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        random_room(CAMERA, **change)


def test_coarser_sampling_changes_a_room_little():
    scene = random_room(CAMERA, 2, segments=40, speed_mps=1.5, turn_radps=2.0, duration_s=0.2, sensor=Sensor.ideal())
    fine, coarse = (simulate(replace(scene, step_px=step_px)).events for step_px in (0.1, 0.5))
    assert len(coarse) == pytest.approx(len(fine), rel=0.005)
    order = [np.lexsort((e.t, e.x, e.y)) for e in (coarse, fine)]
    number = [np.bincount(e.y.astype(int) * 128 + e.x, minlength=128 * 96) for e in (coarse, fine)]
    same = number[0] == number[1]
    assert same.mean() > 0.98
    late = np.subtract(*(e.t[k][np.repeat(same, n)] for e, k, n in zip((coarse, fine), order, number, strict=True)))
    # edges move at 100 px/s and more: 0.1 ms is some 0.01 px
    assert np.median(np.abs(late)) < 100
    assert abs(late.mean()) < 60


@pytest.mark.parametrize("camera", [CAMERA, FISHEYE], ids=["radtan", "equidistant"])
def test_bands_that_are_left_out_change_nothing(camera, monkeypatch):
    rng = np.random.default_rng(5)
    lines = []
    for _ in range(12):  # all of them face the camera
        middle, along = rng.uniform([-1.5, -1.2, 1.0], [1.5, 1.2, 2.5]), rng.normal(0, [0.4, 0.4, 0.1])
        lines.append(Line(tuple(middle - along), tuple(middle + along), 0.05, float(rng.choice([0.3, 3.0])), (0.0, 0.0, -1.0)))
    motion = Trajectory.steady(np.eye(3), [0, 0, 0], [0.9, -0.4, 0.5], [0.3, 0.5, 2.0], duration_s=0.17)
    scene = Scene(camera, motion, Lines(tuple(lines)), Sensor(cutoff_hz=500.0))
    few, shares = Tiles.nearby, []

    def counted(self, H, times, bands, *rest):
        found = few(self, H, times, bands, *rest)
        shares.append(len(found[1]) / (len(self.rays) * len(bands)))
        return found

    monkeypatch.setattr(Tiles, "nearby", counted)
    quick = simulate(scene).events
    monkeypatch.setattr(_nearby, "MARGIN_SIGMAS", 1e6)
    thorough = simulate(scene).events
    assert len(quick) > 5000
    assert max(shares[:4]) < 0.8
    assert min(shares[4:]) == 1.0
    for name in ("t", "x", "y", "p"):
        assert getattr(quick, name).tobytes() == getattr(thorough, name).tobytes()
