"""Finding a board in one or several recordings, which ``detect`` and ``calibrate`` share."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from evcam.apps.console import announce_compilation, progress
from evcam.core.detections import Detections
from evcam.core.target import Target
from evcam.detect import detect
from evcam.errors import InputError
from evcam.io import open_recording


def find_boards(args: Namespace, paths: Sequence[str], target: Target) -> Detections:
    """Detect ``target`` in every recording, ``args.jobs`` of them at a time.

    Raises
    ------
    EvcamError
        A recording that cannot be read or is given twice, or recordings of different sensors.
    """
    _check_distinct(paths)
    announce_compilation(args)
    named = zip(paths, recording_names(paths), strict=True)
    # A recording alone can have a second thread.
    threads = args.jobs if len(paths) == 1 else 1
    tasks = [(path, name, target, args.mode, args.width, args.height, args.stream, threads) for path, name in named]
    with progress(args, "detecting") as report:
        if args.jobs == 1 or len(tasks) == 1:
            parts = [_find_in_one(*task, progress=_share(report, i, len(tasks))) for i, task in enumerate(tasks)]
        else:
            parts = _find_in_parallel(tasks, args.jobs, report)
    return Detections.merge(parts)


def describe_detections(detections: Detections) -> str:
    """Lines about what was found and what was rejected and why, for people."""
    lines = [f"{len(detections.target)}-point board, {detections.width}x{detections.height} px, mode {detections.mode}"]
    views = Counter(view.recording for view in detections)
    rejected = Counter(rejection.recording for rejection in detections.rejections)
    for name in detections.recordings:
        lines.append(f"  {name}: {views[name]} views found, {rejected[name]} windows rejected")
    for reason, count in detections.rejection_counts().items():
        lines.append(f"  rejected {count} x {reason}")
    complete = sum(len(view) == len(detections.target) for view in detections)
    lines.append(f"{len(detections)} views, {complete} of them complete; {len(detections.rejections)} windows rejected")
    return "\n".join(lines)


def _check_distinct(paths: Sequence[str]) -> None:
    repeated = [path for path, count in Counter(str(Path(path).resolve()) for path in paths).items() if count > 1]
    if repeated:
        raise InputError(f"{repeated[0]}: is given twice; name each recording once")


def recording_names(paths: Sequence[str]) -> list[str]:
    """File names, with as many folders before them as it takes to tell the recordings apart."""
    parts = [Path(path).absolute().parts for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(set(parts)):
            break
    return names


def _find_in_one(
    path: str, name: str, target: Target, mode: str, width: int | None, height: int | None, stream: str | None, threads: int,
    progress: Callable[[float], None] | None = None,
) -> Detections:
    with open_recording(path, width=width, height=height, stream=stream) as recording:
        return detect(recording, target, mode=mode, progress=progress, name=name, threads=threads)


def _find_in_parallel(
    tasks: Sequence[tuple[str, str, Target, str, int | None, int | None, str | None, int]], jobs: int,
    report: Callable[[float], None] | None,
) -> list[Detections]:
    from joblib import Parallel, delayed

    parts = []
    for part in Parallel(n_jobs=min(jobs, len(tasks)), return_as="generator")(delayed(_find_in_one)(*task) for task in tasks):
        parts.append(part)
        if report is not None:
            report(len(parts) / len(tasks))
    return parts


def _share(report: Callable[[float], None] | None, index: int, count: int) -> Callable[[float], None] | None:
    return None if report is None else lambda fraction: report((index + fraction) / count)
