"""AEDAT4, lz4-compressed, by the encoder of the library faery; events alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError
from evcam.io.source import require
from evcam.io.writers._writer import Content, Writer, left_out

_NAME = "AEDAT4"
_PACKET_EVENTS = 10_000
_OS_ERROR = re.compile(r"\(os error (\d+)\)$")  # how faery tells, e.g., that the disk is full


def write(path: Path, content: Content) -> tuple[str, ...]:
    """Write the events.

    Raises
    ------
    InputError
        A time is negative.
    MissingLibraryError
        The library is not installed.
    OSError
        The disk is full.
    """
    encoder = require("faery.file_encoder", "faery", "writing AEDAT4")
    dtype = require("faery", "faery", "writing AEDAT4").EVENTS_DTYPE
    try:
        encoder.events_to_file(_packets(path, content, dtype), path, (content.width, content.height), file_type="aedat",
                               use_write_suffix=False)
    except RuntimeError as error:
        number = _OS_ERROR.search(str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
    return left_out(content, _NAME)


def _packets(path: Path, content: Content, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    for piece in content.events:
        if len(piece) and piece.t[0] < 0:
            raise InputError(f"{path}: AEDAT4 holds no time before 0, and an event is at {piece.t[0]} us")
        for first in range(0, len(piece), _PACKET_EVENTS):
            part = piece[first : first + _PACKET_EVENTS]
            packet = np.empty(len(part), dtype)
            packet["t"], packet["x"], packet["y"], packet["on"] = part.t, part.x, part.y, part.p
            yield packet


WRITER = Writer(_NAME, (".aedat4",), write)
