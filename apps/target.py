"""``evcam target``: a board to print."""

from __future__ import annotations

from argparse import Namespace

from evcam.apps import exit_codes
from evcam.apps.console import show
from evcam.apps.outputs import check_output
from evcam.core.target import load_target
from evcam.viz.board import draw_board


def run(args: Namespace) -> int:
    """Draw the board of a target file at true scale."""
    check_output(args.out, force=args.force, suffixes=(".pdf", ".svg"), inputs=[args.target])
    target = load_target(args.target)
    draw_board(target, args.out, force=args.force)
    show(args, f"{args.out}: print at 100 % (no scaling to the page) and measure the ruler",
         {"out": args.out, "target": target.to_dict()})
    return exit_codes.DONE
