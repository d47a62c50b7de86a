"""What perspective does to circles: the image of a circle is an ellipse whose centre is not the image of the circle's centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def circle_center_offset(H_image_board: Array, centers: Array, radius: float) -> Array:
    """Ellipse centre minus projected circle centre.

    The circle's dual conic C* maps to H C* H^T (Hartley & Zisserman, result 2.14);
    the ellipse's centre is that matrix's last column.

    Parameters
    ----------
    H_image_board : ndarray of float64, shape (3, 3)
        Maps board to image points.
    centers : ndarray of float64, shape (N, 2)
        Circle centres on the board.
    radius : float
        Radius of the circles, in the board's unit.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Offsets in the image's unit.

    Notes
    -----
    Lens distortion adds an offset of its own, which is smaller by the ratio of
    the disc's size to the image's and is left out.

    Examples
    --------
    A plane seen head on moves nothing:

    >>> circle_center_offset(np.eye(3), np.array([[2.0, 1.0]]), 0.5)
    array([[0., 0.]])
    """
    x, y = centers.T
    one, r2 = np.ones(len(centers)), np.full(len(centers), radius * radius)
    # Dual of (X - x)^2 + (Y - y)^2 = r^2, scaled so that its last element is one.
    dual = np.array([[x * x - r2, x * y, x], [x * y, y * y - r2, y], [x, y, one]]).transpose(2, 0, 1)
    image = H_image_board @ dual @ H_image_board.T
    mapped = np.column_stack([centers, one]) @ H_image_board.T
    offset: Array = image[:, :2, 2] / image[:, 2, 2:] - mapped[:, :2] / mapped[:, 2:]
    return offset
