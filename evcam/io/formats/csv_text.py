"""Text whose first line names the columns, in any order: ``t_us,x,y,p``, ``x;y;polarity;timestamp [ns]``.

Columns are separated by commas, semicolons, tabs or spaces.  Times named without a unit are seconds if the first ones
have decimals, else microseconds.  Comment lines in front (``#`` or ``%``) may state ``geometry:640,480``; with ``%geometry``
alone, as Prophesee's converter writes it, columns are x, y, p and t in microseconds.  Names may state it too: ``x@640,y@480``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from evcam.errors import FormatError
from evcam.io.formats._text_source import Layout, TextSource
from evcam.io.source import HEAD_BYTES, Format

_SEPARATORS = (",", ";", "\t")
_T, _X, _Y, _P, _OTHER = range(5)
_NAMES = {"x": _X, "y": _Y, "col": _X, "row": _Y, "p": _P, "pol": _P, "polarity": _P, "on": _P}
_TIME = re.compile(r"(?:t|ts|time|timestamp|timestamps)(?:[\W_]+([a-zµμ]+)[\W_]*)?")
_SHIFTS = {"s": 6, "sec": 6, "seconds": 6, "ms": 3, "msec": 3, "us": 0, "µs": 0, "μs": 0, "usec": 0, "microseconds": 0, "ns": -3,
           "nsec": -3, "nanoseconds": -3}
_GEOMETRY = re.compile(rb"[#%]\s*geometry\s*[:=]\s*(\d{1,5})\s*[,x ]\s*(\d{1,5})", re.IGNORECASE)
_SIZED = re.compile(r"\bx@(\d{1,5})\b.*?\by@(\d{1,5})\b", re.IGNORECASE)
_PROPHESEE = (_X, _Y, _P, _T)


@dataclass(frozen=True)
class _Head:
    """What the first lines say; ``shift`` is None where the unit of times is not named."""

    roles: tuple[int, ...]
    shift: int | None
    separator: str
    start: int
    start_line: int
    size: tuple[int, int] | None


def is_declared(head: bytes) -> bool:
    """Whether the first lines name the columns of events."""
    return b"\0" not in head and _read_head(head) is not None


def _read_head(head: bytes) -> _Head | None:
    position, size, prophesee = 0, None, False
    for number, raw in enumerate(head.splitlines(keepends=True), 1):
        position += len(raw)
        geometry = _GEOMETRY.match(raw)
        if geometry:
            size, prophesee = (int(geometry[1]), int(geometry[2])), raw.startswith(b"%")
            continue
        line = raw.decode("utf-8", "replace").lstrip("\ufeff").strip()
        separator = next((mark for mark in _SEPARATORS if mark in line), "")
        columns = _columns(line.lstrip("#% "), separator)
        if columns is not None:
            sized = _SIZED.search(line)
            size = (int(sized[1]), int(sized[2])) if sized else size
            return _Head(*columns, separator, position, number + 1, size)
        if line and line[0] not in "#%":
            if prophesee and len(line.split(",")) == 4:
                return _Head(_PROPHESEE, 0, ",", position - len(raw), number, size)
            return None
    return None


def _columns(line: str, separator: str) -> tuple[tuple[int, ...], int | None] | None:
    """Roles of the columns that a line names, and the power of ten of the time's unit; None if it names no events."""
    roles, shift = [], None
    for word in line.split(separator or None):
        name = word.strip().strip("\"'").lower()
        time = _TIME.fullmatch(name)
        if time and (time[1] is None or time[1] in _SHIFTS):
            roles.append(_T)
            shift = _SHIFTS.get(time[1] or "")
        else:
            roles.append(_NAMES.get(name.partition("@")[0].removesuffix("_px"), _OTHER))
    return (tuple(roles), shift) if sorted(role for role in roles if role != _OTHER) == [_T, _X, _Y, _P] else None


def open_declared(path: Path) -> TextSource:
    """Open a file whose first lines name its columns.

    Raises
    ------
    FormatError
        They do not.
    """
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
    head = _read_head(data)
    if head is None:
        raise FormatError(f"{path}: numbers without a first line that names their columns; put one in front, such as t_us,x,y,p")
    shift = head.shift
    if shift is None:
        rows = [row.split(head.separator.encode() or None) for row in data[head.start :].splitlines()[:100]]
        times = [row[head.roles.index(_T)] for row in rows if len(row) == len(head.roles)]
        shift = 6 if any(set(b".eE").intersection(word) for word in times) else 0
    columns = f"{len(head.roles)} columns that the first line names"
    source = TextSource(path, Layout(head.start, head.start_line, head.roles, shift, head.separator, columns), head.size)
    if head.shift is None and not shift:
        source.warn("the unit of times is not named; whole numbers are taken for microseconds")
    return source


def _matches(head: bytes) -> bool:
    """Whether the columns are named, or could be: a first line of four or more numbers with commas."""
    words = head.partition(b"\n")[0].split(b",")
    return is_declared(head) or (len(words) >= 4 and all(re.fullmatch(rb"\s*-?\d+(\.\d*)?\s*", word) for word in words))


FORMAT = Format("CSV", _matches, open_declared)
