"""Decoding of Prophesee's EVT 2.0, 2.1 and 3.0 words, resumable at any word.

A time is ``high`` (what time words carry, continued beyond their wraps) times a power of two plus the low bits.
Times never fall: events that come up to 66 ms late are held at the latest time, and a clock that is set back further goes on
from there.  A time word that leads far away is not believed when the one after it lies nearer ahead of the one before it:
single damaged words are so passed over.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

# Places in a decoder's state; HIGH is -1 before the first time word, LOW and Y may be -1 before the first word that tells them,
# X and ON are of the next vector, what follows WORDS are numbers so far.
STATE_SIZE: Final = 18
(HIGH, LOW, Y, X, ON, LAST_US, OFFSET_US, WORDS, EVENTS, TRIGGERS, EARLY, HELD, IGNORED, RESETS, UNKNOWN, OUTSIDE, SCORE,
 SCORED_AT) = range(STATE_SIZE)
NEVER_US: Final = -(1 << 62)

WIDTH, HEIGHT, WORDS_PER_RECORD, HEAD = range(4)  # places in the parameters
DONE, FULL, MORE, DAMAGED = range(4)

LONGEST_VECTOR: Final = 32
_LATE_US = 1 << 16
_DAMAGE_SCORE = 8
_DAMAGE_PERIOD = 32

_Params = NDArray[np.int64]
_State = NDArray[np.int64]
_U16 = NDArray[np.uint16]
_Bools = NDArray[np.bool_]


@kernel
def _whole(word: int) -> int:
    """Widen a word to 64 bits, so that nothing overflows in uncompiled runs either."""
    return np.int64(word)  # type: ignore[return-value]  # NumPy's integers are not typed as int


@kernel
def _set_high(state: _State, seen: int, following: int, bits: int, unit_bits: int) -> None:
    """Take a time word with ``seen`` in its ``bits`` bits; ``following`` is in the next one, -1 without one."""
    half = 1 << (bits - 1)
    mask = (1 << bits) - 1
    high = state[HIGH]
    if high < 0:
        state[HIGH] = seen
        return
    if following >= 0 and ((following - high) & mask) < ((following - seen) & mask):
        state[IGNORED] += 1
        return
    step = (seen - high) & mask
    if ((mask + 1 - step) << unit_bits) <= _LATE_US and high + step > mask:
        state[HIGH] = high + step - mask - 1
    elif step <= half or seen > high & mask:
        state[HIGH] = high + step
    elif state[LAST_US] == NEVER_US:
        state[HIGH] = seen
    else:
        state[RESETS] += 1
        state[HIGH] = seen
        state[OFFSET_US] = state[LAST_US] - (seen << unit_bits)


@kernel
def _is_damaged(state: _State, word: int) -> bool:
    """Count an unknown word, and whether there are too many of them at one place."""
    state[UNKNOWN] += 1
    state[SCORE] = max(0, state[SCORE] - (word - state[SCORED_AT]) // _DAMAGE_PERIOD) + 1
    state[SCORED_AT] = word
    return state[SCORE] >= _DAMAGE_SCORE  # type: ignore[no-any-return]


@kernel
def _following_evt3(words: _U16, i: int) -> int:
    while i < len(words):
        if words[i] >> 12 == 8:
            return _whole(words[i] & 0xFFF)
        i += 1
    return -1


@kernel
def decode_evt3(
    words: _U16, begin: int, final: bool, params: _Params, state: _State, t: NDArray[np.int64], x: _U16, y: _U16, p: _Bools,
    trigger_t: NDArray[np.int64], trigger_id: NDArray[np.uint8], trigger_rising: _Bools,
) -> tuple[int, int, int, int]:
    """Decode 16-bit words from ``begin`` on into the columns.

    Returns the number of events, of triggers, the position of the first word that was not decoded, and why it ended there.
    """
    width, height = params[WIDTH], params[HEIGHT]
    py, base, on = state[Y], state[X], state[ON] != 0
    low, last, held = state[LOW], state[LAST_US], 0
    timed = state[HIGH] >= 0 and low >= 0
    now = state[OFFSET_US] + (state[HIGH] << 12) + low
    behind = now < last
    now = max(now, last)
    room, trigger_room = len(t) - LONGEST_VECTOR, len(trigger_t)
    n, k, i, status = 0, 0, begin, DONE
    while i < len(words):
        if n > room or k == trigger_room:
            status = FULL
            break
        word = _whole(words[i])
        kind = word >> 12
        if kind == 2:
            px = word & 0x7FF
            if timed and 0 <= py < height and px < width:
                t[n] = now
                x[n] = px
                y[n] = py
                p[n] = (word & 0x800) != 0
                n += 1
                held += behind
            else:
                state[OUTSIDE if timed and py >= 0 else EARLY] += 1
        elif kind == 0:
            py = word & 0x7FF
        elif kind == 6 or kind == 8:
            if kind == 6:
                low = word & 0xFFF
            elif state[HIGH] < 0 or (word & 0xFFF) != state[HIGH] & 0xFFF:
                following = -1
                if 1 < ((word - state[HIGH]) & 0xFFF) < 0x1000 - (_LATE_US >> 12):
                    following = _following_evt3(words, i + 1)
                    if following < 0 and not final:
                        status = MORE
                        break
                before = state[HIGH]
                state[LAST_US] = last
                _set_high(state, word & 0xFFF, following, 12, 12)
                if before != state[HIGH] and low >= 0:
                    low = 0
            timed = state[HIGH] >= 0 and low >= 0
            if timed:
                now = state[OFFSET_US] + (state[HIGH] << 12) + low
                behind = now < last
                now = max(now, last)
                last = now
        elif kind == 3:
            base, on = word & 0x7FF, (word & 0x800) != 0
        elif kind == 4 or kind == 5:
            size = 12 if kind == 4 else 8
            valid = word & ((1 << size) - 1)
            first, told, end = n, 0, width - base if timed and 0 <= py < height else 0
            for j in range(size):
                bit = (valid >> j) & 1
                t[n] = now
                x[n] = base + j
                y[n] = py
                p[n] = on
                told += bit
                n += bit if j < end else 0
            held += (n - first) * behind
            state[OUTSIDE if timed and py >= 0 else EARLY] += told - n + first
            base += size
        elif kind == 10:
            if timed:
                trigger_t[k] = now
                trigger_id[k] = (word >> 8) & 15
                trigger_rising[k] = (word & 1) != 0
                k += 1
        elif (kind == 1 or kind == 9 or kind == 11 or kind == 12) and _is_damaged(state, state[WORDS] + i - begin):
            status = DAMAGED
            break
        i += 1
    state[Y], state[X], state[ON], state[LOW], state[LAST_US] = py, base, on, low, last
    state[HELD] += held
    state[WORDS] += i - begin
    state[EVENTS] += n
    state[TRIGGERS] += k
    return n, k, i, status


@kernel
def _following_evt2(words: NDArray[np.uint32], i: int, step: int) -> int:
    while i < len(words):
        if words[i] >> 28 == 8:
            return _whole(words[i] & 0xFFFFFFF)
        i += step
    return -1


@kernel
def _plain_evt2(
    words: NDArray[np.uint32], base_us: int, last: int, params: _Params, t: NDArray[np.int64], x: _U16, y: _U16, p: _Bools
) -> tuple[int, int, int]:
    """Decode EVT 2.0 events up to the first word that is none; their number, that of those held, and the latest time."""
    width, height, held, n = params[WIDTH], params[HEIGHT], 0, 0
    for i in range(min(len(words), len(t))):
        word = _whole(words[i])
        px, py = (word >> 11) & 0x7FF, word & 0x7FF
        if word >> 28 > 1 or px >= width or py >= height:
            break
        now = base_us + ((word >> 22) & 63)
        held += now < last
        last = max(now, last)
        t[i] = last
        x[i] = px
        y[i] = py
        p[i] = word >> 28 == 1
        n = i + 1
    return n, held, last


@kernel
def decode_evt2(
    words: NDArray[np.uint32], begin: int, final: bool, params: _Params, state: _State, t: NDArray[np.int64], x: _U16, y: _U16,
    p: _Bools, trigger_t: NDArray[np.int64], trigger_id: NDArray[np.uint8], trigger_rising: _Bools,
) -> tuple[int, int, int, int]:
    """Decode 32-bit words, alone (EVT 2.0) or with a mask of 32 pixels before or behind each (EVT 2.1).

    Arguments and results are those of `decode_evt3`; ``len(words)`` is a whole number of records.
    """
    width, height, step, head = params[WIDTH], params[HEIGHT], params[WORDS_PER_RECORD], params[HEAD]
    last, held = state[LAST_US], 0
    timed = state[HIGH] >= 0
    base_us = state[OFFSET_US] + (state[HIGH] << 6)
    room, trigger_room = len(t) - LONGEST_VECTOR, len(trigger_t)
    n, k, i, status = 0, 0, begin, DONE
    while i < len(words):
        if n > room or k == trigger_room:
            status = FULL
            break
        if timed and step == 1:
            count, late, last = _plain_evt2(words[i:], base_us, last, params, t[n:], x[n:], y[n:], p[n:])
            n += count
            i += count
            held += late
            if i == len(words) or n > room:
                continue
        word = _whole(words[i + head])
        kind = word >> 28
        now = base_us + ((word >> 22) & 63)
        if kind <= 1:
            px, py, mask = (word >> 11) & 0x7FF, word & 0x7FF, 1
            if step == 2:
                mask = _whole(words[i + 1 - head])
            behind = now < last
            now = max(now, last)
            first, told, end = n, 0, width if timed and py < height else 0
            while mask:
                if mask & 0xFF == 0:
                    mask >>= 8
                    px += 8
                    continue
                t[n] = now
                x[n] = px
                y[n] = py
                p[n] = kind == 1
                told += mask & 1
                n += mask & 1 if px < end else 0
                mask >>= 1
                px += 1
            if n > first:
                last = now
                held += (n - first) * behind
            state[OUTSIDE if timed else EARLY] += told - n + first
        elif kind == 8:
            seen = word & 0xFFFFFFF
            if state[HIGH] < 0 or seen != state[HIGH] & 0xFFFFFFF:
                following = -1
                if 1 < ((seen - state[HIGH]) & 0xFFFFFFF) < 0x10000000 - (_LATE_US >> 6):
                    following = _following_evt2(words, i + step + head, step)
                    if following < 0 and not final:
                        status = MORE
                        break
                state[LAST_US] = last
                _set_high(state, seen, following, 28, 6)
                timed = True
                base_us = state[OFFSET_US] + (state[HIGH] << 6)
        elif kind == 10:
            if timed:
                last = max(now, last)
                trigger_t[k] = last
                trigger_id[k] = (word >> 8) & 31
                trigger_rising[k] = (word & 1) != 0
                k += 1
        elif kind != 14 and kind != 15 and kind != 13 and _is_damaged(state, state[WORDS] + (i - begin) // step):
            status = DAMAGED
            break
        i += step
    state[LAST_US] = last
    state[HELD] += held
    state[WORDS] += (i - begin) // step
    state[EVENTS] += n
    state[TRIGGERS] += k
    return n, k, i, status
