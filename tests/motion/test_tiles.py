"""Tiles hide no crossing of a line."""

import numpy as np
import pytest

from evcam.motion._tiles import _gather
from evcam.motion.pixels import PixelTable
from evcam.motion.tiles import Tiles

HALF_S = 0.05
LIMIT_PX = 4.8


@pytest.fixture(scope="module")
def table(camera):
    return PixelTable.of(camera)


@pytest.fixture(scope="module")
def crossings():
    """Times, bearings (some far from the axis, some behind it) and radians per pixel."""
    rng = np.random.default_rng(3)
    n = 40_000
    t_s = np.sort(rng.uniform(-HALF_S, HALF_S, n))
    f = np.column_stack([rng.uniform(-1.2, 1.2, n), rng.uniform(-1.0, 1.0, n), np.where(rng.random(n) < 0.05, 0.1, 1.0)])
    return t_s, f / np.linalg.norm(f, axis=1, keepdims=True), np.full(n, 0.004)


def lines():
    """In all directions, slow and fast, some turning so much that they change which axis they follow."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        b = rng.normal(size=3) * [1, 1, 0.4]
        b /= np.linalg.norm(b)
        c = np.array([0, 0, 1.0]) - b[2] * b
        c /= np.linalg.norm(c)
        a = rng.normal(size=3) * rng.choice([0.1, 2.0, 15.0])
        yield b, a, np.stack([np.cross(b, c), b, c]), *np.sort(rng.uniform(-0.6, 0.6, 2))


@pytest.mark.parametrize(("from_s", "to_s"), [(-HALF_S, HALF_S), (-0.013, 0.013), (-HALF_S, -0.021)])
def test_the_crossings_near_a_line_are_those_of_a_search_through_all(table, crossings, from_s, to_s):
    t_s, f, scale = crossings
    chosen = np.arange(0, len(t_s), 2)
    tiles = Tiles.of(chosen, t_s, f, scale, HALF_S, table)
    members, along, off = np.empty(len(chosen), np.int64), np.empty(len(chosen)), np.empty(len(chosen))
    total = 0
    for b, a, frame, low, high in lines():
        n = _gather(tiles.packed, tiles.begins, tiles.grid, 0.004, from_s, to_s, b, a, frame, low, high, LIMIT_PX, members, along,
                    off)
        normals = b - t_s[chosen, None] * a
        distance = np.abs((f[chosen] * normals).sum(1))
        away = f[chosen] @ frame[2]
        place = f[chosen] @ frame[0] / np.where(away > 0, away, np.nan)
        seen = (t_s[chosen] >= from_s) & (t_s[chosen] <= to_s) & (place >= low) & (place <= high)
        expected = (distance < LIMIT_PX * scale[chosen]) & seen
        assert set(tiles.index[members[:n]]) == set(chosen[expected])
        total += n
    assert total > 2_000
