"""Discs that do not lie where the others of their board say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.median import median
from evcam.core.target import CircleGrid
from evcam.detect.board_lattice import board_places
from evcam.detect.moving.field import smooth_field
from evcam.detect.moving.sighting import nearest_distance
from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MIN_DISCS = 8
_ROUNDS = 3
_REWEIGHTS = 8
_FLOOR_PX = 0.1
_MIN_LIMIT_PX = 0.75
_LIMIT_STEPS, _LIMIT_STEPS_OF_FEW, _FEW = 0.03, 0.06, 28  # few discs do not tell how the lens bends the board's rim
_LIMIT_SCALES = 3.0
_LIMIT_STDS = 3.0


def on_the_board(target: CircleGrid, xy: Array, std_px: Array, candidates: Flags, trusted: Flags) -> Flags:
    """Which discs lie where a homography bent smoothly by a lens puts them, as told by most of the others.

    A disc that something covers has an outline, but not its own.

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
    trusted : ndarray of bool, shape (K,)
        Those of them that are most likely right; the others are held against these at first.

    Returns
    -------
    ndarray of bool, shape (K,)
        Those of ``candidates`` that are not off; all of them where there are too few to tell.
    """
    board = board_places(target)
    agree = candidates & trusted
    if agree.sum() < _MIN_DISCS:
        return candidates
    steps = _LIMIT_STEPS_OF_FEW if agree.sum() < _FEW else _LIMIT_STEPS
    floor_px = np.maximum(_MIN_LIMIT_PX, steps * nearest_distance(xy)) + _LIMIT_STDS * std_px
    if (_off(board, xy, candidates, 1) < floor_px)[candidates].all():
        return candidates
    for _ in range(_ROUNDS):
        off = _off(board, xy, agree, _REWEIGHTS)
        scale = 1.4826 * float(median(off[agree]))
        agree = candidates & (off < np.maximum(_LIMIT_SCALES * scale, floor_px))
        if agree.sum() < _MIN_DISCS:
            return candidates
    return agree


def _off(board: Array, xy: Array, known: Flags, reweights: int) -> Array:
    """How far each disc lies from where the known ones put it, px.

    Reweighted, the fit is to distances, which outliers bend less than squares.
    """
    miss = xy - transfer(homography_dlt(board[known], xy[known]).matrix, board)
    weights = off = np.ones(len(board))
    for _ in range(reweights):
        off = np.linalg.norm(miss - smooth_field(board, miss, known, 4, 1e-4, weights), axis=1)
        weights = 1 / np.maximum(off, _FLOOR_PX)
    return off
