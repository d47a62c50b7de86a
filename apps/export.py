"""``evcam export``: a calibration in another program's format."""

from __future__ import annotations

from argparse import Namespace

from evcam.apps import exit_codes
from evcam.apps.console import show
from evcam.apps.outputs import check_output
from evcam.core.camera import Camera


def run(args: Namespace) -> int:
    """Write a camera in another program's format and say how exactly the format holds it."""
    check_output(args.out, force=args.force, inputs=[args.camera])
    camera = Camera.load(args.camera, width=args.width, height=args.height)
    report = camera.export(args.out, args.format, force=args.force)
    show(args, f"{args.out}: {report}",
         {"out": args.out, "format": report.format, "exact": report.exact, "rms_px": report.rms_px, "max_px": report.max_px})
    return exit_codes.DONE
