"""Which bands can matter to which part of the image during a slab, so that pixels need not look at all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.sim._kernels import LONGEST_SLEEP_S, MARGIN_SIGMAS

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_TILE_PX = 16
_SAMPLE_S = 0.01


@dataclass(frozen=True, eq=False, slots=True)
class Tiles:
    """Square parts of the image.

    Attributes
    ----------
    of_pixel : ndarray of int64, shape (N,)
        Each pixel's tile.
    rays : ndarray of float64, shape (T, 9)
        Bearing and derivatives of a pixel in the middle of each tile.
    reach_px : float
        Largest distance of a pixel from that one.
    """

    of_pixel: Indices
    rays: Array
    reach_px: float

    @classmethod
    def of(cls, rays: Array, x: NDArray[np.uint16], y: NDArray[np.uint16]) -> Tiles:
        """Tiles of the pixels (x, y) that see anything."""
        place = np.stack([x, y], 1).astype(float)
        cell = np.floor_divide(place, _TILE_PX)
        _, tile = np.unique(cell, axis=0, return_inverse=True)
        off = np.linalg.norm(place - (cell + 0.5) * _TILE_PX, axis=1)
        order = np.lexsort((off, tile))
        middle = order[np.searchsorted(tile[order], np.arange(tile.max() + 1))]
        reach = np.linalg.norm(place - place[middle[tile]], axis=1).max()
        return cls(tile.astype(np.int64), rays[middle], float(reach))

    def nearby(self, H: Array, times: Array, bands: Array, fastest_pxps: float, inv_sigma: float) -> tuple[Indices, Indices]:
        """Bands that come near enough to any pixel of a tile to be seen there or to wake it.

        Parameters
        ----------
        H : ndarray of float64, shape (F, L, 3, 3)
            From bearings to the bands' planes at each frame.
        times : ndarray of float64, shape (F,)
            Of the frames, s.
        bands : ndarray of float64, shape (L, 3)
            Half length, half width, brightness.
        fastest_pxps : float
            No edge moves faster.
        inv_sigma : float
            Inverse of the blur's standard deviation.

        Returns
        -------
        first : ndarray of int64, shape (T + 1,)
        near : ndarray of int64
            Tile t's bands are ``near[first[t]:first[t + 1]]``, ascending.
        """
        count = 1 + int(np.ceil((times[-1] - times[0]) / _SAMPLE_S))
        samples = np.unique(np.searchsorted(times, np.linspace(times[0], times[-1], count)))
        gap_s = np.diff(times[samples]).max(initial=0.0)
        # a fifth of every way is left for what is not linear in it
        reach_px = 1.25 * (self.reach_px + fastest_pxps * (gap_s / 2 + LONGEST_SLEEP_S)) + MARGIN_SIGMAS / inv_sigma
        closest = np.full((len(bands), len(self.rays)), np.inf)
        for j in samples:
            closest = np.minimum(closest, _distance_px(H[j], self.rays, bands))
        tile, band = np.nonzero((closest < reach_px).T)
        return np.searchsorted(tile, np.arange(len(self.rays) + 1)), band


def _distance_px(H: Array, rays: Array, bands: Array) -> Array:
    """At most the distance from pixels to bands, shape (L, T); where a plane is not in front, that to its horizon."""
    at, by_u, by_v = (np.einsum("lij,tj->lit", H, part) for part in (rays[:, :3], rays[:, 3:6], rays[:, 6:]))
    w = at[:, 2]
    in_front = w > 1e-9
    depth = 1.0 / np.where(in_front, w, np.inf)
    point = at[:, :2] * depth[:, None]
    slopes = [(by[:, :2] - point * by[:, 2:]) * depth[:, None] for by in (by_u, by_v)]
    per_px = np.sqrt(sum((slope**2).sum(1) for slope in slopes))
    beside = np.maximum(np.abs(point[:, 0]) - bands[:, :1], np.abs(point[:, 1]) - bands[:, 1:2])
    to_band = np.maximum(beside, 0.0) / np.where(in_front, per_px, 1.0)
    distance: Array = np.where(in_front, to_band, np.abs(w) / np.hypot(by_u[:, 2], by_v[:, 2]))
    return distance
