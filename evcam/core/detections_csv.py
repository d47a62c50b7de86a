"""Detections as CSV: one row per point, and above the rows whatever else it takes to calibrate from the file alone."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.core.atomic import atomic_path
from evcam.core.target import Target, target_from_dict
from evcam.core.views import Rejection, View
from evcam.errors import FormatError, InputError

_MARK = "# evcam detections 1"
_COLUMNS = ("recording", "view", "t_us", "id", "x_px", "y_px", "sxx", "sxy", "syy", "vx", "vy", "window_us")
_NEEDED = ("view", "t_us", "id", "x_px", "y_px")
_DEFAULT_VARIANCE_PX2 = 0.01
_OPTIONAL = (
    ("sxx", _DEFAULT_VARIANCE_PX2), ("sxy", 0.0), ("syy", _DEFAULT_VARIANCE_PX2), ("vx", 0.0), ("vy", 0.0), ("window_us", 0.0),
)
_LATEST_US = 2.0**53
_OUTSIDE_PX = 1.0


class Stored(NamedTuple):
    """What a file holds, in the order in which `Detections` takes it."""

    target: Target
    width: int
    height: int
    views: tuple[View, ...]
    rejections: tuple[Rejection, ...]
    mode: str


def save_csv(stored: Stored, path: str | os.PathLike[str], *, force: bool) -> None:
    """As `Detections.save_csv`."""
    head = {
        "target": stored.target.to_dict(), "width": stored.width, "height": stored.height, "mode": stored.mode,
        "rejections": [[r.recording, r.t_us, r.reason, r.detail] for r in stored.rejections],
    }
    with atomic_path(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        file.write(f"{_MARK}\n")
        for key, value in head.items():
            file.write(f"# {key}: {json.dumps(value)}\n")
        csv.writer(file).writerow(_COLUMNS)
        for view in stored.views:
            file.writelines(_lines(view))


def load_csv(path: Path, target: Target | None, size: tuple[int, int] | None) -> Stored:
    """As `Detections.load_csv`."""
    if not path.is_file():
        raise InputError(f"{path}: no such detections file")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(file)
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not a detections CSV (it is not text)") from None
    # Below the column names a leading # belongs to a recording's name.
    comments = [line.rstrip("\r\n") for line in takewhile(lambda line: line.startswith("#"), lines)]
    head, rows = _read_head(comments, path), _open_table(lines[len(comments):], path)
    target, size = _target(head, target, path), _size(head, size, path)
    views = _read_views(rows, path, len(target), size)
    return Stored(target, *size, views, _read_rejections(head, path), str(head.get("mode", "given")))


def _target(head: Mapping[str, Any], given: Target | None, path: Path) -> Target:
    """The target that the file names or that is given, which have to agree."""
    if "target" in head:
        if not isinstance(head["target"], dict):
            raise FormatError(f"{path}: the comment line 'target' is damaged")
        stated = target_from_dict(head["target"], where=str(path))
        if given is not None and stated != given:
            raise InputError(f"{path}: was detected with another target ({head['target']}) "
                             f"than the one given ({given.to_dict()})")
        return stated
    if given is None:
        raise InputError(f"{path}: does not say which target it holds; give it with target= (--target)")
    return given


def _size(head: Mapping[str, Any], given: tuple[int, int] | None, path: Path) -> tuple[int, int]:
    """Width and height that the file states or that are given, which have to agree."""
    stated = head.get("width"), head.get("height")
    if given is not None and None not in stated and given != stated:
        raise InputError(f"{path}: states a sensor of {stated[0]}x{stated[1]} px, not {given[0]}x{given[1]}")
    width, height = given or stated
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        raise InputError(f"{path}: does not state the sensor's size; give it with size= (--width and --height)")
    return width, height


def _lines(view: View) -> Iterator[str]:
    """One line per point; formatted as a whole, of plain numbers, since a recording has tens of thousands of points."""
    name = io.StringIO()
    csv.writer(name).writerow((view.recording, view.index))
    line = name.getvalue().rstrip("\r\n").replace("%", "%%") + f",%d,%d,%.5f,%.5f{5 * ',%.6g'},{view.window_us}\r\n"
    numbers = np.column_stack([view.xy, view.cov[:, 0], view.cov[:, 1, 1], view.velocity])
    for t, i, row in zip(view.t_us.tolist(), view.ids.tolist(), numbers.tolist(), strict=True):
        yield line % (t, i, *row)


def _read_head(lines: list[str], path: Path) -> dict[str, Any]:
    head: dict[str, Any] = {}
    if not lines or lines[0] != _MARK:
        return head
    for line in lines[1:]:
        if not line.startswith("# "):
            break
        key, _, value = line[2:].partition(": ")
        try:
            head[key] = json.loads(value)
        except json.JSONDecodeError:
            raise FormatError(f"{path}: the comment line '{line[:60]}' is damaged") from None
    return head


def _read_rejections(head: dict[str, Any], path: Path) -> tuple[Rejection, ...]:
    try:
        return tuple(Rejection(str(r), int(t_us), str(why), str(detail)) for r, t_us, why, detail in head.get("rejections", []))
    except (TypeError, ValueError):
        raise FormatError(f"{path}: the comment line 'rejections' is damaged") from None


def _open_table(lines: list[str], path: Path) -> csv.DictReader[str]:
    reader = csv.DictReader(lines)
    names = list(reader.fieldnames or ())
    if len(set(names)) < len(names):
        raise FormatError(f"{path}: not a detections CSV: a column occurs twice: {', '.join(names)}")
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise FormatError(f"{path}: not a detections CSV: no column {', '.join(missing)}")
    return reader


def _read_views(reader: csv.DictReader[str], path: Path, points: int, size: tuple[int, int]) -> tuple[View, ...]:
    names = list(reader.fieldnames or ())
    rows: dict[tuple[str, int], list[list[float]]] = {}
    for number, row in enumerate(reader, start=1):
        if None in row or None in row.values():
            raise FormatError(f"{path}: row {number} has not one value for each of the {len(names)} columns; is it cut off?")
        try:
            values = [float(row[name]) for name in _NEEDED[1:]]
            values += [float(row.get(name) or default) for name, default in _OPTIONAL]
            key = (row.get("recording") or path.stem, int(row["view"]))
        except (TypeError, ValueError):
            raise FormatError(f"{path}: row {number} holds something that is not a number: {list(row.values())}") from None
        if not np.isfinite(values).all():
            raise FormatError(f"{path}: row {number} holds a value that is not finite")
        if abs(values[0]) > _LATEST_US:
            raise FormatError(f"{path}: row {number} has t_us {values[0]:g}, which no clock in microseconds reaches")
        if not (values[1].is_integer() and 0 <= values[1] < points):
            raise InputError(f"{path}: row {number} has id {values[1]:g}; the target has ids 0 to {points - 1}")
        problem = _impossible(values, size)
        if problem:
            raise InputError(f"{path}: row {number} {problem}")
        rows.setdefault(key, []).append(values)
    return tuple(_view(recording, index, np.array(values)) for (recording, index), values in rows.items())


def _impossible(values: list[float], size: tuple[int, int]) -> str:
    """What cannot be in a row of t_us, id, x, y, sxx, sxy, syy, vx, vy, window_us; empty if nothing."""
    t_us, _, x, y, sxx, sxy, syy, _, _, window_us = values
    if not t_us.is_integer():
        return f"has t_us {t_us:g}, which is no whole number of microseconds"
    if not (-_OUTSIDE_PX <= x <= size[0] - 1 + _OUTSIDE_PX and -_OUTSIDE_PX <= y <= size[1] - 1 + _OUTSIDE_PX):
        return f"has a point at ({x:g}, {y:g}), outside the image of {size[0]}x{size[1]} px"
    if not (sxx > 0 and syy > 0 and sxx * syy > sxy * sxy):
        return f"has sxx {sxx:g}, sxy {sxy:g}, syy {syy:g}, which is no covariance: it has to be positive definite"
    if window_us < 0:
        return f"has window_us {window_us:g}, which is negative"
    return ""


def _view(recording: str, index: int, values: NDArray[np.float64]) -> View:
    t, ids, x, y, sxx, sxy, syy, vx, vy, window = values.T
    cov = np.stack([np.stack([sxx, sxy], -1), np.stack([sxy, syy], -1)], -2)
    return View(recording, index, np.round(t).astype(np.int64), ids.astype(np.int64), np.stack([x, y], -1), cov,
                np.stack([vx, vy], -1), int(window[0]))
