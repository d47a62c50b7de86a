"""NumPy archives with the arrays t (us), x, y, p and, if known, width and height.

Members are streamed out of the zip file, so that an archive larger than the
memory can be read, and nothing in it is ever unpickled.
"""

from __future__ import annotations

import lzma
import struct
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
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source, damage_as_format_error

_COLUMNS = ("t", "x", "y", "p")
# What zipfile and NumPy's header parser raise on damaged bytes.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
           SyntaxError, TypeError, KeyError, struct.error, MemoryError, OverflowError)


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
            raise EOFError(f"the array {self.name} is cut off")
        return np.frombuffer(data, self.dtype)


class NpzSource(Source):
    """An open archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, None, {})
        with damage_as_format_error(path, _DAMAGE, "damaged or cut off npz archive"), ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(path))
            self._events = _count(path, self._open(archive, stack, _COLUMNS))
            others = tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
            columns = self._open(archive, stack, tuple(name for name in others if name not in _COLUMNS))
            self.metadata = {column.name: column.take(1)[0].item() for column in columns if column.shape in ((), (1,))}
        width, height = self.metadata.get("width"), self.metadata.get("height")
        if isinstance(width, int) and isinstance(height, int):
            self.size = (width, height)

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Every block from the beginning: a zip file cannot be entered in the middle."""
        with ExitStack() as stack:
            with damage_as_format_error(self.path, _DAMAGE, "damaged npz archive"):
                columns = self._open(stack.enter_context(zipfile.ZipFile(self.path)), stack, _COLUMNS)
            for first in range(0, self._events, max_events):
                with damage_as_format_error(self.path, _DAMAGE, f"npz archive damaged near event {first}"):
                    t, x, y, p = (column.take(min(max_events, self._events - first)) for column in columns)
                yield Block(first, t.astype(np.int64), x, y, p)

    def _open(self, archive: zipfile.ZipFile, stack: ExitStack, names: tuple[str, ...]) -> list[_Column]:
        if missing := [name for name in names if f"{name}.npy" not in archive.namelist()]:
            raise FormatError(f"{self.path}: npz archive without the array {', '.join(missing)}; needed: t (us), x, y, p")
        return [self._column(stack.enter_context(archive.open(f"{name}.npy")), name) for name in names]

    def _column(self, stream: IO[bytes], name: str) -> _Column:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        if dtype.hasobject:
            raise FormatError(f"{self.path}: the array {name} holds pickled Python objects, which could run code and are "
                              "not read; save plain number arrays")
        return _Column(name, stream, shape, dtype)


def _count(path: Path, columns: list[_Column]) -> int:
    """Length that all columns share."""
    shape = columns[0].shape
    for column in columns:
        if len(shape) != 1 or column.shape != shape or column.dtype.kind not in "biu":
            raise FormatError(f"{path}: the array {column.name} has shape {column.shape} and type {column.dtype}; t (us), "
                              f"x, y, p must be whole numbers, one-dimensional and equally long (t has {shape})")
    return shape[0]


def _matches(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


FORMAT = Format("npz", _matches, NpzSource)
