"""Kernels that lay a found lattice on a board."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _overlaps(cells, wanted, first):  # type: ignore[no-untyped-def]
    """How many cells lie on the board when its origin is at the cell ``first`` + (i, j), for every such shift."""
    reach = np.zeros(2, np.int64)
    for axis in range(2):
        low, high = cells[0, axis], cells[0, axis]
        for i in range(cells.shape[0]):
            low, high = min(low, cells[i, axis]), max(high, cells[i, axis])
        low_wanted, high_wanted = wanted[0, axis], wanted[0, axis]
        for k in range(wanted.shape[0]):
            low_wanted, high_wanted = min(low_wanted, wanted[k, axis]), max(high_wanted, wanted[k, axis])
        first[axis] = low - high_wanted
        reach[axis] = high - low_wanted - first[axis] + 1
    overlap = np.zeros((reach[0], reach[1]), np.int64)
    # Every pair of a found cell and a cell of the board votes for the shift that brings them together.
    for i in range(cells.shape[0]):
        for k in range(wanted.shape[0]):
            overlap[cells[i, 0] - wanted[k, 0] - first[0], cells[i, 1] - wanted[k, 1] - first[1]] += 1
    return overlap


@kernel
def _covered(cells, wanted, x, y, ids, members):  # type: ignore[no-untyped-def]
    """Write the ids of the cells that lie on the board whose origin is at (x, y), and which cells they are; return how many."""
    found = 0
    for i in range(cells.shape[0]):
        for k in range(wanted.shape[0]):
            if cells[i, 0] - wanted[k, 0] == x and cells[i, 1] - wanted[k, 1] == y:
                ids[found], members[found] = k, i
                found += 1
    return found
