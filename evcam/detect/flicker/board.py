"""Find a target's points in an image of contrast, whatever their scale, and check them against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evcam.core.target import Checkerboard, CircleGrid, Target
from evcam.detect.flicker.disc import find_blobs, fit_disc
from evcam.detect.flicker.fit import PointFit
from evcam.detect.flicker.lattice import Lattice, along_board, grow_lattice, place_target
from evcam.detect.flicker.margin import beyond_pattern
from evcam.detect.flicker.saddle import find_saddles, fit_saddle

_NEIGHBOURS, _NEEDED = 12, 4
_TOLERANCE_STEPS = 0.2


@dataclass(frozen=True, eq=False, slots=True)
class FoundBoard:
    """Points of a board in an image, with the lattice directions that their fits used."""

    ids: NDArray[np.int64]
    fits: tuple[PointFit, ...]
    steps_px: NDArray[np.float64]

    @property
    def xy(self) -> NDArray[np.float64]:
        """Fitted points, shape (N, 2), px."""
        return np.array([fit.xy for fit in self.fits])


PointFitter = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], PointFit | None]


def fit_of(target: Target) -> PointFitter:
    """What fits one of the target's points: an image, where the point is thought to be, and the steps to the next ones."""
    return fit_disc if isinstance(target, CircleGrid) else fit_saddle


def find_board(image: NDArray[np.float64], target: Target, min_share: float) -> FoundBoard | None:
    """Find and fit a target's points in an image of contrast.

    Scales are tried from coarse to fine, up to the first at which the board is complete.

    Parameters
    ----------
    image : ndarray of float64, shape (H, W)
        As made by `signed_image`.
    target : Target
    min_share : float
        Least share of the points.

    Returns
    -------
    FoundBoard or None
        The most complete board found.
    """
    best = _find_over_scales(image, target, min_share)
    if best is None and isinstance(target, CircleGrid):
        # Before a pattern that alternates with its negative either of the two may have been taken for it.
        best = _find_over_scales(-image, target, min_share)
    return best


def _find_over_scales(image: NDArray[np.float64], target: Target, min_share: float) -> FoundBoard | None:
    best: FoundBoard | None = None
    for step_px in _scales(image.shape, target):
        board = _find_at_scale(image, target, step_px, min_share)
        if board is not None and (best is None or len(board.ids) > len(best.ids)):
            best = board
        if best is not None and len(best.ids) == len(target):
            break
    return best


def _scales(shape: tuple[int, ...], target: Target) -> list[float]:
    """Distances between neighbouring points to try, from a board that fills the image down to a few pixels."""
    most_px = 1.5 * max(shape) / max(target.rows, target.cols)
    return [float(s) for s in most_px * 2.0 ** (-0.5 * np.arange(20)) if s >= 4.0]


def _find_at_scale(image: NDArray[np.float64], target: Target, step_px: float, min_share: float) -> FoundBoard | None:
    if isinstance(target, CircleGrid):
        xy, strength = find_blobs(image, step_px, target.dark_on_light)
    else:
        saddles = find_saddles(image, max(step_px / 6, 0.8))
        xy, strength = saddles.xy, saddles.strength
    lattice = grow_lattice(xy, strength)
    if lattice is None or len(lattice.index) < min_share * len(target):
        return None
    lattice = along_board(lattice, target)
    fit = fit_of(target)
    fits = [fit(image, xy[k], steps) for k, steps in zip(lattice.index, lattice.steps_px, strict=True)]
    kept = [k for k, point in enumerate(fits) if point is not None]
    points = [point for point in fits if point is not None]
    if not points:
        return None
    lattice = Lattice(lattice.index[kept], lattice.cell[kept], lattice.steps_px[kept])
    diagonal = None if isinstance(target, CircleGrid) else np.array([point.contrast for point in points])
    placed = place_target(lattice, target, min_share, diagonal)
    if placed is None:
        return None
    ids, members = placed
    board = _revised(image, target, {int(i): points[k] for i, k in zip(ids, members, strict=True)})
    return board if len(board.ids) >= min_share * len(target) else None


def _revised(image: NDArray[np.float64], target: Target, placed: dict[int, PointFit]) -> FoundBoard:
    """Drop points that their neighbours contradict, or that lie beyond the pattern, and look for missing ones where expected."""
    ids = np.array(list(placed))
    xy = np.array([point.xy for point in placed.values()])
    fit = fit_of(target)
    found: dict[int, tuple[PointFit, NDArray[np.float64]]] = {}
    places: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for number in range(len(target)):
        prediction = _predicted(target, number, ids, xy)
        if prediction is None:
            continue
        expected, steps_px = prediction
        tolerance_px = _TOLERANCE_STEPS * np.linalg.norm(steps_px, axis=1).min()
        point = placed.get(number)
        if point is None or np.linalg.norm(point.xy - expected) > tolerance_px:
            point = fit(image, expected, steps_px)
        if point is not None and np.linalg.norm(point.xy - expected) <= tolerance_px:
            found[number] = (point, steps_px)
        places[number] = (found[number][0].xy if number in found else expected, steps_px)
    if isinstance(target, Checkerboard):
        beyond = beyond_pattern(image, target, places, found)
        found = {number: point for number, point in found.items() if number not in beyond}
    return FoundBoard(np.array(list(found), np.int64), tuple(p for p, _ in found.values()),
                      np.array([steps for _, steps in found.values()]).reshape(-1, 2, 2))


def _predicted(
    target: Target, number: int, ids: NDArray[np.int64], xy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Where a point should lie by the homography of its nearest neighbours, and the image's steps to the next points."""
    board = target.object_points[:, :2]
    others = ids != number
    if others.sum() < _NEEDED:
        return None
    nearest = np.argsort(np.linalg.norm(board[ids[others]] - board[number], axis=1), kind="stable")[:_NEIGHBOURS]
    H, _ = cv2.findHomography(board[ids[others][nearest]], xy[others][nearest], cv2.LMEDS)
    if H is None:
        return None
    step_m = _steps_m(target)
    image = cv2.perspectiveTransform((board[number] + np.vstack([np.zeros((1, 2)), step_m, -step_m]))[None], H)[0]
    steps_px = (image[1:3] - image[3:5]) / 2
    return (image[0], steps_px) if np.isfinite(image).all() else None


def _steps_m(target: Target) -> NDArray[np.float64]:
    """Vectors on the board from a point to its nearest neighbours, one per row."""
    if isinstance(target, CircleGrid) and target.is_asymmetric:
        return target.spacing_m * np.array([[1.0, 1.0], [-1.0, 1.0]])
    first, right, below = target.object_points[[0, 1, target.cols], :2]
    return np.array([right - first, below - first])
