"""Detections: timed board points with ids and covariances, and what was rejected and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evcam.core.detections_csv import Stored, load_csv, save_csv
from evcam.core.target import Target
from evcam.core.views import Rejection, View
from evcam.errors import InputError

__all__ = ["Detections", "Rejection", "View"]


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
    rejections: tuple[Rejection, ...] = ()
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
        save_csv(Stored(self.target, self.width, self.height, self.views, self.rejections, self.mode), path, force=force)

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
        return Detections(*load_csv(Path(path), target, size))
