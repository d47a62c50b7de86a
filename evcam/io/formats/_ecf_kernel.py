"""Prophesee's event compression format (ECF), one chunk of an HDF5 data set at a time.

A little-endian 32-bit word: number of events << 2 | whether y, x and polarity are packed together << 1 | whether x and polarity
are.  Then the first time (64 bits), the times, and the pixels:

- times: bytes ``step << 4 | count``, count 15 meaning that a 16-bit count follows; step 15 instead adds the low four bits to
  the next step, as its next higher nibble;
- rows: 16-bit words ``y << 5 | count``, count 31 meaning that a 16-bit count follows;
- columns: 16-bit words ``x << 5 | mask``, the mask's bits from 4 down to 0 adding x + 1 to x + 5;
- polarities: bytes ``p << 7 | count``, count 127 meaning that a 16-bit count follows;
- x and polarity packed: 12 bits ``x << 1 | p``, four of them in three 16-bit words;
- y, x and polarity packed: 24 bits ``y << 12 | x << 1 | p``, four of them in three 32-bit words.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

MAX_EVENTS: Final = 65535
_HEADER_BYTES = 12
_MOST_NIBBLES = 15

_Bytes = NDArray[np.uint8]
_U16 = NDArray[np.uint16]


@kernel
def _byte(data: _Bytes, i: int) -> int:
    """One byte, 64 bits wide, so that nothing overflows in uncompiled runs either."""
    return np.int64(data[i])  # type: ignore[return-value]  # NumPy's integers are not typed as int


@kernel
def _short(data: _Bytes, i: int) -> int:
    return _byte(data, i) | _byte(data, i + 1) << 8


@kernel
def event_count(data: _Bytes) -> int:
    """Number of events in a chunk, -1 if it is shorter than its header."""
    if len(data) < _HEADER_BYTES:
        return -1
    return (_short(data, 0) | _short(data, 2) << 16) >> 2


@kernel
def first_time_us(data: _Bytes) -> int:
    """Time from which a chunk that has a header counts."""
    value = 0
    for k in range(8):
        value |= _byte(data, 4 + k) << (8 * k)
    return value


@kernel
def _decode_times(data: _Bytes, i: int, t: NDArray[np.int64]) -> int:
    """Fill ``t`` from byte ``i`` on; the byte behind, or -1 - i where the data do not suffice."""
    now, n = first_time_us(data), 0
    while n < len(t):
        if i >= len(data):
            return -1 - i
        step, count = _byte(data, i) >> 4, _byte(data, i) & 15
        i += 1
        if step == 15:
            wait, nibble = count, 1
            while i < len(data) and data[i] >> 4 == 15:
                if nibble > _MOST_NIBBLES:
                    return -1 - i
                wait |= (_byte(data, i) & 15) << (4 * nibble)
                nibble += 1
                i += 1
            now += wait
            continue
        if count == 15:
            if i + 2 > len(data):
                return -1 - i
            count = _short(data, i)
            i += 2
        if n + count > len(t):
            return -1 - i
        now += step
        t[n : n + count] = now
        n += count
    return i


@kernel
def _decode_rows(data: _Bytes, i: int, y: _U16) -> int:
    n = 0
    while n < len(y):
        if i + 2 > len(data):
            return -1 - i
        row, count = _short(data, i) >> 5, _short(data, i) & 31
        i += 2
        if count == 31:
            if i + 2 > len(data):
                return -1 - i
            count = _short(data, i)
            i += 2
        if n + count > len(y):
            return -1 - i
        y[n : n + count] = row
        n += count
    return i


@kernel
def _decode_columns(data: _Bytes, i: int, x: _U16) -> int:
    n = 0
    while n < len(x):
        if i + 2 > len(data):
            return -1 - i
        column, mask = _short(data, i) >> 5, _short(data, i) & 31
        i += 2
        x[n] = column
        n += 1
        for k in range(1, 6):
            if mask >> (5 - k) & 1 and n < len(x):  # bits behind the last event mean nothing
                x[n] = column + k
                n += 1
    return i


@kernel
def _decode_polarities(data: _Bytes, i: int, p: NDArray[np.bool_]) -> int:
    n = 0
    while n < len(p):
        if i >= len(data):
            return -1 - i
        on, count = _byte(data, i) >> 7, _byte(data, i) & 127
        i += 1
        if count == 127:
            if i + 2 > len(data):
                return -1 - i
            count = _short(data, i)
            i += 2
        if n + count > len(p):
            return -1 - i
        p[n : n + count] = on == 1
        n += count
    return i


@kernel
def decode_ecf(data: _Bytes, t: NDArray[np.int64], x: _U16, y: _U16, p: NDArray[np.bool_]) -> int:
    """Decode a chunk of as many events as the columns are long.

    Returns the number of bytes that were used, or -1 - i where byte ``i`` shows that the chunk is damaged.
    """
    n, kind = event_count(data), _byte(data, 0) & 3
    i = _decode_times(data, _HEADER_BYTES, t)
    if i < 0:
        return i
    if kind & 2:
        end = i + (n + 3) // 4 * 12
        if end > len(data):
            return -1 - len(data)
        for k in range(n):
            word = i + k // 4 * 12
            first = _short(data, word) | _short(data, word + 2) << 16
            second = _short(data, word + 4) | _short(data, word + 6) << 16
            third = _short(data, word + 8) | _short(data, word + 10) << 16
            if k % 4 == 0:
                value = first >> 8
            elif k % 4 == 1:
                value = first & 0xFF | second >> 16 << 8
            elif k % 4 == 2:
                value = second & 0xFFFF | third >> 24 << 16
            else:
                value = third & 0xFFFFFF
            y[k], x[k], p[k] = value >> 12 & 0x7FF, value >> 1 & 0x7FF, value & 1 == 1
        return end
    i = _decode_rows(data, i, y)
    if i < 0:
        return i
    if kind & 1:
        end = i + (n + 3) // 4 * 6
        if end > len(data):
            return -1 - len(data)
        for k in range(n):
            word = i + k // 4 * 6
            if k % 4 == 0:
                value = _short(data, word) >> 4
            elif k % 4 == 1:
                value = _short(data, word) & 15 | _short(data, word + 2) >> 8 << 4
            elif k % 4 == 2:
                value = _short(data, word + 2) & 0xFF | _short(data, word + 4) >> 12 << 8
            else:
                value = _short(data, word + 4) & 0xFFF
            x[k], p[k] = value >> 1, value & 1 == 1
        return end
    i = _decode_columns(data, i, x)
    return i if i < 0 else _decode_polarities(data, i, p)
