"""What pixels see at an instant: boards, bands and layers, blurred, and how far the nearest edge is."""

from __future__ import annotations

import math

import numpy as np

from evcam._jit import kernel
from evcam.sim import _columns as c
from evcam.sim._columns import Array, Constants, Nine, Packed

MARGIN_SIGMAS = 3.0
"""Beyond so many standard deviations of the blur an edge changes intensity by about 1e-3 of its contrast."""
FAR_PX = 1e3
_PROFILE_PER_SIGMA = 160
_PROFILE = np.array([0.5 * math.erfc(MARGIN_SIGMAS * math.sqrt(0.5) - z / _PROFILE_PER_SIGMA * math.sqrt(0.5))
                     for z in range(int(2 * MARGIN_SIGMAS * _PROFILE_PER_SIGMA) + 1)])


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
    z = (signed_px * inv_sigma + MARGIN_SIGMAS) * _PROFILE_PER_SIGMA
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
    near_rim = clear * px_per_m * inv_sigma < MARGIN_SIGMAS
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
        if not near_rim and edge * px_per_m * inv_sigma < MARGIN_SIGMAS:
            # in the blur of an outline little changes along it, but it bends
            moved_px = max(abs(moved_u * u + moved_v * v), 0.3 * moved_px)
    return ground + (ink - ground) * share, sheet, min(clear, edge) * px_per_m, x, y, moved_px


@kernel
def _bands_light(
    H: Array, plane: int, ray: Nine, bands: Array, near: Packed, near_pxps: Array, first: int, stop: int, background: float,
    sensor: Constants,
) -> tuple[float, float, float]:
    """Log intensity, at most the distance to the nearest edge in pixels, and the time until an edge may matter.

    Bands (half length, half width, brightness) lie in planes of their own; those not listed in ``near`` are too far to matter.
    """
    inv_sigma, step_px = sensor[c.INV_SIGMA], sensor[c.STEP_PX]
    level, clear_px, due_s = math.log(background), FAR_PX, math.inf
    for n in range(first, stop):
        k = near[n]
        x, y, x_u, x_v, y_u, y_v, front = _on_plane(_nine(H, plane + k), ray)
        if front < 0:
            due_s = min(due_s, 10.0 / near_pxps[n])
            continue
        clear = _box_distance(x, y, -bands[k, 0], bands[k, 0], -bands[k, 1], bands[k, 1])
        near_px = clear / math.sqrt(x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v)
        clear_px = min(clear_px, near_px)
        due_s = min(due_s, (0.8 * max(near_px - MARGIN_SIGMAS / inv_sigma, 0.0) + step_px) / near_pxps[n])
        if near_px * inv_sigma >= MARGIN_SIGMAS and (abs(x) > bands[k, 0] or abs(y) > bands[k, 1]):
            continue
        gx, gy = 1.0 / _norm(x_u, x_v), 1.0 / _norm(y_u, y_v)
        share = _box(x, y, gx, gy, -bands[k, 0], bands[k, 0], -bands[k, 1], bands[k, 1], inv_sigma)
        level += math.log1p((bands[k, 2] - 1.0) * share)
    return level, clear_px, due_s


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
