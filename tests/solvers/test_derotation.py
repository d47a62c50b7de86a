import numpy as np
import pytest
from scipy.integrate import solve_ivp

from evcam.core.rotation import exp_so3, hat
from evcam.errors import InputError
from evcam.solvers import derotate


def unit_bearings(rng, count):
    f = rng.normal(size=(count, 3)) + [0, 0, 3]
    return f / np.linalg.norm(f, axis=1, keepdims=True)


def test_constant_rate_is_the_exponential():
    rng = np.random.default_rng(0)
    f, t, w = unit_bearings(rng, 20), rng.uniform(-1, 1, 20), np.array([0.3, -0.5, 0.8])
    got = derotate(f, t, w)
    np.testing.assert_allclose(got.bearings, np.einsum("nij,nj->ni", exp_so3(t[:, None] * w), f), atol=1e-14)


def test_sequence_follows_the_differential_equation():
    clock = np.linspace(-0.3, 0.3, 61)
    samples = np.stack([np.sin(9 * clock), 0.5 * np.cos(7 * clock), 2 * clock], 1)
    rng = np.random.default_rng(1)
    f, t = unit_bearings(rng, 12), np.sort(rng.uniform(-0.29, 0.29, 12))
    got = derotate(f, t, samples, clock)

    def slope(s, R):
        w = [np.interp(s, clock, samples[:, k]) for k in range(3)]
        return (R.reshape(3, 3) @ hat(w)).ravel()

    for i in range(12):
        end = solve_ivp(slope, (0, t[i]), np.eye(3).ravel(), rtol=1e-9, atol=1e-10, max_step=0.01).y[:, -1].reshape(3, 3)
        np.testing.assert_allclose(got.bearings[i], end @ f[i], atol=5e-7)


@pytest.mark.parametrize("sequence", [False, True])
def test_derivatives_against_central_differences(sequence):
    rng = np.random.default_rng(2)
    f, t, w = unit_bearings(rng, 8), rng.uniform(-0.4, 0.4, 8), np.array([0.4, -0.9, 0.6])
    clock = np.linspace(-0.5, 0.5, 101)
    rates = np.outer(1 + clock, w) if sequence else w

    def turned(dw=0.0, dt=0.0):
        return derotate(f, t + dt, rates + dw, clock if sequence else None).bearings

    got = derotate(f, t, rates, clock if sequence else None)
    np.testing.assert_allclose(got.rates, (turned(dt=1e-5) - turned(dt=-1e-5)) / 2e-5, atol=1e-6)
    for axis in np.eye(3):
        numeric = (turned(1e-5 * axis) - turned(-1e-5 * axis)) / 2e-5
        np.testing.assert_allclose(np.cross(got.gyro_jacobians @ axis, got.bearings), numeric, atol=3e-6)


@pytest.mark.parametrize(("sequence", "allowed"), [(False, 5e-8), (True, 2e-7)])
def test_correcting_a_bias_is_derotating_with_the_right_rate(sequence, allowed):
    rng = np.random.default_rng(3)
    f, t, w, bias = unit_bearings(rng, 10), rng.uniform(-0.3, 0.3, 10), np.array([0.2, 0.1, -0.3]), np.array([0.02, -0.01, 0.03])
    t[0] = 0.0
    clock = np.linspace(-0.5, 0.5, 101)
    rates = np.outer(1 + clock, w) if sequence else w
    got, right = derotate(f, t, rates + bias, clock if sequence else None).corrected(bias), derotate(
        f, t, rates, clock if sequence else None)
    np.testing.assert_allclose(got.bearings, right.bearings, atol=allowed)
    np.testing.assert_allclose(got.pixel_jacobians, right.pixel_jacobians, atol=allowed)
    np.testing.assert_allclose(got.rates, right.rates, atol=3e-4)
    np.testing.assert_allclose(got.gyro_jacobians, right.gyro_jacobians, atol=3e-4)


def test_bad_gyro_input_is_refused():
    f, t = np.array([[0.0, 0.0, 1.0]]), np.array([0.5])
    with pytest.raises(InputError, match="covers"):
        derotate(f, t, np.zeros((2, 3)), [0.0, 0.4])
    with pytest.raises(InputError, match="ascending"):
        derotate(f, t, np.zeros((2, 3)), [1.0, 0.0])
    with pytest.raises(InputError, match="need gyro_times_s"):
        derotate(f, t, np.zeros((2, 3)))


def test_pixel_jacobians_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match=r"pixel_jacobians_cam must be finite and of shape \(2, 3, 2\)"):
        derotate(np.eye(3)[:2], [0.0, 0.1], [0.0, 0.0, 1.0], pixel_jacobians_cam=np.full((2, 3, 2), np.nan))
