"""Elliptic regions of one tone: candidates for discs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.detect.moving._regions import COLUMNS, _ellipses, _sum_regions

MIN_AREA_PX = 12
_MAX_AREA_SHARE = 0.05
_FILL = (0.8, 1.15)
_MIN_AXIS_RATIO = 0.2


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """Ellipses with the centroids and second moments of connected regions.

    Attributes
    ----------
    centers : ndarray of float64, shape (N, 2)
        Centroids, px.
    shapes : ndarray of float64, shape (N, 2, 2)
        Symmetric matrices that map the unit circle to the outline, px.
    """

    centers: NDArray[np.float64]
    shapes: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.centers)


def elliptic_regions(mask: NDArray[np.uint8]) -> Regions:
    """Connected regions of a picture that are full ellipses and do not touch its border.

    Parameters
    ----------
    mask : ndarray of uint8, shape (height, width)
        Nonzero where a region may be.

    Notes
    -----
    A region passes when its area and its second moments agree on an ellipse
    (filled to 80-115 %), which rings, crescents and corners do not.  Two discs that
    have merged do (89 % where they touch), as an ellipse twice as long.
    """
    flat = np.ascontiguousarray(mask).ravel()
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    sums = np.empty((flat.size // 2 + 1, COLUMNS), np.int64)  # touched only as far as there are regions
    sums = sums[: _sum_regions(flat, words, mask.shape[1], sums)]
    centers, shapes = np.empty((len(sums), 2)), np.empty((len(sums), 2, 2))
    found = _ellipses(sums, MIN_AREA_PX, _MAX_AREA_SHARE * mask.size, *_FILL, _MIN_AXIS_RATIO, centers, shapes)
    return Regions(centers[:found], shapes[:found])
