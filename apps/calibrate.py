"""``evcam calibrate``: a camera's intrinsics from recordings or detections."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evcam.apps import exit_codes
from evcam.apps.console import show
from evcam.apps.outputs import check_output
from evcam.calib import Calibration, CalibrationOptions, calibrate
from evcam.calib.judgement import Grade
from evcam.calib.verdict import judge
from evcam.core.detections import Detections
from evcam.core.target import Target, load_target
from evcam.errors import InputError

_LONGEST_LINE = 1 << 20


def run(args: Namespace) -> int:
    """Detect (unless detections are given), calibrate, judge; exit code 3 when the result should not be trusted."""
    inputs = [*args.recordings, *([args.target] if args.target else [])]
    check_output(args.out, force=args.force, suffixes=(".json",), inputs=inputs)
    options = CalibrationOptions(fix=_names(args.fix))
    options.check_names(args.model)
    target = load_target(args.target) if args.target else None
    detections = _gather(args, target)
    calibration = calibrate(detections, model=args.model, options=options)
    calibration.save(args.out, force=args.force)
    return _report(args, calibration)


def _names(fix: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for part in fix for name in part.split(",") if name.strip())


def _gather(args: Namespace, target: Target | None) -> Detections:
    """Detections of all inputs, each either read from a CSV or found in a recording."""
    for path in args.recordings:
        if not Path(path).exists():
            raise InputError(f"{path}: no such file")
    tables = [path for path in args.recordings if _is_table(path)]
    recordings = [path for path in args.recordings if path not in tables]
    size = (args.width, args.height) if args.width and args.height else None
    parts = [Detections.load_csv(path, target=target, size=size) for path in tables]
    if recordings and target is None:
        args.usage_error("--target is needed to find the board in recordings")
    elif recordings and target is not None:
        # a table alone is calibrated without loading what finds boards
        from evcam.apps.finding import find_boards

        parts.append(find_boards(args, recordings, target))
    return Detections.merge(parts)


def _is_table(path: str) -> bool:
    """Whether a file is a table of detections, going by its first line that is no comment."""
    if not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        while (line := file.readline(_LONGEST_LINE)).startswith(b"#"):
            pass
    return b"x_px" in line


def _report(args: Namespace, calibration: Calibration) -> int:
    judgement = judge(calibration)
    show(args, f"{calibration.summary()}\nwritten to {args.out}",
         {"out": args.out, "verdict": judgement.grade, "reasons": judgement.texts, **_figures(calibration)})
    return exit_codes.DISTRUST if judgement.grade is Grade.DISTRUST else exit_codes.DONE


def _figures(calibration: Calibration) -> dict[str, Any]:
    camera, names = calibration.camera, calibration.param_names
    return {
        "model": camera.model, "width": camera.width, "height": camera.height,
        "camera": dict(zip(names, camera.params.tolist(), strict=True)),
        "std": dict(zip(names, calibration.stds.tolist(), strict=True)),
        "rms_px": calibration.rms_px, "coverage": calibration.coverage, "views": len(calibration.fits),
        "views_rejected": len(calibration.rejected), "independent_stretches": calibration.independent_stretches,
        "rejected": calibration.rejection_counts(),
    }
