"""The page about two calibrations side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evcam.calib import Calibration, Comparison
from evcam.calib.comparison import Agreement
from evcam.core.camera import Camera
from evcam.report.page import load_template
from evcam.viz.difference import difference_map, significance_map

_CLASS = {Agreement.AGREE: "good", Agreement.DISAGREE: "distrust", Agreement.UNKNOWN: "usable"}


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    a: tuple[str, str]
    b: tuple[str, str]
    stds: str


def comparison_page(
    comparison: Comparison, names: tuple[str, str], given: tuple[Calibration | Camera, Calibration | Camera], *, origin: str = ""
) -> str:
    """One HTML page about a comparison, whole in itself.

    Parameters
    ----------
    comparison : Comparison
    names : (str, str)
        What A and B are called.
    given : (Calibration or Camera, Calibration or Camera)
        What was compared.
    origin : str
        Where both come from, if they are halves of one.

    Raises
    ------
    MissingLibraryError
        Jinja2 is not installed.
    """
    template = load_template("comparison.html")
    pictures = [difference_map(comparison)]
    if comparison.expected_px is not None:
        pictures.append(significance_map(comparison))
    return template.render(
        comparison=comparison, names=names, origin=origin, grade_class=_CLASS[comparison.agreement],
        sentences=describe_comparison(comparison), facts=_facts(comparison), pictures=pictures,
        rows=_rows(comparison, given), same_model=comparison.a.model == comparison.b.model,
    )


def describe_comparison(comparison: Comparison) -> list[str]:
    """What is to be said of a comparison, in sentences."""
    sentences = [f"After a rotation of {comparison.rotation_deg:.3f} degrees, which poses absorb, they differ by "
                 f"{comparison.median_px:.3f} px (median over the image), {comparison.max_px:.3f} px at most."]
    if comparison.expected_px is not None:
        sentences.append(f"By their uncertainty {np.nanmedian(comparison.expected_px):.3f} px (median) were expected; chance "
                         f"alone makes a difference like this or a larger one {_often(comparison.probability)}.")
    if comparison.shared_views:
        sentences.append(f"Both rest on the same {comparison.shared_views} views and share their errors: agreement proves "
                         "little.")
    return sentences


def _often(probability: float) -> str:
    return f"in {100 * probability:.0f} % of all cases" if probability >= 0.005 else "in less than 0.5 % of all cases"


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    facts = [("difference, median", f"{comparison.median_px:.3f} px"), ("difference, largest", f"{comparison.max_px:.3f} px"),
             ("implied rotation", f"{comparison.rotation_deg:.3f}°")]
    if comparison.expected_px is not None:
        facts.insert(0, ("expected, median", f"{np.nanmedian(comparison.expected_px):.3f} px"))
    return facts


def _rows(comparison: Comparison, given: tuple[Calibration | Camera, Calibration | Camera]) -> list[_Row]:
    if comparison.a.model != comparison.b.model:
        return []
    names = Camera.param_names(comparison.a.model)
    stds = comparison.parameter_stds if comparison.parameter_stds is not None else np.full(len(names), np.nan)
    return [_Row(name, _value(given[0], k), _value(given[1], k), f"{stds[k]:+.1f}" if np.isfinite(stds[k]) else "")
            for k, name in enumerate(names)]


def _value(given: Calibration | Camera, k: int) -> tuple[str, str]:
    """A parameter and its standard deviation."""
    digits = 3 if k < 4 else 5
    if isinstance(given, Camera):
        return f"{given.params[k]:.{digits}f}", ""
    std = given.stds[k]
    return f"{given.camera.params[k]:.{digits}f}", f"± {std:.{digits}f}" if std > 0 else ""
