"""Pixels: what they see at an instant and the events that they fire between two instants.

All kernels of the simulator are in this file, since a cached kernel does not
notice a change in another file.  Times are seconds since the recording's start.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

Array = NDArray[np.float64]

# columns of a pixel's state
LEVEL, PHOTO, REF, RELEASE, ON, OFF, BASE_ON, BASE_OFF, STATE_SIZE = range(9)
# sensor's constants
INV_SIGMA, NOISE, REFRACTORY, TAU, LATENCY, JITTER, FLOOR, STEP_PX, SENSOR_SIZE = range(9)
# a board's constants
KIND, ROWS, COLS, SPACING, RADIUS, X0, X1, Y0, Y1, SURROUND, BOARD_SIZE = range(11)
ASYMMETRIC, SYMMETRIC, CHECKER = range(3)

_MARGIN_SIGMAS = 3.5
"""Beyond so many standard deviations of the blur an edge changes intensity by less than 3e-4 of its contrast."""
_PROFILE_PER_SIGMA = 160
_PROFILE = np.array([0.5 * math.erfc(_MARGIN_SIGMAS * math.sqrt(0.5) - z / _PROFILE_PER_SIGMA * math.sqrt(0.5))
                     for z in range(int(2 * _MARGIN_SIGMAS * _PROFILE_PER_SIGMA) + 1)])
_MAX_SLEEP = 64
_GAMMA, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _LOW = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32), np.uint64(0xFFFFFFFF)


@kernel
def _normal_pair(random: NDArray[np.uint64], i: int) -> tuple[float, float]:
    """Two standard normal numbers from pixel i's own stream (SplitMix64, Box-Muller)."""
    random[i] += _GAMMA
    z = random[i]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = z ^ (z >> _S31)
    u = (np.float64(z >> _S32) + 0.5) / 4294967296.0
    v = (np.float64(z & _LOW) + 0.5) / 4294967296.0
    radius = math.sqrt(-2.0 * math.log(u))
    return radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)


@kernel
def _draw_thresholds(state: Array, random: NDArray[np.uint64], i: int, sensor: Array) -> None:
    state[i, ON], state[i, OFF] = state[i, BASE_ON], state[i, BASE_OFF]
    if sensor[NOISE] > 0:
        a, b = _normal_pair(random, i)
        state[i, ON] = max(state[i, ON] + sensor[NOISE] * a, sensor[FLOOR])
        state[i, OFF] = max(state[i, OFF] + sensor[NOISE] * b, sensor[FLOOR])


@kernel
def _delay(random: NDArray[np.uint64], i: int, sensor: Array) -> float:
    delay = sensor[LATENCY]
    if sensor[JITTER] > 0:
        a, _ = _normal_pair(random, i)
        delay = max(delay + sensor[JITTER] * a, 0.0)
    return delay


@kernel
def _cross(
    state: Array, random: NDArray[np.uint64], i: int, y0: float, y1: float, t0: float, t1: float, sensor: Array,
    out_t: NDArray[np.int64], out_pixel: NDArray[np.int32], out_on: NDArray[np.bool_], count: int,
) -> int:
    """Events of pixel i while its level goes straight from y0 at t0 to y1 at t1."""
    while True:
        release = state[i, RELEASE]
        if release > t0:
            if release >= t1:
                return count
            y0 += (y1 - y0) * (release - t0) / (t1 - t0)
            t0 = release
        if math.isnan(state[i, REF]):
            state[i, REF] = y0
        on = y1 - state[i, REF] >= state[i, ON]
        if not on and state[i, REF] - y1 < state[i, OFF]:
            return count
        level = state[i, REF] + state[i, ON] if on else state[i, REF] - state[i, OFF]
        # a threshold drawn anew may already be exceeded: the pixel then fires at once
        part = (level - y0) / (y1 - y0) if y1 != y0 else 0.0
        part = min(max(part, 0.0), 1.0)
        y0 += (y1 - y0) * part
        t0 += (t1 - t0) * part
        out_t[count] = int(math.floor((t0 + _delay(random, i, sensor)) * 1e6))
        out_pixel[count] = i
        out_on[count] = on
        count += 1
        _draw_thresholds(state, random, i, sensor)
        state[i, REF] = np.nan if sensor[REFRACTORY] > 0 else level
        state[i, RELEASE] = t0 + sensor[REFRACTORY]


@kernel
def _advance(
    state: Array, random: NDArray[np.uint64], i: int, level: float, t0: float, t1: float, sensor: Array,
    out_t: NDArray[np.int64], out_pixel: NDArray[np.int32], out_on: NDArray[np.bool_], count: int,
) -> int:
    """Events of pixel i while the light's logarithm goes straight from the last level to ``level``."""
    before = state[i, LEVEL]
    state[i, LEVEL] = level
    if sensor[TAU] == 0.0:
        return _cross(state, random, i, before, level, t0, t1, sensor, out_t, out_pixel, out_on, count)
    # y' = (u - y) / tau for u straight is solved exactly; straight pieces of tau / 4 follow the solution
    pieces = max(1, int(math.ceil(4.0 * (t1 - t0) / sensor[TAU])))
    step = (t1 - t0) / pieces
    slope = (level - before) / (t1 - t0)
    decay = math.exp(-step / sensor[TAU])
    for k in range(pieces):
        u = before + slope * step * k
        y0 = state[i, PHOTO]
        y1 = u + slope * (step - sensor[TAU]) + (y0 - u + slope * sensor[TAU]) * decay
        state[i, PHOTO] = y1
        count = _cross(state, random, i, y0, y1, t0 + step * k, t0 + step * (k + 1), sensor, out_t, out_pixel, out_on, count)
    return count


@kernel
def _events_at_most(state: Array, i: int, level: float, sensor: Array) -> int:
    before = state[i, LEVEL]
    travel = abs(level - before) + (abs(state[i, PHOTO] - before) if sensor[TAU] > 0 else 0.0)
    held = 0.0 if math.isnan(state[i, REF]) else abs(before - state[i, REF])
    return int((travel + held) / sensor[FLOOR]) + 2


@kernel
def _stays_quiet(state: Array, i: int, level: float, t0: float, t1: float, tau: float) -> bool:
    """Most pixels, most of the time: told apart first because calls that carry all the arrays are slow."""
    if tau > 0.0:
        return False
    if state[i, RELEASE] > t0:
        return bool(state[i, RELEASE] >= t1)
    return bool(state[i, REF] - state[i, OFF] < level < state[i, REF] + state[i, ON])


@kernel
def _sleep(state: Array, i: int, clear_px: float, sensor: Array) -> int:
    """Number of frames for which no edge can reach pixel i, being ``clear_px`` away from the blur of the nearest."""
    if sensor[TAU] > 0 and abs(state[i, PHOTO] - state[i, LEVEL]) > 1e-3 * sensor[FLOOR]:
        return 1
    # not all of the distance, since it is linearised
    return max(1, min(_MAX_SLEEP, int(0.8 * clear_px / sensor[STEP_PX])))


@kernel
def _on_plane(H: Array, ray: Array) -> tuple[float, float, float, float, float, float, float]:
    """A pixel's point on a plane (x, y) and d(x, y)/d(pixel); the last value is negative where the plane is behind."""
    a = H[0, 0] * ray[0] + H[0, 1] * ray[1] + H[0, 2] * ray[2]
    b = H[1, 0] * ray[0] + H[1, 1] * ray[1] + H[1, 2] * ray[2]
    w = H[2, 0] * ray[0] + H[2, 1] * ray[1] + H[2, 2] * ray[2]
    if w <= 1e-9:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0
    x, y = a / w, b / w
    w_u = H[2, 0] * ray[3] + H[2, 1] * ray[4] + H[2, 2] * ray[5]
    w_v = H[2, 0] * ray[6] + H[2, 1] * ray[7] + H[2, 2] * ray[8]
    x_u = (H[0, 0] * ray[3] + H[0, 1] * ray[4] + H[0, 2] * ray[5] - x * w_u) / w
    x_v = (H[0, 0] * ray[6] + H[0, 1] * ray[7] + H[0, 2] * ray[8] - x * w_v) / w
    y_u = (H[1, 0] * ray[3] + H[1, 1] * ray[4] + H[1, 2] * ray[5] - y * w_u) / w
    y_v = (H[1, 0] * ray[6] + H[1, 1] * ray[7] + H[1, 2] * ray[8] - y * w_v) / w
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
    return _PROFILE[j] + (z - j) * (_PROFILE[j + 1] - _PROFILE[j])


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
) -> tuple[float, float]:
    """Share of ink at a pixel of a circle grid, and at most the distance to the nearest outline in metres."""
    s = board[SPACING]
    column, row = int(math.floor(x / s + 0.5)), int(math.floor(y / s + 0.5))
    if board[KIND] == ASYMMETRIC and (column + row) & 1:
        # sites have an even sum: step to the nearer neighbour along the larger remainder
        dx, dy = x / s - column, y / s - row
        if abs(dx) > abs(dy):
            column += 1 if dx > 0 else -1
        else:
            row += 1 if dy > 0 else -1
    dx, dy = x - column * s, y - row * s
    distance = math.sqrt(dx * dx + dy * dy)
    edge = distance - board[RADIUS]
    index = (column - (row & 1)) >> 1 if board[KIND] == ASYMMETRIC else column
    if not (0 <= row < board[ROWS] and 0 <= index < board[COLS]):
        return 0.0, abs(edge)
    if distance < 1e-12:
        return 1.0, abs(edge)
    slope = _norm(dx * x_u + dy * y_u, dx * x_v + dy * y_v) / distance
    return _step(-edge / slope, inv_sigma), abs(edge)


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
def board_light(H: Array, ray: Array, board: Array, ground: float, ink: float, inv_sigma: float) -> tuple[float, float]:
    """Log intensity of a pixel that sees the board, and at most its distance to the nearest edge in pixels."""
    x, y, x_u, x_v, y_u, y_v, front = _on_plane(H, ray)
    if front < 0:
        return math.log(board[SURROUND]), 10.0
    px_per_m = 1.0 / math.sqrt(x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v)
    clear = _box_distance(x, y, board[X0], board[X1], board[Y0], board[Y1])
    sheet = 1.0 if board[X0] < x < board[X1] and board[Y0] < y < board[Y1] else 0.0
    near_rim = clear * px_per_m * inv_sigma < _MARGIN_SIGMAS
    if sheet == 0.0 and not near_rim:
        return math.log(board[SURROUND]), clear * px_per_m
    gx, gy = 1.0 / _norm(x_u, x_v), 1.0 / _norm(y_u, y_v)
    if near_rim:
        sheet = _box(x, y, gx, gy, board[X0], board[X1], board[Y0], board[Y1], inv_sigma)
    if board[KIND] == CHECKER:
        share, edge = _checker(x, y, gx, gy, board, inv_sigma)
    else:
        share, edge = _circles(x, y, x_u, x_v, y_u, y_v, board, inv_sigma)
    light = board[SURROUND] + sheet * (ground + (ink - ground) * share - board[SURROUND])
    return math.log(light), min(clear, edge) * px_per_m


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
def start_board(state: Array, random: NDArray[np.uint64], rays: Array, H: Array, board: Array, ground: float, ink: float,
                sensor: Array) -> None:
    """Pixels that have looked at the first image for long."""
    for i in range(len(rays)):
        light, _ = board_light(H, rays[i], board, ground, ink, sensor[INV_SIGMA])
        state[i, LEVEL] = state[i, PHOTO] = state[i, REF] = light
        _draw_thresholds(state, random, i, sensor)


@kernel
def start_bands(state: Array, random: NDArray[np.uint64], rays: Array, H: Array, bands: Array, background: float,
                sensor: Array) -> None:
    """As `start_board`."""
    for i in range(len(rays)):
        light, _ = bands_light(H, rays[i], bands, background, sensor[INV_SIGMA])
        state[i, LEVEL] = state[i, PHOTO] = state[i, REF] = light
        _draw_thresholds(state, random, i, sensor)


@kernel
def advance_board(
    first: int, frame: int, t0: float, t1: float, H: Array, board: Array, ground: float, ink: float, changes: bool,
    rays: Array, state: Array, random: NDArray[np.uint64], wake: NDArray[np.int64], sensor: Array,
    out_t: NDArray[np.int64], out_pixel: NDArray[np.int32], out_on: NDArray[np.bool_], count: int,
) -> tuple[int, int]:
    """Events of all pixels from ``first`` on between two frames.

    Returns the number of events so far and the pixel to resume at with a larger buffer (the number of pixels when done).
    """
    margin_px, tau = _MARGIN_SIGMAS / sensor[INV_SIGMA], sensor[TAU]
    for i in range(first, len(rays)):
        if wake[i] > frame and not changes:
            continue
        light, clear_px = board_light(H, rays[i], board, ground, ink, sensor[INV_SIGMA])
        if _stays_quiet(state, i, light, t0, t1, tau):
            state[i, LEVEL] = light
        else:
            if count + _events_at_most(state, i, light, sensor) > len(out_t):
                return count, i
            count = _advance(state, random, i, light, t0, t1, sensor, out_t, out_pixel, out_on, count)
        wake[i] = frame + _sleep(state, i, clear_px - margin_px, sensor)
    return count, len(rays)


@kernel
def advance_bands(
    first: int, frame: int, t0: float, t1: float, H: Array, bands: Array, background: float,
    rays: Array, state: Array, random: NDArray[np.uint64], wake: NDArray[np.int64], sensor: Array,
    out_t: NDArray[np.int64], out_pixel: NDArray[np.int32], out_on: NDArray[np.bool_], count: int,
) -> tuple[int, int]:
    """As `advance_board`."""
    margin_px, tau = _MARGIN_SIGMAS / sensor[INV_SIGMA], sensor[TAU]
    for i in range(first, len(rays)):
        if wake[i] > frame:
            continue
        light, clear_px = bands_light(H, rays[i], bands, background, sensor[INV_SIGMA])
        if _stays_quiet(state, i, light, t0, t1, tau):
            state[i, LEVEL] = light
        else:
            if count + _events_at_most(state, i, light, sensor) > len(out_t):
                return count, i
            count = _advance(state, random, i, light, t0, t1, sensor, out_t, out_pixel, out_on, count)
        wake[i] = frame + _sleep(state, i, clear_px - margin_px, sensor)
    return count, len(rays)
