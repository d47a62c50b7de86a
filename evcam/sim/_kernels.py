"""Pixels: the events that they fire between two instants.  Times are seconds since the recording's start."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evcam._jit import kernel, kernel_with
from evcam.sim import _columns as c
from evcam.sim import _light
from evcam.sim._columns import Array, Constants, Counters, Packed
from evcam.sim._light import FAR_PX, MARGIN_SIGMAS, _bands_light, _board_light, _nine, _overlay

FRAME_SHARE = 0.25
"""Frames are closer than a pixel needs, so that every pixel can be looked at when its own motion asks for it."""
LONGEST_SLEEP_S = 0.02
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
        longest = LONGEST_SLEEP_S
        way_px = 0.8 * clear_px + float(sensor[c.STEP_PX])
    return min(way_px / speed_pxps, longest) if speed_pxps > 0.0 else longest


@kernel_with(_light)
def advance(
    first: int, first_frame: int, times: Array, H: Array, ground: Array, ink: Array, stops: Packed, board: Constants,
    bands: Array, tile: Packed, near_first: Packed, near: Packed, near_pxps: Array,
    layers: Array, limbs: Array, waves: Array, rays: Array,
    state: Array, random: Counters, wake: Array, sensor: Constants, out: Packed, count: int,
) -> tuple[int, int, int]:
    """Events of all pixels between the first and the last of some frames.

    ``times`` has one more element than there are frames; ``stops[j]`` is the first frame from j on at which the light itself
    has changed since the frame before.  ``H`` holds the planes frame by frame: the board's, then the layers', or the
    bands', of which pixel i may see ``near[near_first[tile[i]]:near_first[tile[i] + 1]]``.  Pixels are the outer loop, so that a
    pixel's state stays at hand; those that have no level yet look at the first frame for long.  Returns the number of
    events so far and the pixel and the frame to resume at with a larger buffer (the number of pixels when done).
    """
    inv_sigma, tau, behind = sensor[c.INV_SIGMA], sensor[c.TAU], int(board[c.BEHIND])
    margin_px, planes = MARGIN_SIGMAS / inv_sigma, len(H) // len(stops)
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
            other_px, due_s = FAR_PX, math.inf
            if board[c.KIND] == c.BANDS:
                level, clear_px, due_s = _bands_light(
                    H, j * planes, ray, bands, near, near_pxps, near_first[tile[i]], near_first[tile[i] + 1], ground[j], sensor)
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
            if board[c.KIND] == c.BANDS:
                rest = min(due_s, sensor[c.LONGEST] if in_blur else LONGEST_SLEEP_S)
            else:
                rest = _rest(clear_px, in_blur, fastest if math.isnan(moved_px) else moved_px / elapsed, frame_s, sensor)
            if len(layers) > 0:
                rest = min(rest, _rest(other_px, in_blur, fastest, frame_s, sensor))
            wake[i] = times[j] + rest
            j += 1
    return count, len(rays), 1
