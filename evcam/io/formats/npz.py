"""NumPy archives with the arrays t (us), x, y, p and, if known, width and height.

Other names that people use for the arrays are known too, and one structured array whose fields are so named.
Members are streamed out of the zip file, so that an archive larger than the
memory can be read, and nothing in it is ever unpickled.
"""

from __future__ import annotations

import lzma
import struct
import tokenize
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
from evcam.io.formats._gather import first_piece
from evcam.io.formats._zip_member import Member
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source, damage_as_format_error

_NAMES = {"t": ("t", "ts", "timestamp", "timestamps", "time"), "x": ("x", "xs"), "y": ("y", "ys"),
          "p": ("p", "ps", "pol", "polarity", "polarities", "on")}
_MOST_ARRAYS = 64
_PIECE_EVENTS = 250_000
# What zipfile and NumPy's header parser raise on damaged bytes.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
           SyntaxError, TypeError, KeyError, struct.error, tokenize.TokenError, MemoryError, OverflowError,
           DeprecationWarning)


@dataclass
class _Column:
    """One array of the archive, read from front to back."""

    name: str
    stream: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data_at: int

    def take(self, count: int) -> NDArray[Any]:
        data = self.stream.read(count * self.dtype.itemsize)
        if len(data) < count * self.dtype.itemsize:
            raise EOFError(f"the array {self.name} is cut off")
        return np.frombuffer(data, self.dtype)


class NpzSource(Source):
    """An open archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, None, {})
        self._members: dict[str, Member] = {}
        with damage_as_format_error(path, _DAMAGE, "damaged or cut off npz archive"), ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(path))
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")][:_MOST_ARRAYS]
            self._names, self._fields = self._find_events(archive, names)
            columns = self._open(archive, stack, self._names)
            self._events = _count(path, columns, self._fields)
            others = self._open(archive, stack, tuple(name for name in names if name not in self._names))
            self.metadata = {column.name: column.take(1)[0].item() for column in others if column.shape in ((), (1,))}
        width, height = self.metadata.get("width"), self.metadata.get("height")
        if isinstance(width, int) and isinstance(height, int):
            self.size = (width, height)

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Every block from the beginning, or entered at places that an earlier pass through the archive left."""
        with ExitStack() as stack:
            with damage_as_format_error(self.path, _DAMAGE, "damaged npz archive"):
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                columns = self._open(archive, stack, self._names)
                entry = 0 if start_us is None else self._entry(archive, columns, start_us)
            for first in range(entry, self._events, max_events):
                count = min(max_events, self._events - first)
                with damage_as_format_error(self.path, _DAMAGE, f"npz archive damaged near event {first}"):
                    if entry:
                        t, x, y, p = self._split([self._take(archive, column, first, count) for column in columns])
                    else:
                        t, x, y, p = self._split([column.take(count) for column in columns])
                yield Block(first, t.astype(np.int64, copy=False), x, y, p)

    def close(self) -> None:
        """Close the archive."""
        super().close()
        for member in self._members.values():
            member.close()

    def _find_events(self, archive: zipfile.ZipFile, names: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arrays that hold events, four or one, and the names of the fields of the latter."""
        columns = _among(names)
        if all(columns):
            return columns, ()
        for name in names:
            with archive.open(f"{name}.npy") as stream:
                fields = _among(list(self._column(stream, name).dtype.names or ()))
            if all(fields):
                return (name,), fields
        missing = ", ".join(role for role, found in zip(_NAMES, columns, strict=True) if not found)
        raise FormatError(f"{self.path}: npz archive without the array {missing}; needed: t (us), x, y, p")

    def _split(self, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        return [arrays[0][field] for field in self._fields] if self._fields else arrays

    def _entry(self, archive: zipfile.ZipFile, columns: list[_Column], start_us: int) -> int:
        """Number of an event that no event from ``start_us`` on lies before."""

        def time_us(piece: int) -> int:
            times = self._take(archive, columns[0], piece * _PIECE_EVENTS, 1)
            return int(times[self._fields[0]][0] if self._fields else times[0])

        return first_piece(-(-self._events // _PIECE_EVENTS), time_us, start_us) * _PIECE_EVENTS

    def _take(self, archive: zipfile.ZipFile, column: _Column, first: int, count: int) -> NDArray[Any]:
        if column.name not in self._members:
            self._members[column.name] = Member(self.path, archive.getinfo(f"{column.name}.npy"))
        size = column.dtype.itemsize
        data = self._members[column.name].read(column.data_at + first * size, count * size)
        if len(data) < count * size:
            raise EOFError(f"the array {column.name} is cut off")
        return np.frombuffer(data, column.dtype)

    def _open(self, archive: zipfile.ZipFile, stack: ExitStack, names: tuple[str, ...]) -> list[_Column]:
        return [self._column(stack.enter_context(archive.open(f"{name}.npy")), name) for name in names]

    def _column(self, stream: IO[bytes], name: str) -> _Column:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        if dtype.hasobject:
            raise FormatError(f"{self.path}: the array {name} holds pickled Python objects, which could run code and are "
                              "not read; save plain number arrays")
        return _Column(name, stream, shape, dtype, stream.tell())


def _among(names: list[str]) -> tuple[str, ...]:
    """What is called t, x, y and p among the names, empty text where nothing is."""
    lower = {name.lower(): name for name in names}
    return tuple(next((lower[name] for name in known if name in lower), "") for known in _NAMES.values())


def _count(path: Path, columns: list[_Column], fields: tuple[str, ...]) -> int:
    """Length that all columns share."""
    shape = columns[0].shape
    types = [columns[0].dtype[field] for field in fields] or [column.dtype for column in columns]
    for column, dtype in zip(columns * len(types) if fields else columns, types, strict=True):
        if len(shape) != 1 or column.shape != shape or dtype.kind not in "biu":
            raise FormatError(f"{path}: the array {column.name} has shape {column.shape} and type {dtype}; t (us), "
                              f"x, y, p must be whole numbers, one-dimensional and equally long (t has {shape})")
    return shape[0]


def _matches(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


FORMAT = Format("npz", _matches, NpzSource)
