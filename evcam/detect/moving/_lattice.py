"""Kernels that walk from neighbour to neighbour over a bent lattice of points."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _neighbours(centers, inverse_shapes, step, tolerance, near):  # type: ignore[no-untyped-def]
    """Per point its up to four lattice neighbours at right angles, in the point's own affine frame.

    Lengths are measured in units of the point's ellipse, in which the lattice is
    square with side ``step`` whatever the tilt.  Returns nothing; ``near`` (N, 4)
    holds the neighbours towards +a, +b, -a, -b, or -1.
    """
    n = centers.shape[0]
    for i in range(n):
        near[i, :] = -1
        best, ax, ay = 1e18, 0.0, 0.0
        # The neighbour whose distance fits best and that has a counterpart on the other side sets the axis a.
        for j in range(n):
            if j == i:
                continue
            wx, wy = _in_frame(centers, inverse_shapes, i, j)
            off = abs(np.sqrt(wx * wx + wy * wy) / step - 1.0)
            if off > tolerance:
                continue
            if _nearest(centers, inverse_shapes, i, -wx, -wy, tolerance * step) < 0:
                off += tolerance
            if off < best:
                best, ax, ay = off, wx, wy
        if best > 1e17:
            continue
        for turn in range(4):
            near[i, turn] = _nearest(centers, inverse_shapes, i, ax, ay, tolerance * step)
            ax, ay = -ay, ax


@kernel
def _in_frame(centers, inverse_shapes, i, j):  # type: ignore[no-untyped-def]
    dx, dy = centers[j, 0] - centers[i, 0], centers[j, 1] - centers[i, 1]
    b = inverse_shapes[i]
    return b[0, 0] * dx + b[0, 1] * dy, b[1, 0] * dx + b[1, 1] * dy


@kernel
def _nearest(centers, inverse_shapes, i, wx, wy, reach):  # type: ignore[no-untyped-def]
    found, best = -1, reach * reach
    for j in range(centers.shape[0]):
        if j == i:
            continue
        ux, uy = _in_frame(centers, inverse_shapes, i, j)
        d = (ux - wx) ** 2 + (uy - wy) ** 2
        if d < best:
            found, best = j, d
    return found


@kernel
def _closest(centers, x, y):  # type: ignore[no-untyped-def]
    found, best = -1, 1e30
    for j in range(centers.shape[0]):
        d = (centers[j, 0] - x) ** 2 + (centers[j, 1] - y) ** 2
        if d < best:
            found, best = j, d
    return found, best


@kernel
def _walk(centers, near, seed, miss, cells, steps, queue):  # type: ignore[no-untyped-def]
    """Number the lattice from ``seed``; ``cells`` (N, 3) holds i, j, reached.  Returns how many were reached.

    Each step predicts the next point from the local lattice directions, so
    perspective and distortion may bend the lattice.
    """
    cells[:] = 0
    a, b = near[seed, 0], near[seed, 1]
    c, d = near[seed, 2], near[seed, 3]
    for axis in range(2):
        steps[seed, 0, axis] = _half_step(centers, seed, a, c, axis)
        steps[seed, 1, axis] = _half_step(centers, seed, b, d, axis)
    cells[seed, 2] = 1
    queue[0] = seed
    head, tail = 0, 1
    while head < tail:
        i = queue[head]
        head += 1
        for turn in range(4):
            direction, sign = turn % 2, 1 - 2 * (turn // 2)
            sx, sy = sign * steps[i, direction, 0], sign * steps[i, direction, 1]
            j, squared = _closest(centers, centers[i, 0] + sx, centers[i, 1] + sy)
            if cells[j, 2] or squared > miss * miss * (sx * sx + sy * sy):
                continue
            cells[j, 0], cells[j, 1], cells[j, 2] = cells[i, 0], cells[i, 1], 1
            cells[j, direction] += sign
            for axis in range(2):
                steps[j, direction, axis] = sign * (centers[j, axis] - centers[i, axis])
                steps[j, 1 - direction, axis] = steps[i, 1 - direction, axis]
            queue[tail] = j
            tail += 1
    return tail


@kernel
def _half_step(centers, i, forward, backward, axis):  # type: ignore[no-untyped-def]
    """The local lattice direction from the neighbours on both sides, or from the one that there is."""
    if forward >= 0 and backward >= 0:
        return 0.5 * (centers[forward, axis] - centers[backward, axis])
    if forward >= 0:
        return centers[forward, axis] - centers[i, axis]
    return centers[i, axis] - centers[backward, axis]
