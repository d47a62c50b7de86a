"""Find the board's discs in the two-tone picture, view after view, and keep their ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.board_lattice import board_symmetries
from evcam.detect.moving.placing import Placement, contradictions, placements, walk_lattice
from evcam.detect.moving.regions import Regions, elliptic_regions
from evcam.detect.moving.tone import ToneMap
from evcam.solvers.homography import homography_dlt, transfer

_MAX_GAP_US = 100_000
_MAX_DRIFT = 0.35
_MAX_MISS = 0.3
_MAX_CONTRADICTED_SHARE = 0.1
_BESIDE = 2  # a region beside the board speaks as loudly against a placement as two discs that are missing
_MAX_TURN = 2.0


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
    centers: NDArray[np.float64]
    shapes: NDArray[np.float64]
    seen: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NotSeen:
    """Why there is no sighting: a countable reason, and the numbers."""

    t_us: int
    reason: str
    detail: str


class Follower:
    """Locates the board in one picture after another of the same recording."""

    def __init__(self, target: CircleGrid) -> None:
        self.target = target
        self._symmetries = list(board_symmetries(target).values())
        self._board = np.array(target.lattice, float)
        self._last: Sighting | None = None
        self._velocity = np.zeros(2)

    def copy(self) -> Follower:
        """An independent follower with the same memory."""
        other = Follower(self.target)
        other._last, other._velocity = self._last, self._velocity
        return other

    def locate(self, tone: ToneMap, t_us: int) -> Sighting | NotSeen:
        """Find the board in the picture of the instant ``t_us``."""
        picture = disc_picture(tone, self.target)
        regions = elliptic_regions(picture)
        lattice = walk_lattice(regions, self.target)
        if lattice is None:
            return NotSeen(t_us, "no grid of discs", f"{len(regions)} elliptic regions, none with neighbours in two directions")
        ways = placements(lattice, regions, self.target)
        if not ways:
            return NotSeen(t_us, "grid does not fit the board", f"{len(lattice.index)} discs hang together")
        way = self._choose(ways, picture, t_us)
        if isinstance(way, NotSeen):
            return way
        sighting = self._sighting(way, regions, t_us)
        self._remember(sighting)
        return sighting

    def _choose(self, ways: list[Placement], picture: NDArray[np.uint8], t_us: int) -> Placement | NotSeen:
        empty = _EmptyPlaces(picture)
        missing = np.array([contradictions(way, self.target, empty) for way in ways])
        against = missing + _BESIDE * np.array([way.beside for way in ways])
        tolerated = _MAX_CONTRADICTED_SHARE * len(self.target)
        if missing.min() > tolerated:
            return NotSeen(t_us, "grid does not fit the board",
                           f"{missing.min()} discs missing where the board should be in view")
        drifts = self._drifts(ways, t_us)
        if drifts is not None:
            followed = np.flatnonzero((drifts < _MAX_DRIFT) & (against <= against.min() + tolerated))
            if len(followed) == 1:
                return ways[int(followed[0])]
            # Too fast to be followed step by step; but a board does not turn over between two views.
            possible = drifts < drifts.min() + _MAX_TURN
            ways, against = [w for w, ok in zip(ways, possible, strict=True) if ok], against[possible]
        left = [way for way, count in zip(ways, against, strict=True) if count <= against.min() + 1]
        seen = len(left[0].ids)
        if len(left) > 1:
            return NotSeen(t_us, "ambiguous",
                           f"{seen} of {len(self.target)} discs seen; they fit {len(left)} places of the board")
        in_view = self._in_view(left[0], picture.shape)
        if 2 * seen < in_view:
            return NotSeen(t_us, "ambiguous", f"{seen} of {in_view} discs in view seen")
        return left[0]

    def _in_view(self, way: Placement, shape: tuple[int, ...]) -> int:
        """How many of the board's centres lie in the image."""
        x, y = way.predict(self.target).T
        return int(((x > 0) & (y > 0) & (x < shape[1] - 1) & (y < shape[0] - 1)).sum())

    def _drifts(self, ways: list[Placement], t_us: int) -> NDArray[np.float64] | None:
        """How far each placement lies from where the last sighting was going, in lattice steps.

        In the nearest of the board's equal numberings; None without a recent sighting.
        """
        expected = self._expected(t_us)
        if expected is None:
            return None
        return np.array([self._drift_px(way, expected) / _lattice_step(way, self.target) for way in ways])

    def _drift_px(self, way: Placement, expected: NDArray[np.float64]) -> float:
        predicted = way.predict(self.target)[way.ids]
        apart = [np.linalg.norm(expected[renumbered[way.ids]] - predicted, axis=1) for renumbered in self._symmetries]
        return float(min(np.median(distance) for distance in apart))

    def _expected(self, t_us: int) -> NDArray[np.float64] | None:
        last = self._last
        if last is None or not 0 < t_us - last.t_us <= _MAX_GAP_US:
            return None
        return last.centers + self._velocity * (t_us - last.t_us) * 1e-6

    def _sighting(self, way: Placement, regions: Regions, t_us: int) -> Sighting:
        size = len(self.target)
        ids = self._numbering(way, t_us)[way.ids]
        index = np.full(size, -1)
        index[ids] = way.index
        board = self._board
        H = homography_dlt(board[ids], regions.centers[way.index]).matrix
        predicted = _bent(transfer(H, board), board, ids, regions.centers[way.index])
        shapes = _shapes(H, board, self.target.radius_m / self.target.spacing_m)
        step = _lattice_step(way, self.target)
        free = np.setdiff1d(np.arange(len(regions)), way.index)
        for k in np.flatnonzero(index < 0):
            if len(free):
                miss = np.linalg.norm(regions.centers[free] - predicted[k], axis=1)
                if miss.min() < _MAX_MISS * step:
                    index[k] = free[miss.argmin()]
        seen = index >= 0
        predicted[seen] = regions.centers[index[seen]]
        shapes[seen] = regions.shapes[index[seen]]
        return Sighting(t_us, predicted, shapes, seen)

    def _numbering(self, way: Placement, t_us: int) -> NDArray[np.int64]:
        """Of numberings that the board's symmetry makes equal, the one that continues the last sighting."""
        expected = self._expected(t_us)
        if expected is None or len(self._symmetries) == 1:
            return self._symmetries[0]
        predicted = way.predict(self.target)[way.ids]
        drifts = [np.linalg.norm(expected[renumbered[way.ids]] - predicted, axis=1).mean() for renumbered in self._symmetries]
        return self._symmetries[int(np.argmin(drifts))]

    def _remember(self, sighting: Sighting) -> None:
        last = self._last
        self._velocity = np.zeros(2)
        if last is not None and 0 < sighting.t_us - last.t_us <= _MAX_GAP_US:
            both = last.seen & sighting.seen
            if both.any():
                shift = (sighting.centers - last.centers)[both]
                self._velocity = np.median(shift, axis=0) / ((sighting.t_us - last.t_us) * 1e-6)
        self._last = sighting


def disc_picture(tone: ToneMap, target: CircleGrid) -> NDArray[np.uint8]:
    """The picture without single wrong pixels, 1 where it has the tone of the target's discs."""
    picture = tone.cleaned()
    return 1 - picture if target.dark_on_light else picture


class _EmptyPlaces:
    """Tells of positions whether the picture plainly shows no disc there: the ground's tone all around the position."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        self.picture = picture

    def __call__(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        height, width = self.picture.shape
        margin = 3
        x, y = np.round(xy).astype(np.int64).T
        inside = (x >= margin) & (y >= margin) & (x < width - margin) & (y < height - margin)
        empty = np.zeros(len(xy), bool)
        for k in np.flatnonzero(inside):
            empty[k] = not self.picture[y[k] - 1 : y[k] + 2, x[k] - 1 : x[k] + 2].any()
        return empty


def _lattice_step(way: Placement, target: CircleGrid) -> float:
    """Median distance of neighbouring discs in the image, px."""
    board = np.array(target.lattice, float)[way.ids]
    offset = np.array([1.0, 1.0] if target.is_asymmetric else [1.0, 0.0])
    apart = transfer(way.H_image_board, board + offset) - transfer(way.H_image_board, board)
    return float(np.median(np.linalg.norm(apart, axis=1)))


def _bent(
    predicted: NDArray[np.float64], board: NDArray[np.float64], ids: NDArray[np.int64], centers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Predictions moved by how far the homography misses the nearest discs that were seen: the lens bends the board smoothly."""
    miss = centers - predicted[ids]
    distance = ((board[:, None] - board[ids][None]) ** 2).sum(-1)
    weight = 1 / (0.1 + distance) ** 2
    moved: NDArray[np.float64] = predicted + (weight / weight.sum(1, keepdims=True)) @ miss
    return moved


def _shapes(H: NDArray[np.float64], board: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Symmetric matrices that map the unit circle to the discs' outlines under the homography's local affine maps."""
    e = 1e-3
    columns = [(transfer(H, board + d) - transfer(H, board - d)) / (2 * e) * radius for d in e * np.eye(2)]
    local = np.stack(columns, -1)
    values, vectors = np.linalg.eigh(local @ local.transpose(0, 2, 1))
    shapes: NDArray[np.float64] = (vectors * np.sqrt(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return shapes
