"""Colours of the viewer and the coach: light on dark."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import ArrayLike, NDArray

BACKGROUND = (11, 13, 18)
PANEL = (22, 25, 33)
EDGE = (48, 54, 68)
INK = (226, 230, 238)
FAINT = (128, 137, 155)
ON = (255, 134, 72)
OFF = (70, 160, 255)
GOOD = (94, 214, 144)
POOR = (255, 200, 87)
BAD = (255, 99, 99)
MARK = (255, 255, 255)
BOARD = (196, 202, 214)
PATH = (120, 200, 255)

_DARKEST = 0.3
_AGES = 64


def by_number(numbers: ArrayLike) -> NDArray[np.uint8]:
    """A colour for each whole number, neighbours far apart on the colour circle, shape (N, 3)."""
    table = np.array([colorsys.hls_to_rgb(k * 0.61803 % 1.0, 0.64, 0.75) for k in range(256)])
    colours: NDArray[np.uint8] = (255 * table[np.asarray(numbers, int) % 256]).astype(np.uint8)
    return colours


def by_angle(angles_rad: ArrayLike) -> NDArray[np.uint8]:
    """A colour for each direction, opposite ones complementary, shape (N, 3)."""
    table = np.array([colorsys.hls_to_rgb(k / 360, 0.62, 0.9) for k in range(360)])
    degrees = np.floor(np.degrees(np.asarray(angles_rad, float))).astype(int) % 360
    colours: NDArray[np.uint8] = (255 * table[degrees]).astype(np.uint8)
    return colours


def by_share(shares: ArrayLike) -> NDArray[np.uint8]:
    """A colour for each number of 0 to 1, dark violet over red to yellow, shape (N, 3)."""
    from matplotlib import colormaps

    table = (255 * colormaps["plasma"](np.linspace(0.12, 0.95, 256))[:, :3]).astype(np.uint8)
    at = (255 * np.clip(np.asarray(shares, float), 0.0, 1.0)).astype(int)
    colours: NDArray[np.uint8] = table[at]
    return colours


def fading(colouring: str) -> NDArray[np.uint8]:
    """Colours of events by polarity (OFF, ON) and age (newest first), shape (2, 64, 3).

    Parameters
    ----------
    colouring : {"polarity", "time"}
    """
    age = np.linspace(0.0, 1.0, _AGES)
    if colouring == "time":
        table = by_share(1 - age)
        return np.stack([table, table])
    bright = 1 - (1 - _DARKEST) * age[:, None]
    return np.stack([(bright * colour).astype(np.uint8) for colour in (np.array(OFF), np.array(ON))])
