"""NumPy archives with the arrays t (us), x, y, p and, if known, width and height.

Members are streamed out of the zip file, so that an archive larger than the
memory can be read, and nothing in it is ever unpickled.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from evcam.errors import FormatError
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source

_COLUMNS = ("t", "x", "y", "p")


@dataclass
class _Column:
    """One array of the archive, read from front to back."""

    name: str
    stream: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def take(self, count: int) -> NDArray[Any]:
        data = self.stream.read(count * self.dtype.itemsize)
        if len(data) < count * self.dtype.itemsize:
            raise FormatError(f"the array {self.name} is cut off")
        return np.frombuffer(data, self.dtype)


class NpzSource(Source):
    """An open archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, None, {})
        with ExitStack() as stack:
            columns = self._open(stack, _COLUMNS)
            for column in columns:
                if len(column.shape) != 1 or column.shape != columns[0].shape or column.dtype.kind not in "biu":
                    raise FormatError(f"{path}: the array {column.name} has shape {column.shape} and type {column.dtype}; "
                                      "t (us), x, y, p must be whole numbers, one-dimensional and equally long "
                                      f"(t has {columns[0].shape})")
            self.events = columns[0].shape[0]
        self.metadata = self._scalars()
        width, height = self.metadata.get("width"), self.metadata.get("height")
        if isinstance(width, int) and isinstance(height, int):
            self.size = (width, height)

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Every block from the beginning: a zip file cannot be entered in the middle."""
        with ExitStack() as stack:
            columns = self._open(stack, _COLUMNS)
            for index in range(0, self.events, max_events):
                count = min(max_events, self.events - index)
                try:
                    t, x, y, p = (column.take(count) for column in columns)
                except (FormatError, zipfile.BadZipFile, zlib.error, EOFError) as error:
                    raise FormatError(f"{self.path}: damaged near event {index}: {error}") from None
                yield Block(index, t.astype(np.int64), x, y, p)

    def _open(self, stack: ExitStack, names: tuple[str, ...]) -> list[_Column]:
        try:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
        except (zipfile.BadZipFile, OSError) as error:
            raise FormatError(f"{self.path}: damaged or cut off npz archive: {error}") from None
        if missing := [name for name in names if f"{name}.npy" not in archive.namelist()]:
            raise FormatError(f"{self.path}: npz archive without the array {', '.join(missing)}; needed: t (us), x, y, p")
        return [self._column(stack.enter_context(archive.open(f"{name}.npy")), name) for name in names]

    def _column(self, stream: IO[bytes], name: str) -> _Column:
        try:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(stream)
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise FormatError(f"{self.path}: the array {name} is damaged: {error}") from None
        if dtype.hasobject:
            raise FormatError(f"{self.path}: the array {name} holds pickled Python objects, which could run code and are "
                              "not read; save plain number arrays")
        return _Column(name, stream, shape, dtype)

    def _scalars(self) -> dict[str, Any]:
        """Single values of the archive, such as width and height."""
        with zipfile.ZipFile(self.path) as archive:
            names = tuple(n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy"))
        scalars = {}
        with ExitStack() as stack:
            for column in self._open(stack, tuple(name for name in names if name not in _COLUMNS)):
                if column.shape in ((), (1,)):
                    scalars[column.name] = column.take(1)[0].item()
        return scalars


def _matches(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


FORMAT = Format("npz", _matches, NpzSource)
