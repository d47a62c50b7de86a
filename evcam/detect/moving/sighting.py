"""The board at one instant, as the regions of the two-tone picture show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.board_lattice import board_places
from evcam.detect.moving._sighting import _match, _nearest_distance
from evcam.detect.moving.regions import Regions
from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]

_MAX_MISS = 0.3
_AREA_RATIOS = (0.5, 2.0)
_BORDER_PX = 2.5
_LEAST_DEPTH = 1e-3


@dataclass(frozen=True, eq=False, slots=True)
class Sighting:
    """Where the discs are at one instant, to about half a pixel.

    Attributes
    ----------
    t_us : int
        Instant.
    centers : ndarray of float64, shape (K, 2)
        By id; predicted from the neighbours where ``seen`` is False.
    shapes : ndarray of float64, shape (K, 2, 2)
        Map the unit circle to the outlines, px.
    seen : ndarray of bool, shape (K,)
        Discs that are regions of their own in the picture.
    """

    t_us: int
    centers: Array
    shapes: Array
    seen: Flags

    def in_view(self, size: tuple[int, int]) -> Flags:
        """Discs whose outline lies well inside an image of this width and height, shape (K,)."""
        return inside(self.centers, self.shapes, size, _BORDER_PX)

    def renumbered(self, ids: Ids) -> Sighting:
        """The same discs, disc i now called ``ids[i]``."""
        order = np.argsort(ids)
        return Sighting(self.t_us, self.centers[order], self.shapes[order], self.seen[order])


@dataclass(frozen=True, slots=True)
class NotSeen:
    """Why there is no sighting: a countable reason, and the numbers."""

    t_us: int
    reason: str
    detail: str


def sighting(target: CircleGrid, ids: Ids, index: Ids, regions: Regions, t_us: int) -> Sighting | None:
    """The board of which these discs are known to be these regions.

    Other discs are predicted, and seen where a free region of their size lies near the prediction.

    Parameters
    ----------
    target : CircleGrid
        The board.
    ids, index : ndarray of int64, shape (M,)
        Discs, at least four, and the region of each.
    regions : Regions
        Of the instant ``t_us``.

    Returns
    -------
    Sighting or None
        None when in no perspective these regions are these discs and the whole board lies before the camera.
    """
    if len(ids) == len(target):  # nothing to predict
        order = index[np.argsort(ids)]
        return Sighting(t_us, regions.centers[order], regions.shapes[order], np.ones(len(target), np.bool_))
    board = board_places(target)
    H = homography_dlt(board[ids], regions.centers[index]).matrix
    if not in_front(H, board).all():
        return None
    centers = _bent(transfer(H, board), board, ids, regions.centers[index])
    shapes = _shapes(H, board, target.radius_m / target.spacing_m)
    of = np.full(len(target), -1)
    of[ids] = index
    free = np.setdiff1d(np.arange(len(regions)), index)
    missing = np.flatnonzero(of < 0)
    if len(free) and len(missing):
        others = Regions(regions.centers[free], regions.shapes[free])
        matched = match(centers[missing], shapes[missing], nearest_distance(centers)[missing], others, _MAX_MISS)
        of[missing[matched >= 0]] = free[matched[matched >= 0]]
    seen = of >= 0
    centers[seen], shapes[seen] = regions.centers[of[seen]], regions.shapes[of[seen]]
    return Sighting(t_us, centers, shapes, seen)


def inside(centers: Array, shapes: Array, size: tuple[int, int], border_px: float) -> Flags:
    """Which ellipses, (K, 2) and (K, 2, 2), lie in an image of this width and height, so far from its border; shape (K,)."""
    reach = np.linalg.norm(shapes, axis=2) + border_px
    within: Flags = ((centers > reach) & (centers + reach < np.array(size) - 1)).all(1)
    return within


def in_front(H: Array, places: Array) -> Flags:
    """Which places of a plane a homography shows before the camera, if it shows most of them there; shape (N,)."""
    depth = places @ H[2, :2] + H[2, 2]
    depth *= np.sign(np.median(depth))
    ahead: Flags = depth > _LEAST_DEPTH * np.abs(depth).max()
    return ahead


def match(centers: Array, shapes: Array, apart: Array, regions: Regions, reach: float) -> Ids:
    """The region that each disc can be, -1 for none.

    Parameters
    ----------
    centers, shapes : ndarray of float64, shapes (K, 2) and (K, 2, 2)
        Where and how large the discs are expected.
    apart : ndarray of float64, shape (K,)
        Distance of each disc's nearest neighbour, px.
    regions : Regions
        Candidates; at least one.
    reach : float
        Disc and region lie no further apart than this share of ``apart``, each is the other's nearest, and their
        areas are alike.
    """
    matched = np.empty(len(centers), np.int64)
    _match(
        np.ascontiguousarray(centers), np.ascontiguousarray(shapes), np.ascontiguousarray(apart), regions.centers, regions.shapes,
        reach, *_AREA_RATIOS, matched,
    )
    return matched


def nearest_distance(centers: Array) -> Array:
    """From every point to its nearest neighbour, shape (K,)."""
    nearest = np.empty(len(centers))
    _nearest_distance(np.ascontiguousarray(centers), nearest)
    return nearest


def _bent(predicted: Array, board: Array, ids: Ids, centers: Array) -> Array:
    """Predictions moved by how far the homography misses the nearest discs that were seen: the lens bends the board smoothly."""
    miss = centers - predicted[ids]
    distance = ((board[:, None] - board[ids][None]) ** 2).sum(-1)
    weight = 1 / (0.1 + distance) ** 2
    moved: Array = predicted + (weight / weight.sum(1, keepdims=True)) @ miss
    return moved


def _shapes(H: Array, board: Array, radius: float) -> Array:
    """Symmetric matrices that map the unit circle to the discs' outlines under the homography's local affine maps."""
    e = 1e-3
    columns = [(transfer(H, board + d) - transfer(H, board - d)) / (2 * e) * radius for d in e * np.eye(2)]
    local = np.stack(columns, -1)
    values, vectors = np.linalg.eigh(local @ local.transpose(0, 2, 1))
    shapes: Array = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    return shapes
