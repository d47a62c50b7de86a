"""Give unordered image points the ids of a target: grow a lattice from neighbour to neighbour, then place the target on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from evcam.core.target import Target
from evcam.detect.board_lattice import QUARTER_TURNS, best_shifts, board_cells

_NEIGHBOURS = ((1, 0), (-1, 0), (0, 1), (0, -1))
_MAX_MISS = 0.3
_MAX_SEEDS = 12

# Other pairs of lattice directions, as sums of the first pair: a board seen obliquely may have diagonals shorter than its sides.
_BASES = np.array([[[1, 0], [0, 1]], [[1, 1], [0, 1]], [[1, -1], [0, 1]], [[1, 0], [1, 1]], [[1, 0], [-1, 1]]])

_Placement = tuple[int, NDArray[np.int64] | None, NDArray[np.int64]]


@dataclass(frozen=True, eq=False, slots=True)
class Lattice:
    """Points that were reached from one seed.

    Attributes
    ----------
    index : ndarray of int64, shape (M,)
        Which of the given points.
    cell : ndarray of int64, shape (M, 2)
        Whole steps from the seed along the two lattice directions; right-handed in the image (x right, y down).
    steps_px : ndarray of float64, shape (M, 2, 2)
        The local lattice directions, one per row, px.
    """

    index: NDArray[np.int64]
    cell: NDArray[np.int64]
    steps_px: NDArray[np.float64]


def grow_lattice(xy: NDArray[np.float64], strength: NDArray[np.float64]) -> Lattice | None:
    """Connect points to the largest lattice that can be walked from one of the strongest points.

    Each step predicts the next point from the last one, so perspective and
    distortion may bend the lattice as long as neighbouring cells are alike.

    Parameters
    ----------
    xy : ndarray of float64, shape (N, 2)
        Points, px; clutter among them is left out if it lies off the lattice.
    strength : ndarray of float64, shape (N,)
        The strongest points are tried as seeds.

    Returns
    -------
    Lattice or None
        None when no point has two neighbours in different directions.
    """
    if len(xy) < 4:
        return None
    tree = KDTree(xy)
    seeds = [int(k) for k in np.argsort(-strength, kind="stable")[:_MAX_SEEDS]]
    # From an inner point the first steps are safe; boards of two rows have none.
    starts = [(k, _first_steps(xy, tree, k, is_inner=True)) for k in seeds]
    if all(steps is None for _, steps in starts):
        starts = [(k, _first_steps(xy, tree, k, is_inner=False)) for k in seeds]
    lattices = [_walk(xy, tree, k, steps) for k, steps in starts if steps is not None]
    return max(lattices, key=lambda lattice: len(lattice.index), default=None)


def along_board(lattice: Lattice, target: Target) -> Lattice:
    """The same points numbered along the board's own directions, in case the walk followed one of its diagonals.

    Of the bases of the lattice, the one is taken in which the board covers most points; the walk's own if that is among them.
    """
    wanted = board_cells(target)
    rebased = [
        Lattice(lattice.index, lattice.cell @ np.round(np.linalg.inv(basis)).astype(np.int64), basis @ lattice.steps_px)
        for basis in _BASES
    ]
    return max(rebased, key=lambda other: max(best_shifts(other.cell @ turn, wanted)[0][0] for turn in QUARTER_TURNS))


def place_target(
    lattice: Lattice, target: Target, min_share: float, bright_diagonal: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Find which lattice points are which points of the target.

    All shifts and the four quarter turns are tried (never a mirror image, nor a diagonal for a side: see `along_board`); the
    placement that covers most points wins.  Where the target's points look the same
    turned, a checkerboard's colours decide (the square before corner 0 on the
    diagonal is dark), and where these do not, the board's x axis points to the right in the image.

    Parameters
    ----------
    lattice : Lattice
        Points and their cells.
    target : Target
        The board.
    min_share : float
        Least share of the target's points that has to be covered.
    bright_diagonal : ndarray of float64, shape (M,), optional
        Checkerboards: positive where the squares between the two lattice directions, and opposite, are the bright ones.

    Returns
    -------
    (ndarray of int64, ndarray of int64) or None
        Point ids, ascending, and the positions in ``lattice`` that carry them; None when too few points
        are covered, or when the board could as well lie elsewhere on the lattice.
    """
    wanted = board_cells(target)
    placements = [_only_shift(lattice.cell @ turn, wanted) for turn in QUARTER_TURNS]
    most = max(count for count, _, _ in placements)
    if most < min_share * len(target):
        return None
    ties = [k for k, (count, _, _) in enumerate(placements) if count == most]
    members = {frozenset(placements[k][2].tolist()) for k in ties}
    if len(members) > 1 or any(placements[k][1] is None for k in ties):
        return None
    if bright_diagonal is not None:
        ties = [k for k in ties if _colours_agree(k, placements[k], target, bright_diagonal)] or ties
    towards_right = [(QUARTER_TURNS[k] @ np.array([1, 0]) @ lattice.steps_px.mean(0))[0] for k in ties]
    _, ids, carriers = placements[ties[int(np.argmax(towards_right))]]
    assert ids is not None
    order = np.argsort(ids)
    return ids[order], carriers[order]


def _colours_agree(turn: int, placement: _Placement, target: Target, bright_diagonal: NDArray[np.float64]) -> bool:
    """Whether this turn puts dark squares where the target has them."""
    _, ids, members = placement
    assert ids is not None
    rows, cols = np.divmod(ids, target.cols)
    alternating = 1 - 2 * ((rows + cols + turn) % 2)
    return bool((bright_diagonal[members] * alternating).sum() < 0)


def _only_shift(cells: NDArray[np.int64], wanted: NDArray[np.int64]) -> _Placement:
    """The best shift; no ids if another one covers as many points."""
    shifts = best_shifts(cells, wanted)
    count, ids, members = shifts[0]
    return count, ids if len(shifts) == 1 else None, members


def _first_steps(xy: NDArray[np.float64], tree: KDTree, seed: int, is_inner: bool) -> NDArray[np.float64] | None:
    """Two right-handed directions from a seed to near neighbours; an inner seed has a counterpart opposite to each."""
    near = np.asarray(tree.query(xy[seed], k=min(9, len(xy)))[1])
    offsets = xy[near[1:]] - xy[seed]
    found: list[NDArray[np.float64]] = []
    for offset in offsets:
        length = np.linalg.norm(offset)
        usable = not is_inner or np.linalg.norm(offsets + offset, axis=1).min() < _MAX_MISS * length
        turned = all(abs(_cross(f, offset)) > 0.5 * length * np.linalg.norm(f) for f in found)
        if length > 0 and usable and turned:
            found.append(offset)
        if len(found) == 2:
            return np.array(found if _cross(*found) > 0 else found[::-1])
    return None


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _walk(xy: NDArray[np.float64], tree: KDTree, seed: int, steps: NDArray[np.float64]) -> Lattice:
    cells: dict[tuple[int, int], int] = {(0, 0): seed}
    local = {(0, 0): steps}
    queue = [(0, 0)]
    taken = {seed}
    while queue:
        cell = queue.pop(0)
        for direction in _NEIGHBOURS:
            following = (cell[0] + direction[0], cell[1] + direction[1])
            if following in cells:
                continue
            offset = np.array(direction) @ local[cell]
            miss, k = tree.query(xy[cells[cell]] + offset)
            if miss > _MAX_MISS * np.linalg.norm(offset) or int(k) in taken:
                continue
            cells[following] = int(k)
            taken.add(int(k))
            local[following] = _updated(local[cell], direction, xy[k] - xy[cells[cell]])
            queue.append(following)
    keys = list(cells)
    return Lattice(np.array([cells[key] for key in keys]), np.array(keys), np.array([local[key] for key in keys]))


def _updated(steps: NDArray[np.float64], direction: tuple[int, int], offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Local directions after a step that measured one of them anew."""
    axis = 0 if direction[0] else 1
    updated = steps.copy()
    updated[axis] = offset * direction[axis]
    return updated
