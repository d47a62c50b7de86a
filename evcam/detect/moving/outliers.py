"""Discs that do not lie where the others of their board say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.moving.field import smooth_field
from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MIN_DISCS = 8
_ROUNDS = 4
_MIN_LIMIT_PX = 0.75
_LIMIT_SCALES = 6.0
_LIMIT_STDS = 3.0


def on_the_board(target: CircleGrid, xy: Array, std_px: Array, candidates: Flags) -> Flags:
    """Which discs lie where a homography bent smoothly by a lens puts them, as told by most of the others.

    A disc that something covers in part has an outline, but not its own.

    Parameters
    ----------
    target : CircleGrid
        The board.
    xy : ndarray of float64, shape (K, 2)
        Centres by id, px.
    std_px : ndarray of float64, shape (K,)
        Their standard deviations; uncertain ones may lie further off.
    candidates : ndarray of bool, shape (K,)
        The discs to judge.

    Returns
    -------
    ndarray of bool, shape (K,)
        Those of ``candidates`` that are not off; all of them where there are too few to tell.
    """
    board = np.array(target.lattice, float)
    agree = candidates.copy()
    for _ in range(_ROUNDS):
        if agree.sum() < _MIN_DISCS:
            return candidates
        miss = xy - transfer(homography_dlt(board[agree], xy[agree]).matrix, board)
        off = np.linalg.norm(miss - smooth_field(board, miss, agree, 3, 1e-4), axis=1)
        scale = 1.4826 * float(np.median(off[agree]))
        agree = candidates & (off < max(_MIN_LIMIT_PX, _LIMIT_SCALES * scale) + _LIMIT_STDS * std_px)
    return agree
