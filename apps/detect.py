"""``evcam detect``: a board's points in recordings, as a CSV."""

from __future__ import annotations

from argparse import Namespace

from evcam.apps import exit_codes
from evcam.apps.console import show
from evcam.apps.finding import describe_detections, find_boards, recording_names
from evcam.apps.outputs import check_output
from evcam.core.target import load_target


def run(args: Namespace) -> int:
    """Find the board and write the detections; exit code 3 when no view was found."""
    check_output(args.out, force=args.force, suffixes=(".csv",), inputs=[*args.recordings, args.target])
    if args.debug_at and args.debug is None:
        args.usage_error("--debug-at chooses what --debug DIR draws; name the folder too")
    if args.debug is not None:
        from evcam.apps.pictures import check_pictures, draw_pictures

        check_pictures(args)
    target = load_target(args.target)
    detections = find_boards(args, args.recordings, target)
    names = recording_names(args.recordings)
    pictures = [] if args.debug is None else draw_pictures(args, dict(zip(names, args.recordings, strict=True)), detections)
    detections.save_csv(args.out, force=args.force)
    drawn = f"\n{len(pictures)} pictures written to {args.debug}" if pictures else ""
    show(args, f"{describe_detections(detections)}\nwritten to {args.out}{drawn}", {
        "out": args.out, "mode": detections.mode, "width": detections.width, "height": detections.height,
        "views": len(detections), "complete_views": sum(len(view) == len(target) for view in detections),
        "points": sum(map(len, detections)), "rejected": detections.rejection_counts(), "pictures": pictures,
    })
    return exit_codes.DONE if len(detections) else exit_codes.DISTRUST
