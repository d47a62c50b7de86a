"""Discs that something covers give themselves away by where they lie."""

import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.detect.moving.outliers import on_the_board

BOARDS = [
    CircleGrid.asymmetric(11, 4, 0.05, 0.02), CircleGrid.asymmetric(7, 3, 0.05, 0.02), CircleGrid.symmetric(5, 6, 0.05, 0.016),
]


def image(target, rng):
    """A tilted board through a lens that bends its rim by several pixels, 0.05 px of noise."""
    R = exp_so3([*rng.uniform(-0.5, 0.5, 2), 0]) @ exp_so3([0, 0, rng.uniform(-3, 3)])
    points = (target.object_points - target.object_points.mean(0)) @ R.T + [0, 0, 1.1 * np.ptp(target.object_points)]
    straight = points[:, :2] / points[:, 2:]
    bent = straight * (1 - 0.3 * (straight**2).sum(1, keepdims=True))
    return 320 * bent + rng.normal(0, 0.05, bent.shape)


@pytest.mark.parametrize("target", BOARDS, ids=["11x4", "7x3", "5x6"])
def test_no_disc_of_a_bent_board_is_left_out(target):
    every = np.ones(len(target), bool)
    for seed in range(20):
        xy = image(target, np.random.default_rng(seed))
        assert on_the_board(target, xy, np.full(len(xy), 0.05), every, every).all()


def test_covered_discs_are_left_out():
    target = BOARDS[0]
    every = np.ones(44, bool)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        xy = image(target, rng)
        hidden = 12 + np.arange(rng.integers(1, 7))  # the corners of the board bend a fit to themselves
        direction = rng.normal(size=(len(hidden), 2))
        xy[hidden] += rng.uniform(4, 10, (len(hidden), 1)) * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        agree = on_the_board(target, xy, np.full(44, 0.05), every, every)
        assert not agree[hidden].any()
        assert (~agree).sum() <= len(hidden) + 2


def test_uncertain_discs_may_lie_further_off_and_few_discs_tell_nothing():
    target = BOARDS[0]
    xy = image(target, np.random.default_rng(0))
    xy[20] += 3.0
    every, sure = np.ones(44, bool), np.full(44, 0.05)
    assert list(np.flatnonzero(~on_the_board(target, xy, sure, every, every))) == [20]
    assert on_the_board(target, xy, np.where(np.arange(44) == 20, 2.0, 0.05), every, every).all()
    few = np.isin(np.arange(44), [16, 17, 18, 19, 20, 21, 22])
    assert np.array_equal(on_the_board(target, xy, sure, few, every), few)
