"""HDF5 with ``events/{t,x,y,p}``: the plain kind that `save_h5` writes, DSEC, VECtor, TUM-VIE and M3ED.

Times are microseconds unless the attribute ``t_unit`` (of the group or of ``t``)
says s, ms, us or ns; floating-point times named ``ts`` are seconds.  DSEC's times are relative to ``t_offset`` (us), and its
``ms_to_idx`` holds, for each millisecond, the first event not before it.  The
sensor's size comes from attributes (or scalar datasets) width and height, or from what lies beside: ``sensor_resolution``
(height, width), M3ED's ``calib/resolution``, DSEC's file ``rectify_map.h5``.  An IMU is read from
``imu/t`` (us), ``imu/gyro`` (rad/s) and optionally ``imu/accel`` (m/s^2).  Prophesee's layout, ``CD/events``, and MVSEC's are
read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import FormatError, InputError
from evcam.io.formats import _hdf5_mvsec as mvsec
from evcam.io.formats import _hdf5_prophesee as prophesee
from evcam.io.formats._hdf5_attributes import attribute, attributes
from evcam.io.formats._hdf5_chunks import filters_of, is_plain, read_plain
from evcam.io.source import BLOCK_EVENTS, Block, Format, Source, damage_as_format_error, the_stream

if TYPE_CHECKING:
    import h5py

_DSEC_FILE = "events.h5"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)  # what h5py raises on damaged bytes
_COMMON_FILTERS = {1, 2, 3, 32000}  # deflate, shuffle, fletcher32, lzf
_GROUPS = {"events": "events", "left": "prophesee/left", "right": "prophesee/right", "/": "/"}
_NAMES = {"t": ("t", "ts", "timestamp", "timestamps"), "x": ("x", "xs"), "y": ("y", "ys"), "p": ("p", "ps", "polarity")}
_INDICES = ("ms_to_idx", "ms_map_idx")
_UNITS_US: dict[str, tuple[int, int]] = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}


class Hdf5Source(Source):
    """An open HDF5 file."""

    def __init__(self, path: Path, file: h5py.File, stream: str | None = None) -> None:
        self._file = file
        super().__init__(path, None, {})
        with damage_as_format_error(path, _DAMAGE, "damaged HDF5 file"):
            self._group = self._find_group(stream)
            self._columns = self._find_columns()
            self._plain = {column.name: is_plain(column) for column in self._columns}
            self._offset_us = int(self._scalar("t_offset", 0))
            self._unit = self._find_unit()
            self.size = self._find_size()
            self.metadata = attributes(self._file) | attributes(self._group)

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
            R_cam_imu = np.asarray(attribute(group, "R_cam_imu", np.eye(3)), np.float64)
            offset_us = int(attribute(group, "offset_us", 0))
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

    def _find_group(self, stream: str | None) -> h5py.Group:
        """The group that holds the events."""
        found = [name for name, group in _GROUPS.items() if group in self._file and _names_in(self._file[group])]
        if not found:
            held = ", ".join(self._file) or "nothing"
            missing = ", ".join(f"events/{name}" for name in "txyp" if f"events/{name}" not in self._file)
            raise FormatError(f"{self.path}: HDF5 file without {missing}; it holds {held}")
        return self._file[_GROUPS[the_stream(self.path, found, stream, "group")]]

    def _find_columns(self) -> list[h5py.Dataset]:
        columns = [self._group[name] for name in _names_in(self._group)]
        if any(column.ndim != 1 or column.shape != columns[0].shape for column in columns):
            shapes = ", ".join(f"{name} {column.shape}" for name, column in zip("txyp", columns, strict=True))
            raise FormatError(f"{self.path}: events/t, x, y, p must be one-dimensional and equally long, not {shapes}")
        if any(column.dtype.kind not in "biu" for column in columns[1:]) or columns[0].dtype.kind not in "iuf":
            types = ", ".join(f"{name} {column.dtype}" for name, column in zip("txyp", columns, strict=True))
            raise FormatError(f"{self.path}: events/x, y, p must be whole numbers and t a number, not {types}")
        _load_filters(columns)
        return columns

    def _find_unit(self) -> tuple[int, int]:
        times = self._columns[0]
        default = "s" if times.dtype.kind == "f" and not times.name.endswith("/t") else "us"
        stated = str(attribute(times, "t_unit", attribute(self._group, "t_unit", default)))
        if stated not in _UNITS_US:
            raise FormatError(f"{self.path}: t_unit is {stated!r}; known units: {', '.join(_UNITS_US)}")
        return _UNITS_US[stated]

    def _find_size(self) -> tuple[int, int] | None:
        width, height = (self._scalar(name, None) for name in ("width", "height"))
        if width is not None and height is not None:
            return int(width), int(height)
        if "calib/resolution" in self._group:
            width, height = np.asarray(self._group["calib/resolution"][...]).tolist()
        elif np.size(attribute(self._file, "sensor_resolution", ())) == 2:
            height, width = np.asarray(attribute(self._file, "sensor_resolution")).tolist()
        else:
            return _size_beside(self.path)
        return int(width), int(height)

    def _scalar(self, name: str, default: Any) -> Any:
        """An attribute or scalar dataset of the events' group or of the file."""
        for place in (self._group, self._file):
            for value in (attribute(place, name), place[name][()] if name in place else None):
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
        tables = [place[name] for place in (self._file, self._group) for name in _INDICES if name in place]
        if not tables or self._unit != (1, 1):
            return 0
        table = tables[0]
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


def _names_in(group: h5py.Group) -> list[str]:
    """The columns t, x, y, p of a group by the names that it has for them, nothing if it lacks one."""
    names = [next((name for name in known if name in group), "") for known in _NAMES.values()] if hasattr(group, "keys") else [""]
    return names if all(names) and all(hasattr(group[name], "ndim") for name in names) else []


def _size_beside(path: Path) -> tuple[int, int] | None:
    """The sensor's size by DSEC's map of rectified pixels, which lies beside its events."""
    other = path.with_name("rectify_map.h5")
    if not other.exists():
        return None
    with _open(other) as file, damage_as_format_error(other, _DAMAGE, "damaged HDF5 file"):
        shape = file["rectify_map"].shape
    return (shape[1], shape[0]) if len(shape) == 3 else None


def _matches(head: bytes) -> bool:
    return head.startswith(_SIGNATURE)


def _open_layout(path: Path, stream: str | None = None) -> Source:
    """The reader of the layout that a file has."""
    path = path / _DSEC_FILE if path.is_dir() else path
    with ExitStack() as stack:
        file = stack.enter_context(_open(path))
        with damage_as_format_error(path, _DAMAGE, "damaged HDF5 file"):
            layouts = [name for name in (prophesee.EVENTS, mvsec.GROUP) if name in file]
        source: Source
        if prophesee.EVENTS in layouts:
            the_stream(path, [prophesee.EVENTS], stream, "group")
            source = prophesee.PropheseeHdf5Source(path, file)
        elif mvsec.GROUP in layouts:
            source = mvsec.MvsecSource(path, file, stream)
        else:
            source = Hdf5Source(path, file, stream)
        stack.pop_all()
    return source


def _matches_folder(path: Path) -> bool:
    return (path / _DSEC_FILE).is_file()


FORMAT = Format("HDF5", _matches, _open_layout, _open_layout, _matches_folder)
