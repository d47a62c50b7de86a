"""Images of circles: the centre of a circle's image is not the image of its centre."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RING = 16


def circle_center_offset(to_image: Callable[[Array], Array], centers: Array, radius: float) -> Array:
    """Centre of the ellipse that fits a circle's image, minus the image of the circle's centre.

    Perspective and lens distortion move the outline against the centre.  In
    the local affine frame, in which the outline is a circle, the displacement along
    the outline's normal is projected on a translation: ``c = <2 n (n . d)>``.  For a pure
    homography this is the centre of the image conic (Hartley & Zisserman, result 2.14)
    up to the fourth order of the radius.

    Parameters
    ----------
    to_image : callable
        Maps board points (N, 2) to image points (N, 2).
    centers : ndarray of float64, shape (N, 2)
        Circle centres on the board.
    radius : float
        Radius of the circles, in the board's unit.

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
    normal = np.stack([np.cos(angle), np.sin(angle)], -1)
    ring = to_image((centers[:, None] + radius * normal).reshape(-1, 2)).reshape(-1, _RING, 2)
    # Opposite points of the ring give the local affine map, free of even orders.
    local = 2 / _RING * np.einsum("nka,kb->nab", ring, normal)
    displaced = np.einsum("nab,nkb->nka", np.linalg.inv(local), ring - to_image(centers)[:, None])
    along = (displaced * normal).sum(-1) - 1
    offset: Array = np.einsum("nab,nk,kb->na", local, along, normal) * 2 / _RING
    return offset
