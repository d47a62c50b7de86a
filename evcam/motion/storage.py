"""Velocity estimates as CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from itertools import dropwhile
from pathlib import Path

import numpy as np

from evcam.core.atomic import atomic_path
from evcam.errors import FormatError, InputError
from evcam.motion.estimate import MotionStatus, VelocityEstimate

_MARK = "# evcam velocity 1"
_FRAME = "# direction in the camera's frame at t_us (x right, y down, z forward); covariance of the unit vector, rad^2"
_DIRECTION = ("dx", "dy", "dz")
_COVARIANCE = ("cxx", "cxy", "cxz", "cyy", "cyz", "czz")
_NEEDED = ("t_us", "status", *_DIRECTION, "sign_resolved", *_COVARIANCE)
_COLUMNS = (*_NEEDED, "start_us", "stop_us", "lines", "events", "reason", "notes")
_UPPER = np.triu_indices(3)


def save_velocity_csv(estimates: Iterable[VelocityEstimate], path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write one row per window; those without a direction leave its columns empty.

    Columns ``t_us,status,dx,dy,dz,sign_resolved,cxx,cxy,cxz,cyy,cyz,czz,start_us,stop_us,lines,events,reason,notes``:
    middle and limits of the window on the recording's clock, and how many lines and events it holds.

    Raises
    ------
    OutputExistsError, InputError
        As `evcam.core.atomic.check_writable`.
    """
    with atomic_path(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        file.write(f"{_MARK}\n{_FRAME}\n")
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(_row(estimate) for estimate in estimates)


def _row(estimate: VelocityEstimate) -> list[str]:
    numbers = [*estimate.vector, int(estimate.sign_resolved), *estimate.covariance[_UPPER]]
    # Nine digits: a covariance of a thousandth of a degree still has two positive directions.
    answer = [f"{number:.9g}" for number in numbers] if estimate else [""] * len(numbers)
    return [str(estimate.t_us), str(estimate.status), *answer, str(estimate.start_us), str(estimate.stop_us),
            str(len(estimate.lines)), str(estimate.event_count), estimate.reason, "; ".join(estimate.notes)]


def load_velocity_csv(path: str | os.PathLike[str]) -> tuple[VelocityEstimate, ...]:
    """Read what `save_velocity_csv` has written; the lines themselves are not in the file.

    Raises
    ------
    InputError, FormatError
        No such file; a missing column; a value that is none.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such velocity file")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(list(dropwhile(lambda line: line.startswith("#"), file)))
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not a velocity CSV (it is not text)") from None
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise FormatError(f"{path}: not a velocity CSV: no column {', '.join(missing)}")
    return tuple(_estimate(row, number, path) for number, row in enumerate(rows, start=1))


def _estimate(row: dict[str, str], number: int, path: Path) -> VelocityEstimate:
    try:
        status, t_us = MotionStatus(row["status"]), int(row["t_us"])
        start_us, stop_us = int(row.get("start_us") or t_us), int(row.get("stop_us") or t_us)
        vector, covariance, resolved = np.zeros(3), np.zeros((3, 3)), False
        if status is MotionStatus.OK:
            vector = np.array([float(row[name]) for name in _DIRECTION])
            covariance[_UPPER] = [float(row[name]) for name in _COVARIANCE]
            covariance = covariance + np.triu(covariance, 1).T
            resolved = bool(int(row["sign_resolved"]))
        events = int(row.get("events") or 0)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{path}: row {number} is damaged: {error}") from None
    if not (np.isfinite(vector).all() and np.isfinite(covariance).all()):
        raise FormatError(f"{path}: row {number} holds a value that is not finite")
    notes = tuple(note for note in (row.get("notes") or "").split("; ") if note)
    return VelocityEstimate(t_us, start_us, stop_us, status, row.get("reason") or status.reason, vector, covariance, resolved,
                            event_count=events, notes=notes)
