"""Kernel that fits ellipses to the images of circles."""

from __future__ import annotations

import numpy as np

from evcam._jit import helper, kernel

N_PARAMS = 5  # of an ellipse: centre (2), symmetric change of shape (3)


@kernel
def _ellipse_centers(ring, unit, directions, min_cosine, offsets):  # type: ignore[no-untyped-def]
    """Write the centre of the ellipse that fits each ring of points (N, M, 2), least squares along the normals.

    ``unit`` (M, 2): the circle's points that the ring is the image of.  ``directions`` (N, 2): see
    `evcam.solvers.circle_image.circle_center_offset`; zero where the whole outline counts alike.
    """
    points = unit.shape[0]
    row, normal, gradient = np.empty(N_PARAMS), np.empty((N_PARAMS, N_PARAMS)), np.empty(N_PARAMS)
    for n in range(ring.shape[0]):
        # Opposite points of the ring give the local affine map, free of even orders.
        a = b = c = d = 0.0
        for k in range(points):
            a += ring[n, k, 0] * unit[k, 0]
            b += ring[n, k, 0] * unit[k, 1]
            c += ring[n, k, 1] * unit[k, 0]
            d += ring[n, k, 1] * unit[k, 1]
        a, b, c, d = 2 / points * a, 2 / points * b, 2 / points * c, 2 / points * d
        det = a * d - b * c
        speed = np.sqrt(directions[n, 0] ** 2 + directions[n, 1] ** 2)
        for i in range(N_PARAMS):
            gradient[i] = 0.0
            for j in range(N_PARAMS):
                normal[i, j] = 0.0
        for k in range(points):
            x, y = a * unit[k, 0] + b * unit[k, 1], c * unit[k, 0] + d * unit[k, 1]
            nx, ny = (d * unit[k, 0] - c * unit[k, 1]) / det, (a * unit[k, 1] - b * unit[k, 0]) / det
            # The normal's length is the inverse of the distance between origin and tangent; times |A| it is the arc's length.
            weight = np.sqrt(nx * nx + ny * ny)
            nx, ny = nx / weight, ny / weight
            if speed > 0:
                cosine = abs(nx * directions[n, 0] + ny * directions[n, 1]) / speed
                weight *= cosine if cosine >= min_cosine else 0.0
            displaced = nx * (ring[n, k, 0] - x) + ny * (ring[n, k, 1] - y)
            row[0], row[1], row[2], row[3], row[4] = nx, ny, nx * x, ny * y, nx * y + ny * x
            for i in range(N_PARAMS):
                gradient[i] += weight * row[i] * displaced
                for j in range(N_PARAMS):
                    normal[i, j] += weight * row[i] * row[j]
        _eliminate(normal, gradient)
        offsets[n, 0], offsets[n, 1] = gradient[0], gradient[1]


@helper
def _eliminate(a, b):  # type: ignore[no-untyped-def]
    """Solve ``a x = b`` in place for a positive definite ``a`` by Gaussian elimination."""
    n = b.size
    for j in range(n):
        for r in range(j + 1, n):
            factor = a[r, j] / a[j, j]
            for i in range(j, n):
                a[r, i] -= factor * a[j, i]
            b[r] -= factor * b[j]
    for j in range(n - 1, -1, -1):
        for i in range(j + 1, n):
            b[j] -= a[j, i] * b[i]
        b[j] /= a[j, j]
