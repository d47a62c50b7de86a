"""IMU samples from CSV: ``t_us,wx,wy,wz[,ax,ay,az]``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.errors import FormatError, InputError

_GYRO = ("t_us", "wx", "wy", "wz")
_ACCEL = ("ax", "ay", "az")
_WANTED = "t_us,wx,wy,wz[,ax,ay,az]"
_LATEST_US = 2**53  # beyond, float64 skips whole numbers


def load_imu_csv(path: str | os.PathLike[str]) -> ImuSamples:
    """Read samples in the IMU's own frame and on its own clock.

    Parameters
    ----------
    path : path-like
        Columns ``t_us`` (whole microseconds), ``wx,wy,wz`` (rad/s) and optionally ``ax,ay,az`` (m/s^2), named in the first
        row, in any order and among others; without names, four or seven numbers in this order.  Lines that begin
        with ``#`` are skipped.

    Returns
    -------
    ImuSamples
        How the IMU sits on the camera is not in such a file: see `ImuSamples.mounted`.

    Raises
    ------
    InputError
        No such file.
    FormatError
        Not such a table; a row with a value that is none, or with a time that does not come after the row before it.
        Rows count from 1, at the top of the file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: is a folder; name an IMU file in it" if path.is_dir() else f"{path}: no such IMU file")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not an IMU table (it is not text); its columns are {_WANTED}") from None
    rows = _rows(lines)
    first = next(rows, None)
    if first is None:
        raise FormatError(f"{path}: is empty; its columns are {_WANTED}")
    names = _names(first[1], path)
    if names is None:
        rows, names = _rows(lines), (*_GYRO, *_ACCEL)[: len(first[1])]
    numbers, values = _values(rows, names, path)
    return _samples(numbers, values, path)


def _rows(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each row that is no comment."""
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in line.split(",")]


def _names(cells: list[str], path: Path) -> tuple[str, ...] | None:
    """The columns that a first row names; None if it holds numbers already."""
    if all(_is_number(cell) for cell in cells):
        if len(cells) not in (len(_GYRO), len(_GYRO) + len(_ACCEL)):
            raise FormatError(f"{path}: its first row has {len(cells)} columns and no names; the columns are {_WANTED}")
        return None
    missing = [name for name in _GYRO if name not in cells]
    if missing:
        raise FormatError(f"{path}: no column {', '.join(missing)}; the columns are {_WANTED}")
    return tuple(cells)


def _values(rows: Iterator[tuple[int, list[str]]], names: tuple[str, ...], path: Path) -> tuple[list[int], NDArray[np.float64]]:
    """Numbers of the rows, and the wanted columns of each."""
    wanted = [*_GYRO, *(_ACCEL if all(name in names for name in _ACCEL) else ())]
    places = [names.index(name) for name in wanted]
    numbers, values = [], []
    for number, cells in rows:
        if len(cells) != len(names):
            raise FormatError(f"{path}: row {number} has {len(cells)} columns, not {len(names)}")
        try:
            values.append([float(cells[place]) for place in places])
        except ValueError:
            name, place = next((n, p) for n, p in zip(wanted, places, strict=True) if not _is_number(cells[p]))
            raise FormatError(f"{path}: row {number} has {name} = '{cells[place]}', which is no number") from None
        numbers.append(number)
    if not values:
        raise FormatError(f"{path}: has no rows with samples")
    return numbers, np.array(values)


def _samples(numbers: list[int], values: NDArray[np.float64], path: Path) -> ImuSamples:
    wrong = ~np.isfinite(values).all(1)
    if wrong.any():
        raise FormatError(f"{path}: row {numbers[int(np.argmax(wrong))]} holds a value that is not finite")
    times = values[:, 0]
    wrong = (times != np.round(times)) | (np.abs(times) > _LATEST_US)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise FormatError(f"{path}: row {numbers[i]} has t_us = {times[i]:.17g}; times are whole microseconds")
    wrong = np.diff(times) <= 0
    if wrong.any():
        i = int(np.argmax(wrong)) + 1
        raise FormatError(f"{path}: row {numbers[i]} has t_us = {times[i]:.0f}, not later than {times[i - 1]:.0f} in the row "
                          "before; sort the file")
    accel = np.ascontiguousarray(values[:, 4:]) if values.shape[1] > len(_GYRO) else None
    return ImuSamples(times.astype(np.int64), np.ascontiguousarray(values[:, 1:4]), accel)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
