"""Prophesee RAW: what the camera sent, EVT 2.0, EVT 2.1 or EVT 3.0, behind a text header.

Times are the camera's own, in us; they go on beyond the wraps of the words' counters (EVT 3.0 after 16.8 s, EVT 2.0 and 2.1
after 4.8 hours).  Where the header states no size the sensor's name decides, and without one the largest coordinates.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evcam.errors import FormatError
from evcam.io._check import check_size
from evcam.io.formats._decoding import Coding
from evcam.io.formats._evt import MAX_SIZE_PX, evt2, evt3, evt21
from evcam.io.formats._prophesee_header import (
    CAMERA_KEYWORDS,
    encoding_of,
    is_decoded,
    offset_us,
    option_of,
    parse_header,
    read_header,
    size_of,
)
from evcam.io.formats._stream import StreamSource
from evcam.io.source import Format

_KINDS_EVT2 = {0, 1, 8, 10, 14, 15}
_KINDS_EVT3 = {0, 2, 3, 4, 5, 6, 7, 8, 10, 14, 15}
_LOOK_RECORDS = 4096


class RawSource(StreamSource):
    """A RAW file."""

    def __init__(self, path: Path) -> None:
        values, start = read_header(path)
        size = size_of(values)
        if size is not None:
            check_size(size, str(path))
            if max(size) > MAX_SIZE_PX:
                raise FormatError(f"{path}: its header states a sensor of {size[0]}x{size[1]} pixels; events have coordinates "
                                  f"up to {MAX_SIZE_PX - 1}")
        super().__init__(path, size, dict(values), start, _coding(path, values, start, size))


def _coding(path: Path, values: dict[str, str], start: int, size: tuple[int, int] | None) -> Coding:
    encoding = encoding_of(values) or _encoding_by_content(path, start)
    order, start_us = option_of(values, "endianness"), offset_us(path, values)
    if order not in (None, "little", "legacy"):
        raise FormatError(f"{path}: its header states words of {order} endianness; evcam reads little and legacy")
    if encoding == "EVT3":
        return evt3(size, start_us)
    if encoding == "EVT2":
        return evt2(size, start_us)
    if encoding == "EVT21":
        mask_first = _mask_is_first(path, start) if order is None else order == "little"
        return evt21(size, start_us, mask_first=mask_first)
    raise FormatError(f"{path}: its events are encoded as {encoding}; evcam reads EVT2, EVT21 and EVT3")


def _encoding_by_content(path: Path, start: int) -> str:
    """EVT2 or EVT3 where an old header states neither, by what all words are."""
    for encoding, word, kind_bit, kinds in (("EVT2", "<u4", 28, _KINDS_EVT2), ("EVT3", "<u2", 12, _KINDS_EVT3)):
        found = set((np.fromfile(path, word, _LOOK_RECORDS, offset=start).astype(np.int64) >> kind_bit).tolist())
        if found <= kinds and 8 in found:
            return encoding
    raise FormatError(f"{path}: neither its header nor its first events tell how they are encoded")


def _mask_is_first(path: Path, start: int) -> bool:
    """Which half of an EVT 2.1 record is the mask, by where the kinds are known: cameras send either."""
    words = np.fromfile(path, "<u4", 2 * _LOOK_RECORDS, offset=start)
    kinds = words[: len(words) // 2 * 2].reshape(-1, 2) >> 28
    known = np.isin(kinds, list(_KINDS_EVT2)).sum(axis=0) + (kinds == 8).sum(axis=0)
    return bool(known[1] > known[0])


def _matches(head: bytes) -> bool:
    values, start = parse_header(head)
    by_camera = encoding_of(values) is not None or not CAMERA_KEYWORDS.isdisjoint(values)
    return start > 0 and by_camera and not is_decoded(values)


FORMAT = Format("Prophesee RAW", _matches, RawSource)
