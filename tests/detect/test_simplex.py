import numpy as np
import pytest
from scipy.optimize import minimize

from evcam.detect.simplex import minimize_simplex

LOW, HIGH = np.array([-2.0, -1.0]), np.array([2.0, 3.0])
START = np.array([[0.0, 0.0], [-0.2, 0.0], [0.0, 0.05]])


def bent_valley(q):
    return 100 * (q[1] - q[0] ** 2) ** 2 + (1 - q[0]) ** 2


def cone_beyond_the_bounds(q):
    return np.hypot(q[0] - 3, q[1] - 1)


def uneven(q):
    return abs(q[0] - 0.3) + 2 * abs(q[1] + q[0]) + 0.1 * np.sin(40 * q[0])


@pytest.mark.parametrize("function", [bent_valley, cone_beyond_the_bounds, uneven])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
def test_the_walk_is_the_one_of_scipy(function, tolerance):
    ours, theirs = [], []

    def noted(q, places):
        places.append(np.array(q))
        return function(q)

    found = minimize_simplex(
        lambda q: noted(q, ours), START, LOW, HIGH, x_tolerance=tolerance, f_tolerance=tolerance, max_evaluations=1000
    )
    other = minimize(
        lambda q: noted(q, theirs), START[0], method="Nelder-Mead", bounds=list(zip(LOW, HIGH, strict=True)),
        options={"xatol": tolerance, "fatol": tolerance, "maxfev": 1000, "initial_simplex": START},
    )
    np.testing.assert_allclose(found, other.x, atol=1e-9)
    assert len(ours) == len(theirs)


def test_evaluations_are_limited():
    count = []
    minimize_simplex(
        lambda q: count.append(0) or bent_valley(q), START, LOW, HIGH, x_tolerance=0, f_tolerance=0, max_evaluations=30
    )
    assert 30 <= len(count) <= 33
