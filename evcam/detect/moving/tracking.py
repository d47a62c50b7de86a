"""Follow a board from one instant to another: which region is which disc, from where the discs were going."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evcam.core.median import median
from evcam.core.target import CircleGrid
from evcam.detect.board_lattice import board_places
from evcam.detect.moving.field import smooth_field
from evcam.detect.moving.regions import Regions
from evcam.detect.moving.sighting import Sighting, in_front, match, nearest_distance, sighting
from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]

MIN_DISCS = 6
MAX_GAP_US = 100_000
_FIRST_REACH, _REACH = 0.4, 0.25
_BESIDE_REACH = 0.25
_MIN_BESIDE = 3
_ROUNDS = 3
_STIFFNESS = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Track:
    """The last sighting and how its discs moved.

    Attributes
    ----------
    last : Sighting
        What was seen last.
    velocities : ndarray of float64, shape (K, 2)
        Of the discs then, px/s.
    """

    last: Sighting
    velocities: Array

    @classmethod
    def continued(cls, before: Track | None, now: Sighting) -> Track:
        """The track that has reached a new sighting."""
        velocities = np.zeros_like(now.centers)
        if before is not None and 0 < abs(now.t_us - before.last.t_us) <= MAX_GAP_US:
            both = before.last.seen & now.seen
            if both.sum() >= MIN_DISCS:
                change = (now.centers - before.last.centers) / ((now.t_us - before.last.t_us) * 1e-6)
                velocities = smooth_field(now.centers, change, both, 1, _STIFFNESS)
        return cls(now, velocities)

    def expected(self, t_us: int) -> Array | None:
        """Where the discs will be (or were) at another instant, shape (K, 2); None when that is too far away."""
        gap_us = t_us - self.last.t_us
        if not 0 < abs(gap_us) <= MAX_GAP_US:
            return None
        return self.last.centers + self.velocities * gap_us * 1e-6

    def find(self, target: CircleGrid, regions: Regions, t_us: int) -> Sighting | None:
        """The board near where it is expected; None when too few discs are there, or when it could as well lie a row further."""
        expected = self.expected(t_us)
        if expected is None or len(regions) < MIN_DISCS:
            return None
        apart = nearest_distance(expected)
        shift = np.zeros_like(expected)
        for number in range(_ROUNDS):
            index = match(expected + shift, self.last.shapes, apart, regions, _REACH if number else _FIRST_REACH)
            found = index >= 0
            if found.sum() < MIN_DISCS:
                return None
            moved = regions.centers[index] - expected
            if number:
                shift = smooth_field(expected, moved, found, 1, _STIFFNESS)
            else:
                shift = np.tile(median(moved[found]), (len(found), 1))
        ids = np.flatnonzero(index >= 0)
        here = sighting(target, ids, index[ids], regions, t_us)
        if here is None:
            return None
        # What lies beside a board that is seen as a whole is something else.
        a_row = max(_MIN_BESIDE, min(target.rows, target.cols))
        return here if here.seen.all() or discs_beside(target, ids, index[ids], regions) < a_row else None


def discs_beside(target: CircleGrid, ids: NDArray[np.int64], index: NDArray[np.int64], regions: Regions) -> int:
    """How many regions look like discs one step beside the board that these regions are."""
    H = homography_dlt(board_places(target)[ids], regions.centers[index]).matrix
    ring = _ring(target)
    ring = ring[in_front(H, ring)]
    free = np.setdiff1d(np.arange(len(regions)), index)
    if not len(free) or len(ring) < 2:
        return 0
    places = transfer(H, ring)
    size = np.tile(median(regions.shapes[index]), (len(ring), 1, 1))
    others = Regions(regions.centers[free], regions.shapes[free])
    return int((match(places, size, nearest_distance(places), others, _BESIDE_REACH) >= 0).sum())


@lru_cache
def _ring(target: CircleGrid) -> Array:
    """The places of the lattice one step beside the board, in spacings, shape (N, 2)."""
    offsets = [(1, 1), (1, -1), (-1, 1), (-1, -1)] if target.is_asymmetric else [(1, 0), (-1, 0), (0, 1), (0, -1)]
    own = {(int(x), int(y)) for x, y in target.lattice}
    ring = {(x + dx, y + dy) for x, y in own for dx, dy in offsets} - own
    return np.array(sorted(ring), float)
