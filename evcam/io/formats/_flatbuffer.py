"""As much of FlatBuffers as AEDAT4 needs, with every position checked.

A buffer begins with the position of its root table.  A table begins with the signed
distance back to its vtable: 16-bit words, the vtable's and the table's length, then
the position of each field within the table, 0 for a field that is not stored.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_U16, _U32, _I32 = Struct("<H"), Struct("<I"), Struct("<i")


class Table(NamedTuple):
    """A table at a position of a buffer; reading beyond the buffer raises ValueError."""

    data: bytes
    position: int

    @classmethod
    def root(cls, data: bytes, start: int = 0) -> Table:
        """The table that the buffer at ``start`` is for."""
        return cls(data, start + _unpack(_U32, data, start))

    def field(self, number: int) -> int | None:
        """Position of a field's value, None where it has its default."""
        vtable = self.position - _unpack(_I32, self.data, self.position)
        at = 4 + 2 * number
        if at + 2 > _unpack(_U16, self.data, vtable):
            return None
        offset: int = _unpack(_U16, self.data, vtable + at)
        return self.position + offset if offset else None

    def scalar(self, number: int, layout: str, default: Any) -> Any:
        """A number, by its `struct` format."""
        at = self.field(number)
        return default if at is None else _unpack(Struct(layout), self.data, at)

    def text(self, number: int) -> str:
        """A string, empty where there is none."""
        start, count = self.vector(number, 1)
        return self.data[start : start + count].decode("utf-8", "replace")

    def vector(self, number: int, item_bytes: int) -> tuple[int, int]:
        """Position of the first item of a vector, and how many there are."""
        at = self.field(number)
        if at is None:
            return 0, 0
        start = at + _unpack(_U32, self.data, at)
        count: int = _unpack(_U32, self.data, start)
        if start + 4 + count * item_bytes > len(self.data):
            raise ValueError(f"a vector of {count} items of {item_bytes} bytes does not fit into {len(self.data)} bytes")
        return start + 4, count

    def columns(self, number: int, layout: dict[int, str]) -> dict[int, NDArray[Any]]:
        """Fields of all tables of a vector of tables, by their numbers and NumPy types; 0 where not stored."""
        start, count = self.vector(number, 4)
        raw = np.frombuffer(self.data, np.uint8)
        places = start + 4 * np.arange(count)
        tables = places + _gather(raw, places, "<u4")
        vtables = tables - _gather(raw, tables, "<i4")
        lengths = _gather(raw, vtables, "<u2")
        columns = {}
        for field, dtype in layout.items():
            stored = lengths >= 4 + 2 * field + 2
            offsets = np.zeros(count, np.int64)
            offsets[stored] = _gather(raw, vtables[stored] + 4 + 2 * field, "<u2")
            columns[field] = np.zeros(count, dtype)
            columns[field][offsets > 0] = _gather(raw, (tables + offsets)[offsets > 0], dtype)
        return columns


def _unpack(layout: Struct, data: bytes, position: int) -> Any:
    if not 0 <= position <= len(data) - layout.size:
        raise ValueError(f"position {position} lies outside {len(data)} bytes")
    return layout.unpack_from(data, position)[0]


def _gather(raw: NDArray[np.uint8], places: NDArray[np.int64], dtype: str) -> NDArray[Any]:
    size = np.dtype(dtype).itemsize
    if len(places) and not 0 <= places.min() <= places.max() <= len(raw) - size:
        raise ValueError(f"positions {places.min()} to {places.max()} lie outside {len(raw)} bytes")
    values: NDArray[Any] = raw[places[:, None] + np.arange(size)].view(dtype)[:, 0]
    return values if values.dtype.kind == "f" else values.astype(np.int64)
