"""Kernels that place and paint events."""

from __future__ import annotations

from typing import Any

from evcam._jit import kernel


@kernel
def _place(
    t: Any, x: Any, y: Any, p: Any, step: int, now_us: int, window_us: int, per_us: float, middle_x: float, middle_y: float,
    table: Any, xyz: Any, rgb: Any,
) -> None:
    """Places (N, 3) and colours (N, 3) of every ``step``-th event from a table by polarity and age."""
    last = table.shape[1] - 1
    for n in range(len(xyz)):
        i = n * step
        age_us = now_us - t[i]
        xyz[n, 0] = x[i] - middle_x
        xyz[n, 1] = y[i] - middle_y
        xyz[n, 2] = age_us * per_us
        bin_ = min(max(age_us * last // window_us, 0), last)
        for c in range(3):
            rgb[n, c] = table[1 if p[i] else 0, bin_, c]


@kernel
def _paint(t: Any, x: Any, y: Any, p: Any, now_us: int, window_us: int, table: Any, rgb: Any) -> None:
    """The newest event of each pixel, in the colour of its polarity and age."""
    last = table.shape[1] - 1
    for i in range(len(t)):
        bin_ = min(max((now_us - t[i]) * last // window_us, 0), last)
        for c in range(3):
            rgb[y[i], x[i], c] = table[1 if p[i] else 0, bin_, c]
