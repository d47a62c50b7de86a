"""The page about one calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evcam.calib import Calibration, Comparison, judge, split_halves, what_next
from evcam.calib.comparison import Agreement
from evcam.calib.coverage import join, measure_coverage
from evcam.calib.judgement import Grade
from evcam.calib.options import CalibrationOptions
from evcam.errors import NotEnoughDataError
from evcam.io import Recording
from evcam.report.hints import HINTS
from evcam.report.page import load_template
from evcam.report.windows import best_and_worst, rejection_pictures
from evcam.viz import coverage, lens, residuals
from evcam.viz.board import describe_board
from evcam.viz.difference import difference_map, significance_map
from evcam.viz.style import Picture
from evcam.viz.views import view_magnification

_SAYS = {
    Grade.GOOD: "Nothing was found that speaks against using it.",
    Grade.USABLE: "It can be used, within what is said below.",
    Grade.DISTRUST: "Record again; what is said below tells how.",
}
_CLASS = {Grade.GOOD: "good", Grade.USABLE: "usable", Grade.DISTRUST: "distrust"}
_MOST_ADVICE = 5


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    value: str
    std: str
    share: str


@dataclass(frozen=True, slots=True)
class _LeftOut:
    what: str
    reason: str
    count: int
    hint: str
    pictures: list[Picture]


def calibration_page(
    calibration: Calibration, recordings: Mapping[str, Recording] | None = None, *, source: str = "", digest: str = "",
    progress: Callable[[float], None] | None = None,
) -> str:
    """One HTML page about a calibration, whole in itself: no network, no other file; the same input gives the same bytes.

    Parameters
    ----------
    calibration : Calibration
    recordings : mapping of str to Recording, optional
        Recordings by their names in the detections; with them the pictures of views show events, and rejected windows are shown.
        Each is searched again up to the last window that is shown.
    source, digest : str
        Name and SHA-256 of the file that holds the calibration, to be named.
    progress : callable, optional
        Called with the share of the recordings that has been searched, 0 to 1.

    Raises
    ------
    MissingLibraryError
        Jinja2 is not installed.
    InputError
        A recording that does not give the windows that the calibration names.
    """
    template, recordings = load_template("calibration.html"), recordings or {}
    judgement = judge(calibration)
    best, worst = best_and_worst(calibration, recordings)
    seen = measure_coverage(calibration)
    near, far = seen.distance_range_m
    return template.render(
        calibration=calibration, camera=calibration.camera, source=source, digest=digest,
        grade=judgement.grade, grade_class=_CLASS[judgement.grade], says=_SAYS[judgement.grade], judgement=judgement,
        facts=_facts(calibration), parameters=_parameters(calibration), advice=_advice(calibration),
        missing=join(list(seen.missing_sides)), near=near, far=far, largest_tilt=seen.largest_tilt_deg,
        covered=[coverage.image_coverage(calibration), coverage.distances(calibration), coverage.tilts(calibration)],
        lens=[lens.uncertainty_map(calibration), lens.distortion_curve(calibration)],
        errors=[residuals.residual_vectors(calibration), residuals.mean_residuals(calibration),
                residuals.residual_histogram(calibration), residuals.residuals_by_view(calibration)],
        best=best, worst=worst, magnification=view_magnification(calibration),
        left_out=_left_out(calibration, recordings, progress),
        halves=_halves(calibration), board=describe_board(calibration.detections.target), recordings=_recordings(calibration),
        options=_options(calibration), shown=bool(recordings),
    )


def _facts(calibration: Calibration) -> list[tuple[str, str]]:
    """The figures to see first: title and value."""
    uncertain = float(np.nanmedian(calibration.image_std()))
    return [
        ("reprojection error", f"{calibration.rms_px:.3f} px"), ("uncertainty, median", f"{uncertain:.3f} px"),
        ("image covered", f"{100 * calibration.coverage:.0f} %"), ("views used", f"{len(calibration.fits)}"),
        ("points used", f"{len(calibration.inlier_xy)}"), ("independent stretches", f"{calibration.independent_stretches}"),
    ]


def _parameters(calibration: Calibration) -> list[_Parameter]:
    rows, params = [], calibration.camera.params
    for k, (name, value, std) in enumerate(zip(calibration.param_names, params, calibration.stds, strict=True)):
        unit = " px" if k < 4 else ""
        digits = 6 if std <= 0 else int(np.clip(1 - np.floor(np.log10(std)), 0, 9))
        share = f"{100 * std / abs(value):.2g} %" if k < 2 and std > 0 else ""
        rows.append(_Parameter(name, f"{value:.{digits}f}{unit}", f"± {std:.{digits}f}{unit}" if std > 0 else "held", share))
    return rows


def _advice(calibration: Calibration) -> list[tuple[str, int]]:
    """What to record next, and by how many per cent it is expected to lower the uncertainty."""
    return [(view.text, round(100 * view.gain)) for view in what_next(calibration)[:_MOST_ADVICE]]


def _left_out(
    calibration: Calibration, recordings: Mapping[str, Recording], progress: Callable[[float], None] | None
) -> list[_LeftOut]:
    pictures = rejection_pictures(calibration, recordings, progress)
    views = Counter(rejection.reason for rejection in calibration.rejected)
    windows = calibration.detections.rejection_counts()
    return [
        *(_LeftOut("windows without a view", reason, count, HINTS.get(reason, ""), pictures.get(reason, []))
          for reason, count in windows.items()),
        *(_LeftOut("views left out", reason, count, HINTS.get(reason, ""), []) for reason, count in views.most_common()),
    ]


def _halves(calibration: Calibration) -> dict[str, Any]:
    """What calibrating from either half of the views shows."""
    try:
        compared = split_halves(calibration).comparison
    except NotEnoughDataError as error:
        return {"says": f"This cannot be told: {error}.", "pictures": []}
    return {"says": _describe_halves(compared), "pictures": [difference_map(compared), significance_map(compared)]}


def _describe_halves(compared: Comparison) -> str:
    assert compared.expected_px is not None
    figures = f"by {compared.median_px:.3f} px (median over the image); {np.nanmedian(compared.expected_px):.3f} px were expected"
    if compared.agreement is Agreement.AGREE:
        return f"They differ {figures}. The stated uncertainty explains that."
    return (f"They differ {figures}. Chance makes such a difference less than once in 370 times: the stated uncertainty is too "
            "small, or something changed while it was recorded.")


def _recordings(calibration: Calibration) -> list[tuple[str, int, int]]:
    """Name, views found, windows rejected."""
    detections = calibration.detections
    views = Counter(view.recording for view in detections)
    rejected = Counter(rejection.recording for rejection in detections.rejections)
    return [(name, views[name], rejected[name]) for name in detections.recordings]


def _options(calibration: Calibration) -> list[tuple[str, str, bool]]:
    """Name, value, and whether it is the usual one."""
    usual = asdict(CalibrationOptions())
    given = asdict(calibration.options)
    return [(name, ", ".join(value) or "nothing" if isinstance(value, tuple) else str(value), value == usual[name])
            for name, value in given.items()]
