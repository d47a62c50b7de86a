"""Give disc candidates the ids of a circle grid: walk the lattice, then try where on the board it can lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.board_lattice import QUARTER_TURNS, best_shifts, board_cells, board_symmetries
from evcam.detect.moving._lattice import _neighbours, _walk
from evcam.detect.moving.regions import Regions

MIN_DISCS = 6
_STEP_TOLERANCE = 0.3
_MAX_MISS = 0.3
_MAX_SEEDS = 6
_SLACK = 2
_MIN_SHARE_ON_BOARD = 0.85
_DISC_SHRINKAGE_PX = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Lattice:
    """Candidates that hang together: ``index`` (M,) into the candidates, ``cells`` (M, 2) whole lattice steps."""

    index: NDArray[np.int64]
    cells: NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Placement:
    """One way in which the candidates can be the board's discs.

    Attributes
    ----------
    ids : ndarray of int64, shape (M,)
        The board's disc ids.
    index : ndarray of int64, shape (M,)
        The candidates that are these discs.
    beside : int
        Candidates of the lattice that would lie beside the board.
    """

    ids: NDArray[np.int64]
    index: NDArray[np.int64]
    beside: int


def walk_lattice(regions: Regions, target: CircleGrid) -> Lattice | None:
    """The largest lattice that can be walked from one of a few candidates; None if none has neighbours in two directions.

    Neighbours have to lie at the board's own ratio of distance to disc size, in
    the frame in which the candidate's ellipse is a circle; so tilt does not matter
    and clutter of another size or spacing is left out.
    """
    n = len(regions)
    if n < MIN_DISCS:
        return None
    # Half of the change in log intensity is done on the dark side of an edge: dark discs look smaller, light ones larger.
    shrinkage_px = _DISC_SHRINKAGE_PX if target.dark_on_light else -_DISC_SHRINKAGE_PX
    inverse = np.linalg.inv(regions.shapes + shrinkage_px * np.eye(2))
    near = np.empty((n, 4), np.int64)
    step = target.spacing_m * (np.sqrt(2) if target.is_asymmetric else 1.0) / target.radius_m
    _neighbours(regions.centers, inverse, step, _STEP_TOLERANCE, near)
    connected = (near >= 0).sum(1)
    has_both = ((near[:, 0] >= 0) | (near[:, 2] >= 0)) & ((near[:, 1] >= 0) | (near[:, 3] >= 0))
    middle = np.median(regions.centers, axis=0)
    distance = np.linalg.norm(regions.centers - middle, axis=1)
    seeds = np.lexsort((distance, -connected))
    best: Lattice | None = None
    cells, steps, queue = np.empty((n, 3), np.int64), np.empty((n, 2, 2)), np.empty(n, np.int64)
    reached: set[int] = set()
    tried = 0
    for seed in seeds:
        if not has_both[seed] or int(seed) in reached or tried == _MAX_SEEDS:
            continue
        tried += 1
        size = _walk(regions.centers, near, seed, _MAX_MISS, cells, steps, queue)
        lattice = _without_doubles(queue[:size].copy(), cells)
        reached.update(map(int, lattice.index))
        if best is None or len(lattice.index) > len(best.index):
            best = lattice
        if 2 * len(best.index) > n:
            break
    return best


def placements(lattice: Lattice, target: CircleGrid) -> list[Placement]:
    """All ways to lay the walked lattice on the board that cover it about equally well.

    The four quarter turns and every shift are tried, never a mirror image.  Ways
    that a symmetry of the board makes the same are listed once.
    """
    wanted, same = board_cells(target), board_symmetries(target)
    # Turns that differ by a symmetry of the board say the same.
    turns = range(1 if 1 in same else 2 if 2 in same else 4)
    found = [shift for turn in turns for shift in best_shifts(lattice.cells @ QUARTER_TURNS[turn], wanted, _SLACK)]
    most = max(count for count, _, _ in found)
    if most < max(MIN_DISCS, _MIN_SHARE_ON_BOARD * len(lattice.index)):
        return []
    return [
        Placement(ids, lattice.index[members], len(lattice.index) - count)
        for count, ids, members in found if count >= max(most - _SLACK, MIN_DISCS)
    ]


def _without_doubles(index: NDArray[np.int64], cells: NDArray[np.int64]) -> Lattice:
    """Keep the first candidate of each cell."""
    _, first = np.unique(cells[index, :2], axis=0, return_index=True)
    index = index[np.sort(first)]
    return Lattice(index, cells[index, :2])
