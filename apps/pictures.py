"""``evcam detect --debug``: pictures that show why windows gave a view or none."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from evcam.core.detections import Detections, Rejection, View
from evcam.detect.inspection import choose_outcomes, inspect, instant_us, outcomes_at
from evcam.errors import InputError, OutputExistsError
from evcam.io import Recording, open_recording
from evcam.viz.detection import save_inspection


def check_pictures(args: Namespace) -> None:
    """Refuse a folder that pictures cannot be written to or that holds some already, and times outside a recording.

    Raises
    ------
    InputError
        The folder is a file, cannot be written, or the one above it does not exist; a recording ends before a time.
    OutputExistsError
        The folder holds pictures and ``--force`` is not set.
    """
    _check_folder(args.debug, force=args.force)
    for path in args.recordings if args.debug_at else ():
        with open_recording(path, width=args.width, height=args.height) as recording:
            duration_s = (recording.summary().stop_us - recording.start_us) * 1e-6
        if max(args.debug_at) > duration_s:
            raise InputError(f"{path}: --debug-at {max(args.debug_at):g} lies after the recording's end at {duration_s:.3f} s")


def _check_folder(folder: str, *, force: bool) -> None:
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise InputError(f"{folder}: is not a folder; name one for the pictures (--debug)")
    parent = path if path.is_dir() else path.absolute().parent
    if not parent.is_dir():
        raise InputError(f"{folder}: the folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{folder}: the folder {parent} cannot be written")
    if path.is_dir() and any(path.glob("*.png")) and not force:
        raise OutputExistsError(f"{folder}: holds pictures already; name another folder or use --force to replace them")


def draw_pictures(args: Namespace, paths: Mapping[str, str], detections: Detections) -> list[str]:
    """Draw chosen windows of every recording into the folder ``args.debug``.

    Parameters
    ----------
    args : Namespace
        ``debug``, ``debug_at`` (seconds from each recording's beginning), ``width``, ``height``, ``force``.
    paths : mapping of str to str
        Path of each recording by its name in the detections.
    detections : Detections
        What was found.

    Returns
    -------
    list of str
        The pictures' paths.
    """
    folder = Path(args.debug)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder if folder.is_dir() else folder.absolute().parent) as unfinished:
        names = _draw(args, paths, detections, Path(unfinished))
        folder.mkdir(exist_ok=True)
        for name in names:
            (Path(unfinished) / name).replace(folder / name)
    return [str(folder / name) for name in names]


def _draw(args: Namespace, paths: Mapping[str, str], detections: Detections, folder: Path) -> list[str]:
    """Draw into an empty folder and return the names of the files."""
    names: list[str] = []
    for name, path in paths.items():
        with open_recording(path, width=args.width, height=args.height) as recording:
            outcomes = _outcomes(args, recording, detections, name)
            for inspection in inspect(recording, detections, outcomes):
                at_s = (instant_us(inspection.outcome) - recording.start_us) * 1e-6
                names.append(f"{name.replace('/', '_')}_{at_s:08.3f}s.png")
                save_inspection(inspection, folder / names[-1], start_us=recording.start_us)
    return names


def _outcomes(args: Namespace, recording: Recording, detections: Detections, name: str) -> tuple[View | Rejection, ...]:
    if not args.debug_at:
        return choose_outcomes(detections, name)
    return outcomes_at(detections, name, [recording.start_us + round(at_s * 1e6) for at_s in args.debug_at])
