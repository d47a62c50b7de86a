"""Kernels of the direct linear transform for homographies."""

from __future__ import annotations

import numpy as np

from evcam._jit import helper, kernel


@helper
def _normalise(points, mask, matrix):  # type: ignore[no-untyped-def]
    """Write the matrix that moves the points' centroid to the origin and their rms distance to sqrt(2)."""
    count, x, y, squares = 0, 0.0, 0.0, 0.0
    for i in range(mask.size):
        if mask[i]:
            count += 1
            x += points[i, 0]
            y += points[i, 1]
    x, y = x / max(count, 1), y / max(count, 1)
    for i in range(mask.size):
        if mask[i]:
            squares += (points[i, 0] - x) ** 2 + (points[i, 1] - y) ** 2
    scale = np.sqrt(2.0 * max(count, 1) / squares) if squares > 0 else 1.0
    for r in range(3):
        for c in range(3):
            matrix[r, c] = 0.0
    matrix[0, 0] = matrix[1, 1] = scale
    matrix[0, 2], matrix[1, 2], matrix[2, 2] = -scale * x, -scale * y, 1.0


@kernel
def _normal_matrices(source, target, mask, of_source, of_target, normal):  # type: ignore[no-untyped-def]
    """Write, per set of points, the two normalising matrices and the 9x9 normal matrix of the normalised points' equations.

    With a = (x, y, 1) of the source and (u, v) of the target the equations' rows are (a, 0, -u a) and (0, a, -v a).
    """
    a = np.empty(3)
    for k in range(mask.shape[0]):
        _normalise(source[k], mask[k], of_source[k])
        _normalise(target[k], mask[k], of_target[k])
        for r in range(9):
            for c in range(9):
                normal[k, r, c] = 0.0
        s, t = of_source[k], of_target[k]
        for i in range(mask.shape[1]):
            if not mask[k, i]:
                continue
            a[0], a[1], a[2] = s[0, 0] * source[k, i, 0] + s[0, 2], s[1, 1] * source[k, i, 1] + s[1, 2], 1.0
            u, v = t[0, 0] * target[k, i, 0] + t[0, 2], t[1, 1] * target[k, i, 1] + t[1, 2]
            for r in range(3):
                for c in range(3):
                    product = a[r] * a[c]
                    normal[k, r, c] += product
                    normal[k, 6 + r, c] -= u * product
                    normal[k, 6 + r, 3 + c] -= v * product
                    normal[k, 6 + r, 6 + c] += (u * u + v * v) * product
        # Only the lower triangle is read, and the second block of rows is like the first.
        for r in range(3):
            for c in range(3):
                normal[k, 3 + r, 3 + c] = normal[k, r, c]
