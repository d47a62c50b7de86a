"""What lines' distances say of the direction, against integrals by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from evcam.solvers.distance_costs import MotionsAcross, distance_costs

SPREAD = 0.6


def brute_force(motions: MotionsAcross) -> np.ndarray:
    """Negative log of the density, over a grid of the true w of each line and of the mean of the log inverse distances."""
    place, means = np.linspace(-6, 6, 400), np.linspace(-6, 6, 241)
    x, y = np.meshgrid(place, place)
    normal = np.exp(-0.5 * (x * x + y * y)) / (2 * np.pi) * (place[1] - place[0]) ** 2
    count, directions = motions.along.shape
    logs = np.zeros((directions, len(means)))
    for d in range(directions):
        for m in range(count):
            along, size = abs(motions.along[m, d]), np.sqrt(motions.size[m, d])
            square = (size + np.sqrt(motions.radial[m, d]) * x) ** 2 + motions.sideways[m, d] * y * y
            inverse = 0.5 * np.log(square) - np.log(along)
            shares, edges = np.histogram(inverse, 800, (-12, 6), weights=normal * along / square)
            middles = 0.5 * (edges[:-1] + edges[1:])
            off = (middles - means[:, None]) / SPREAD
            logs[d] += np.log(np.exp(-0.5 * off * off) @ shares / SPREAD)
    return -np.log(np.exp(logs - logs.max()).sum(1)) - logs.max()


def motions(doubt: float) -> MotionsAcross:
    """Four certain lines and one that is slow, at directions across which the slow one's ``v.b`` differs."""
    along = np.array([[0.6] * 4, [0.8] * 4, [0.5] * 4, [0.9] * 4, [0.04, 0.08, 0.16, 0.32]])
    size = (np.array([0.3, 0.5, 0.25, 0.3, 0.04])[:, None] * np.ones(4)) ** 2
    relative = np.array([1e-3, 1e-3, 1e-3, 1e-3, doubt])[:, None]
    return MotionsAcross(along, size, relative * size, 0.7 * relative * size, relative[:, 0] > 0.01)


@pytest.mark.parametrize(("doubt", "allowed"), [(1e-4, 0.05), (0.1, 0.1), (0.4, 0.3), (1.0, 0.3)])
def test_the_density_of_a_slow_line_is_averaged_over_its_noise(doubt, allowed):
    case = motions(doubt)
    ours, exact = distance_costs(case, np.array([SPREAD])), brute_force(case)
    assert np.ptp(exact) > 0.3
    assert np.abs((ours - ours.mean()) - (exact - exact.mean())).max() < allowed


def test_lines_far_from_the_mean_and_exact_ones_have_finite_costs():
    one = np.ones((3, 2))
    for vague in (False, True):
        case = MotionsAcross(one * 1e-12, one * 1e-200, 0 * one, 0 * one, np.full(3, vague))
        assert np.isfinite(distance_costs(case, np.array([0.4, 0.8]))).all()
        case = MotionsAcross(np.array([[1.0, 0.5], [1e-9, 1.0], [1.0, 1.0]]), one, 0 * one, 0 * one, np.full(3, vague))
        assert np.isfinite(distance_costs(case, np.array([0.1, np.inf]))).all()
