"""Decoding of DAT's records of eight bytes and of Event Stream's bytes, resumable at any record or byte.

As in the EVT kernels times never fall: events that come up to 66 ms late are held at the latest time, and a clock that is set
back further goes on from there; a time that leads far away is not believed when the one after it lies nearer ahead of the one
before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

# Places in a decoder's state.
RAW_US: Final = 0  # DAT: counter, continued beyond its wraps, -1 before the first record; Event Stream: time so far
OFFSET_US: Final = 1
LAST_US: Final = 2
EVENTS: Final = 3
TRIGGERS: Final = 4  # none in these formats
HELD: Final = 5
IGNORED: Final = 6
RESETS: Final = 7
OUTSIDE: Final = 8
NOT_DVS: Final = 9
SCORE: Final = 10
SCORED_AT: Final = 11
STATE_SIZE: Final = 12
NEVER_US: Final = -(1 << 62)

# Places in the parameters.
WIDTH: Final = 0
HEIGHT: Final = 1
Y_SHIFT: Final = 2
P_SHIFT: Final = 3
IS_ATIS: Final = 2

DONE: Final = 0
FULL: Final = 1
MORE: Final = 2
DAMAGED: Final = 3

_SPARE = 32
_COUNTER = (1 << 32) - 1
LATE_US: Final = 1 << 16
_MANY_RECORDS = 8
_MANY_BYTES = 3  # what follows is misread too, as events are told apart by counting bytes
_DAMAGE_PERIOD = 32

_Numbers = NDArray[np.int64]
_U16 = NDArray[np.uint16]
_Bools = NDArray[np.bool_]


@kernel
def _whole(word: int) -> int:
    """Widen a word to 64 bits, so that nothing overflows in uncompiled runs either."""
    return np.int64(word)  # type: ignore[return-value]  # NumPy's integers are not typed as int


@kernel
def _is_damaged(state: _Numbers, event: int, many: int) -> bool:
    """Count an event outside the sensor, and whether there are ``many`` of them at one place."""
    state[OUTSIDE] += 1
    state[SCORE] = max(0, state[SCORE] - (event - state[SCORED_AT]) // _DAMAGE_PERIOD) + 1
    state[SCORED_AT] = event
    return state[SCORE] >= many  # type: ignore[no-any-return]


@kernel
def decode_dat(
    words: NDArray[np.uint32], begin: int, final: bool, params: _Numbers, state: _Numbers, t: _Numbers, x: _U16, y: _U16,
    p: _Bools, trigger_t: _Numbers, trigger_id: NDArray[np.uint8], trigger_rising: _Bools,
) -> tuple[int, int, int, int]:
    """Decode records of a time and an address; arguments and results are those of the EVT kernels."""
    width, height, y_shift, p_shift = params[WIDTH], params[HEIGHT], params[Y_SHIFT], params[P_SHIFT]
    x_mask, y_mask = (1 << y_shift) - 1, (1 << min(y_shift, p_shift - y_shift)) - 1
    raw, last, held = state[RAW_US], state[LAST_US], 0
    room = len(t) - _SPARE
    n, i, status = 0, begin, DONE
    while i < len(words):
        if n > room:
            status = FULL
            break
        stored, address = _whole(words[i]), _whole(words[i + 1])
        if raw < 0:
            raw = stored
        step = (stored - raw) & _COUNTER
        if LATE_US < step <= _COUNTER - LATE_US:
            if i + 2 >= len(words) and not final:
                status = MORE
                break
            following = stored if i + 2 >= len(words) else _whole(words[i + 2])
            if ((following - raw) & _COUNTER) < ((following - stored) & _COUNTER):
                state[IGNORED] += 1
                step = 0
        if _COUNTER + 1 - step <= LATE_US and raw + step > _COUNTER:
            raw += step - _COUNTER - 1
        elif step <= _COUNTER // 2 or stored > raw & _COUNTER:
            raw += step
        else:
            state[RESETS] += 1
            raw = stored
            state[OFFSET_US] = last - stored
        now = state[OFFSET_US] + raw
        px, py = address & x_mask, (address >> y_shift) & y_mask
        if px < width and py < height and address >> (p_shift + 1) == 0:
            held += now < last
            last = max(now, last)
            t[n] = last
            x[n] = px
            y[n] = py
            p[n] = (address >> p_shift) != 0
            n += 1
        elif _is_damaged(state, state[EVENTS] + n, _MANY_RECORDS):
            status = DAMAGED
            break
        i += 2
    state[RAW_US], state[LAST_US] = raw, last
    state[HELD] += held
    state[EVENTS] += n
    return n, 0, i, status


@kernel
def decode_es(
    words: NDArray[np.uint8], begin: int, final: bool, params: _Numbers, state: _Numbers, t: _Numbers, x: _U16, y: _U16,
    p: _Bools, trigger_t: _Numbers, trigger_id: NDArray[np.uint8], trigger_rising: _Bools,
) -> tuple[int, int, int, int]:
    """Decode bytes of DVS or ATIS events; arguments and results are those of the EVT kernels."""
    width, height, is_atis = params[WIDTH], params[HEIGHT], params[IS_ATIS] != 0
    flags = 2 if is_atis else 1
    reset, longest = (0xFC, 63) if is_atis else (0xFE, 127)
    now = state[RAW_US]
    room = len(t) - _SPARE
    n, i, status = 0, begin, DONE
    while i < len(words):
        if n > room:
            status = FULL
            break
        head = _whole(words[i])
        if head >= reset:
            if is_atis:
                now += longest * (head & 3)
            elif head != reset:
                now += longest
            i += 1
            continue
        if i + 5 > len(words):
            status = DONE if final else MORE
            break
        px = _whole(words[i + 1]) | _whole(words[i + 2]) << 8
        py = _whole(words[i + 3]) | _whole(words[i + 4]) << 8
        later = now + (head >> flags)
        if px >= width or py >= height:
            if _is_damaged(state, state[EVENTS] + n, _MANY_BYTES):
                status = DAMAGED
                break
        elif is_atis and head & 1:
            state[NOT_DVS] += 1
        else:
            t[n] = later
            x[n] = px
            y[n] = height - 1 - py
            p[n] = ((head >> (flags - 1)) & 1) != 0
            n += 1
        now = later
        i += 5
    state[RAW_US] = now
    state[LAST_US] = now
    state[EVENTS] += n
    return n, 0, i, status
