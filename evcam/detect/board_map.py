"""How a board appears in a view: a homography, bent by the lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import View
from evcam.core.target import CircleGrid
from evcam.solvers.circle_image import circle_center_offset
from evcam.solvers.homography import homography_dlt, transfer

Array = NDArray[np.float64]

_WEAKEST, _STRONGEST = np.array([-0.8, -0.1]), np.array([0.5, 0.3])
_LENS_STEPS, _LENS_CONVERGED, _DIFFERENCE = 20, 1e-4, 1e-4
_FLOOR_PX = 0.02
_NEWTON_STEPS = 6
_VIEWS_FOR_LENS = 24
_POINTS_FOR_LENS = 12
_VIEWS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class LensBend:
    """Radial distortion about the image's middle by two numbers (division model; Fitzgibbon, CVPR 2001).

    ``straight = bent / (1 + a |bent|^2 + b |bent|^4)``, with points from the middle of the image in
    units of its half diagonal.  Not a calibration: good enough for the small difference between
    the centre of a circle's image and the image of its centre.
    """

    width: int
    height: int
    a: float = 0.0
    b: float = 0.0

    def straightened(self, xy: Array) -> Array:
        """What a lens without distortion would show, (N, 2) px."""
        middle, scale = self._frame()
        bent = (xy - middle) / scale
        r2 = (bent**2).sum(-1, keepdims=True)
        straight: Array = middle + scale * bent / (1 + self.a * r2 + self.b * r2**2)
        return straight

    def bent(self, xy: Array) -> Array:
        """Inverse of `straightened`, by Newton's method on the radius."""
        middle, scale = self._frame()
        straight = (xy - middle) / scale
        r_straight = np.sqrt((straight**2).sum(-1, keepdims=True))
        # Exact for b = 0; from r_straight itself strong barrel distortion would diverge.
        r = 2 * r_straight / (1 + np.sqrt(np.maximum(1 - 4 * self.a * r_straight**2, 0.0)))
        for _ in range(_NEWTON_STEPS):
            r2 = r * r
            denominator = 1 + self.a * r2 + self.b * r2**2
            slope = 1 - self.a * r2 - 3 * self.b * r2**2
            r = r - (r - r_straight * denominator) * denominator / slope
        r2 = r * r
        result: Array = middle + scale * straight * (1 + self.a * r2 + self.b * r2**2)
        return result

    def _frame(self) -> tuple[Array, float]:
        size = np.array([self.width - 1.0, self.height - 1.0])
        return size / 2, float(np.linalg.norm(size) / 2)


def fit_lens(width: int, height: int, views: Sequence[tuple[Array, Array]]) -> LensBend:
    """The bend that makes boards flattest.

    Parameters
    ----------
    width, height : int
        Sensor size, px.
    views : sequence of (ndarray (N, 2), ndarray (N, 2))
        Board and image points of views; of many, some spread evenly over them are used.

    Returns
    -------
    LensBend
        Without bend if no view has points enough to show one.
    """
    useful = [view for view in views if len(view[0]) >= _POINTS_FOR_LENS]
    if not useful:
        return LensBend(width, height)
    spread = [useful[i] for i in np.unique(np.linspace(0, len(useful) - 1, _VIEWS_FOR_LENS).astype(int))]

    board, image, mask = _padded(spread)

    def miss(strengths: Array) -> Array:
        lens = LensBend(width, height, *map(float, strengths))
        H = homography_dlt(board, lens.straightened(image), mask).matrix
        return (lens.bent(transfer(H, board)) - image)[mask]

    found = np.zeros(2)
    for _ in range(_LENS_STEPS):
        # Gauss-Newton on distances instead of squares: weights that fall with the distance.
        here = miss(found)
        weight = 1 / np.maximum(np.linalg.norm(here, axis=1), _FLOOR_PX)
        slopes = [(miss(found + d) - miss(found - d)) / (2 * _DIFFERENCE) for d in _DIFFERENCE * np.eye(2)]
        J = np.stack(slopes, -1)
        normal, pull = np.einsum("n,nki,nkj->ij", weight, J, J), np.einsum("n,nki,nk->i", weight, J, here)
        step = -np.linalg.lstsq(normal, pull, rcond=None)[0]
        before, found = found, np.clip(found + step, _WEAKEST, _STRONGEST)
        if np.abs(found - before).max() < _LENS_CONVERGED:
            break
    return LensBend(width, height, *map(float, found))


def with_circle_centers(
    views: Sequence[View], target: CircleGrid, width: int, height: int, min_cosine: float = 0.0
) -> tuple[View, ...]:
    """Views of one recording with the images of the discs' centres in place of the centres of their images.

    ``min_cosine``: which parts of moving outlines the centres were fitted to.
    """
    points = target.object_points
    boards = [points[view.ids, :2] for view in views]
    lens = fit_lens(width, height, [(board, view.xy) for board, view in zip(boards, views, strict=True)])
    centered: list[View] = []
    for first in range(0, len(views), _VIEWS_AT_ONCE):
        some = views[first : first + _VIEWS_AT_ONCE]
        board, image, mask = _padded([(b, v.xy) for b, v in zip(boards[first : first + _VIEWS_AT_ONCE], some, strict=True)])
        H = homography_dlt(board, lens.straightened(image), mask).matrix
        velocity = np.concatenate([view.velocity for view in some])
        offsets = _offsets(lens, np.repeat(H, mask.sum(1), axis=0), board[mask], target.radius_m, velocity, min_cosine)
        ends = np.cumsum([len(view) for view in some])[:-1]
        centered += [replace(v, xy=v.xy - offset) for v, offset in zip(some, np.split(offsets, ends), strict=True)]
    return tuple(centered)


def _offsets(lens: LensBend, H: Array, board: Array, radius: float, directions: Array, min_cosine: float) -> Array:
    """`circle_center_offset` of discs that have a homography each, (N, 3, 3), to the image of the lens without bend."""

    def to_image(xy: Array) -> Array:
        return lens.bent(transfer(H, xy.reshape(len(H), -1, 2))).reshape(-1, 2)

    return circle_center_offset(to_image, board, radius, directions, min_cosine)


def _padded(views: Sequence[tuple[Array, Array]]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Board and image points of several views, (V, N, 2), and which of them there are, (V, N)."""
    mask = np.arange(max(len(board) for board, _ in views)) < np.array([[len(board)] for board, _ in views])
    board, image = np.zeros((*mask.shape, 2)), np.zeros((*mask.shape, 2))
    board[mask] = np.concatenate([board for board, _ in views])
    image[mask] = np.concatenate([image for _, image in views])
    return board, image, mask
