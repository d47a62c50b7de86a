"""Recordings of one event per line, whatever the order and units of their columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.errors import FormatError
from evcam.io.source import BLOCK_EVENTS, Block, Source

_READ_BYTES = 1 << 24
_PROBE_BYTES = 1 << 13
_NAMES = ("t", "x", "y", "p", "a column")

_Columns = tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int8]]


@dataclass(frozen=True)
class Layout:
    """How lines are to be read.

    Attributes
    ----------
    start, start_line : int
        Byte and line of the first event.
    roles : tuple of int
        What each column is: 0 t, 1 x, 2 y, 3 p, 4 something else.
    shift : int
        Times are in units of 10^-shift us: 6 for seconds, 0 for microseconds.
    separator : str
        What stands between columns, empty for spaces and tabs.
    columns : str
        Their description, for messages.
    """

    start: int
    start_line: int
    roles: tuple[int, ...] = (0, 1, 2, 3)
    shift: int = 6
    separator: str = ""
    columns: str = "four columns t x y p"


class TextSource(Source):
    """A text file of events."""

    def __init__(self, path: Path, layout: Layout, size: tuple[int, int] | None) -> None:
        super().__init__(path, size, {})
        self._layout = layout
        self._imu: ImuSamples | None = None

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Parsed lines, entered at ``start_us`` by bisection over the bytes of the file."""
        start = self._layout.start if start_us is None else self._line_before(start_us)
        is_whole = start == self._layout.start
        first, line = 0, self._layout.start_line if is_whole else 1
        for data in self._lines(start):
            position = 0
            while position < len(data):
                count, position, passed, problem, columns = self._parse(data, position, max_events)
                line += passed
                if count:
                    yield Block(first if is_whole else None, *columns)
                first += count
                if problem:
                    where = f"line {line}" if is_whole else f"line {line} from byte {start} on"
                    raise FormatError(f"{self.path}: {where}: {problem}: '{_first_line(data[position:position + 60])}'")

    def imu(self) -> ImuSamples | None:
        """Samples of a file beside it, in their own axes."""
        return self._imu

    def attach_imu(self, samples: tuple[ImuSamples, int]) -> None:
        """Take in samples from a file beside it, and how many of them had to be left out."""
        self._imu, left_out = samples
        self.warn_count("inertial samples not later than the one before, left out", left_out)
        self.warn("how the IMU sits on the camera (R_cam_imu) is not stated: its axes are taken for the camera's")

    def _parse(self, data: NDArray[np.uint8], position: int, count: int) -> tuple[int, int, int, str, _Columns]:
        """Number of events, position behind them, lines passed, what is wrong behind that, and the columns."""
        # Imported here so that opening another format does not load Numba.
        from evcam.io.formats import _text_kernel as kernel

        layout = self._layout
        t, x = np.empty(count, np.int64), np.empty(count, np.uint16)
        y, p = np.empty(count, np.uint16), np.empty(count, np.int8)
        n, position, lines, status, column = kernel._parse(
            data, position, len(data), np.array(layout.roles), layout.shift, ord(layout.separator or "\0"), t, x, y, p)
        problem = ""
        if status != kernel.OK:
            name = _NAMES[layout.roles[min(column, len(layout.roles) - 1)]]
            problem = kernel.PROBLEMS[status].format(column=name, columns=layout.columns)
        return n, position, lines, problem, (t[:n], x[:n], y[:n], p[:n])

    def _line_before(self, start_us: int) -> int:
        """Where a line begins before which there is no event from ``start_us`` on."""
        low, high = self._layout.start, self.path.stat().st_size
        with self.path.open("rb") as file:
            while high - low > _PROBE_BYTES:
                middle = (low + high) // 2
                file.seek(middle)
                lines = file.read(_PROBE_BYTES)
                begin = lines.find(b"\n") + 1
                whole = np.frombuffer(lines[begin : lines.rfind(b"\n") + 1], np.uint8)
                count, _, _, _, (t, *_) = self._parse(whole, 0, 1)
                if not count:  # comments or damage: what lies behind is read in full
                    return low
                low, high = (middle + begin, high) if t[0] < start_us else (low, middle)
        return low

    def _lines(self, start: int) -> Iterator[NDArray[np.uint8]]:
        """The file in pieces that end with a line feed."""
        rest = b""
        with self.path.open("rb") as file:
            file.seek(start)
            while piece := file.read(_READ_BYTES):
                end = piece.rfind(b"\n") + 1
                if end:
                    yield np.frombuffer(rest + piece[:end], np.uint8)
                    rest = piece[end:]
                else:
                    rest += piece
                    if len(rest) > _READ_BYTES:
                        raise FormatError(f"{self.path}: a line of more than {_READ_BYTES} bytes: not a text recording")
        if len(rest.split(self._layout.separator.encode() or None)) >= len(self._layout.roles):
            yield np.frombuffer(rest + b"\n", np.uint8)
        elif rest.strip():
            self.warn(f"the last line is incomplete ('{_first_line(rest)}') and left out: the file was cut off")


def _first_line(data: bytes | NDArray[np.uint8]) -> str:
    return bytes(data).splitlines()[0].decode("ascii", "backslashreplace")
