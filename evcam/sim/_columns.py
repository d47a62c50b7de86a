"""What the numbers are that Python code hands to the kernels: columns of their tables, places in their tuples.

Cached kernels keep these constants: touch ``_kernels.py`` after a change here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counters = NDArray[np.uint64]
Packed = NDArray[np.int64]
Nine = tuple[float, float, float, float, float, float, float, float, float]
Constants = tuple[float, ...]

PIXEL_BITS = 30
"""An event is one number, time then pixel then polarity, so that sorting numbers sorts events."""

# a pixel's state; LAST is when it was looked at, negative if no edge was near; X, Y where on the board
LEVEL, REF, RELEASE, ON, OFF, LAST, X, Y, PHOTO, BASE_ON, BASE_OFF, STATE_SIZE = range(12)
# the sensor's constants; LONGEST is the longest time for which a pixel near an edge may be left alone
INV_SIGMA, NOISE, REFRACTORY, TAU, LATENCY, JITTER, FLOOR, STEP_PX, LONGEST, SENSOR_SIZE = range(10)
# a board's constants; BEHIND is the number of layers behind its sheet
KIND, ROWS, COLS, SPACING, RADIUS, X0, X1, Y0, Y1, SURROUND, PER_SPACING, BEHIND, BOARD_SIZE = range(13)
ASYMMETRIC, SYMMETRIC, CHECKER, BANDS = range(4)
# a layer: its limbs (none for an endless plane) and its texture
FIRST, STOP, DARK, BRIGHT, SHARP, WAVE_NUMBER, LAYER_SIZE = range(7)
# a limb
MIDDLE_X, MIDDLE_Y, ALONG_X, ALONG_Y, HALF_LENGTH, THICKNESS, LIMB_SIZE = range(7)
