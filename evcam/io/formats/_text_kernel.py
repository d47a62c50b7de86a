"""Parsing of ``t x y p`` lines, byte by byte, without floating point.

A number is read as digits times a power of ten and scaled in whole numbers, so
that a time with nine decimals becomes the nearest microsecond whatever its size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

OK: Final = 0
BAD_NUMBER: Final = 1
TOO_FEW_COLUMNS: Final = 2
TOO_MANY_COLUMNS: Final = 3
NOT_WHOLE: Final = 4
OUT_OF_RANGE: Final = 5

PROBLEMS: Final = {
    BAD_NUMBER: "{column} is not a finite number",
    TOO_FEW_COLUMNS: "fewer than the four columns t x y p",
    TOO_MANY_COLUMNS: "more than the four columns t x y p",
    NOT_WHOLE: "{column} is not a whole number",
    OUT_OF_RANGE: "{column} is out of range (x, y: 0 to 65535; p: 0 or -1, and 1)",
}

_SPACE, _TAB, _RETURN, _NEWLINE, _HASH = 32, 9, 13, 10, 35
_PLUS, _MINUS, _POINT, _ZERO, _NINE, _UPPER_E, _LOWER_E = 43, 45, 46, 48, 57, 69, 101
_MAX_EXPONENT = 1000
_LARGEST = 4_000_000_000_000_000_000
_ROOM_FOR_A_DIGIT = _LARGEST // 10
_MAX_PIXEL = 65535


@kernel
def _digit(byte: int) -> int:
    """Value of a digit's byte; 64 bits wide, so that nothing overflows in uncompiled runs either."""
    return np.int64(byte) - _ZERO  # type: ignore[return-value]  # NumPy's integers are not typed as int


@kernel
def _scale(digits: int, exponent: int, rounding: bool) -> tuple[int, int]:
    """``digits * 10 ** exponent`` as a whole number, half rounded up, and a status."""
    while exponent > 0 and digits != 0:
        if digits > _ROOM_FOR_A_DIGIT:
            return 0, OUT_OF_RANGE
        digits *= 10
        exponent -= 1
    rest = 0
    exact = True
    while exponent < 0 and (digits != 0 or rest != 0):
        exact = exact and digits % 10 == 0
        rest = digits % 10
        digits //= 10
        exponent += 1
    if not rounding:
        return digits, OK if exact else NOT_WHOLE
    return digits + (1 if rest >= 5 else 0), OK


@kernel
def _number(data: NDArray[np.uint8], i: int, shift: int, rounding: bool) -> tuple[int, int, int]:
    """Whole number nearest to the text at ``i`` times ``10 ** shift``; its value, the position behind it, a status."""
    negative = data[i] == _MINUS
    if negative or data[i] == _PLUS:
        i += 1
    begin, digits, exponent = i, 0, shift
    while _ZERO <= data[i] <= _NINE:
        if digits < _ROOM_FOR_A_DIGIT:
            digits = digits * 10 + _digit(data[i])
        else:
            exponent += 1
        i += 1
    count = i - begin
    if data[i] == _POINT:
        i += 1
        begin = i
        while _ZERO <= data[i] <= _NINE:
            if digits < _ROOM_FOR_A_DIGIT:
                digits = digits * 10 + _digit(data[i])
                exponent -= 1
            i += 1
        count += i - begin
    if count == 0:
        return 0, i, BAD_NUMBER
    if data[i] == _LOWER_E or data[i] == _UPPER_E:
        i += 1
        down = data[i] == _MINUS
        if down or data[i] == _PLUS:
            i += 1
        if not _ZERO <= data[i] <= _NINE:
            return 0, i, BAD_NUMBER
        power = 0
        while _ZERO <= data[i] <= _NINE:
            power = min(power * 10 + _digit(data[i]), _MAX_EXPONENT)
            i += 1
        exponent += -power if down else power
    value, status = _scale(digits, exponent, rounding)
    return -value if negative else value, i, status


@kernel
def _parse(
    data: NDArray[np.uint8], start: int, stop: int, t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16],
    p: NDArray[np.int8],
) -> tuple[int, int, int, int, int]:
    """Parse whole lines of ``data[start:stop]``, whose last byte is a line feed.

    Fills t (us), x, y, p up to their length.  Returns the number of events, the position
    behind the last parsed line, the number of lines passed, a status, and the faulty column.
    """
    i, n, lines = start, 0, 0
    while i < stop and n < len(t):
        begin = i
        while data[i] == _SPACE or data[i] == _TAB or data[i] == _RETURN:
            i += 1
        if data[i] == _NEWLINE:
            i += 1
            lines += 1
            continue
        if data[i] == _HASH:
            while data[i] != _NEWLINE:
                i += 1
            continue
        for column in range(4):
            if data[i] == _NEWLINE:
                return n, begin, lines, TOO_FEW_COLUMNS, column
            value, i, status = _number(data, i, 6 if column == 0 else 0, column == 0)
            c = data[i]
            if status == OK and c != _SPACE and c != _TAB and c != _RETURN and c != _NEWLINE:
                status = BAD_NUMBER
            if status == OK and 0 < column < 3 and not 0 <= value <= _MAX_PIXEL:
                status = OUT_OF_RANGE
            if status == OK and column == 3 and not -1 <= value <= 1:
                status = OUT_OF_RANGE
            if status != OK:
                return n, begin, lines, status, column
            if column == 0:
                t[n] = value
            elif column == 1:
                x[n] = value
            elif column == 2:
                y[n] = value
            else:
                p[n] = value
            while data[i] == _SPACE or data[i] == _TAB or data[i] == _RETURN:
                i += 1
        if data[i] != _NEWLINE:
            return n, begin, lines, TOO_MANY_COLUMNS, 4
        i += 1
        n += 1
        lines += 1
    return n, i, lines, OK, 0
