"""Kernels that draw into a picture (H, W, 3) with depths (H, W).

``M`` (3, 4) takes the scene to the eye; a point (X, Y, Z) before the eye lies at (cx + f X / Z, cy + f Y / Z).
"""

from __future__ import annotations

from typing import Any

from evcam._jit import helper, kernel

_LARGEST_SIDE = 40.0
_MARGIN = 100


@kernel
def _blend(out: Any, row: int, column: int, rgb: Any, i: int, opacity: float) -> None:
    for c in range(3):
        # Bytes are subtracted as numbers that cannot be negative.
        below = float(out[row, column, c])
        out[row, column, c] = int(below + (float(rgb[i, c]) - below) * opacity + 0.5)


@helper
def _to_eye(M: Any, p: Any) -> tuple[float, float, float]:
    """A point of the scene as the eye has it."""
    return (
        M[0, 0] * p[0] + M[0, 1] * p[1] + M[0, 2] * p[2] + M[0, 3],
        M[1, 0] * p[0] + M[1, 1] * p[1] + M[1, 2] * p[2] + M[1, 3],
        M[2, 0] * p[0] + M[2, 1] * p[1] + M[2, 2] * p[2] + M[2, 3],
    )


@kernel
def _splat(xyz: Any, rgb: Any, size: float, M: Any, f: float, cx: float, cy: float, near: float, out: Any, depth: Any) -> None:
    """Points as squares that hide what lies behind them."""
    height, width = depth.shape
    for i in range(len(xyz)):
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        Z = M[2, 0] * x + M[2, 1] * y + M[2, 2] * z + M[2, 3]
        if Z < near:
            continue
        scale = f / Z
        u = cx + scale * (M[0, 0] * x + M[0, 1] * y + M[0, 2] * z + M[0, 3])
        v = cy + scale * (M[1, 0] * x + M[1, 1] * y + M[1, 2] * z + M[1, 3])
        if not (-_LARGEST_SIDE < u < width + _LARGEST_SIDE and -_LARGEST_SIDE < v < height + _LARGEST_SIDE):
            continue
        side = max(1, int(min(scale * size, _LARGEST_SIDE) + 0.5))
        # Whole numbers are cut towards zero: added and taken off again, a margin makes that downwards.
        left = int(u - 0.5 * (side - 1) + _MARGIN) - _MARGIN
        top = int(v - 0.5 * (side - 1) + _MARGIN) - _MARGIN
        for row in range(max(top, 0), min(top + side, height)):
            for column in range(max(left, 0), min(left + side, width)):
                if Z < depth[row, column]:
                    depth[row, column] = Z
                    out[row, column, 0] = rgb[i, 0]
                    out[row, column, 1] = rgb[i, 1]
                    out[row, column, 2] = rgb[i, 2]


@kernel
def _segments(
    start: Any, stop: Any, rgb: Any, line_width: float, opacity: float, bias: float,
    M: Any, f: float, cx: float, cy: float, near: float, out: Any, depth: Any,
) -> None:
    """Smooth segments before what lies behind them; ``bias``, a share of the depth, lets them win on what they lie on."""
    height, width = depth.shape
    half = 0.5 * line_width
    for i in range(len(start)):
        X0, Y0, Z0 = _to_eye(M, start[i])
        X1, Y1, Z1 = _to_eye(M, stop[i])
        if not (Z0 >= near or Z1 >= near):
            continue
        if Z0 < near:
            s = (near - Z0) / (Z1 - Z0)
            X0, Y0, Z0 = X0 + s * (X1 - X0), Y0 + s * (Y1 - Y0), near
        elif Z1 < near:
            s = (near - Z1) / (Z0 - Z1)
            X1, Y1, Z1 = X1 + s * (X0 - X1), Y1 + s * (Y0 - Y1), near
        u0, v0, u1, v1 = cx + f * X0 / Z0, cy + f * Y0 / Z0, cx + f * X1 / Z1, cy + f * Y1 / Z1
        du, dv = u1 - u0, v1 - v0
        steep = abs(dv) > abs(du)
        if steep:
            u0, v0, u1, v1 = v0, u0, v1, u1
        if u0 > u1:
            u0, v0, Z0, u1, v1, Z1 = u1, v1, Z1, u0, v0, Z0
        along = u1 - u0
        length = (du * du + dv * dv) ** 0.5
        slope = (v1 - v0) / along if along > 1e-9 else 0.0
        cosine = along / length if length > 1e-9 else 1.0
        reach = (half + 0.5) / max(cosine, 0.5)
        major, minor = (height, width) if steep else (width, height)
        w0, w1 = 1.0 / Z0, 1.0 / Z1
        for m in range(max(0, int(u0 - 0.5) if u0 > 0.5 else 0), min(major - 1, int(min(u1 + 0.5, 1e6))) + 1):
            if m < u0 - 0.5 or m > u1 + 0.5:
                continue
            s = min(max((m - u0) / along, 0.0), 1.0) if along > 1e-9 else 0.0
            Z = 1.0 / (w0 + s * (w1 - w0)) * (1.0 - bias)
            middle = v0 + slope * (m - u0)
            if middle < -reach or middle > minor + reach:
                continue
            for n in range(max(0, int(middle - reach)), min(minor - 1, int(middle + reach + 1)) + 1):
                cover = min(max(half + 0.5 - abs(n - middle) * cosine, 0.0), min(1.0, line_width))
                if cover <= 0.0:
                    continue
                row, column = (m, n) if steep else (n, m)
                if Z < depth[row, column]:
                    _blend(out, row, column, rgb, i, cover * opacity)
                    if cover * opacity > 0.6:
                        depth[row, column] = Z


@kernel
def _fill(
    corners: Any, rgb: Any, opacity: float, M: Any, f: float, cx: float, cy: float, near: float, out: Any, depth: Any
) -> None:
    """Triangles; only opaque ones hide what comes later, and those that reach too near the eye are left out."""
    height, width = depth.shape
    for i in range(len(corners)):
        X0, Y0, Z0 = _to_eye(M, corners[i, 0])
        X1, Y1, Z1 = _to_eye(M, corners[i, 1])
        X2, Y2, Z2 = _to_eye(M, corners[i, 2])
        if Z0 < near or Z1 < near or Z2 < near:
            continue
        u0, v0 = cx + f * X0 / Z0, cy + f * Y0 / Z0
        u1, v1 = cx + f * X1 / Z1, cy + f * Y1 / Z1
        u2, v2 = cx + f * X2 / Z2, cy + f * Y2 / Z2
        area = (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)
        if abs(area) < 1e-9:
            continue
        left, right = min(u0, u1, u2), max(u0, u1, u2)
        top, bottom = min(v0, v1, v2), max(v0, v1, v2)
        if right < 0 or left > width - 1 or bottom < 0 or top > height - 1:
            continue
        for row in range(int(max(top, 0.0) + 0.999999), int(min(bottom, height - 1.0)) + 1):
            for column in range(int(max(left, 0.0) + 0.999999), int(min(right, width - 1.0)) + 1):
                p = ((u1 - column) * (v2 - row) - (u2 - column) * (v1 - row)) / area
                q = ((u2 - column) * (v0 - row) - (u0 - column) * (v2 - row)) / area
                r = 1.0 - p - q
                # Of an edge that two triangles share, one has the pixels.
                if p < 0.0 or q < 0.0 or r <= 0.0:
                    continue
                Z = 1.0 / (p / Z0 + q / Z1 + r / Z2)
                if Z < depth[row, column]:
                    _blend(out, row, column, rgb, i, opacity)
                    if opacity >= 1.0:
                        depth[row, column] = Z


@kernel
def _picture(
    texture: Any, H: Any, plane: Any, opacity: float, top: int, bottom: int, left: int, right: int, out: Any, depth: Any
) -> None:
    """A picture on a plane: ``H`` (3, 3) takes pixels of the screen to its own, ``plane`` (3,) to one over the depth."""
    rows, columns = texture.shape[:2]
    for row in range(top, bottom):
        for column in range(left, right):
            w = H[2, 0] * column + H[2, 1] * row + H[2, 2]
            near = plane[0] * column + plane[1] * row + plane[2]
            if w == 0.0 or near <= 0.0 or near * depth[row, column] <= 1.0:
                continue
            x = (H[0, 0] * column + H[0, 1] * row + H[0, 2]) / w
            y = (H[1, 0] * column + H[1, 1] * row + H[1, 2]) / w
            if 0.0 <= x < columns and 0.0 <= y < rows:
                _blend(out, row, column, texture[int(y)], int(x), opacity)
                if opacity >= 1.0:
                    depth[row, column] = 1.0 / near


@kernel
def _tint(mask: Any, rgb: Any, opacity: float, out: Any) -> None:
    """Blend one colour (1, 3) by a mask of 0 to 255 of the picture's own size."""
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            if mask[row, column] > 0:
                _blend(out, row, column, rgb, 0, mask[row, column] / 255.0 * opacity)


@kernel
def _halved(double: Any, out: Any) -> None:
    """Each pixel the mean of four."""
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for c in range(3):
                total = 2
                for k in range(4):
                    total += int(double[2 * row + k // 2, 2 * column + k % 2, c])
                out[row, column, c] = total // 4
