"""The board as a lattice of whole steps, and where a found lattice can lie on it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid, Target
from evcam.detect._board_lattice import _covered, _overlaps

Cells = NDArray[np.int64]

# Applied to rows: ``cells @ QUARTER_TURNS[k]``.
QUARTER_TURNS = (np.eye(2, dtype=int), np.array([[0, -1], [1, 0]]), -np.eye(2, dtype=int), np.array([[0, 1], [-1, 0]]))


@lru_cache
def board_cells(target: Target) -> Cells:
    """The target's points in steps of its own nearest-neighbour lattice, by id, right-handed; shape (K, 2)."""
    if isinstance(target, CircleGrid) and target.is_asymmetric:
        # The diagonal neighbours, at (1, 1) and (-1, 1) spacings, span a square lattice: x = i - j, y = i + j.
        x, y = np.array(target.lattice).T
        return np.stack([(x + y) // 2, (y - x) // 2], -1)
    rows, cols = np.divmod(np.arange(len(target)), target.cols)
    return np.stack([cols, rows], -1)


@lru_cache
def board_places(target: CircleGrid) -> NDArray[np.float64]:
    """The discs' places on the board in its spacings, by id, shape (K, 2)."""
    return np.array(target.lattice, float)


@lru_cache
def board_symmetries(target: Target) -> dict[int, NDArray[np.int64]]:
    """Quarter turns, by number, after which the points look the same: the id that takes each id's place."""
    wanted = board_cells(target)
    same = {}
    for turn in range(4):
        count, ids, _ = best_shifts(wanted @ QUARTER_TURNS[turn], wanted)[0]
        if count == len(wanted):
            same[turn] = ids
    return same


def best_shifts(cells: Cells, wanted: Cells, slack: int = 0) -> list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """All shifts that put most of the cells, or up to ``slack`` fewer, on the board.

    Parameters
    ----------
    cells : ndarray of int64, shape (M, 2)
        Found cells, each at most once.
    wanted : ndarray of int64, shape (K, 2)
        The board's cells, by id.
    slack : int
        How many fewer cells than the most are enough.

    Returns
    -------
    list of (int, ndarray of int64, ndarray of int64)
        How many cells lie on the board, their ids, and which of the cells they are.
    """
    first = np.empty(2, np.int64)
    overlap = _overlaps(cells, wanted, first)
    result = []
    for x, y in np.argwhere(overlap >= max(int(overlap.max()) - slack, 1)) + first:
        ids, members = np.empty(len(cells), np.int64), np.empty(len(cells), np.int64)
        count = _covered(cells, wanted, x, y, ids, members)
        result.append((count, ids[:count], members[:count]))
    return result
