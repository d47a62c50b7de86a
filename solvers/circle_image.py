"""Images of circles: the centre of a circle's image is not the image of its centre."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evcam.solvers._circle_image import _ellipse_centers

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
    offsets = np.empty((len(centers), 2))
    towards = np.zeros_like(offsets) if directions is None else np.ascontiguousarray(directions, np.float64)
    _ellipse_centers(np.ascontiguousarray(ring, np.float64), unit, towards, min_cosine, offsets)
    return offsets
