"""Pixels: what they see at an instant and the events that they fire between two instants.

All kernels of the simulator are in this file, since a cached kernel does not
notice a change in another file.  Times are seconds since the recording's start.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

Array = NDArray[np.float64]
Counters = NDArray[np.uint64]
Packed = NDArray[np.int64]
Flags = NDArray[np.bool_]

FRAME_SHARE = 0.25
"""Frames are closer than a pixel needs, so that every pixel can be looked at when its own motion asks for it."""
PIXEL_BITS = 30
"""An event is one number, time then pixel then polarity, so that sorting numbers sorts events."""

# columns of a pixel's state; LAST is when it was looked at, negative if no edge was near; X, Y where on the board
LEVEL, REF, RELEASE, ON, OFF, LAST, X, Y, STATE_SIZE = range(9)
# columns of what is seldom needed
BASE_ON, BASE_OFF, PHOTO, SPARE_SIZE = range(4)
# sensor's constants; LONGEST is the longest time for which a pixel near an edge may be left alone
INV_SIGMA, NOISE, REFRACTORY, TAU, LATENCY, JITTER, FLOOR, STEP_PX, LONGEST, SENSOR_SIZE = range(10)
# a board's constants
KIND, ROWS, COLS, SPACING, RADIUS, X0, X1, Y0, Y1, SURROUND, PER_SPACING, BOARD_SIZE = range(12)
ASYMMETRIC, SYMMETRIC, CHECKER = range(3)

_MARGIN_SIGMAS = 3.0
"""Beyond so many standard deviations of the blur an edge changes intensity by about 1e-3 of its contrast."""
_PROFILE_PER_SIGMA = 160
_PROFILE = np.array([0.5 * math.erfc(_MARGIN_SIGMAS * math.sqrt(0.5) - z / _PROFILE_PER_SIGMA * math.sqrt(0.5))
                     for z in range(int(2 * _MARGIN_SIGMAS * _PROFILE_PER_SIGMA) + 1)])
_LONGEST_SLEEP_S = 0.02
_MAX_FRAMES = 16
_GAMMA, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _LOW = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32), np.uint64(0xFFFFFFFF)


@kernel
def _normal_pair(counter: Any) -> tuple[float, float]:
    """Two standard normal numbers from a 64-bit counter (SplitMix64, Box-Muller)."""
    z = (counter ^ (counter >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = z ^ (z >> _S31)
    u = (np.float64(z >> _S32) + 0.5) / 4294967296.0
    v = (np.float64(z & _LOW) + 0.5) / 4294967296.0
    radius = math.sqrt(-2.0 * math.log(u))
    return radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)


@kernel
def _cross(
    state: Array, spare: Array, random: Counters, i: int, y0: float, y1: float, t0: float, t1: float, sensor: Array,
    out: Packed, count: int,
) -> int:
    """Events of pixel i while its level goes straight from y0 at t0 to y1 at t1."""
    # one function and local numbers: calls that carry all the arrays cost more than the work itself
    refractory, noise, jitter, floor = sensor[REFRACTORY], sensor[NOISE], sensor[JITTER], sensor[FLOOR]
    ref, release, up, down = state[i, REF], state[i, RELEASE], state[i, ON], state[i, OFF]
    counter = random[i]
    while True:
        if release > t0:
            if release >= t1:
                break
            y0 += (y1 - y0) * (release - t0) / (t1 - t0)
            t0 = release
        if math.isnan(ref):
            ref = y0
        on = y1 - ref >= up
        if not on and ref - y1 < down:
            break
        level = ref + up if on else ref - down
        # a threshold drawn anew may already be exceeded: the pixel then fires at once
        part = min(max((level - y0) / (y1 - y0), 0.0), 1.0) if y1 != y0 else 0.0
        y0 += (y1 - y0) * part
        t0 += (t1 - t0) * part
        delay = sensor[LATENCY]
        if jitter > 0.0:
            counter += _GAMMA
            delay = max(delay + jitter * _normal_pair(counter)[0], 0.0)
        out[count] = (math.floor((t0 + delay) * 1e6) << PIXEL_BITS) | (i << 1) | (1 if on else 0)
        count += 1
        if noise > 0.0:
            counter += _GAMMA
            a, b = _normal_pair(counter)
            up = max(spare[i, BASE_ON] + noise * a, floor)
            down = max(spare[i, BASE_OFF] + noise * b, floor)
        ref = math.nan if refractory > 0.0 else level
        release = t0 + refractory
    state[i, REF], state[i, RELEASE], state[i, ON], state[i, OFF] = ref, release, up, down
    random[i] = counter
    return count


@kernel
def _follow(
    state: Array, spare: Array, random: Counters, i: int, level: float, t0: float, t1: float, sensor: Array,
    out: Packed, count: int,
) -> int:
    """As `_cross` behind the photoreceptor's low-pass, while the light goes straight from the last level to ``level``."""
    # y' = (u - y) / tau for u straight is solved exactly; straight pieces of tau / 4 follow the solution
    before, tau = state[i, LEVEL], sensor[TAU]
    pieces = max(1, math.ceil(4.0 * (t1 - t0) / tau))
    step = (t1 - t0) / pieces
    slope = (level - before) / (t1 - t0)
    decay = math.exp(-step / tau)
    y0 = spare[i, PHOTO]
    low, high = min(y0, before, level), max(y0, before, level)  # rounding must not lead out of what y can reach
    for k in range(pieces):
        u = before + slope * step * k
        y1 = min(max(u + slope * (step - tau) + (y0 - u + slope * tau) * decay, low), high)
        count = _cross(state, spare, random, i, y0, y1, t0 + step * k, t0 + step * (k + 1), sensor, out, count)
        y0 = y1
    spare[i, PHOTO] = y0
    return count


@kernel
def _events_at_most(state: Array, i: int, level: float, lag: float, floor: float) -> int:
    before, ref = state[i, LEVEL], state[i, REF]
    held = 0.0 if math.isnan(ref) else abs(before - ref)
    return int((abs(level - before) + lag + held) / floor) + 2


@kernel
def _stays_quiet(state: Array, i: int, level: float, t0: float, t1: float) -> bool:
    """Most pixels, most of the time: told apart first because calls that carry all the arrays are slow."""
    if state[i, RELEASE] > t0:
        return bool(state[i, RELEASE] >= t1)
    return bool(state[i, REF] - state[i, OFF] < level < state[i, REF] + state[i, ON])


@kernel
def _remember(state: Array, i: int, level: float, is_near_edge: bool, t: float) -> None:
    state[i, LEVEL] = level
    state[i, LAST] = t if is_near_edge else -t


@kernel
def _pixel(
    state: Array, spare: Array, random: Counters, i: int, level: float, is_near_edge: bool, t0: float, t1: float, sensor: Array,
    out: Packed, count: int,
) -> int:
    """Events of pixel i until t1, when it is at ``level``; -1 if ``out`` has too little room."""
    tau = sensor[TAU]
    lag = abs(spare[i, PHOTO] - state[i, LEVEL]) if tau > 0.0 else 0.0
    if count + _events_at_most(state, i, level, lag, sensor[FLOOR]) > len(out):
        return -1
    if tau > 0.0:
        count = _follow(state, spare, random, i, level, t0, t1, sensor, out, count)
        is_near_edge = is_near_edge or abs(spare[i, PHOTO] - level) > 1e-3 * sensor[FLOOR]
    else:
        count = _cross(state, spare, random, i, state[i, LEVEL], level, t0, t1, sensor, out, count)
    _remember(state, i, level, is_near_edge, t1)
    return count


@kernel
def _rest(clear_px: float, still_settling: bool, speed_pxps: float, frame_s: float, sensor: Array) -> float:
    """How long a pixel may be left alone when the image moves at this speed there."""
    if still_settling or clear_px <= 0.0:
        longest = float(min(sensor[LONGEST], _MAX_FRAMES * frame_s))
        way_px = float(sensor[STEP_PX])
    else:
        # not all of the distance, since it is linearised; the outermost step of the blur may be missed
        longest = _LONGEST_SLEEP_S
        way_px = 0.8 * clear_px + float(sensor[STEP_PX])
    return min(way_px / speed_pxps, longest) if speed_pxps > 0.0 else longest


@kernel
def _on_plane(H: Array, ray: Array) -> tuple[float, float, float, float, float, float, float]:
    """A pixel's point on a plane (x, y) and d(x, y)/d(pixel); the last value is negative where the plane is behind."""
    a = H[0, 0] * ray[0] + H[0, 1] * ray[1] + H[0, 2] * ray[2]
    b = H[1, 0] * ray[0] + H[1, 1] * ray[1] + H[1, 2] * ray[2]
    w = H[2, 0] * ray[0] + H[2, 1] * ray[1] + H[2, 2] * ray[2]
    if w <= 1e-9:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0
    depth = 1.0 / w
    x, y = a * depth, b * depth
    w_u = H[2, 0] * ray[3] + H[2, 1] * ray[4] + H[2, 2] * ray[5]
    w_v = H[2, 0] * ray[6] + H[2, 1] * ray[7] + H[2, 2] * ray[8]
    x_u = (H[0, 0] * ray[3] + H[0, 1] * ray[4] + H[0, 2] * ray[5] - x * w_u) * depth
    x_v = (H[0, 0] * ray[6] + H[0, 1] * ray[7] + H[0, 2] * ray[8] - x * w_v) * depth
    y_u = (H[1, 0] * ray[3] + H[1, 1] * ray[4] + H[1, 2] * ray[5] - y * w_u) * depth
    y_v = (H[1, 0] * ray[6] + H[1, 1] * ray[7] + H[1, 2] * ray[8] - y * w_v) * depth
    return x, y, x_u, x_v, y_u, y_v, 1.0


@kernel
def _step(signed_px: float, inv_sigma: float) -> float:
    """A unit step at zero, blurred: the normal distribution, from a table good to 1e-6."""
    z = (signed_px * inv_sigma + _MARGIN_SIGMAS) * _PROFILE_PER_SIGMA
    if z <= 0.0:
        return 0.0
    if z >= len(_PROFILE) - 1:
        return 1.0
    j = int(z)
    return float(_PROFILE[j] + (z - j) * (_PROFILE[j + 1] - _PROFILE[j]))


@kernel
def _norm(a: float, b: float) -> float:
    return math.sqrt(a * a + b * b)


@kernel
def _box(x: float, y: float, gx: float, gy: float, x0: float, x1: float, y0: float, y1: float, inv_sigma: float) -> float:
    """Share of a blurred pixel inside a rectangle; gx, gy are pixels per metre across its sides."""
    return (_step((x - x0) * gx, inv_sigma) - _step((x - x1) * gx, inv_sigma)) * (
        _step((y - y0) * gy, inv_sigma) - _step((y - y1) * gy, inv_sigma))


@kernel
def _box_distance(x: float, y: float, x0: float, x1: float, y0: float, y1: float) -> float:
    """At most the distance to a rectangle's outline."""
    return abs(max(max(x0 - x, x - x1), max(y0 - y, y - y1)))


@kernel
def _circles(
    x: float, y: float, x_u: float, x_v: float, y_u: float, y_v: float, board: Array, inv_sigma: float
) -> tuple[float, float, float, float]:
    """What a circle grid shows.

    Returns the share of ink, at most the distance to the nearest outline in metres, and that outline's unit normal in
    the image.
    """
    s = board[SPACING]
    x_s, y_s = x * board[PER_SPACING], y * board[PER_SPACING]
    column, row = math.floor(x_s + 0.5), math.floor(y_s + 0.5)
    if board[KIND] == ASYMMETRIC and (column + row) & 1:
        # sites have an even sum: step to the nearer neighbour along the larger remainder
        dx, dy = x_s - column, y_s - row
        if abs(dx) > abs(dy):
            column += 1 if dx > 0 else -1
        else:
            row += 1 if dy > 0 else -1
    dx, dy = x - column * s, y - row * s
    distance = math.sqrt(dx * dx + dy * dy)
    edge = distance - board[RADIUS]
    index = (column - (row & 1)) >> 1 if board[KIND] == ASYMMETRIC else column
    if not (0 <= row < board[ROWS] and 0 <= index < board[COLS]):
        return 0.0, abs(edge), 1.0, 0.0
    if distance < 1e-12:
        return 1.0, abs(edge), 1.0, 0.0
    u, v = dx * x_u + dy * y_u, dx * x_v + dy * y_v
    per_slope = 1.0 / _norm(u, v)
    return _step(-edge * distance * per_slope, inv_sigma), abs(edge), u * per_slope, v * per_slope


@kernel
def _checker(x: float, y: float, gx: float, gy: float, board: Array, inv_sigma: float) -> tuple[float, float]:
    """Share of ink at a pixel of a checkerboard, and at most the distance to the nearest edge in metres."""
    s = board[SPACING]
    column = int(min(max(math.floor(x / s + 0.5), 0.0), board[COLS] - 1))
    row = int(min(max(math.floor(y / s + 0.5), 0.0), board[ROWS] - 1))
    dx, dy = x - column * s, y - row * s
    wave = (2.0 * _step(dx * gx, inv_sigma) - 1.0) * (2.0 * _step(dy * gy, inv_sigma) - 1.0)
    if (column + row) & 1:
        wave = -wave
    x1, y1 = board[COLS] * s, board[ROWS] * s
    ink = 0.5 * (1.0 + wave) * _box(x, y, gx, gy, -s, x1, -s, y1, inv_sigma)
    return ink, min(min(abs(dx), abs(dy)), _box_distance(x, y, -s, x1, -s, y1))


@kernel
def board_light(
    H: Array, ray: Array, x_before: float, y_before: float, board: Array, ground: float, ink: float, inv_sigma: float
) -> tuple[float, float, float, float, float]:
    """What a pixel sees of the board.

    Returns log intensity, at most the distance to the nearest edge in pixels, the point on the board, and how far in
    pixels that has moved from (x_before, y_before), motion along an outline counting for less.
    """
    x, y, x_u, x_v, y_u, y_v, front = _on_plane(H, ray)
    if front < 0:
        return math.log(board[SURROUND]), 10.0, math.nan, math.nan, math.nan
    px_per_m = 1.0 / math.sqrt(x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v)
    dx, dy = x - x_before, y - y_before
    per_area = 1.0 / max(abs(x_u * y_v - x_v * y_u), 1e-30)
    moved_u, moved_v = (y_v * dx - x_v * dy) * per_area, (x_u * dy - y_u * dx) * per_area
    moved_px = _norm(moved_u, moved_v)
    clear = _box_distance(x, y, board[X0], board[X1], board[Y0], board[Y1])
    sheet = 1.0 if board[X0] < x < board[X1] and board[Y0] < y < board[Y1] else 0.0
    near_rim = clear * px_per_m * inv_sigma < _MARGIN_SIGMAS
    if sheet == 0.0 and not near_rim:
        return math.log(board[SURROUND]), clear * px_per_m, x, y, moved_px
    gx, gy = 0.0, 0.0
    if near_rim or board[KIND] == CHECKER:
        gx, gy = 1.0 / _norm(x_u, x_v), 1.0 / _norm(y_u, y_v)
    if near_rim:
        sheet = _box(x, y, gx, gy, board[X0], board[X1], board[Y0], board[Y1], inv_sigma)
    if board[KIND] == CHECKER:
        share, edge = _checker(x, y, gx, gy, board, inv_sigma)
    else:
        share, edge, u, v = _circles(x, y, x_u, x_v, y_u, y_v, board, inv_sigma)
        if not near_rim and edge * px_per_m * inv_sigma < _MARGIN_SIGMAS:
            # in the blur of an outline little changes along it, but it bends
            moved_px = max(abs(moved_u * u + moved_v * v), 0.3 * moved_px)
    light = board[SURROUND] + sheet * (ground + (ink - ground) * share - board[SURROUND])
    return math.log(light), min(clear, edge) * px_per_m, x, y, moved_px


@kernel
def bands_light(H: Array, ray: Array, bands: Array, background: float, inv_sigma: float) -> tuple[float, float]:
    """As `board_light`, for bands (half length, half width, brightness) in planes of their own."""
    light, clear_px = math.log(background), 1e3
    for k in range(len(bands)):
        x, y, x_u, x_v, y_u, y_v, front = _on_plane(H[k], ray)
        if front < 0:
            clear_px = min(clear_px, 10.0)
            continue
        clear = _box_distance(x, y, -bands[k, 0], bands[k, 0], -bands[k, 1], bands[k, 1])
        near_px = clear / math.sqrt(x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v)
        gx, gy = 1.0 / _norm(x_u, x_v), 1.0 / _norm(y_u, y_v)
        share = _box(x, y, gx, gy, -bands[k, 0], bands[k, 0], -bands[k, 1], bands[k, 1], inv_sigma)
        light += math.log1p((bands[k, 2] - 1.0) * share)
        clear_px = min(clear_px, near_px)
    return light, clear_px


@kernel
def start_board(
    state: Array, spare: Array, rays: Array, H: Array, board: Array, ground: float, ink: float, sensor: Array
) -> None:
    """Pixels that have looked at the first image for long."""
    for i in range(len(rays)):
        light, _, x, y, _ = board_light(H, rays[i], 0.0, 0.0, board, ground, ink, sensor[INV_SIGMA])
        state[i, LEVEL] = state[i, REF] = spare[i, PHOTO] = light
        state[i, X], state[i, Y] = x, y


@kernel
def start_bands(state: Array, spare: Array, rays: Array, H: Array, bands: Array, background: float, sensor: Array) -> None:
    """As `start_board`."""
    for i in range(len(rays)):
        light, _ = bands_light(H, rays[i], bands, background, sensor[INV_SIGMA])
        state[i, LEVEL] = state[i, REF] = spare[i, PHOTO] = light


@kernel
def _next_frame(j: int, wake: float, in_blur: bool, times: Array, changes: Flags) -> int:
    """The frame from j on at which a pixel has to be looked at; the number of frames if it may sleep on beyond the last."""
    last = len(changes) - 1
    if changes[0]:
        while j < last and times[j + 1] <= wake and not changes[j]:
            j += 1
        return j + 1 if j == last and times[j + 1] <= wake and not (changes[j] or in_blur) else j
    if times[last + 1] <= wake:
        return last if in_blur else last + 1
    if times[j + 1] > wake:
        return j
    low, high = j + 1, last + 1
    while high - low > 1:
        middle = (low + high) >> 1
        if times[middle] <= wake:
            low = middle
        else:
            high = middle
    return low


@kernel
def advance_board(
    first: int, first_frame: int, times: Array, H: Array, board: Array, ground: Array, ink: Array, changes: Flags,
    rays: Array, state: Array, spare: Array, random: Counters, wake: Array, sensor: Array, out: Packed, count: int,
) -> tuple[int, int, int]:
    """Events of all pixels between the first and the last of some frames.

    ``times`` has one more element than there are frames; ``changes`` says where the light itself has changed since the
    frame before, and its first element whether it does so anywhere.  Pixels are the outer loop, so that a pixel's state stays at
    hand.  Returns the number of events so far and the pixel and the frame to resume at with a larger buffer (the number
    of pixels when done).
    """
    margin_px, tau = _MARGIN_SIGMAS / sensor[INV_SIGMA], sensor[TAU]
    for i in range(first, len(rays)):
        j = _next_frame(first_frame if i == first else 1, wake[i], state[i, LAST] >= 0.0, times, changes)
        while j < len(changes):
            light, clear_px, x, y, moved_px = board_light(
                H[j], rays[i], state[i, X], state[i, Y], board, ground[j], ink[j], sensor[INV_SIGMA])
            clear_px -= margin_px
            elapsed = times[j] - abs(state[i, LAST])
            start = state[i, LAST] if state[i, LAST] >= 0.0 else times[j - 1]
            if tau == 0.0 and _stays_quiet(state, i, light, start, times[j]):
                _remember(state, i, light, clear_px <= 0.0, times[j])
            else:
                done = _pixel(state, spare, random, i, light, clear_px <= 0.0, start, times[j], sensor, out, count)
                if done < 0:
                    return count, i, j
                count = done
            frame_s = times[j] - times[j - 1]
            speed = FRAME_SHARE * sensor[STEP_PX] / frame_s if math.isnan(moved_px) else moved_px / elapsed
            state[i, X], state[i, Y] = x, y
            in_blur = state[i, LAST] >= 0.0
            wake[i] = times[j] + _rest(clear_px, in_blur, speed, frame_s, sensor)
            if j == len(changes) - 1:
                break
            j = _next_frame(j + 1, wake[i], in_blur, times, changes)
    return count, len(rays), 1


@kernel
def advance_bands(
    first: int, first_frame: int, times: Array, H: Array, bands: Array, background: float, changes: Flags,
    rays: Array, state: Array, spare: Array, random: Counters, wake: Array, sensor: Array, out: Packed, count: int,
) -> tuple[int, int, int]:
    """As `advance_board`; every band has a motion of its own, so the fastest landmark's speed holds for all."""
    margin_px, tau = _MARGIN_SIGMAS / sensor[INV_SIGMA], sensor[TAU]
    for i in range(first, len(rays)):
        j = _next_frame(first_frame if i == first else 1, wake[i], state[i, LAST] >= 0.0, times, changes)
        while j < len(changes):
            light, clear_px = bands_light(H[j], rays[i], bands, background, sensor[INV_SIGMA])
            clear_px -= margin_px
            start = state[i, LAST] if state[i, LAST] >= 0.0 else times[j - 1]
            if tau == 0.0 and _stays_quiet(state, i, light, start, times[j]):
                _remember(state, i, light, clear_px <= 0.0, times[j])
            else:
                done = _pixel(state, spare, random, i, light, clear_px <= 0.0, start, times[j], sensor, out, count)
                if done < 0:
                    return count, i, j
                count = done
            frame_s = times[j] - times[j - 1]
            in_blur = state[i, LAST] >= 0.0
            wake[i] = times[j] + _rest(clear_px, in_blur, FRAME_SHARE * sensor[STEP_PX] / frame_s, frame_s, sensor)
            if j == len(changes) - 1:
                break
            j = _next_frame(j + 1, wake[i], in_blur, times, changes)
    return count, len(rays), 1
