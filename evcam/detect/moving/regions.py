"""Elliptic regions of one tone: candidates for discs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

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
    height, width = mask.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    left, top, wide, high, area = (stats[:, i] for i in range(5))
    inside = (left > 0) & (top > 0) & (left + wide < width) & (top + high < height)
    keep = inside & (area >= MIN_AREA_PX) & (area < _MAX_AREA_SHARE * mask.size)
    keep[0] = False
    number = np.full(count, -1, np.int32)
    number[keep] = np.arange(keep.sum())
    sums = np.zeros((int(keep.sum()), 6))
    _add_moments(np.ascontiguousarray(labels), number, sums)
    return _ellipses(sums)


def _ellipses(sums: NDArray[np.float64]) -> Regions:
    n, x, y, xx, xy, yy = sums.T
    centers = np.stack([x, y], -1) / n[:, None]
    # A pixel is a square, not a point: its own second moment is 1/12.
    cxx = xx / n - centers[:, 0] ** 2 + 1 / 12
    cyy = yy / n - centers[:, 1] ** 2 + 1 / 12
    cxy = xy / n - centers[:, 0] * centers[:, 1]
    moments = 4 * np.stack([np.stack([cxx, cxy], -1), np.stack([cxy, cyy], -1)], -2)
    values, vectors = np.linalg.eigh(moments)
    axes = np.sqrt(np.maximum(values, 1e-12))
    shapes = (vectors * axes[:, None, :]) @ vectors.transpose(0, 2, 1)
    fill = n / (np.pi * axes.prod(1))
    good = (fill > _FILL[0]) & (fill < _FILL[1]) & (axes[:, 0] > _MIN_AXIS_RATIO * axes[:, 1])
    return Regions(centers[good], shapes[good])


@kernel
def _add_moments(labels, number, sums):  # type: ignore[no-untyped-def]
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = number[labels[y, x]]
            if k >= 0:
                sums[k, 0] += 1
                sums[k, 1] += x
                sums[k, 2] += y
                sums[k, 3] += x * x
                sums[k, 4] += x * y
                sums[k, 5] += y * y
