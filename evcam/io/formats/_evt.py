"""Prophesee's event encodings as codings: EVT 2.0, EVT 2.1 in both word orders, EVT 3.0."""

from __future__ import annotations

from typing import Any

import numpy as np

from evcam.io.formats import _evt_kernels as kernels
from evcam.io.formats._decoding import Coding

MAX_SIZE_PX = 2048
_REPAIRS = {
    "events before the first time word, left out": kernels.EARLY,
    "events that came late, held at the latest time": kernels.HELD,
    "damaged time words, passed over": kernels.IGNORED,
    "settings back of the camera's clock, after which times go on without a gap": kernels.RESETS,
    "words of unknown kinds, passed over": kernels.UNKNOWN,
    "events outside the sensor, left out": kernels.OUTSIDE,
}


def evt3(size: tuple[int, int] | None, offset_us: int = 0, *, from_start: bool = True) -> Coding:
    """EVT 3.0: 16-bit words.

    Programs that write it leave out what is zero ``from_start``; of a stream that was entered anywhere nothing is known before
    it is told.
    """
    coding = _coding(np.dtype("<u2"), 1, kernels.decode_evt3, size, 0, offset_us)
    coding.start[[kernels.LOW, kernels.Y]] = 0 if from_start else -1
    return coding


def evt2(size: tuple[int, int] | None, offset_us: int = 0) -> Coding:
    """EVT 2.0: 32-bit words."""
    return _coding(np.dtype("<u4"), 1, kernels.decode_evt2, size, 0, offset_us)


def evt21(size: tuple[int, int] | None, offset_us: int = 0, *, mask_first: bool) -> Coding:
    """EVT 2.1: 32-bit words as in EVT 2.0, each with a mask of 32 pixels before it (``mask_first``) or behind it."""
    return _coding(np.dtype("<u4"), 2, kernels.decode_evt2, size, int(mask_first), offset_us)


def _coding(word: np.dtype[Any], record: int, kernel: Any, size: tuple[int, int] | None, head: int, offset_us: int) -> Coding:
    width, height = size or (MAX_SIZE_PX, MAX_SIZE_PX)
    start = np.zeros(kernels.STATE_SIZE, np.int64)
    start[kernels.HIGH], start[kernels.LAST_US], start[kernels.OFFSET_US] = -1, kernels.NEVER_US, offset_us
    return Coding(word, record, kernel, np.array([width, height, record, head]), start, kernels.LAST_US, kernels.EVENTS,
                  kernels.TRIGGERS, _REPAIRS, "too many words of unknown kinds")
