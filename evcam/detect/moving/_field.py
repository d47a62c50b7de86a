"""Kernels that fit values which vary smoothly over places."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _powers(x, y, degrees, terms):  # type: ignore[no-untyped-def]
    """Write the terms x^i y^j of every degree up to the last whose flag is set; return how many."""
    count = 0
    for degree in range(degrees.size):
        if degrees[degree]:
            for j in range(degree + 1):
                terms[count] = x ** (degree - j) * y**j
                count += 1
    return count


@kernel
def _smooth(xy, values, weights, degrees, stiffness, fitted):  # type: ignore[no-untyped-def]
    """Write the weighted least-squares polynomial at every place.

    ``weights``: of the values, 0 where there is none.
    ``degrees``: whether the polynomial has terms of that degree.
    ``stiffness``: what is added to the normal matrix's diagonal, but for the constant term.
    """
    places, columns = values.shape
    middle_x, middle_y, scale = _frame(xy, weights)
    terms = np.empty(degrees.size * (degrees.size + 1) // 2)
    n = _powers(0.0, 0.0, degrees, terms)
    normal, solved = np.zeros((n, n)), np.zeros((n, columns))
    for a in range(1, n):
        normal[a, a] = stiffness
    for i in range(places):
        if weights[i] > 0.0:
            _powers((xy[i, 0] - middle_x) / scale, (xy[i, 1] - middle_y) / scale, degrees, terms)
            for a in range(n):
                weighted = weights[i] * terms[a]
                for b in range(a + 1):
                    normal[a, b] += weighted * terms[b]
                for c in range(columns):
                    solved[a, c] += weighted * values[i, c]
    _solve_definite(normal, solved)
    for i in range(places):
        _powers((xy[i, 0] - middle_x) / scale, (xy[i, 1] - middle_y) / scale, degrees, terms)
        for c in range(columns):
            total = 0.0
            for a in range(n):
                total += terms[a] * solved[a, c]
            fitted[i, c] = total


@kernel
def _frame(xy, weights):  # type: ignore[no-untyped-def]
    """Mean of the places that have a weight, and their largest distance from it along an axis, at least 1."""
    count, x, y = 0, 0.0, 0.0
    for i in range(weights.size):
        if weights[i] > 0.0:
            count += 1
            x += xy[i, 0]
            y += xy[i, 1]
    x, y = x / count, y / count
    scale = 1.0
    for i in range(weights.size):
        if weights[i] > 0.0:
            scale = max(scale, abs(xy[i, 0] - x), abs(xy[i, 1] - y))
    return x, y, scale


@kernel
def _solve_definite(a, b):  # type: ignore[no-untyped-def]
    """Solve ``a x = b`` in place for a symmetric positive definite ``a``, given and overwritten in its lower triangle."""
    n, columns = b.shape
    for j in range(n):
        for i in range(j):
            a[j, j] -= a[j, i] * a[j, i]
        a[j, j] = np.sqrt(a[j, j])
        for r in range(j + 1, n):
            for i in range(j):
                a[r, j] -= a[r, i] * a[j, i]
            a[r, j] /= a[j, j]
    for c in range(columns):
        for j in range(n):
            for i in range(j):
                b[j, c] -= a[j, i] * b[i, c]
            b[j, c] /= a[j, j]
        for j in range(n - 1, -1, -1):
            for i in range(j + 1, n):
                b[j, c] -= a[i, j] * b[i, c]
            b[j, c] /= a[j, j]
