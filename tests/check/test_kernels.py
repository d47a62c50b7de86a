"""The histograms of the pass against NumPy's, also for times out of order."""

import numpy as np
import pytest

from evcam.check._kernels import (
    BACKWARDS,
    COUNT,
    DISTINCT,
    DIVISOR,
    EVENTS,
    FIRST_BACK,
    LOG_BINS,
    SLICES,
    STAMP_STATE,
    WORST_BACK,
    count_blocks,
    count_pixels,
    count_rate,
    count_stamps,
    long_steps,
)
from evcam.check.examiner import quantile

pytestmark = pytest.mark.kernels


def made(seed, count=600, step_us=7, shuffled=False):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, 3000, count)) * step_us + 100
    if shuffled:
        t[::50] -= 400
    return t, rng.integers(0, 8, count).astype(np.uint16), rng.integers(0, 6, count).astype(np.uint16), rng.random(count) < 0.5


@pytest.mark.parametrize("shuffled", [False, True])
def test_stamps(shuffled):
    t = made(0, shuffled=shuffled)[0]
    state, steps, groups = np.zeros(STAMP_STATE, np.int64), np.zeros(LOG_BINS, np.int64), np.zeros(LOG_BINS, np.int64)
    for piece in np.array_split(t, 7):
        count_stamps(piece, state, steps, groups)
    step = np.diff(t)
    assert state[EVENTS] == len(t)
    assert state[DISTINCT] == 1 + np.count_nonzero(step)
    assert state[BACKWARDS] == np.count_nonzero(step < 0)
    assert state[FIRST_BACK] == (1 + np.argmax(step < 0) if shuffled else 0)
    assert state[WORST_BACK] == max(0, -step.min())
    assert state[DIVISOR] == np.gcd.reduce(step)
    last = len(t) - 1 - np.flatnonzero(step)[-1]  # the last group is still open
    assert groups.sum() == len(t) - last


@pytest.mark.parametrize("shuffled", [False, True])
def test_pixels(shuffled):
    t, x, y, _ = made(1, shuffled=shuffled)
    pixels, intervals = np.zeros((6, 8, 3), np.int64), np.zeros(LOG_BINS, np.int64)
    for piece in np.array_split(np.arange(len(t)), 5):
        count_pixels(t[piece], x[piece], y[piece], 1000, pixels, intervals)
    expected = np.zeros((6, 8), np.int64)
    np.add.at(expected, (y, x), 1)
    assert np.array_equal(pixels[..., COUNT], expected)
    changes = sum(1 + np.count_nonzero(np.diff(t[(x == i) & (y == j)] // 1000)) for i in range(8) for j in range(6))
    assert pixels[..., SLICES].sum() == changes
    assert intervals.sum() == (expected[:, ::4] - 1).sum()


def test_long_steps():
    t = made(5, step_us=50)[0]
    assert np.array_equal(long_steps(t, 3, len(t) - 4, 600), [i for i in range(3, len(t) - 4) if t[i] - t[i - 1] >= 600])
    assert len(long_steps(t, 3, len(t) - 4, 10**6)) == 0


def test_intervals_of_hot_pixels_are_limited():
    t = np.arange(0, 100_000, 10)
    pixels, intervals = np.zeros((1, 1, 3), np.int64), np.zeros(LOG_BINS, np.int64)
    count_pixels(t, np.zeros(len(t), np.uint16), np.zeros(len(t), np.uint16), 1000, pixels, intervals)
    assert pixels[0, 0, COUNT] == len(t)
    assert intervals.sum() < 100


def test_rate():
    t = made(2, shuffled=True)[0]
    counts = np.zeros(30, np.int64)
    count_rate(t, 100, 500, counts)
    assert np.array_equal(counts, np.bincount(np.clip((t - 100) // 500, 0, 29), minlength=30))


def test_blocks_stop_beyond_the_last_bin():
    t, x, y, p = made(3)
    across, down = np.arange(8) // 2, np.arange(6) // 3
    counts = np.zeros((16, 2, 2, 4), np.float32)
    stop = count_blocks(t, x, y, p, 0, 100, 500, across, down, counts)
    assert stop == np.searchsorted(t, 100 + 16 * 500)
    expected = np.zeros_like(counts)
    np.add.at(expected, ((t[:stop] - 100) // 500, p[:stop].astype(int), down[y[:stop]], across[x[:stop]]), 1)
    assert np.array_equal(counts, expected)


def test_quantiles_of_a_histogram():
    histogram = np.zeros(LOG_BINS, np.int64)
    assert np.isnan(quantile(histogram, 0.5))
    steps = np.random.default_rng(4).integers(1, 100_000, 5000)
    state, groups = np.zeros(STAMP_STATE, np.int64), np.zeros(LOG_BINS, np.int64)
    count_stamps(np.cumsum(steps), state, histogram, groups)
    assert quantile(histogram, 0.5) == pytest.approx(np.median(steps), rel=0.2)
    assert quantile(groups, 0.5) == pytest.approx(1, rel=0.2)
