"""Unpacking of events that were packed into words, whatever lies between them in the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import helper, kernel

_PIXEL, _ROW, _DELAY_NS = 0xFFFF, 0x7FFF, 0xFFFF_FFFF
_POLARITY = 0xFF << 32
# For numbers below 2^33, as many as delays may be: n // 1000 = (n // 8 * _PER_125) // 2^37.
_PER_125 = -(-(1 << 37) // 125)


@kernel
def unpack_mono(
    words: NDArray[np.int64], base_us: int, base_ns: int, width: int, height: int,
    t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], p: NDArray[np.bool_],
) -> int:
    """Fill the columns with the events of ``mono`` packets inside the sensor, and return how many there are.

    A word is the time since a base, which is ``base_us`` and less than 1000 ``base_ns``; column, row and polarity.
    """
    outside = 0
    for i in range(len(words)):  # without branches or divisions, so that several are unpacked at once
        word = words[i]
        column, row = word >> 32 & _PIXEL, word >> 48 & _ROW
        outside += (column >= width) | (row >= height)
        t[i] = base_us + (((base_ns + (word & _DELAY_NS)) >> 3) * _PER_125 >> 37)
        x[i], y[i], p[i] = column, row, word < 0
    return _without_those_outside(width, height, t, x, y, p) if outside else len(words)


@helper
def _without_those_outside(
    width: int, height: int, t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], p: NDArray[np.bool_],
) -> int:
    n = 0
    for i in range(len(t)):
        if x[i] < width and y[i] < height:
            t[n], x[n], y[n], p[n] = t[i], x[i], y[i], p[i]
            n += 1
    return n


@kernel
def unpack_aedat4(
    words: NDArray[np.int64], t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], p: NDArray[np.bool_]
) -> None:
    """Fill the columns with AEDAT4's events of two words: the time; then column, row and polarity."""
    for i in range(len(t)):
        address = words[2 * i + 1]
        t[i] = words[2 * i]
        x[i], y[i], p[i] = address & _PIXEL, address >> 16 & _PIXEL, address & _POLARITY != 0
