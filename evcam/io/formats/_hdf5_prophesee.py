"""Prophesee's HDF5: records (x, y, p, t in us) in ``CD/events``, compressed by ECF or as HDF5 can, edges in ``EXT_TRIGGER``.

The times are the camera's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.triggers import Triggers
from evcam.errors import FormatError, InputError
from evcam.io._check import check_size
from evcam.io.formats import _ecf_kernel as ecf
from evcam.io.formats._hdf5_attributes import attributes
from evcam.io.formats._hdf5_chunks import filters_of
from evcam.io.formats._prophesee_header import size_of
from evcam.io.source import BLOCK_EVENTS, Block, Source, damage_as_format_error

if TYPE_CHECKING:
    import h5py

EVENTS, EDGES = "CD/events", "EXT_TRIGGER/events"
_ECF = 0x8ECF
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, struct.error)
_RECORD = np.dtype([("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("pad", "<u2"), ("t", "<i8")])
_MOST_EDGES = 1 << 24
_MOST_CHUNK_BYTES = 1 << 28

_Columns = tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[Any]]


class PropheseeHdf5Source(Source):
    """An open file of this layout."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._file = file
        with damage_as_format_error(path, _DAMAGE, "damaged HDF5 file"):
            metadata = {name: str(value) for name, value in attributes(file).items()}
            self._dataset = file[EVENTS]
            self._is_ecf = self._check_layout(path)
        size = size_of(metadata)
        super().__init__(path, check_size(size, str(path)) if size else None, metadata)

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Whole chunks, entered at ``start_us`` by bisection over the chunks' first times."""
        length, total = self._dataset.chunks[0], len(self._dataset)
        first = 0 if start_us is None else self._chunk_before(start_us) * length
        count = 1  # whoever enters in the middle may want little: blocks grow
        while first < total:
            columns, problem = self._read_some(first, count)
            t, x, y, p = (np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*columns, strict=True))
            for i in range(0, len(t), max_events):
                part = slice(i, i + max_events)
                yield Block(first + i, t[part], x[part], y[part], p[part])
            if problem is not None:
                raise problem
            first += count * length
            count = min(2 * count, max(1, max_events // length))

    def _read_some(self, first: int, count: int) -> tuple[list[_Columns], FormatError | None]:
        """Columns of up to ``count`` chunks, fewer when one behind the first is damaged, and what is wrong with it."""
        length = self._dataset.chunks[0]
        columns = [self._read(first)]
        try:
            for i in range(first + length, min(len(self._dataset), first + count * length), length):
                columns.append(self._read(i))
        except FormatError as error:
            return columns, error
        return columns, None

    def triggers(self) -> Triggers | None:
        """Edges of the group ``EXT_TRIGGER``."""
        with damage_as_format_error(self.path, _DAMAGE, f"{EDGES} cannot be read"):
            if EDGES not in self._file:
                return None
            if len(self._file[EDGES]) > _MOST_EDGES:
                raise FormatError(f"{self.path}: {EDGES} has {len(self._file[EDGES])} edges; evcam reads up to {_MOST_EDGES}")
            edges = self._file[EDGES][:]
            columns = edges["t"].astype(np.int64), edges["id"].astype(np.uint8), edges["p"] == 1
        try:
            return Triggers(*columns)
        except InputError as error:
            raise FormatError(f"{self.path}: {EDGES}: {error}") from None

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._file.close()

    def _check_layout(self, path: Path) -> bool:
        """Refuse what cannot be read, before memory is taken; whether the chunks are compressed by ECF."""
        dataset = self._dataset
        names = dataset.dtype.names or ()
        if dataset.ndim != 1 or not dataset.chunks or not {"x", "y", "p", "t"} <= set(names):
            raise FormatError(f"{path}: {EVENTS} must be a chunked list of records x, y, p, t, not {dataset.shape} of "
                              f"{dataset.dtype}")
        chunks = -(-len(dataset) // dataset.chunks[0])
        if dataset.id.get_num_chunks() != chunks:
            raise FormatError(f"{path}: {EVENTS} has {dataset.id.get_num_chunks()} of its {chunks} chunks: it was not finished")
        filters = filters_of(dataset)
        if _ECF in filters and filters != (_ECF,):
            raise FormatError(f"{path}: {EVENTS} is compressed by ECF and other filters {filters}; evcam reads ECF alone")
        is_ecf = filters == (_ECF,)
        if dataset.chunks[0] > (ecf.MAX_EVENTS if is_ecf else _MOST_CHUNK_BYTES // dataset.dtype.itemsize):
            raise FormatError(f"{path}: {EVENTS} has chunks of {dataset.chunks[0]} events, more than there can be")
        return is_ecf

    def _chunk_before(self, start_us: int) -> int:
        """Number of the last chunk that begins before ``start_us``."""
        low, high = 0, -(-len(self._dataset) // self._dataset.chunks[0])
        while high - low > 1:
            middle = (low + high) // 2
            if int(self._read(middle * self._dataset.chunks[0])[0][0]) < start_us:
                low = middle
            else:
                high = middle
        return low

    def _read(self, first: int) -> _Columns:
        """Columns of the chunk that begins with event ``first``."""
        count = min(self._dataset.chunks[0], len(self._dataset) - first)
        what = f"{EVENTS} cannot be read from event {first} on: damaged, or compressed by a filter that is not installed"
        with damage_as_format_error(self.path, _DAMAGE, what):
            if not self._is_ecf:
                return _columns(self._dataset[first : first + count])
            mask, packed = self._dataset.id.read_direct_chunk((first,))
            data = np.frombuffer(packed, np.uint8)
            if mask:
                return _columns(np.frombuffer(packed, _RECORD)[:count])
        return self._decode(data, first, count)

    def _decode(self, data: NDArray[np.uint8], first: int, count: int) -> _Columns:
        stored = ecf.event_count(data)
        if not count <= stored <= self._dataset.chunks[0]:
            raise FormatError(f"{self.path}: the chunk at event {first} states {stored} events instead of {count}")
        t, p = np.empty(stored, np.int64), np.empty(stored, np.bool_)
        x, y = np.empty(stored, np.uint16), np.empty(stored, np.uint16)
        used = ecf.decode_ecf(data, t, x, y, p)
        if used < 0:
            raise FormatError(f"{self.path}: the chunk at event {first} is damaged at its byte {-1 - used}")
        return t[:count], x[:count], y[:count], p[:count]


def _columns(records: NDArray[Any]) -> _Columns:
    return records["t"].astype(np.int64), records["x"].astype(np.uint16), records["y"].astype(np.uint16), records["p"].copy()
