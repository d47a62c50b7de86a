"""The calibration as users hold it: its result, in words and in files."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

from evcam.calib.result import CalibrationResult
from evcam.calib.storage import calibration_to_dict, load_calibration, save_calibration
from evcam.calib.summary import summarise


@dataclass(frozen=True, eq=False)
class Calibration(CalibrationResult):
    """Intrinsics, how sure they are, and everything that they rest on.

    Attributes
    ----------
    camera : Camera
        The estimate.
    covariance : ndarray of float64, shape (P, P)
        Of ``camera.params``, zero where a parameter was held.  True also when neighbouring views err
        alike; it does not contain what no residual shows, such as a board that is not flat.
    fits : tuple of ViewFit
        Used views, in the order of the detections.
    rejected : tuple of Rejection
        Detected views that were left out, and why.
    detections : Detections
        What was calibrated from.
    options : CalibrationOptions
    independent_stretches : int
        Stretches of time that the covariance takes as independent.
    versions : mapping
        Versions of evcam, NumPy and Python.
    """

    def summary(self) -> str:
        """The calibration in words and figures, several lines."""
        return summarise(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to JSON."""
        return calibration_to_dict(self)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write one JSON with all the evidence, which `load` reads back exactly.

        Raises
        ------
        OutputExistsError
            ``path`` exists and ``force`` is not set.
        """
        save_calibration(self, path, force=force)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Calibration:
        """Read what `save` has written.

        Raises
        ------
        InputError, FormatError
            No such file; not a calibration of evcam, or a damaged one.
        """
        result = load_calibration(path)
        return Calibration(**{field.name: getattr(result, field.name) for field in fields(result)})
