"""The arguments of every verb.

Imports nothing but argparse, so that ``--help`` answers at once; the verb's
work lies in the module of the same name and is imported when it is run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

_EPILOG = """exit codes: 0 done; 1 bad input or failure, said in one line; 2 wrong usage;
            3 done, but the verdict is "do not trust this" or "disagree"; 130 interrupted"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line; parsing sets ``verb`` and the verb's own arguments."""
    parser = argparse.ArgumentParser(
        prog="evcam", description="Calibrate event cameras from recorded event streams.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (summary, add_arguments) in _VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        verb.set_defaults(usage_error=verb.error)
        add_arguments(verb)
        _add_common(verb)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        from importlib.metadata import version

        print(f"evcam {version('evcam')}")
        parser.exit()


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON object on stdout instead of text")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes on stderr")


def _add_out(parser: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    parser.add_argument("--out", required=required, metavar="FILE", help=what)
    parser.add_argument("--force", action="store_true", help="replace output files that exist")


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--width", type=_positive, metavar="PX", help="sensor width, for formats that do not state it")
    parser.add_argument("--height", type=_positive, metavar="PX", help="sensor height, for formats that do not state it")


def _add_finding(parser: argparse.ArgumentParser) -> None:
    _add_size(parser)
    parser.add_argument("--mode", choices=("auto", "moving", "flicker"), default="auto",
                        help="moving board, or still camera before a flickering pattern (default: look at the events)")
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N",
                        help="recordings to work on at the same time; threads of one that is alone, at most two (default 1)")
    _add_seed(parser, "accepted everywhere; detection and calibration draw no random numbers")


def _add_seed(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help=what)


def _info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help="recording, in any format that evcam reads")
    _add_size(parser)
    _add_out(parser, "also write the JSON object to this file", required=False)


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="BOARD.yaml", help="target file")
    _add_out(parser, "drawing to write, .pdf or .svg")


def _simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", metavar="SCENE.yaml", help="scene file: camera, board or lines, motion, sensor")
    _add_seed(parser, "seed of every random number (default 0)")
    parser.add_argument("--truth", metavar="FILE", help="ground truth to write (.npz)")
    _add_out(parser, "recording to write (.h5)")


def _detect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", metavar="REC", nargs="+", help="recordings of one camera")
    parser.add_argument("--target", required=True, metavar="BOARD.yaml", help="target file")
    _add_finding(parser)
    parser.add_argument("--debug", metavar="DIR",
                        help="also draw windows of every recording into this folder, to see why they gave a view or none")
    parser.add_argument("--debug-at", type=_time_s, action="append", default=[], metavar="S",
                        help="seconds from the beginning, repeatable (default: the first rejections, and views evenly spread)")
    _add_out(parser, "detections to write (.csv)")


def _calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", metavar="REC", nargs="+", help="recordings of one camera, or detections (.csv)")
    parser.add_argument("--target", metavar="BOARD.yaml", help="target file (detections that evcam wrote name their own)")
    parser.add_argument("--model", choices=("pinhole-radtan", "pinhole-equidistant"), default="pinhole-radtan",
                        help="camera model (default %(default)s)")
    parser.add_argument("--fix", action="append", default=[], metavar="NAME[,NAME]",
                        help="parameters that are not estimated, e.g. --fix k3 --fix p1,p2")
    _add_finding(parser)
    _add_out(parser, "calibration to write (.json)")


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("camera", metavar="CAL", help="calibration or camera file, in any format that evcam reads")
    parser.add_argument("--format", required=True, choices=("kalibr", "ros", "opencv"), help="format to write")
    _add_out(parser, "file to write (.yaml)")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _time_s(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a time from 0 s on, not {text}")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, not {value}")
    return value


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("calibration", metavar="CAL.json", help="calibration that evcam wrote")
    parser.add_argument("--recording", action="append", default=[], metavar="REC",
                        help="a recording that was calibrated from, repeatable: shows events and rejected windows")
    _add_size(parser)
    _add_out(parser, "page to write (.html)")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cameras", metavar="CAL", nargs="+",
                        help="two calibrations or camera files, in any format that evcam reads; one with --split")
    parser.add_argument("--split", action="store_true", help="calibrate from either half of one calibration's views, and compare"
                        " these")
    _add_size(parser)
    _add_out(parser, "page (.html) or map of the difference (.png) to write", required=False)


_VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "info": ("say what a recording holds", _info),
    "target": ("draw a board to print, at true scale", _target),
    "simulate": ("make a recording with known truth", _simulate),
    "detect": ("find a board in recordings", _detect),
    "calibrate": ("estimate a camera's intrinsics from recordings or detections", _calibrate),
    "report": ("draw up a page about a calibration: verdict, uncertainty, coverage, residuals", _report),
    "compare": ("say whether two calibrations agree, or the halves of one", _compare),
    "export": ("write a calibration for another program", _export),
}
