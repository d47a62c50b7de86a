"""Images of circles: the centre of a circle's image is not the image of its centre."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RING = 32


def circle_center_offset(
    to_image: Callable[[Array], Array], centers: Array, radius: float, directions: Array | None = None, min_cosine: float = 0.0
) -> Array:
    """Centre of the ellipse that fits a circle's image, minus the image of the circle's centre.

    Perspective and lens distortion move the outline against the centre.  An ellipse is fitted to
    the outline's displacement along its normal from the local affine image of the circle: centre and
    shape, by least squares.  For a pure homography and the whole outline the result is the centre of the image
    conic (Hartley & Zisserman, result 2.14) up to the fourth order of the radius.

    Parameters
    ----------
    to_image : callable
        Maps board points (N, 2) to image points (N, 2).
    centers : ndarray of float64, shape (N, 2)
        Circle centres on the board.
    radius : float
        Radius of the circles, in the board's unit.
    directions : ndarray of float64, shape (N, 2), optional
        Motion in the image.  Only the outline's parts that an event camera sees then count: those whose normal
        makes a cosine of at least ``min_cosine`` with it, in proportion to the area that they sweep.
    min_cosine : float
        See ``directions``.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Offsets in the image's unit.

    Examples
    --------
    An affine map moves nothing; a perspective one does:

    >>> center = np.array([[0.0, 0.0]])
    >>> circle_center_offset(lambda xy: 3 * xy + 1, center, 0.1).round(12) + 0.0
    array([[0., 0.]])
    >>> circle_center_offset(lambda xy: xy / (1 + xy[:, :1]), center, 0.1).round(3) + 0.0
    array([[-0.01,  0.  ]])
    """
    angle = 2 * np.pi * np.arange(_RING) / _RING
    unit = np.stack([np.cos(angle), np.sin(angle)], -1)
    ring = to_image((centers[:, None] + radius * unit).reshape(-1, 2)).reshape(-1, _RING, 2) - to_image(centers)[:, None]
    # Opposite points of the ring give the local affine map, free of even orders.
    local = 2 / _RING * np.einsum("nka,kb->nab", ring, unit)
    outline = np.einsum("nab,kb->nka", local, unit)
    normal = np.einsum("nba,kb->nka", np.linalg.inv(local), unit)
    # The normal's length is the inverse of the distance between origin and tangent; times |A| it is the arc's length.
    length = np.linalg.norm(normal, axis=-1)
    normal = normal / length[..., None]
    weight = length if directions is None else length * _swept(normal, directions, min_cosine)
    design = np.stack([
        normal[..., 0], normal[..., 1], normal[..., 0] * outline[..., 0], normal[..., 1] * outline[..., 1],
        normal[..., 0] * outline[..., 1] + normal[..., 1] * outline[..., 0],
    ], -1)
    displaced = (normal * (ring - outline)).sum(-1)
    weighted = design * weight[..., None]
    solved = np.linalg.solve(weighted.transpose(0, 2, 1) @ design, np.einsum("nkp,nk->np", weighted, displaced)[..., None])
    offset: Array = solved[:, :2, 0]
    return offset


def _swept(normal: Array, directions: Array, min_cosine: float) -> Array:
    """Share of the motion along the normal, 0 where the outline moves along itself; 1 without motion."""
    speed = np.linalg.norm(directions, axis=-1)
    still = speed == 0
    heading = directions / np.where(still, 1.0, speed)[:, None]
    cosine = np.abs(np.einsum("nka,na->nk", normal, heading))
    swept: Array = np.where(still[:, None], 1.0, np.where(cosine >= min_cosine, cosine, 0.0))
    return swept
