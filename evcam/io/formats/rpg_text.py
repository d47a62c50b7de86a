"""Text with one event per line, ``t x y p``, as the RPG event-camera data set has it, and that data set's folders.

t in seconds with any number of decimals (or an exponent), x and y in pixels, p 0 or
-1 (OFF) and 1 (ON), separated by spaces or tabs.  The first line may state
``width height``; lines that begin with '#' are skipped.

A folder holds ``events.txt``, and may hold ``imu.txt`` (t in s, accelerometer in m/s^2, gyro in rad/s) and ``calib.txt``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from evcam.core.imu import ImuSamples
from evcam.errors import FormatError
from evcam.io.formats._imu import strictly_later
from evcam.io.formats._text_source import Layout, TextSource
from evcam.io.formats.csv_text import is_declared, open_declared
from evcam.io.source import HEAD_BYTES, Format, damage_as_format_error

_MAX_IMU_BYTES, _IMU_COLUMNS, _MAX_SECONDS = 1 << 30, 7, 1e11
_SIZE_LINE = re.compile(rb"\s*(\d{1,6})\s+(\d{1,6})\s*")
_TIME_WITH_DECIMALS = re.compile(rb"^[ \t]*[-+]?\d*(\.\d*|\.?\d*[eE][-+]?\d+)[ \t]", re.MULTILINE)


def _open(path: Path) -> TextSource:
    if path.is_dir():
        return _open_folder(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    start, line, size = _skip_head(head)
    data = head[start:]
    if data.strip() and not _TIME_WITH_DECIMALS.search(data):
        raise FormatError(f"{path}: line {line}: times without decimals; the text format has seconds (0.003811 96 133 0); "
                          "name the columns in a first line if they are others (t_us x y p)")
    return TextSource(path, Layout(start, line), size)


def _open_folder(path: Path) -> TextSource:
    events, imu, calibration = (path / f"{name}.txt" for name in ("events", "imu", "calib"))
    with events.open("rb") as file:
        declared = is_declared(file.read(HEAD_BYTES))
    source = open_declared(events) if declared else _open(events)
    if imu.exists():
        source.attach_imu(_read_imu(imu))
    if calibration.exists():
        with calibration.open(encoding="utf-8", errors="replace") as text:
            source.metadata["calib"] = text.readline(HEAD_BYTES).strip()
    return source


def _read_imu(path: Path) -> tuple[ImuSamples, int]:
    """Samples, and how many were left out because they are not later than the one before."""
    if path.stat().st_size > _MAX_IMU_BYTES:
        raise FormatError(f"{path}: {path.stat().st_size} bytes of inertial samples; at most {_MAX_IMU_BYTES} are read")
    with damage_as_format_error(path, (ValueError, UnicodeDecodeError, OSError), "not lines of t ax ay az gx gy gz"):
        rows = np.loadtxt(path, np.float64, ndmin=2)
        if rows.size and rows.shape[1] != _IMU_COLUMNS:
            raise ValueError(f"{rows.shape[1]} columns")
        if not np.isfinite(rows).all() or np.any(np.abs(rows[:, :1]) > _MAX_SECONDS):
            raise ValueError("a value is not finite, or a time is impossible")
    rows = rows.reshape(-1, _IMU_COLUMNS)
    t = np.round(rows[:, 0] * 1e6).astype(np.int64)
    keep, left_out = strictly_later(t)
    return ImuSamples(t[keep], rows[keep, 4:].copy(), rows[keep, 1:4].copy()), left_out


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
    if b"\x00" in head or is_declared(head):
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


def _matches_folder(path: Path) -> bool:
    return (path / "events.txt").is_file()


FORMAT = Format("text (t x y p)", _matches, _open, matches_folder=_matches_folder)
