"""Kernels that match regions of a picture with the discs that are expected there."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _nearest_distance(centers, nearest):  # type: ignore[no-untyped-def]
    """Write every point's distance to its nearest neighbour."""
    for i in range(centers.shape[0]):
        nearest[i] = np.inf
        for j in range(i):
            apart = np.sqrt((centers[i, 0] - centers[j, 0]) ** 2 + (centers[i, 1] - centers[j, 1]) ** 2)
            nearest[i], nearest[j] = min(nearest[i], apart), min(nearest[j], apart)


@kernel
def _area(shape):  # type: ignore[no-untyped-def]
    return abs(shape[0, 0] * shape[1, 1] - shape[0, 1] * shape[1, 0])


@kernel
def _match(centers, shapes, apart, region_centers, region_shapes, reach, least_ratio, most_ratio, match):  # type: ignore[no-untyped-def]
    """Write which region each disc can be, -1 for none: one of a like area, each the other's nearest, near enough."""
    regions = region_centers.shape[0]
    nearest_disc, nearest2, areas = np.empty(regions, np.int64), np.empty(regions), np.empty(regions)
    for r in range(regions):
        nearest_disc[r], nearest2[r], areas[r] = -1, np.inf, _area(region_shapes[r])
    for k in range(centers.shape[0]):
        best, best2, area = -1, np.inf, _area(shapes[k])
        for r in range(regions):
            if areas[r] < least_ratio * area or areas[r] > most_ratio * area:
                continue
            d2 = (centers[k, 0] - region_centers[r, 0]) ** 2 + (centers[k, 1] - region_centers[r, 1]) ** 2
            if d2 < best2:
                best, best2 = r, d2
            if d2 < nearest2[r]:
                nearest_disc[r], nearest2[r] = k, d2
        match[k] = best if best2 < (reach * apart[k]) ** 2 else -1
    for k in range(centers.shape[0]):
        if match[k] >= 0 and nearest_disc[match[k]] != k:
            match[k] = -1
