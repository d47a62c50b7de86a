"""``evcam compare``: whether two calibrations, or the halves of one, agree."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from evcam.apps import exit_codes
from evcam.apps.console import show
from evcam.apps.outputs import check_output
from evcam.calib import Calibration, Comparison, compare, split_halves
from evcam.calib.comparison import Agreement
from evcam.core.atomic import atomic_path
from evcam.core.camera import Camera
from evcam.report.comparison_page import comparison_page, describe_comparison

Given = Calibration | Camera


def run(args: Namespace) -> int:
    """Compare, say so, draw if asked to; exit code 3 when chance does not explain the difference."""
    if len(args.cameras) != (1 if args.split else 2):
        args.usage_error("give two calibrations, or one with --split")
    if args.out:
        check_output(args.out, force=args.force, suffixes=(".html", ".png"), inputs=args.cameras)
    given: tuple[Given, Given]
    if args.split:
        halves = split_halves(Calibration.load(args.cameras[0]))
        given, comparison = (halves.first, halves.second), halves.comparison
        names, origin = ("one half", "the other half"), f"Halves of {Path(args.cameras[0]).name}"
    else:
        given = _load(args, args.cameras[0]), _load(args, args.cameras[1])
        comparison = compare(*given)
        names, origin = _names(args.cameras), ""
    if args.out:
        _write(args, comparison, names, given, origin)
    lines = [f"A: {names[0]}", f"B: {names[1]}", *describe_comparison(comparison), *_parameters(comparison)]
    lines += [f"verdict: {comparison.agreement}", *([f"written to {args.out}"] if args.out else [])]
    show(args, "\n".join(lines), _figures(args, comparison))
    return exit_codes.DISTRUST if comparison.agreement is Agreement.DISAGREE else exit_codes.DONE


def _load(args: Namespace, path: str) -> Given:
    """A calibration with its evidence, or a camera file of any format."""
    if _is_calibration(path):
        return Calibration.load(path)
    return Camera.load(path, width=args.width, height=args.height)


def _is_calibration(path: str) -> bool:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # whoever reads it as a camera says what is wrong
        return False
    return isinstance(data, dict) and "covariance" in data


def _names(paths: list[str]) -> tuple[str, str]:
    a, b = (Path(path).name for path in paths)
    return (a, b) if a != b else (paths[0], paths[1])


def _write(args: Namespace, comparison: Comparison, names: tuple[str, str], given: tuple[Given, Given], origin: str) -> None:
    if args.out.lower().endswith(".png"):
        from evcam.viz.difference import difference_map

        content = difference_map(comparison).data
    else:
        content = comparison_page(comparison, names, given, origin=origin).encode()
    with atomic_path(args.out, force=args.force) as temporary:
        temporary.write_bytes(content)


def _parameters(comparison: Comparison) -> list[str]:
    if comparison.parameter_stds is None:
        return []
    names = Camera.param_names(comparison.a.model)
    parts = [f"{name} {value:+.1f}" for name, value in zip(names, comparison.parameter_stds, strict=True) if np.isfinite(value)]
    return ["B - A in standard deviations: " + ", ".join(parts)]


def _figures(args: Namespace, comparison: Comparison) -> dict[str, Any]:
    expected, stds = comparison.expected_px, comparison.parameter_stds
    return {
        "a": comparison.a.to_dict(), "b": comparison.b.to_dict(), "verdict": comparison.agreement,
        "median_px": comparison.median_px, "max_px": comparison.max_px,
        "expected_median_px": None if expected is None else float(np.nanmedian(expected)),
        "probability": comparison.probability, "rotation_deg": comparison.rotation_deg, "R_b_a": comparison.R_b_a,
        "parameter_stds": None if stds is None else dict(zip(Camera.param_names(comparison.a.model), stds.tolist(), strict=True)),
        "shared_views": comparison.shared_views, "out": args.out,
    }
