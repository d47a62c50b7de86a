"""``evcam report``: a page about a calibration."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, note, progress, show
from evcam.apps.outputs import check_output
from evcam.calib import Calibration, Grade, judge
from evcam.core.atomic import atomic_path
from evcam.io import open_recording
from evcam.report import calibration_page
from evcam.report.windows import match_recordings


def run(args: Namespace) -> int:
    """Write the page; exit code 3 when the calibration should not be trusted."""
    check_output(args.out, force=args.force, suffixes=(".html",), inputs=[args.calibration, *args.recording])
    calibration = Calibration.load(args.calibration)
    digest = hashlib.sha256(Path(args.calibration).read_bytes()).hexdigest()
    paths = match_recordings(calibration, args.recording)
    with ExitStack() as stack:
        if paths:
            announce_compilation(args)
            note(args, "searching the recordings again for windows to show ...")
        recordings = {name: stack.enter_context(open_recording(path, width=args.width, height=args.height, stream=args.stream))
                      for name, path in paths.items()}
        with progress(args, "searching") as report:
            page = calibration_page(calibration, recordings, source=Path(args.calibration).name, digest=digest, progress=report)
    with atomic_path(args.out, force=args.force) as temporary:
        temporary.write_text(page, encoding="utf-8")
    judgement = judge(calibration)
    lines = [f"verdict: {judgement.grade}", *(f"  - {text}" for text in judgement.texts), f"written to {args.out}"]
    show(args, "\n".join(lines), {"out": args.out, "verdict": judgement.grade, "reasons": judgement.texts})
    return exit_codes.DISTRUST if judgement.grade is Grade.DISTRUST else exit_codes.DONE
