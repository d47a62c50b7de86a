"""One calibration against itself: its views in two halves, each calibrated alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.calib.calibration import Calibration
from evcam.calib.comparison import Comparison, compare
from evcam.calib.intrinsics import calibrate
from evcam.calib.observations import timeline
from evcam.core.detections import View
from evcam.errors import NotEnoughDataError


@dataclass(frozen=True, eq=False, slots=True)
class Halves:
    """Calibrations from either half of the views, and their difference."""

    first: Calibration
    second: Calibration
    comparison: Comparison


def split_halves(calibration: Calibration) -> Halves:
    """Calibrate from every other stretch of time, and from the rest, with the options of the calibration.

    The stretches are about as long as those that the covariance takes as independent, so the halves share no error but those of
    board and detector that are always there.

    Raises
    ------
    NotEnoughDataError
        A half that cannot be calibrated.
    """
    detections = calibration.detections
    second = _every_other_stretch(detections.views, calibration.independent_stretches)
    halves = []
    for number, mine in enumerate((~second, second), start=1):
        views = tuple(view for view, is_mine in zip(detections, mine, strict=True) if is_mine)
        part = replace(detections, rejections=(), views=views)
        try:
            halves.append(calibrate(part, calibration.camera.model, calibration.options))
        except NotEnoughDataError as error:
            raise NotEnoughDataError(f"half {number} of the views cannot be calibrated alone: {error}") from None
    return Halves(halves[0], halves[1], compare(halves[0], halves[1]))


def _every_other_stretch(views: tuple[View, ...], stretches: int) -> NDArray[np.bool_]:
    """Views of the second half, shape (V,)."""
    recording, t_us = timeline(views)
    of_each = [t_us[recording == i] for i in range(recording.max() + 1)]
    block_us = max(int(sum(map(np.ptp, of_each))) // stretches + 1, 1)
    start_us = np.array([times.min() for times in of_each])
    block = (t_us - start_us[recording]) // block_us
    numbers = np.unique(np.column_stack([recording, block]), axis=0, return_inverse=True)[1].ravel()
    second: NDArray[np.bool_] = numbers % 2 == 1
    return second
