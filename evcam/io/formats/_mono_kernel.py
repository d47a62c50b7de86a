"""Unpacking of the words of ``mono`` event packets: time since a base, column, row and polarity in 64 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

_PIXEL, _ROW, _DELAY_NS = 0xFFFF, 0x7FFF, 0xFFFF_FFFF


@kernel
def unpack_mono(
    words: NDArray[np.int64], base_ns: int, width: int, height: int,
    t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], p: NDArray[np.bool_],
) -> int:
    """Fill the columns with the events inside the sensor, and return how many there are."""
    n = 0
    for word in words:
        column, row = word >> 32 & _PIXEL, word >> 48 & _ROW
        if column < width and row < height:
            t[n] = (base_ns + (word & _DELAY_NS)) // 1000
            x[n], y[n], p[n] = column, row, word < 0
            n += 1
    return n
