"""Encoding of events as EVT 3.0 words and as text."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

# Places in the encoder's state.
HIGH: Final = 0  # -1 before the first time word
LOW: Final = 1  # -1 where it has to be told
ROW: Final = 2  # likewise
STATE_SIZE: Final = 3

MOST_BYTES: Final = 40  # a line of text
_MOST_WORDS = 4
_LONGEST_STEP = 1024
_NINES = 18

_U16 = NDArray[np.uint16]


@kernel
def _tell_time(t_us: int, out: _U16, n: int, state: NDArray[np.int64]) -> int:
    """Append what the time needs, as far as there is room; the number of words then.

    Long waits are told in steps, so that no wrap of the 12 bits is missed.
    """
    high = t_us >> 12
    while state[HIGH] != high and n + _MOST_WORDS <= len(out):
        state[HIGH] = high if state[HIGH] < 0 else min(high, state[HIGH] + _LONGEST_STEP)
        state[LOW] = -1
        out[n] = 0x8000 | (state[HIGH] & 0xFFF)
        n += 1
    if state[HIGH] == high and state[LOW] != t_us & 0xFFF and n + _MOST_WORDS <= len(out):
        state[LOW] = t_us & 0xFFF
        out[n] = 0x6000 | state[LOW]
        n += 1
    return n


@kernel
def encode_evt3(
    t: NDArray[np.int64], x: _U16, y: _U16, p: NDArray[np.bool_], first: int, edge_t: NDArray[np.int64],
    edge_id: NDArray[np.uint8], edge_rising: NDArray[np.bool_], first_edge: int, last: bool, state: NDArray[np.int64], out: _U16,
) -> tuple[int, int, int]:
    """Encode events from ``first`` on, and edges from ``first_edge`` on up to the last event's time, or all at the ``last``.

    Returns the numbers of words, and the next event and edge: there are some left when ``out`` is full.
    """
    n, i, k = 0, first, first_edge
    while i < len(t) or (last and k < len(edge_t)):
        is_edge = k < len(edge_t) and (i == len(t) or edge_t[k] <= t[i])
        now = edge_t[k] if is_edge else t[i]
        n = _tell_time(now, out, n, state)
        if n + _MOST_WORDS > len(out) or state[HIGH] != now >> 12:
            break
        if is_edge:
            out[n] = 0xA000 | np.int64(edge_id[k]) << 8 | np.int64(edge_rising[k])
            k += 1
        else:
            if state[ROW] != y[i]:
                state[ROW] = y[i]
                out[n] = y[i]
                n += 1
            out[n] = 0x2000 | np.int64(p[i]) << 11 | np.int64(x[i])
            i += 1
        n += 1
    return n, i, k


@kernel
def _append_number(value: int, digits: int, out: NDArray[np.uint8], n: int) -> int:
    """Append a whole number >= 0 with at least ``digits`` digits."""
    count, rest = 1, value // 10
    while rest > 0 or count < digits:
        count += 1
        rest //= 10
    for k in range(count):
        out[n + count - 1 - k] = 48 + value % 10
        value //= 10
    return n + count


@kernel
def encode_text(
    t: NDArray[np.int64], x: _U16, y: _U16, p: NDArray[np.bool_], first: int, out: NDArray[np.uint8]
) -> tuple[int, int]:
    """Lines ``t x y p``, t in seconds with six decimals, from event ``first`` on; numbers of bytes and of the next event."""
    n, i = 0, first
    while i < len(t) and n + MOST_BYTES <= len(out):
        now = t[i]
        if now < 0:
            out[n] = 45
            n += 1
            now = -now
        n = _append_number(now // 1_000_000, 1, out, n)
        out[n] = 46
        n = _append_number(now % 1_000_000, 6, out, n + 1)
        out[n] = 32
        n = _append_number(np.int64(x[i]), 1, out, n + 1)  # type: ignore[arg-type]  # NumPy's integers are not typed as int
        out[n] = 32
        n = _append_number(np.int64(y[i]), 1, out, n + 1)  # type: ignore[arg-type]
        out[n] = 32
        out[n + 1] = 48 + np.int64(p[i])
        out[n + 2] = 10
        n += 3
        i += 1
    return n, i
