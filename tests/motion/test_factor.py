"""What a window's lines say together is true: of errors made to its own rule, and of rooms."""

import numpy as np
import pytest

from evcam.errors import InputError
from evcam.motion import LineFactor, VelocityOptions, estimate_velocity
from evcam.solvers.direction_posterior import half_sphere

V = np.array([0.6, 0.0, 0.8])


@pytest.fixture(scope="module")
def windows(room, camera):
    estimates = estimate_velocity(room.events, camera, room.imu, VelocityOptions(window_us=60_000))
    return [estimate for estimate in estimates if estimate.factor is not None]


def drawn(rng, count=12):
    """A factor whose lines err by what it states, when the velocity is V."""
    b = np.cross(V, rng.normal(size=(count, 3)))
    b += 0.5 * V
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    spread = rng.normal(size=(count, 3, 3)) * 0.05
    by_gyro, by_turning = rng.normal(size=(count, 3, 3)), 0.1 * rng.normal(size=(count, 3))
    own = np.einsum("mij,mj->mi", spread, rng.normal(size=(count, 3)))
    w, q, h = 0.02 * rng.normal(size=3), 0.3 * rng.normal(size=3), 0.1 * rng.normal(size=3)
    a = np.cross(V, rng.normal(size=(count, 3))) + own + by_gyro @ w
    a += V * (0.5 * b @ q + (b @ V) * (by_turning @ h))[:, None]
    covariance = spread @ spread.transpose(0, 2, 1)
    return LineFactor(tuple(range(count)), a, b, covariance, by_gyro, by_turning, 4e-4 * np.eye(3), 0.3, 0.1)


def test_residuals_at_the_truth_are_as_large_as_their_covariance_says():
    rng = np.random.default_rng(0)
    squares = []
    for _ in range(400):
        residuals, _, covariance = drawn(rng).at(3.0 * V)
        squares.append(residuals @ np.linalg.solve(covariance, residuals) / len(residuals))
    assert np.mean(squares) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 12 / 400))


def test_derivatives_are_those_of_the_residuals():
    factor, step = drawn(np.random.default_rng(1)), 1e-6
    _, jacobian, _ = factor.at(V)
    for change in np.cross(V, np.eye(3)):
        numeric = (factor.at(V + step * change)[0] - factor.at(V - step * change)[0]) / (2 * step)
        np.testing.assert_allclose(jacobian @ change, numeric, atol=1e-7)


def test_lines_of_a_room_fused_alone_find_the_direction(room, windows):
    """Cheapest of all directions, each window by itself: near the truth, which their covariance admits."""
    lattice = half_sphere(3000)
    assert len(windows) >= 3
    for estimate in windows:
        truth, factor = room.direction(estimate.t_us), estimate.factor
        assert set(factor.ids) <= {line.id for line in estimate.lines}
        assert factor.cost(truth) == pytest.approx(factor.cost(-truth))
        cheapest = min(lattice, key=factor.cost)
        assert np.degrees(np.arccos(min(1.0, abs(cheapest @ truth)))) < 20
        residuals, _, covariance = factor.at(truth)
        assert residuals @ np.linalg.solve(covariance, residuals) < len(factor) + 3 * np.sqrt(2 * len(factor))
        assert (factor.b @ truth > 0).mean() > 0.9


@pytest.mark.parametrize("direction", [[0, 0, 0], [1, 0], [np.nan, 0, 1]])
def test_what_is_no_direction_is_refused(direction):
    with pytest.raises(InputError, match="three finite numbers"):
        drawn(np.random.default_rng(2)).at(direction)


def test_windows_without_motion_have_no_factor(turning, camera):
    estimates = estimate_velocity(turning.events, camera, turning.imu, VelocityOptions(window_us=100_000))
    assert estimates
    assert all(estimate.factor is None for estimate in estimates)
