"""HDF5 with ``events/{t,x,y,p}``: the plain kind that `save_h5` writes, and DSEC.

Times are microseconds unless the attribute ``t_unit`` (of the group or of ``t``)
says s, ms, us or ns.  DSEC's times are relative to ``t_offset`` (us), and its
``ms_to_idx`` holds, for each millisecond, the first event not before it.  The
sensor's size comes from attributes (or scalar datasets) width and height.  An IMU is read from
``imu/t`` (us), ``imu/gyro`` (rad/s) and optionally ``imu/accel`` (m/s^2).  Prophesee's layout, ``CD/events``, is read elsewhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import FormatError, InputError
from evcam.io.formats import _hdf5_prophesee as prophesee
from evcam.io.formats._hdf5_chunks import filters_of, is_plain, read_plain
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source, damage_as_format_error

if TYPE_CHECKING:
    import h5py

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# What h5py and zlib raise on damaged bytes.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, zlib.error)
_COMMON_FILTERS = {1, 2, 3, 32000}  # deflate, shuffle, fletcher32, lzf
_UNITS_US: dict[str, tuple[int, int]] = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}


class Hdf5Source(Source):
    """An open HDF5 file."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path)
        super().__init__(path, None, {})
        try:
            with damage_as_format_error(path, _DAMAGE, "damaged HDF5 file"):
                self._columns = self._find_columns()
                self._plain = {column.name: is_plain(column) for column in self._columns}
                self._offset_us = int(self._scalar("t_offset", 0))
                self._unit = self._find_unit()
                self.size = self._find_size()
                self.metadata = _attributes(self._file) | _attributes(self._file["events"])
        except FormatError:
            self._file.close()
            raise

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Slices of the datasets, entered at ``start_us`` by ms_to_idx or by bisection."""
        t, x, y, p = self._columns
        chunk = t.chunks[0] if t.chunks else 1
        index = 0 if start_us is None else self._first_from(start_us)
        while index < len(t):
            stop = index + max_events
            # A chunk of which two slices take a part is decompressed twice.
            if stop - stop % chunk > index:
                stop -= stop % chunk
            part = slice(index, stop)
            yield Block(index, self._times_us(part), self._read(x, part), self._read(y, part), self._read(p, part))
            index = stop

    def imu(self) -> ImuSamples | None:
        """Samples of the group ``imu``."""
        if not self.has_imu():
            return None
        with damage_as_format_error(self.path, _DAMAGE, "damaged group imu"):
            group = self._file["imu"]
            if "gyro" not in group:
                raise FormatError(f"{self.path}: imu/t without imu/gyro (rad/s)")
            _load_filters(group[name] for name in ("t", "gyro", "accel") if name in group)
            t, gyro, accel = (self._read(group[name], ...) if name in group else None for name in ("t", "gyro", "accel"))
            R_cam_imu = np.asarray(group.attrs.get("R_cam_imu", np.eye(3)), np.float64)
            offset_us = int(group.attrs.get("offset_us", 0))
            accel = None if accel is None else np.asarray(accel, np.float64)
        if "R_cam_imu" not in group.attrs:
            self.warn("how the IMU sits on the camera (R_cam_imu) is not stated: its axes are taken for the camera's")
        try:
            return ImuSamples(np.asarray(t, np.int64), np.asarray(gyro, np.float64), accel, R_cam_imu, offset_us)
        except InputError as error:
            raise FormatError(f"{self.path}: {error}") from None

    def has_imu(self) -> bool:
        """Whether there is ``imu/t``."""
        return "imu/t" in self._file

    def triggers(self) -> Triggers | None:
        """Edges of the group ``triggers``, as `save_h5` writes it."""
        with damage_as_format_error(self.path, _DAMAGE, "damaged group triggers"):
            if any(f"triggers/{name}" not in self._file for name in ("t", "id", "rising")):
                return None
            t, numbers, rising = (self._read(self._file[f"triggers/{name}"], ...) for name in ("t", "id", "rising"))
            return Triggers(t.astype(np.int64), numbers.astype(np.uint8), rising.astype(np.bool_))

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._file.close()

    def _find_columns(self) -> list[h5py.Dataset]:
        missing = [f"events/{name}" for name in "txyp" if f"events/{name}" not in self._file]
        if missing:
            held = ", ".join(self._file) or "nothing"
            raise FormatError(f"{self.path}: HDF5 file without {', '.join(missing)}; it holds {held}")
        columns = [self._file[f"events/{name}"] for name in "txyp"]
        if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
            shapes = ", ".join(f"{name} {column.shape}" for name, column in zip("txyp", columns, strict=True))
            raise FormatError(f"{self.path}: events/t, x, y, p must be one-dimensional and equally long, not {shapes}")
        if any(column.dtype.kind not in "biu" for column in columns[1:]) or columns[0].dtype.kind not in "iuf":
            types = ", ".join(f"{name} {column.dtype}" for name, column in zip("txyp", columns, strict=True))
            raise FormatError(f"{self.path}: events/x, y, p must be whole numbers and t a number, not {types}")
        _load_filters(columns)
        return columns

    def _find_unit(self) -> tuple[int, int]:
        stated = self._columns[0].attrs.get("t_unit", self._file["events"].attrs.get("t_unit", "us"))
        stated = stated.decode() if isinstance(stated, bytes) else str(stated)
        if stated not in _UNITS_US:
            raise FormatError(f"{self.path}: t_unit is {stated!r}; known units: {', '.join(_UNITS_US)}")
        return _UNITS_US[stated]

    def _find_size(self) -> tuple[int, int] | None:
        width, height = (self._scalar(name, None) for name in ("width", "height"))
        return None if width is None or height is None else (int(width), int(height))

    def _scalar(self, name: str, default: Any) -> Any:
        """An attribute or scalar dataset of the group ``events`` or of the file."""
        for place in (self._file["events"], self._file):
            for value in (place.attrs.get(name), place[name][()] if name in place else None):
                if value is not None and np.size(value) == 1:
                    return np.asarray(value).item()
        return default

    def _times_us(self, part: slice) -> NDArray[np.int64]:
        raw = self._read(self._columns[0], part)
        up, down = self._unit
        if raw.dtype.kind == "f":
            return np.round(raw * (up / down)).astype(np.int64) + self._offset_us
        t = raw.astype(np.int64, copy=False)
        if self._unit != (1, 1):
            t = t * up // down
        if self._offset_us:
            t = t + self._offset_us
        return t

    def _first_from(self, start_us: int) -> int:
        """Index of the first event with ``t >= start_us``."""
        low, high = 0, len(self._columns[0])
        hint = self._hint(start_us)
        if 0 < hint <= high and self._time_us(hint - 1) < start_us:
            low = hint
            if low < high and self._time_us(low) >= start_us:
                return low
        while low < high:
            middle = (low + high) // 2
            if self._time_us(middle) < start_us:
                low = middle + 1
            else:
                high = middle
        return low

    def _hint(self, start_us: int) -> int:
        """First event of the millisecond of ``start_us`` by DSEC's index, 0 without one."""
        if "ms_to_idx" not in self._file or self._unit != (1, 1):
            return 0
        table = self._file["ms_to_idx"]
        millisecond = (start_us - self._offset_us) // 1000
        return int(table[min(millisecond, len(table) - 1)]) if millisecond > 0 and len(table) else 0

    def _time_us(self, index: int) -> int:
        return int(self._times_us(slice(index, index + 1))[0])

    def _read(self, dataset: h5py.Dataset, part: Any) -> NDArray[Any]:
        what = f"{dataset.name} cannot be read: damaged, or compressed by a filter that is not installed"
        with damage_as_format_error(self.path, _DAMAGE, what):
            if isinstance(part, slice) and self._plain.get(dataset.name) and part.stop - part.start >= dataset.chunks[0]:
                return read_plain(dataset, part.start, min(part.stop, len(dataset)))
            values: NDArray[Any] = dataset[part]
        return values


def _open(path: Path) -> h5py.File:
    import h5py

    with damage_as_format_error(path, _DAMAGE, "damaged or cut off HDF5 file"):
        return h5py.File(path, "r")


def _load_filters(datasets: Iterable[h5py.Dataset]) -> None:
    """Register the compression filters of public data sets where a dataset has one that HDF5 and h5py lack."""
    for dataset in datasets:
        if not _COMMON_FILTERS.issuperset(filters_of(dataset)):
            import hdf5plugin  # noqa: F401

            return


def _attributes(place: h5py.Group) -> dict[str, Any]:
    plain = {}
    for name, value in place.attrs.items():
        value = value.decode(errors="replace") if isinstance(value, bytes) else value
        plain[name] = value.item() if isinstance(value, np.generic) else value
    return plain


def _matches(head: bytes) -> bool:
    return head.startswith(_SIGNATURE)


def _open_layout(path: Path) -> Source:
    """The reader of the layout that a file has."""
    file = _open(path)
    with ExitStack() as stack:
        stack.callback(file.close)
        with damage_as_format_error(path, _DAMAGE, "damaged HDF5 file"):
            is_prophesee = prophesee.EVENTS in file
        if is_prophesee:
            source = prophesee.PropheseeHdf5Source(path, file)
            stack.pop_all()
            return source
    return Hdf5Source(path)


FORMAT = Format("HDF5", _matches, _open_layout)
