"""Detections: timed board points with ids and covariances, and what was rejected and why."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.atomic import atomic_path
from evcam.core.target import Target, target_from_dict
from evcam.errors import FormatError, InputError

_MARK = "# evcam detections 1"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A window in which no view was accepted.

    Attributes
    ----------
    recording : str
        Name of the recording.
    t_us : int
        Middle of the window.
    reason : str
        Short and countable, e.g. ``"too few events"``.
    detail : str
        Numbers for the person who asks why.
    """

    recording: str
    t_us: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """Points of one board at one instant.

    Attributes
    ----------
    recording : str
        Name of the recording.
    index : int
        Number of the view within the recording.
    t_us : ndarray of int64, shape (N,)
        Time at which each point holds.
    ids : ndarray of int64, shape (N,)
        Row-major point numbers of the target, each at most once.
    xy : ndarray of float64, shape (N, 2)
        Pixels.
    cov : ndarray of float64, shape (N, 2, 2)
        Covariance of ``xy``, px^2.
    velocity : ndarray of float64, shape (N, 2)
        Image velocity, px/s; zero before a still board.
    window_us : int
        Length of the stretch of events that the view was made from; views whose
        windows overlap share events and are not independent.
    """

    recording: str
    index: int
    t_us: NDArray[np.int64]
    ids: NDArray[np.int64]
    xy: NDArray[np.float64]
    cov: NDArray[np.float64]
    velocity: NDArray[np.float64]
    window_us: int

    def __post_init__(self) -> None:
        n = len(self.ids)
        shapes = (self.t_us.shape, self.xy.shape, self.cov.shape, self.velocity.shape)
        if shapes != ((n,), (n, 2), (n, 2, 2), (n, 2)):
            raise InputError(f"view {self.index}: {n} ids need t_us, xy, cov, velocity of matching length, not {shapes}")
        if len(set(self.ids.tolist())) != n:
            raise InputError(f"view {self.index} of {self.recording}: a point's id occurs twice")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def mid_us(self) -> int:
        """Mean time of the points."""
        return int(np.round(self.t_us.mean()))


@dataclass(frozen=True, eq=False, slots=True)
class Detections:
    """Views of one target in one or several recordings of one camera.

    Attributes
    ----------
    target : Target
        The board that was looked for.
    width, height : int
        Sensor size, px.
    views : tuple of View
        Accepted views, in order of recording and time.
    rejections : tuple of Rejection
        Every window that gave no view.
    mode : str
        How the board was found: ``"moving"``, ``"flicker"`` or ``"given"``.
    """

    target: Target
    width: int
    height: int
    views: tuple[View, ...]
    rejections: tuple[Rejection, ...] = field(default=())
    mode: str = "given"

    def __len__(self) -> int:
        return len(self.views)

    def __iter__(self) -> Iterator[View]:
        return iter(self.views)

    @property
    def recordings(self) -> tuple[str, ...]:
        """Names of the recordings, in order of first appearance."""
        names = [view.recording for view in self.views] + [rejection.recording for rejection in self.rejections]
        return tuple(dict.fromkeys(names))

    def rejection_counts(self) -> dict[str, int]:
        """How many windows were rejected for each reason, most frequent first."""
        return dict(Counter(rejection.reason for rejection in self.rejections).most_common())

    @staticmethod
    def merge(parts: Sequence[Detections]) -> Detections:
        """All views of several detections of the same target and sensor.

        Raises
        ------
        InputError
            Nothing to merge, or targets or sensor sizes differ.
        """
        if not parts:
            raise InputError("no detections to merge")
        first = parts[0]
        for part in parts[1:]:
            if part.target != first.target:
                raise InputError(f"detections of different targets cannot be merged: {first.target} and {part.target}")
            if (part.width, part.height) != (first.width, first.height):
                raise InputError(f"recordings of different sensors cannot calibrate one camera: {first.width}x{first.height} "
                                 f"({', '.join(first.recordings)}) and {part.width}x{part.height} ({', '.join(part.recordings)})")
        mode = first.mode if all(part.mode == first.mode for part in parts) else "given"
        return Detections(
            first.target, first.width, first.height,
            tuple(view for part in parts for view in part.views),
            tuple(rejection for part in parts for rejection in part.rejections), mode,
        )

    def save_csv(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write one row per point.

        Columns: recording, view, t_us, id, x_px, y_px, sxx, sxy, syy (px^2),
        vx, vy (px/s), window_us.  Comment lines at the top hold the target, the sensor
        size, the mode and the rejections, so that the file alone can be calibrated from.
        """
        head = {
            "target": self.target.to_dict(), "width": self.width, "height": self.height, "mode": self.mode,
            "rejections": [[r.recording, r.t_us, r.reason, r.detail] for r in self.rejections],
        }
        with atomic_path(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            file.write(f"{_MARK}\n")
            for key, value in head.items():
                file.write(f"# {key}: {json.dumps(value)}\n")
            csv.writer(file).writerow(_COLUMNS)
            for view in self.views:
                file.writelines(_lines(view))

    @staticmethod
    def load_csv(
        path: str | os.PathLike[str], *, target: Target | None = None, size: tuple[int, int] | None = None
    ) -> Detections:
        """Read what `save_csv`, or another program in the same columns, has written.

        Parameters
        ----------
        path : path-like
            CSV with at least the columns view, t_us, id, x_px, y_px.
        target : Target, optional
            Needed when the file does not name its target; has to agree if it does.
        size : (int, int), optional
            Sensor width and height, needed when the file does not state them.

        Raises
        ------
        InputError, FormatError
            No such file; a missing column; a value that is no number; an id that the target does not have.
        """
        path = Path(path)
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
        if "target" in head:
            if not isinstance(head["target"], dict):
                raise FormatError(f"{path}: the comment line 'target' is damaged")
            stated = target_from_dict(head["target"], where=str(path))
            if target is not None and stated != target:
                raise InputError(f"{path}: was detected with another target ({head['target']}) "
                                 f"than the one given ({target.to_dict()})")
            target = stated
        if target is None:
            raise InputError(f"{path}: does not say which target it holds; give it with target= (--target)")
        stated_size = head.get("width"), head.get("height")
        if size is not None and None not in stated_size and size != stated_size:
            raise InputError(f"{path}: states a sensor of {stated_size[0]}x{stated_size[1]} px, not {size[0]}x{size[1]}")
        width, height = size or stated_size
        if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
            raise InputError(f"{path}: does not state the sensor's size; give it with size= (--width and --height)")
        views = _read_views(rows, path, len(target), (width, height))
        return Detections(target, width, height, views, _read_rejections(head, path), str(head.get("mode", "given")))


_COLUMNS = ("recording", "view", "t_us", "id", "x_px", "y_px", "sxx", "sxy", "syy", "vx", "vy", "window_us")
_NEEDED = ("view", "t_us", "id", "x_px", "y_px")
_DEFAULT_VARIANCE_PX2 = 0.01
_LATEST_US = 2.0**53


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


_OUTSIDE_PX = 1.0
_OPTIONAL = (
    ("sxx", _DEFAULT_VARIANCE_PX2), ("sxy", 0.0), ("syy", _DEFAULT_VARIANCE_PX2), ("vx", 0.0), ("vy", 0.0), ("window_us", 0.0),
)


def _view(recording: str, index: int, values: NDArray[np.float64]) -> View:
    t, ids, x, y, sxx, sxy, syy, vx, vy, window = values.T
    cov = np.stack([np.stack([sxx, sxy], -1), np.stack([sxy, syy], -1)], -2)
    return View(recording, index, np.round(t).astype(np.int64), ids.astype(np.int64), np.stack([x, y], -1), cov,
                np.stack([vx, vy], -1), int(window[0]))
