"""Simulated pixels obey the physics that they claim."""

import dataclasses

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.target import Checkerboard, CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError
from evcam.sim import Board, Flicker, Line, Lines, Scene, Sensor, simulate, simulate_chunks

CAMERA = Camera("pinhole-radtan", [60, 60, 31.5, 23.5, 0, 0, 0, 0, 0], 64, 48)
QUIET = Sensor.ideal()


def sweep(brightness, sensor, speed_mps=1.5, duration_s=0.3):
    """A wide upright boundary that passes over the middle of the image."""
    band = Line((0.0, -3.0, 1.0), (0.0, 3.0, 1.0), width_m=0.4, brightness=brightness, normal=(0, 0, -1))
    motion = Trajectory.steady(np.eye(3), [0.15, 0, 0], [speed_mps, 0, 0], [0, 0, 0], duration_s=duration_s)
    return simulate(Scene(CAMERA, motion, Lines((band,), 0.5), sensor)).events


def counts(events, on):
    table = np.zeros((events.height, events.width), int)
    np.add.at(table, (events.y[events.p == on], events.x[events.p == on]), 1)
    return table


def still(sensor, duration_s=1.0, flicker=None):
    board = Board(Checkerboard(4, 6, 0.05), flicker=flicker)
    pose = np.eye(3), [-0.125, -0.075, 0.5]
    return simulate(Scene(CAMERA, Trajectory.still(*pose, duration_s=duration_s), board, sensor))


@pytest.mark.parametrize(("brightness", "threshold"), [(0.2, 0.25), (0.2, 0.5), (4.0, 0.3), (0.05, 0.11)])
def test_events_per_crossing_are_whole_thresholds_of_contrast(brightness, threshold):
    events = sweep(brightness, Sensor.ideal(threshold))
    # columns over which one edge of the band passes, and the other does not
    column = counts(events, brightness > 1)[:, 8:22]
    np.testing.assert_array_equal(column, int(abs(np.log(brightness)) / threshold))


def test_mismatch_spreads_thresholds_as_stated():
    events = sweep(1e-3, dataclasses.replace(Sensor.ideal(0.1), mismatch=0.01))
    number = counts(events, False)[:, 8:22]
    expected = np.log(1e3) / 0.1
    assert number.mean() == pytest.approx(expected * 1.01, rel=0.03)
    assert number.std() == pytest.approx(expected * 0.01 / 0.1, rel=0.2)


def test_refractory_pixels_never_fire_sooner():
    events = sweep(0.01, dataclasses.replace(QUIET, refractory_s=0.003))
    pixel = events.y.astype(int) * 64 + events.x
    order = np.argsort(pixel, kind="stable")
    same = np.diff(pixel[order]) == 0
    assert np.diff(events.t[order])[same].min() >= 2999
    assert len(events) < len(sweep(0.01, QUIET))


def test_latency_delays_everything_alike():
    plain, late = sweep(0.2, QUIET), sweep(0.2, dataclasses.replace(QUIET, latency_s=0.002))
    n = len(late)
    assert np.abs(late.t - 2000 - plain.t[:n]).max() <= 1
    assert np.all(plain.t[n:] >= 298_000)


def test_latency_jitter_has_its_standard_deviation():
    once = Sensor.ideal(1.2)  # one event of a pixel per crossing, and a column's pixels are crossed together
    plain = sweep(0.2, once)
    jittered = sweep(0.2, dataclasses.replace(once, latency_s=0.005, latency_jitter_s=0.001))
    spread = np.concatenate([jittered.t[jittered.x == x] - plain.t[plain.x == x].mean() for x in range(8, 22)])
    assert spread.mean() == pytest.approx(5000, abs=150)
    assert spread.std() == pytest.approx(1000, rel=0.1)


def test_photoreceptor_delays_a_step_by_its_time_constant():
    flicker = Flicker(2.0, rise_s=1e-4)
    fast, slow = (still(dataclasses.replace(Sensor.ideal(1.2), cutoff_hz=hz), flicker=flicker).events for hz in (0.0, 100.0))
    # the middle of a square is the first to have changed by the threshold
    expected_us = -np.log(1 - 1.2 / np.log(0.9 / 0.07)) / (2 * np.pi * 100.0) * 1e6
    assert slow.t[0] - 125_050 == pytest.approx(expected_us, rel=0.02)
    assert fast.t[0] < 125_100


def test_background_rate_is_poisson_and_of_both_polarities():
    events = still(dataclasses.replace(QUIET, background_hz=5.0), duration_s=1.0).events
    expected = 5.0 * 64 * 48
    assert abs(len(events) - expected) < 4 * np.sqrt(expected)
    assert abs(events.p.sum() - expected / 2) < 4 * np.sqrt(expected / 4)
    per_pixel = np.bincount(events.y.astype(int) * 64 + events.x, minlength=64 * 48)
    assert per_pixel.var() == pytest.approx(5.0, rel=0.12)


def test_hot_pixels_are_few_and_loud():
    events = still(dataclasses.replace(QUIET, hot_pixels=3, hot_hz=200.0)).events
    assert len(np.unique(events.y.astype(int) * 64 + events.x)) == 3
    assert len(events) == pytest.approx(600, abs=100)


@pytest.mark.parametrize("cutoff_hz", [0.0, 50.0])
def test_nothing_moves_nothing_fires(cutoff_hz):
    assert len(still(dataclasses.replace(QUIET, cutoff_hz=cutoff_hz)).events) == 0


def test_inverting_screen_fires_every_pixel_at_every_switch():
    events = still(QUIET, duration_s=1.0, flicker=Flicker(2.0, rise_s=0.004)).events
    switches = np.array([125_000, 375_000, 625_000, 875_000])
    nearest = np.abs(events.t[:, None] - switches - 2000).min(1)
    assert nearest.max() <= 2001
    inside = (events.x > 18) & (events.x < 45) & (events.y > 16) & (events.y < 31)
    firsts = [np.count_nonzero(inside & (np.abs(events.t - s - 2000) < 2001)) for s in switches]
    assert min(firsts) > 26 * 14 * 4  # eight thresholds of 0.3 in the contrast of 2.55, fewer at the edges
    # what rises at one switch falls at the next
    t, middle = events.t, (events.x == 25) & (events.y == 20)
    polarity = [set(events.p[middle & (np.abs(t - s - 2000) < 2001)].tolist()) for s in switches]
    assert polarity[0] != polarity[1]
    assert polarity[0] == polarity[2]


def test_blinking_screen_leaves_dark_squares_dark():
    events = still(QUIET, duration_s=1.0, flicker=Flicker(2.0, mode="blink", rise_s=0.004)).events
    middles = np.array([[x, y] for y in range(5) for x in range(7)]) * 6 + [13.5, 11.5]
    fired = counts(events, True) + counts(events, False)
    hits = np.array([fired[round(y), round(x)] > 0 for x, y in middles])
    assert hits.any()
    assert not hits.all()


def moving(seed=0, duration_s=0.12):
    board = Board(CircleGrid.asymmetric(4, 3, 0.05, 0.02))
    motion = Trajectory.steady(np.eye(3), [-0.1, -0.05, 0.4], [0.8, 0.2, 0], [0, 0, 0.5], duration_s=duration_s)
    sensor = Sensor(latency_s=0.001, latency_jitter_s=0.0003, hot_pixels=2, cutoff_hz=300.0)
    return Scene(CAMERA, motion, board, sensor), seed


def test_same_seed_same_bytes_and_slabs_are_the_same_recording():
    first, again = simulate(*moving()).events, simulate(*moving()).events
    slabs = list(simulate_chunks(*moving()))
    assert len(slabs) == 3
    for name in ("t", "x", "y", "p"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
        assert np.array_equal(np.concatenate([getattr(slab, name) for slab in slabs]), getattr(first, name))
    assert simulate(*moving(seed=1)).events.t.tobytes() != first.t.tobytes()


def test_generator_is_a_seed_too():
    scene, _ = moving()
    a, b = (simulate(scene, np.random.default_rng(5)).events for _ in range(2))
    assert a.t.tobytes() == b.t.tobytes()


@pytest.mark.parametrize("change", [
    {"threshold_on": 0.0}, {"mismatch": -0.1}, {"psf_px": 0.0}, {"hot_pixels": 1.5}, {"refractory_s": float("nan")},
    {"cutoff_hz": "fast"},
])
def test_impossible_sensors_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        Sensor(**change)
