import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from evcam.core.rotation import exp_so3, hat, left_jacobian_so3, log_so3

RNG = np.random.default_rng(0)
SIZES = pytest.mark.parametrize("size", [0.0, 1e-12, 1e-7, 9.9e-5, 1.01e-4, 1e-2, 1.0, 3.0])


def vectors(size, n=20):
    w = RNG.normal(size=(n, 3))
    return size * w / np.linalg.norm(w, axis=1, keepdims=True)


def test_hat_is_the_cross_product():
    w, v = RNG.normal(size=(2, 4, 5, 3))
    np.testing.assert_allclose(np.einsum("...ij,...j->...i", hat(w), v), np.cross(w, v), atol=1e-14)


@SIZES
def test_exponential_agrees_with_scipy_and_comes_back(size):
    w = vectors(size)
    np.testing.assert_allclose(exp_so3(w), Rotation.from_rotvec(w).as_matrix(), atol=1e-14)
    np.testing.assert_allclose(log_so3(exp_so3(w)), w, atol=1e-13, rtol=1e-12)


@SIZES
def test_left_jacobian_against_central_differences(size):
    for w in vectors(size, 5):
        steps = 1e-5 * np.eye(3)
        turned = exp_so3(w + steps) @ exp_so3(w).T, exp_so3(w - steps) @ exp_so3(w).T
        numeric = (log_so3(turned[0]) - log_so3(turned[1])).T / 2e-5
        np.testing.assert_allclose(left_jacobian_so3(w), numeric, atol=2e-9)


@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_exponentials_are_rotations(w):
    R = exp_so3(w)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-13)
    assert np.linalg.det(R) == pytest.approx(1)


def test_leading_axes_are_kept():
    w = RNG.normal(size=(2, 4, 3))
    assert exp_so3(w).shape == left_jacobian_so3(w).shape == (2, 4, 3, 3)
    assert log_so3(exp_so3(w)).shape == w.shape
    assert exp_so3(w[0, 0]).shape == (3, 3)
