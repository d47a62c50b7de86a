"""Pixels: what they see at an instant and the events that they fire between two instants.

All kernels of the simulator are in this file, since a cached kernel does not
notice a change in another file.  Times are seconds since the recording's start.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evcam._jit import kernel
from evcam.sim import _columns as c
from evcam.sim._columns import Array, Constants, Counters, Nine, Packed

FRAME_SHARE = 0.25
"""Frames are closer than a pixel needs, so that every pixel can be looked at when its own motion asks for it."""
_MARGIN_SIGMAS = 3.0
"""Beyond so many standard deviations of the blur an edge changes intensity by about 1e-3 of its contrast."""
_PROFILE_PER_SIGMA = 160
_PROFILE = np.array([0.5 * math.erfc(_MARGIN_SIGMAS * math.sqrt(0.5) - z / _PROFILE_PER_SIGMA * math.sqrt(0.5))
                     for z in range(int(2 * _MARGIN_SIGMAS * _PROFILE_PER_SIGMA) + 1)])
_LONGEST_SLEEP_S = 0.02
_MAX_FRAMES = 16
FAR_PX = 1e3
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
def _fire(
    state: Array, random: Counters, i: int, level: float, start: float, stop: float, sensor: Constants, out: Packed, count: int
) -> tuple[int, bool]:
    """Events of pixel i while its light goes straight from the last level to ``level``.

    Returns their number so far, -1 if ``out`` has too little room, and whether the photoreceptor is still settling.
    """
    # one function and local numbers: calls that carry arrays cost more than the work itself
    tau, noise, jitter, floor = sensor[c.TAU], sensor[c.NOISE], sensor[c.JITTER], sensor[c.FLOOR]
    before, ref, release, up, down = state[i, c.LEVEL], state[i, c.REF], state[i, c.RELEASE], state[i, c.ON], state[i, c.OFF]
    y0 = state[i, c.PHOTO] if tau > 0.0 else before
    held = 0.0 if math.isnan(ref) else abs(before - ref)
    if count + int((abs(level - before) + abs(y0 - before) + held) / floor) + 2 > len(out):
        return -1, False
    # behind a low-pass y' = (u - y) / tau for u straight is solved exactly; straight pieces of tau / 4 follow the solution
    pieces = max(1, math.ceil(4.0 * (stop - start) / tau)) if tau > 0.0 else 1
    step, slope = (stop - start) / pieces, (level - before) / (stop - start)
    decay = math.exp(-step / tau) if tau > 0.0 else 0.0
    low, high = min(y0, before, level), max(y0, before, level)  # rounding must not lead out of what y can reach
    counter = random[i]
    for k in range(pieces):
        t0, t1, y1 = start, stop, level
        if tau > 0.0:
            u = before + slope * step * k
            y1 = min(max(u + slope * (step - tau) + (y0 - u + slope * tau) * decay, low), high)
            t0, t1 = start + step * k, start + step * (k + 1)
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
            crossed = ref + up if on else ref - down
            # a threshold drawn anew may already be exceeded: the pixel then fires at once
            part = min(max((crossed - y0) / (y1 - y0), 0.0), 1.0) if y1 != y0 else 0.0
            y0 += (y1 - y0) * part
            t0 += (t1 - t0) * part
            delay = sensor[c.LATENCY]
            if jitter > 0.0:
                counter += _GAMMA
                delay = max(delay + jitter * _normal_pair(counter)[0], 0.0)
            out[count] = (math.floor((t0 + delay) * 1e6) << c.PIXEL_BITS) | (i << 1) | (1 if on else 0)
            count += 1
            if noise > 0.0:
                counter += _GAMMA
                a, b = _normal_pair(counter)
                up = max(state[i, c.BASE_ON] + noise * a, floor)
                down = max(state[i, c.BASE_OFF] + noise * b, floor)
            ref = math.nan if sensor[c.REFRACTORY] > 0.0 else crossed
            release = t0 + sensor[c.REFRACTORY]
        y0 = y1
    state[i, c.REF], state[i, c.RELEASE], state[i, c.ON], state[i, c.OFF], state[i, c.PHOTO] = ref, release, up, down, y0
    random[i] = counter
    return count, tau > 0.0 and abs(y0 - level) > 1e-3 * floor


@kernel
def _rest(clear_px: float, still_settling: bool, speed_pxps: float, frame_s: float, sensor: Constants) -> float:
    """How long a pixel may be left alone when the image moves at this speed there."""
    if still_settling or clear_px <= 0.0:
        longest = float(min(sensor[c.LONGEST], _MAX_FRAMES * frame_s))
        way_px = float(sensor[c.STEP_PX])
    else:
        # not all of the distance, since it is linearised; the outermost step of the blur may be missed
        longest = _LONGEST_SLEEP_S
        way_px = 0.8 * clear_px + float(sensor[c.STEP_PX])
    return min(way_px / speed_pxps, longest) if speed_pxps > 0.0 else longest


@kernel
def _nine(rows: Array, i: int) -> Nine:
    """One row as plain numbers: views of arrays are counted by locked instructions, which took half of all time."""
    return (rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4], rows[i, 5], rows[i, 6], rows[i, 7], rows[i, 8])


@kernel
def _on_plane(H: Nine, ray: Nine) -> tuple[float, float, float, float, float, float, float]:
    """A pixel's point on a plane (x, y) and d(x, y)/d(pixel); the last value is negative where the plane is behind."""
    a = H[0] * ray[0] + H[1] * ray[1] + H[2] * ray[2]
    b = H[3] * ray[0] + H[4] * ray[1] + H[5] * ray[2]
    w = H[6] * ray[0] + H[7] * ray[1] + H[8] * ray[2]
    if w <= 1e-9:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0
    depth = 1.0 / w
    x, y = a * depth, b * depth
    w_u = H[6] * ray[3] + H[7] * ray[4] + H[8] * ray[5]
    w_v = H[6] * ray[6] + H[7] * ray[7] + H[8] * ray[8]
    x_u = (H[0] * ray[3] + H[1] * ray[4] + H[2] * ray[5] - x * w_u) * depth
    x_v = (H[0] * ray[6] + H[1] * ray[7] + H[2] * ray[8] - x * w_v) * depth
    y_u = (H[3] * ray[3] + H[4] * ray[4] + H[5] * ray[5] - y * w_u) * depth
    y_v = (H[3] * ray[6] + H[4] * ray[7] + H[5] * ray[8] - y * w_v) * depth
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
    x: float, y: float, x_u: float, x_v: float, y_u: float, y_v: float, board: Constants, inv_sigma: float
) -> tuple[float, float, float, float]:
    """What a circle grid shows.

    Returns the share of ink, at most the distance to the nearest outline in metres, and that outline's unit normal in
    the image.
    """
    s = board[c.SPACING]
    x_s, y_s = x * board[c.PER_SPACING], y * board[c.PER_SPACING]
    column, row = math.floor(x_s + 0.5), math.floor(y_s + 0.5)
    if board[c.KIND] == c.ASYMMETRIC and (column + row) & 1:
        # sites have an even sum: step to the nearer neighbour along the larger remainder
        dx, dy = x_s - column, y_s - row
        if abs(dx) > abs(dy):
            column += 1 if dx > 0 else -1
        else:
            row += 1 if dy > 0 else -1
    dx, dy = x - column * s, y - row * s
    distance = math.sqrt(dx * dx + dy * dy)
    edge = distance - board[c.RADIUS]
    index = (column - (row & 1)) >> 1 if board[c.KIND] == c.ASYMMETRIC else column
    if not (0 <= row < board[c.ROWS] and 0 <= index < board[c.COLS]):
        return 0.0, abs(edge), 1.0, 0.0
    if distance < 1e-12:
        return 1.0, abs(edge), 1.0, 0.0
    u, v = dx * x_u + dy * y_u, dx * x_v + dy * y_v
    per_slope = 1.0 / _norm(u, v)
    return _step(-edge * distance * per_slope, inv_sigma), abs(edge), u * per_slope, v * per_slope


@kernel
def _checker(x: float, y: float, gx: float, gy: float, board: Constants, inv_sigma: float) -> tuple[float, float]:
    """Share of ink at a pixel of a checkerboard, and at most the distance to the nearest edge in metres."""
    s = board[c.SPACING]
    column = int(min(max(math.floor(x / s + 0.5), 0.0), board[c.COLS] - 1))
    row = int(min(max(math.floor(y / s + 0.5), 0.0), board[c.ROWS] - 1))
    dx, dy = x - column * s, y - row * s
    wave = (2.0 * _step(dx * gx, inv_sigma) - 1.0) * (2.0 * _step(dy * gy, inv_sigma) - 1.0)
    if (column + row) & 1:
        wave = -wave
    x1, y1 = board[c.COLS] * s, board[c.ROWS] * s
    ink = 0.5 * (1.0 + wave) * _box(x, y, gx, gy, -s, x1, -s, y1, inv_sigma)
    return ink, min(min(abs(dx), abs(dy)), _box_distance(x, y, -s, x1, -s, y1))


@kernel
def _board_light(
    H: Nine, ray: Nine, x_before: float, y_before: float, board: Constants, ground: float, ink: float, inv_sigma: float
) -> tuple[float, float, float, float, float, float]:
    """What a pixel sees of the board.

    Returns the intensity of the sheet, the share of the pixel that the sheet fills, at most the distance to the nearest edge in
    pixels, the point on the board, and how far in pixels that has moved from (x_before, y_before), motion along an outline
    counting for less.
    """
    x, y, x_u, x_v, y_u, y_v, front = _on_plane(H, ray)
    if front < 0:
        return 0.0, 0.0, 10.0, math.nan, math.nan, math.nan
    px_per_m = 1.0 / math.sqrt(x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v)
    dx, dy = x - x_before, y - y_before
    per_area = 1.0 / max(abs(x_u * y_v - x_v * y_u), 1e-30)
    moved_u, moved_v = (y_v * dx - x_v * dy) * per_area, (x_u * dy - y_u * dx) * per_area
    moved_px = _norm(moved_u, moved_v)
    clear = _box_distance(x, y, board[c.X0], board[c.X1], board[c.Y0], board[c.Y1])
    sheet = 1.0 if board[c.X0] < x < board[c.X1] and board[c.Y0] < y < board[c.Y1] else 0.0
    near_rim = clear * px_per_m * inv_sigma < _MARGIN_SIGMAS
    if sheet == 0.0 and not near_rim:
        return 0.0, 0.0, clear * px_per_m, x, y, moved_px
    gx, gy = 0.0, 0.0
    if near_rim or board[c.KIND] == c.CHECKER:
        gx, gy = 1.0 / _norm(x_u, x_v), 1.0 / _norm(y_u, y_v)
    if near_rim:
        sheet = _box(x, y, gx, gy, board[c.X0], board[c.X1], board[c.Y0], board[c.Y1], inv_sigma)
    if board[c.KIND] == c.CHECKER:
        share, edge = _checker(x, y, gx, gy, board, inv_sigma)
    else:
        share, edge, u, v = _circles(x, y, x_u, x_v, y_u, y_v, board, inv_sigma)
        if not near_rim and edge * px_per_m * inv_sigma < _MARGIN_SIGMAS:
            # in the blur of an outline little changes along it, but it bends
            moved_px = max(abs(moved_u * u + moved_v * v), 0.3 * moved_px)
    return ground + (ink - ground) * share, sheet, min(clear, edge) * px_per_m, x, y, moved_px


@kernel
def _bands_light(H: Array, first: int, ray: Nine, bands: Array, background: float, inv_sigma: float) -> tuple[float, float]:
    """Log intensity, and at most the distance to the nearest edge in pixels.

    Bands (half length, half width, brightness) lie in planes of their own.
    """
    level, clear_px = math.log(background), FAR_PX
    for k in range(len(bands)):
        x, y, x_u, x_v, y_u, y_v, front = _on_plane(_nine(H, first + k), ray)
        if front < 0:
            clear_px = min(clear_px, 10.0)
            continue
        clear = _box_distance(x, y, -bands[k, 0], bands[k, 0], -bands[k, 1], bands[k, 1])
        near_px = clear / math.sqrt(x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v)
        gx, gy = 1.0 / _norm(x_u, x_v), 1.0 / _norm(y_u, y_v)
        share = _box(x, y, gx, gy, -bands[k, 0], bands[k, 0], -bands[k, 1], bands[k, 1], inv_sigma)
        level += math.log1p((bands[k, 2] - 1.0) * share)
        clear_px = min(clear_px, near_px)
    return level, clear_px


@kernel
def _tone(
    x: float, y: float, x_u: float, x_v: float, y_u: float, y_v: float, layers: Array, n: int, waves: Array, inv_sigma: float
) -> tuple[float, float]:
    """Intensity of layer n at a point, and about the distance to where it changes in pixels."""
    dark, bright = layers[n, c.DARK], layers[n, c.BRIGHT]
    if dark == bright:
        return dark, FAR_PX
    f, f_x, f_y = 0.0, 0.0, 0.0
    for k in range(waves.shape[1]):
        phase = waves[n, k, 0] * x + waves[n, k, 1] * y + waves[n, k, 2]
        f += math.sin(phase)
        f_x += waves[n, k, 0] * math.cos(phase)
        f_y += waves[n, k, 1] * math.cos(phase)
    if layers[n, c.SHARP] == 0.0:
        return dark + (bright - dark) * _step(f * math.sqrt(2.0 / waves.shape[1]), 1.0), 0.0
    slope = _norm(f_x * x_u + f_y * y_u, f_x * x_v + f_y * y_v)
    shortest = layers[n, c.WAVE_NUMBER] * math.sqrt(abs(x_u * y_v - x_v * y_u))
    return dark + (bright - dark) * _step(f / max(slope, 1e-30), inv_sigma), abs(f) / (slope + shortest * abs(f))


@kernel
def _inside(x: float, y: float, limbs: Array, first: int, stop: int) -> tuple[float, float, float]:
    """How far a point lies inside a union of limbs (negative outside), and the nearest outline's unit normal."""
    depth, n_x, n_y = -math.inf, 1.0, 0.0
    for k in range(first, stop):
        dx, dy = x - limbs[k, c.MIDDLE_X], y - limbs[k, c.MIDDLE_Y]
        along = dx * limbs[k, c.ALONG_X] + dy * limbs[k, c.ALONG_Y]
        along = min(max(along, -limbs[k, c.HALF_LENGTH]), limbs[k, c.HALF_LENGTH])
        dx, dy = dx - along * limbs[k, c.ALONG_X], dy - along * limbs[k, c.ALONG_Y]
        distance = max(_norm(dx, dy), 1e-12)
        if limbs[k, c.THICKNESS] - distance > depth:
            depth, n_x, n_y = limbs[k, c.THICKNESS] - distance, dx / distance, dy / distance
    return depth, n_x, n_y


@kernel
def _overlay(
    light: float, H: Array, plane: int, ray: Nine, layers: Array, first: int, stop: int, limbs: Array, waves: Array,
    inv_sigma: float,
) -> tuple[float, float, bool]:
    """Lay some layers over what is behind them.

    Returns the intensity, about the distance to their nearest edge in pixels, and whether they hide what is behind.
    """
    clear_px, hidden = FAR_PX, False
    for n in range(first, stop):
        x, y, x_u, x_v, y_u, y_v, front = _on_plane(_nine(H, plane + n), ray)
        if front < 0:
            clear_px = min(clear_px, 10.0)
            continue
        share, edge_px = 1.0, FAR_PX
        if layers[n, c.FIRST] < layers[n, c.STOP]:
            depth, n_x, n_y = _inside(x, y, limbs, int(layers[n, c.FIRST]), int(layers[n, c.STOP]))
            depth_px = depth / _norm(n_x * x_u + n_y * y_u, n_x * x_v + n_y * y_v)
            share, edge_px = _step(depth_px, inv_sigma), abs(depth_px)
        if share == 1.0:
            clear_px, hidden = edge_px, True
        if share > 0.0:
            tone, texture_px = _tone(x, y, x_u, x_v, y_u, y_v, layers, n, waves, inv_sigma)
            light += share * (tone - light)
            edge_px = min(edge_px, texture_px)
        clear_px = min(clear_px, edge_px)
    return light, clear_px, hidden


@kernel
def advance(
    first: int, first_frame: int, times: Array, H: Array, ground: Array, ink: Array, stops: Packed, board: Constants,
    bands: Array, layers: Array, limbs: Array, waves: Array, rays: Array, state: Array, random: Counters, wake: Array,
    sensor: Constants, out: Packed, count: int,
) -> tuple[int, int, int]:
    """Events of all pixels between the first and the last of some frames.

    ``times`` has one more element than there are frames; ``stops[j]`` is the first frame from j on at which the light itself
    has changed since the frame before.  ``H`` holds the planes frame by frame: the board's, then the layers', or the
    bands'.  Pixels are the outer loop, so that a pixel's state stays at hand; those that have no level
    yet look at the first frame for long.  Returns the number of events so far and the pixel and the frame to resume at with a
    larger buffer (the number of pixels when done).
    """
    inv_sigma, tau, behind = sensor[c.INV_SIGMA], sensor[c.TAU], int(board[c.BEHIND])
    margin_px, planes = _MARGIN_SIGMAS / inv_sigma, len(H) // len(stops)
    frames_per_s = len(stops) / (times[-1] - times[0])
    for i in range(first, len(rays)):
        ray = _nine(rays, i)
        fresh, in_blur = math.isnan(state[i, c.LEVEL]), state[i, c.LAST] >= 0.0
        j = 0 if fresh else first_frame if i == first else 1
        while j < len(stops):
            # the last frame before the pixel has to be looked at
            low, stop = j, stops[j]
            j = min(low + max(int((wake[i] - times[low]) * frames_per_s), 0), stop)
            while j > low and times[j] > wake[i]:
                j -= 1
            while j < stop and times[j + 1] <= wake[i]:
                j += 1
            if j == len(stops):
                if not in_blur:
                    break
                j -= 1
            other_px = FAR_PX
            if board[c.KIND] == c.BANDS:
                level, clear_px = _bands_light(H, j * planes, ray, bands, ground[j], inv_sigma)
                x = y = moved_px = math.nan
            else:
                tone, sheet, clear_px, x, y, moved_px = _board_light(
                    _nine(H, j * planes), ray, state[i, c.X], state[i, c.Y], board, ground[j], ink[j], inv_sigma)
                light = board[c.SURROUND]
                if behind > 0 and sheet < 1.0:
                    light, other_px, _ = _overlay(light, H, j * planes + 1, ray, layers, 0, behind, limbs, waves, inv_sigma)
                light += sheet * (tone - light)
                if behind < len(layers):
                    light, near_px, hidden = _overlay(
                        light, H, j * planes + 1, ray, layers, behind, len(layers), limbs, waves, inv_sigma)
                    clear_px, other_px = (FAR_PX, near_px) if hidden else (clear_px, min(other_px, near_px))
                level = math.log(light)
            if fresh:
                state[i, c.LEVEL] = state[i, c.REF] = state[i, c.PHOTO] = level
                state[i, c.X], state[i, c.Y] = x, y
                fresh, j = False, 1
                continue
            clear_px, other_px = clear_px - margin_px, other_px - margin_px
            in_blur = clear_px <= 0.0 or other_px <= 0.0
            elapsed = times[j] - abs(state[i, c.LAST])
            start = state[i, c.LAST] if state[i, c.LAST] >= 0.0 else times[j - 1]
            # most pixels are quiet most of the time: told apart first because calls that carry all the arrays are slow
            if state[i, c.RELEASE] > start:
                quiet = state[i, c.RELEASE] >= times[j]
            else:
                quiet = state[i, c.REF] - state[i, c.OFF] < level < state[i, c.REF] + state[i, c.ON]
            if tau > 0.0 or not quiet:
                done, settles = _fire(state, random, i, level, start, times[j], sensor, out, count)
                if done < 0:
                    return count, i, j
                count, in_blur = done, in_blur or settles
            state[i, c.LEVEL], state[i, c.X], state[i, c.Y] = level, x, y
            state[i, c.LAST] = times[j] if in_blur else -times[j]
            frame_s = times[j] - times[j - 1]
            # what moves by itself moves no faster than the fastest landmark
            fastest = FRAME_SHARE * sensor[c.STEP_PX] / frame_s
            rest = _rest(clear_px, in_blur, fastest if math.isnan(moved_px) else moved_px / elapsed, frame_s, sensor)
            if len(layers) > 0:
                rest = min(rest, _rest(other_px, in_blur, fastest, frame_s, sensor))
            wake[i] = times[j] + rest
            j += 1
    return count, len(rays), 1
