"""Which bands can matter to which part of the image during a slab, so that pixels need not look at all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.sim._kernels import LONGEST_SLEEP_S
from evcam.sim._light import MARGIN_SIGMAS

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

    def nearby(
        self, H: Array, times: Array, bands: Array, fastest_pxps: float, inv_sigma: float
    ) -> tuple[Indices, Indices, Array]:
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
        pxps : ndarray of float64, shape of ``near``
            How fast the edges of each move there, at most.
        """
        count = 1 + int(np.ceil((times[-1] - times[0]) / _SAMPLE_S))
        samples = np.unique(np.searchsorted(times, np.linspace(times[0], times[-1], count)).clip(0, len(times) - 2))
        gap_s = np.diff(times[samples], append=times[-1]).max()
        looks = [_seen(H[j], self.rays, bands) for j in samples]
        pxps = np.max([_speed_pxps(look, H[j + 1], self.rays, bands, times[j + 1] - times[j], fastest_pxps)
                       for j, look in zip(samples, looks, strict=True)], axis=0)
        # a fifth of every way is left for what is not linear in it
        pxps = np.clip(1.25 * pxps, 0.05 * fastest_pxps, fastest_pxps)
        reach_px = 1.25 * (self.reach_px + pxps * (gap_s + LONGEST_SLEEP_S)) + MARGIN_SIGMAS / inv_sigma
        closest = np.min([look.distance_px for look in looks], axis=0)
        tile, band = np.nonzero((closest < reach_px).T)
        return np.searchsorted(tile, np.arange(len(self.rays) + 1)), band, pxps[band, tile]


@dataclass(frozen=True, eq=False, slots=True)
class _Look:
    """Where pixels look on the planes of bands; all of shape (L, T).

    Attributes
    ----------
    x, y : ndarray of float64
        Point on the plane, NaN where it is not in front.
    x_per_px, y_per_px : ndarray of float64
        Largest change of x, and of y, from pixel to pixel.
    distance_px : ndarray of float64
        At most the distance to the band; where its plane is not in front, that to its horizon.
    """

    x: Array
    y: Array
    x_per_px: Array
    y_per_px: Array
    distance_px: Array


def _seen(H: Array, rays: Array, bands: Array) -> _Look:
    at, by_u, by_v = (np.einsum("lij,tj->ilt", H, part) for part in (rays[:, :3], rays[:, 3:6], rays[:, 6:]))
    w = np.where(at[2] > 1e-9, at[2], np.nan)
    x, y = at[0] / w, at[1] / w
    x_per_px, y_per_px = (np.hypot(*((by[i] - place * by[2]) / w for by in (by_u, by_v))) for i, place in ((0, x), (1, y)))
    beside = np.maximum(np.abs(x) - bands[:, :1], np.abs(y) - bands[:, 1:2])
    to_horizon = np.abs(at[2]) / np.hypot(by_u[2], by_v[2])
    distance_px = np.where(np.isnan(w), to_horizon, np.maximum(beside, 0.0) / np.hypot(x_per_px, y_per_px))
    return _Look(x, y, x_per_px, y_per_px, distance_px)


def _speed_pxps(look: _Look, H_next: Array, rays: Array, bands: Array, step_s: float, fastest_pxps: float) -> Array:
    """Motion of the long edges and, near them, of the ends, each across itself, px/s, shape (L, T)."""
    after = np.einsum("lij,tj->ilt", H_next, rays[:, :3])
    w = np.where(after[2] > 1e-9, after[2], np.nan)
    long_edges = np.abs(after[1] / w - look.y) / look.y_per_px
    ends = np.abs(after[0] / w - look.x) / look.x_per_px
    reach_px = 2 * _TILE_PX + 2 * LONGEST_SLEEP_S * fastest_pxps
    ends[np.abs(np.abs(look.x) - bands[:, :1]) > reach_px * look.x_per_px] = 0.0
    speed: Array = np.nan_to_num(np.maximum(long_edges, ends) / step_s, nan=fastest_pxps)
    return speed
