"""The direction from rates of lines whose truth is known."""

import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.motion.direction import direction_of_motion
from evcam.motion.posterior import Depths, DirectionCosts, GyroPrior, Hypothesis, LineRates, changes_across
from evcam.motion.rotation import Rotation
from evcam.solvers import derotate

STILL_GYRO = GyroPrior(np.zeros(3), 1e-8 * np.eye(3), 0.01)


def lines(rng, count, v, *, relative=0.02, gyro_error=(0.0, 0.0, 0.0)):
    """Random lines in front of a camera that moves by v: their rates with noise that is known."""
    ray = np.column_stack([rng.uniform(-0.6, 0.6, count), rng.uniform(-0.4, 0.4, count), np.ones(count)])
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    depth, along = rng.uniform(0.8, 3.0, count), rng.standard_normal((count, 3))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    plane = np.cross(along, ray)
    size = np.linalg.norm(plane, axis=1, keepdims=True)
    # n(t) = e1 x (P - v t): the plane's normal and its rate, over the length of the first.
    b, a = plane / size, np.cross(along, v) / (depth[:, None] * size)
    turn = -np.sign((np.cross(b, np.cross(b, ray)) * a).sum(1))[:, None]
    b, a = b * turn * -1, a * turn * -1
    across = ray - (ray * b).sum(1, keepdims=True) * b
    b, a = (x * np.where((across * a).sum(1) > 0, -1.0, 1.0)[:, None] for x in (b, a))
    e1, c = np.cross(b, across), across
    gyro = np.einsum("mi,mj->mij", c, np.cross(ray, b)) - np.einsum("mi,mj->mij", e1, c)
    sigma = relative * np.linalg.norm(a, axis=1)
    noise = np.stack([0.2 * sigma, 3 * sigma, 20 * sigma], 1)
    axes = np.stack([c, e1, b], 1)
    covariance = np.einsum("mki,mk,mkj->mij", axes, noise**2, axes)
    a = a + np.einsum("mki,mk->mi", axes, noise * rng.standard_normal((count, 3))) + gyro @ np.asarray(gyro_error)
    return LineRates(b, a, covariance, ray, gyro)


def offset(motion, v):
    """Squared error in units of the covariance, and the angle."""
    plane = np.linalg.svd(motion.vector[None])[2][1:]
    apart = plane @ (v / (motion.vector @ v) - motion.vector)
    square = float(apart @ np.linalg.solve(plane @ motion.covariance @ plane.T, apart))
    return square, np.arccos(np.clip(motion.vector @ v, -1, 1))


def unit(rng):
    v = rng.standard_normal(3)
    return v / np.linalg.norm(v)


def test_rates_are_those_of_lines_in_front():
    rng = np.random.default_rng(0)
    v = unit(rng)
    exact = lines(rng, 50, v, relative=1e-9)
    assert (exact.b @ v > 0).all()
    np.testing.assert_allclose(exact.a @ v, 0, atol=1e-7)
    assert (exact.speed > 0).all()


def test_sums_over_lines_are_those_of_each():
    rng = np.random.default_rng(1)
    doubts, directions = 1 + rng.random((2, 20)), np.stack([unit(rng) for _ in range(7)])
    costs = DirectionCosts(lines(rng, 20, unit(rng)), [Hypothesis(Depths(0.5, 0.1, 0.4), 1.0)], STILL_GYRO, doubts)
    rates, sums = costs.rates, costs._across(directions)
    design = np.zeros((7, 20, 10))  # the last one, the mean depth, changes nothing across
    design[..., :9] = [changes_across(v, rates.b, rates.gyro, rates.turning) for v in directions]
    variance, errors = doubts[1] * costs._variance(directions), directions @ costs.rates.a.T
    np.testing.assert_allclose(sums.squares, (errors**2 / variance).sum(1))
    np.testing.assert_allclose(sums.information, np.einsum("dmi,dmj,dm->dij", design, design, 1 / variance), atol=1e-9)
    np.testing.assert_allclose(sums.pull, np.einsum("dmi,dm->di", design, errors / variance), atol=1e-9)
    along = np.abs(directions @ costs.rates.b.T)
    np.testing.assert_allclose(sums.log_variances, (np.log(variance) - 2 * np.log(along + 1e-9)).sum(1))


def test_errors_follow_the_stated_covariance():
    squares, angles = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        v = unit(rng)
        motion = direction_of_motion(lines(rng, 30, v), STILL_GYRO)
        square, angle = offset(motion, v)
        squares.append(square)
        angles.append(angle)
        assert motion.sign_log_odds > 6
    assert np.degrees(np.median(angles)) < 3
    assert np.mean(np.array(squares) < 5.991) >= 0.9
    assert np.mean(squares) < 3


def test_wrong_lines_lose_their_weight():
    rng = np.random.default_rng(3)
    v = unit(rng)
    rates = lines(rng, 40, v, relative=0.005)
    good = direction_of_motion(rates, STILL_GYRO)
    a = rates.a.copy()
    a[:4] = 3 * rng.standard_normal((4, 3)) * np.linalg.norm(a, axis=1).mean()
    wrong = direction_of_motion(LineRates(rates.b, a, rates.covariance, rates.ray, rates.gyro), STILL_GYRO)
    assert np.degrees(np.arccos(np.clip(good.vector @ wrong.vector, -1, 1))) < 4
    assert wrong.errors[:4].max() > 3.5


def test_an_error_of_the_gyro_widens_the_answer():
    rng = np.random.default_rng(5)
    v = unit(rng)
    rates = lines(rng, 30, v)
    sure = direction_of_motion(rates, STILL_GYRO)
    unsure = direction_of_motion(rates, GyroPrior(np.zeros(3), 0.05**2 * np.eye(3), 0.01))
    assert np.trace(unsure.covariance) > 1.2 * np.trace(sure.covariance)


def test_turning_the_scene_turns_the_answer():
    rng = np.random.default_rng(7)
    v = unit(rng)
    rates, R = lines(rng, 30, v), exp_so3([0.3, -0.2, 0.5])
    turned = LineRates(rates.b @ R.T, rates.a @ R.T, R @ rates.covariance @ R.T, rates.ray @ R.T, R @ rates.gyro @ R.T)
    a, b = direction_of_motion(rates, STILL_GYRO), direction_of_motion(turned, STILL_GYRO)
    angle = np.degrees(np.arccos(np.clip(b.vector @ R @ a.vector, -1, 1)))
    assert angle < 0.1 * np.degrees(np.sqrt(np.trace(a.covariance)))


@pytest.mark.parametrize("many", [False, True])
def test_rotation_between_its_grid_is_what_derotation_gives(many):
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(-0.03, 0.03, 40))
    gyro_times = np.linspace(-0.03, 0.03, 31)
    rates = np.sin(np.outer(gyro_times, [40, 60, 80])) * [2, 1, 3] if many else np.array([1.0, -2.0, 0.5])
    given = (rates, gyro_times) if many else (rates,)
    R, _, _ = Rotation.of(-0.03, 0.03, *given).at(times)
    bearing = np.array([0.6, 0.0, 0.8])
    expected = derotate(np.tile(bearing, (40, 1)), times, *given)
    np.testing.assert_allclose(R @ bearing, expected.bearings, atol=1e-5)
