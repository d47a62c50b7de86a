"""The arguments of every verb.

Imports nothing but argparse, so that ``--help`` answers at once; the verb's
work lies in the module of the same name and is imported when it is run.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)

_EPILOG = """exit codes: 0 done; 1 bad input or failure, said in one line; 2 wrong usage;
            3 done, but the verdict is "do not trust this", "disagree" or an error, or nothing was found;
            130 interrupted"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line; parsing sets ``verb`` and the verb's own arguments."""
    parser = argparse.ArgumentParser(
        prog="evcam", description="Calibrate event cameras from recorded event streams, and tell how they move.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (summary, add_arguments) in _VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        verb.set_defaults(usage_error=verb.error)
        verb._negative_number_matcher = re.compile(r"-\.?\d")  # or -1e-3 would be taken for an option
        add_arguments(verb)
        _add_common(verb, draws_numbers=name == "simulate")
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        from importlib.metadata import version

        print(f"evcam {version('evcam')}")
        parser.exit()


def _add_common(parser: argparse.ArgumentParser, *, draws_numbers: bool) -> None:
    seed = "seed of every random number (default 0)" if draws_numbers else "for all verbs; this one draws no random numbers"
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help=seed)
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON object on stdout instead of text")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes on stderr")


def _add_out(parser: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    parser.add_argument("--out", required=required, metavar="FILE", help=what)
    parser.add_argument("--force", action="store_true", help="replace output files that exist")


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--width", type=_positive, metavar="PX", help="sensor width, for formats that do not state it")
    parser.add_argument("--height", type=_positive, metavar="PX", help="sensor height, for formats that do not state it")


def _add_reading(parser: argparse.ArgumentParser) -> None:
    _add_size(parser)
    parser.add_argument("--stream", metavar="NAME", help="which events, where there are several: topic, camera or number")


def _add_finding(parser: argparse.ArgumentParser) -> None:
    _add_reading(parser)
    parser.add_argument("--mode", choices=("auto", "moving", "flicker"), default="auto",
                        help="moving board, or still camera before a flickering pattern (default: look at the events)")
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N",
                        help="recordings to work on at the same time; threads of one that is alone, at most two (default 1)")


def _add_stretch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--start", type=_time_s, default=0.0, metavar="S", help="begin so many seconds after the first event")
    parser.add_argument("--duration", type=_length_s, metavar="S", help="stop so many seconds later (default: at the end)")


def _add_imu(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("gyro")
    group.add_argument("--imu", metavar="IMU.csv",
                       help="samples t_us,wx,wy,wz[,ax,ay,az] in us, rad/s and m/s^2, instead of the recording's own")
    group.add_argument("--imu-mount", metavar="CAMCHAIN.yaml",
                       help="Kalibr's camchain-imucam file: how the IMU sits on the camera (T_cam_imu, timeshift_cam_imu); "
                            "read from the camera's file if that has them")
    group.add_argument("--r-cam-imu", type=float, nargs=9, metavar="R",
                       help="rotation from the IMU's axes to the camera's, nine numbers, row by row")
    group.add_argument("--imu-offset-us", type=int, metavar="US", help="t_cam = t_imu + offset")


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help="recording, in any format that evcam reads")
    parser.add_argument("--camera", metavar="CAM",
                        help="camera or calibration file; without one only the roll is held against the gyro")
    _add_reading(parser)
    _add_stretch(parser)
    _add_imu(parser)
    _add_out(parser, "also write the JSON object to this file (.json)", required=False)


def _velocity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help="recording, in any format that evcam reads")
    parser.add_argument("--camera", required=True, metavar="CAM",
                        help="camera or calibration: JSON of evcam, Kalibr, ROS or OpenCV YAML, or 'fx fy cx cy k1 k2 p1 p2 k3'")
    parser.add_argument("--omega", type=float, nargs=3, metavar=("WX", "WY", "WZ"),
                        help="angular velocity in the camera's frame, rad/s, instead of a gyro")
    parser.add_argument("--window-ms", type=_length_ms, metavar="MS",
                        help="length of the windows; beyond the recording's: all of it (default: until edges have moved enough)")
    parser.add_argument("--plot", metavar="FILE", help="also draw direction over time, and lines over events (.png)")
    _add_reading(parser)
    _add_stretch(parser)
    _add_imu(parser)
    _add_out(parser, "estimates to write (.csv)")


def _info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help="recording, in any format that evcam reads")
    _add_reading(parser)
    _add_out(parser, "also write the JSON object to this file (.json)", required=False)


def _convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="IN", help="recording, in any format that evcam reads")
    parser.add_argument("out", metavar="OUT", help="recording to write; its suffix names the format: "
                        ".h5 (plain HDF5), .raw (Prophesee EVT 3.0), .aedat4, .txt (t x y p)")
    parser.add_argument("--force", action="store_true", help="replace output files that exist")
    _add_reading(parser)
    parser.add_argument("--start", type=_time_s, metavar="S", help="begin so many seconds after the first event")
    parser.add_argument("--duration", type=_length_s, metavar="S", help="write so many seconds")
    parser.add_argument("--crop", type=int, nargs=4, metavar=("X", "Y", "WIDTH", "HEIGHT"),
                        help="keep the pixels from (X, Y) on; they become the sensor")
    parser.add_argument("--no-hot-pixels", action="store_true",
                        help="leave out pixels that fire far more often than those around them")
    parser.add_argument("--background-us", type=_positive, metavar="US",
                        help="leave out events that none of the 8 neighbours preceded within this time")
    parser.add_argument("--refractory-us", type=_positive, metavar="US", help="keep one event per pixel and this time")


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="BOARD.yaml", help="target file")
    _add_out(parser, "drawing to write, .pdf or .svg")


def _simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", metavar="SCENE.yaml", help="scene file: camera, board or lines, motion, sensor")
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
    _add_size(parser)
    _add_out(parser, "file to write (.yaml)")


def _view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help="recording, in any format that evcam reads")
    parser.add_argument("--calibration", metavar="CAL", help="calibration: the board and the camera's path in three dimensions")
    parser.add_argument("--detections", metavar="CSV", help="detections: circles through time, ids (default: the calibration's)")
    parser.add_argument("--target", metavar="BOARD.yaml", help="target file (detections that evcam wrote name their own)")
    parser.add_argument("--velocity", metavar="CSV", help="velocity estimates: direction and its uncertainty")
    parser.add_argument("--at", type=_time_s, metavar="S", help="where to begin, seconds from the recording's beginning")
    parser.add_argument("--window", type=_window_ms, metavar="MS", help="how far back events are shown (default 50 ms)")
    parser.add_argument("--layers", metavar="NAME[,NAME]", help="layers to show at first (default: the most useful ones)")
    parser.add_argument("--size", type=_size, default=(1280, 800), metavar="WxH",
                        help="size of the window or picture (default 1280x800)")
    parser.add_argument("--screenshot", metavar="FILE.png", help="draw one picture, without a window or display, and end")
    parser.add_argument("--force", action="store_true", help="replace a picture that exists")
    _add_reading(parser)


def _coach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="REC", help="recording, replayed in real time; or: live, the first camera found")
    parser.add_argument("--target", required=True, metavar="BOARD.yaml", help="target file")
    parser.add_argument("--model", choices=("pinhole-radtan", "pinhole-equidistant"), default="pinhole-radtan",
                        help="camera model (default %(default)s)")
    for name, unit, default, what in (("focal", "PERCENT", 0.3, "focal length"), ("centre", "PX", 1.0, "principal point"),
                                      ("projection", "PX", 0.5, "projection, in nine tenths of the image")):
        parser.add_argument(f"--want-{name}", type=_above_zero, default=default, metavar=unit,
                            help=f"standard deviation wanted of the {what} (default {default:g})")
    parser.add_argument("--speed", type=_above_zero, default=1.0, metavar="X", help="replay so many times as fast (default 1)")
    parser.add_argument("--until-enough", action="store_true", help="end as soon as it is enough")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="of the page on this machine (default: any free one)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="do not open the page, only say where it is")
    _add_out(parser, "also write the views as detections (.csv), to calibrate from", required=False)
    _add_reading(parser)


def _number(kind: type[Number], allowed: Callable[[Number], bool], must: str) -> Callable[[str], Number]:
    """A parser of numbers that says of every other text what it must be."""
    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {must}, not {text}") from None
        if not allowed(value):
            raise argparse.ArgumentTypeError(f"must be {must}, not {text}")
        return value

    return parse


_INFINITE = float("inf")
_port = _number(int, lambda value: 0 <= value <= 65_535, "within 0 and 65535")
_positive = _number(int, lambda value: value >= 1, "at least 1")
_seed = _number(int, lambda value: value >= 0, "a whole number from 0 on")
_above_zero = _number(float, lambda value: 0 < value < _INFINITE, "a number above 0")
_window_ms = _number(float, lambda value: 0.1 <= value <= 10_000, "within 0.1 and 10000 ms")
_time_s = _number(float, lambda value: 0 <= value < _INFINITE, "a time from 0 s on")
_length_s = _number(float, lambda value: 0 < value < _INFINITE, "a length of time above 0 s")
_length_ms = _number(float, lambda value: 1 <= value < _INFINITE, "at least 1 ms")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be WIDTHxHEIGHT, not {text}") from None
    if not (320 <= size[0] <= 8192 and 240 <= size[1] <= 8192):
        raise argparse.ArgumentTypeError(f"must be within 320x240 and 8192x8192, not {text}")
    return size


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("calibration", metavar="CAL.json", help="calibration that evcam wrote")
    parser.add_argument("--recording", action="append", default=[], metavar="REC",
                        help="a recording that was calibrated from, repeatable: shows events and rejected windows")
    _add_reading(parser)
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
    "convert": ("write a recording, or a part of it, in another format", _convert),
    "check": ("look for what is wrong with a recording", _check),
    "target": ("draw a board to print, at true scale", _target),
    "simulate": ("make a recording with known truth", _simulate),
    "detect": ("find a board in recordings", _detect),
    "calibrate": ("estimate a camera's intrinsics from recordings or detections", _calibrate),
    "view": ("look at a recording in space and time", _view),
    "coach": ("help to record a calibration: what is missing, and when it is enough", _coach),
    "report": ("draw up a page about a calibration: verdict, uncertainty, coverage, residuals", _report),
    "compare": ("say whether two calibrations agree, or the halves of one", _compare),
    "velocity": ("estimate the direction of motion from lines and a gyro", _velocity),
    "export": ("write a calibration for another program", _export),
}
