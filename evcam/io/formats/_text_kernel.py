"""Parsing of lines of numbers, byte by byte, without floating point.

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

T: Final = 0
X: Final = 1
Y: Final = 2
P: Final = 3
OTHER: Final = 4

PROBLEMS: Final = {
    BAD_NUMBER: "{column} is not a finite number",
    TOO_FEW_COLUMNS: "fewer than the {columns}",
    TOO_MANY_COLUMNS: "more than the {columns}",
    NOT_WHOLE: "{column} is not a whole number",
    OUT_OF_RANGE: "{column} is out of range (x, y: 0 to 65535; p: 0 or -1, and 1)",
}

_TRUE, _FALSE, _A, _Z, _LOWER = 116, 102, 97, 122, 32
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
def _truth(data: NDArray[np.uint8], i: int) -> tuple[int, int, int]:
    """Value of the words true and false, or of their first letters; the position behind it, a status."""
    first = data[i] | _LOWER
    while _A <= data[i] | _LOWER <= _Z:
        i += 1
    if first == _TRUE:
        return 1, i, OK
    return 0, i, OK if first == _FALSE else BAD_NUMBER


@kernel
def _parse(
    data: NDArray[np.uint8], start: int, stop: int, roles: NDArray[np.int64], shift: int, separator: int,
    t: NDArray[np.int64], x: NDArray[np.uint16], y: NDArray[np.uint16], p: NDArray[np.int8],
) -> tuple[int, int, int, int, int]:
    """Parse whole lines of ``data[start:stop]``, whose last byte is a line feed.

    ``roles`` says what each column is, ``shift`` that times are in units of 10^-shift us, ``separator`` what stands between
    columns, 0 for spaces and tabs.  Fills t (us), x, y, p up to their length.  Returns the number of events, the position
    behind the last parsed line, the number of lines passed, a status, and the faulty column.
    """
    i, n, lines, last = start, 0, 0, len(roles) - 1
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
        for column in range(last + 1):
            role = roles[column]
            if data[i] == _NEWLINE and not (separator and role == OTHER):
                return n, begin, lines, TOO_FEW_COLUMNS, column
            if role == OTHER:
                value, status = 0, OK
                while data[i] != _NEWLINE and data[i] != separator and (separator or (data[i] != _SPACE and data[i] != _TAB)):
                    i += 1
            elif role == P and data[i] > _NINE:
                value, i, status = _truth(data, i)
            else:
                value, i, status = _number(data, i, shift if role == T else 0, role == T)
            c = data[i]
            if status == OK and c not in (_SPACE, _TAB, _RETURN, _NEWLINE) and (separator == 0 or c != separator):
                status = BAD_NUMBER
            if status != OK:
                return n, begin, lines, status, column
            if role == T:
                t[n] = value
            elif role == P:
                if not -1 <= value <= 1:
                    return n, begin, lines, OUT_OF_RANGE, column
                p[n] = value
            elif role != OTHER:
                if not 0 <= value <= _MAX_PIXEL:
                    return n, begin, lines, OUT_OF_RANGE, column
                if role == X:
                    x[n] = value
                else:
                    y[n] = value
            while data[i] == _SPACE or (data[i] == _TAB and separator != _TAB) or data[i] == _RETURN:
                i += 1
            if separator != 0 and column != last:
                if data[i] != separator:
                    return n, begin, lines, TOO_FEW_COLUMNS if data[i] == _NEWLINE else BAD_NUMBER, column
                i += 1
                while data[i] == _SPACE or (data[i] == _TAB and separator != _TAB):
                    i += 1
        if data[i] != _NEWLINE:
            return n, begin, lines, TOO_MANY_COLUMNS, last + 1
        i += 1
        n += 1
        lines += 1
    return n, i, lines, OK, 0
