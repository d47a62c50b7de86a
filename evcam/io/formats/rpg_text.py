"""Text with one event per line, ``t x y p``, as the RPG event-camera data set has it.

t in seconds with any number of decimals (or an exponent), x and y in pixels, p 0 or
-1 (OFF) and 1 (ON), separated by spaces or tabs.  The first line may state
``width height``; lines that begin with '#' are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evcam.errors import FormatError
from evcam.io.source import BLOCK_EVENTS, HEAD_BYTES, Block, Format, Source

_READ_BYTES = 1 << 24
_COLUMNS = ("t", "x", "y", "p", "line")
_SIZE_LINE = re.compile(rb"\s*(\d{1,6})\s+(\d{1,6})\s*")
_TIME_WITH_DECIMALS = re.compile(rb"^[ \t]*[-+]?\d*(\.\d*|\.?\d*[eE][-+]?\d+)[ \t]", re.MULTILINE)


class TextSource(Source):
    """A text file of events."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        self._start, self._start_line, size = _skip_head(head)
        data = head[self._start:]
        if data.strip() and not _TIME_WITH_DECIMALS.search(data):
            raise FormatError(f"{path}: line {self._start_line}: times without decimals; the text format has seconds "
                              "(0.003811 96 133 0); divide microseconds by 1000000")
        super().__init__(path, size, {})

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Every block from the beginning: lines are of any length."""
        # Imported here so that opening another format does not load Numba.
        from evcam.io.formats import _text_kernel as kernel

        first, line = 0, self._start_line
        for data in self._lines():
            position = 0
            while position < len(data):
                t, x = np.empty(max_events, np.int64), np.empty(max_events, np.uint16)
                y, p = np.empty(max_events, np.uint16), np.empty(max_events, np.int8)
                count, position, passed, status, column = kernel._parse(data, position, len(data), t, x, y, p)
                line += passed
                if count:
                    yield Block(first, t[:count], x[:count], y[:count], p[:count])
                first += count
                if status != kernel.OK:
                    problem = kernel.PROBLEMS[status].format(column=_COLUMNS[column])
                    raise FormatError(f"{self.path}: line {line}: {problem}: '{_first_line(data[position:position + 60])}'")

    def _lines(self) -> Iterator[NDArray[np.uint8]]:
        """The file in pieces that end with a line feed."""
        rest = b""
        with self.path.open("rb") as file:
            file.seek(self._start)
            while piece := file.read(_READ_BYTES):
                end = piece.rfind(b"\n") + 1
                if end:
                    yield np.frombuffer(rest + piece[:end], np.uint8)
                    rest = piece[end:]
                else:
                    rest += piece
                    if len(rest) > _READ_BYTES:
                        raise FormatError(f"{self.path}: a line of more than {_READ_BYTES} bytes: not a text recording")
        if len(rest.split()) >= 4:
            yield np.frombuffer(rest + b"\n", np.uint8)
        elif rest.strip():
            self.warn(f"the last line is incomplete ('{_first_line(rest)}') and left out: the file was cut off")


def _first_line(data: bytes | NDArray[np.uint8]) -> str:
    return bytes(data).splitlines()[0].decode("ascii", "backslashreplace")


def _skip_head(head: bytes) -> tuple[int, int, tuple[int, int] | None]:
    """Position and number of the first line with an event, and the size if a line in front of it states one."""
    position, size = 0, None
    for number, line in enumerate(head.splitlines(keepends=True), 1):
        content = line.strip()
        if content and not content.startswith(b"#"):
            match = _SIZE_LINE.fullmatch(line) if size is None else None
            if match is None:
                return position, number, size
            size = (int(match[1]), int(match[2]))
        position += len(line)
    return position, head.count(b"\n") + 1, size


def _matches(head: bytes) -> bool:
    """Whether the first line that is neither comment nor size has four numbers."""
    if b"\x00" in head:
        return False
    position, _, size = _skip_head(head)
    line, feed, _ = head[position:].partition(b"\n")
    if not line.strip():
        return size is not None
    return (len(line.split()) == 4 or not feed) and all(_is_number(word) for word in line.split())


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


FORMAT = Format("text (t x y p)", _matches, TextSource)
