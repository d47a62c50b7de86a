"""What finding a moving circle grid costs, by stage, event rate and length.  Prints Markdown tables; decides nothing.

    python tests/benchmarks/bench_detect.py [--quick] [--recording REC --target BOARD.yaml]

Without a recording it takes the sample ``data/circle_grid.h5``.  All times are processor times of this run, except
with two cores, where the clock on the wall tells; set ``OMP_NUM_THREADS=1`` to keep libraries from taking a second core.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed

import evcam
from evcam.core.detections import Detections
from evcam.core.events import Events
from evcam.core.target import CircleGrid, load_target
from evcam.detect.moving import scan, stream, views
from evcam.detect.moving.following import Follower
from evcam.detect.moving.stream import detect_moving
from evcam.detect.moving.tone import ToneMap
from evcam.flow import SurfaceOfActiveEvents, edge_crossings, normal_flow
from evcam.flow.surface import NEVER

DATA = Path(__file__).parents[2] / "data"
WINDOW_US = stream.WINDOW_US
STAGES = (
    "reading", "crossings", "picture", "regions, lattice, ids", "first fits", "second fits", "circle centres", "all the rest",
)


def cut(events: Events) -> Iterator[Events]:
    """Windows as a recording gives them."""
    for start_us in range(int(events.t[0]), int(events.t[-1]) + 1, WINDOW_US):
        yield events.between(start_us, start_us + WINDOW_US)


def cost_s(function: Callable[[], object], repeats: int) -> float:
    """Median processor time; the first run, which may compile, does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return median(times)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a Markdown table."""
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))  # noqa: T201
    for row in rows:
        print("| " + " | ".join(row) + " |")  # noqa: T201


class StageTimes:
    """Processor time by stage, taken by stopwatches around the stages' functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def watched(self, function: Callable[..., Any], stage: str | Callable[[dict[str, Any]], str]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return function(*args, **named)
            finally:
                self.seconds[stage if isinstance(stage, str) else stage(named)] += time.process_time() - start

        return run

    def read(self, windows: Iterator[Events]) -> Iterator[Events]:
        following = self.watched(lambda: next(windows, None), "reading")
        yield from iter(following, None)

    def of(self, recording: Path, target: CircleGrid) -> tuple[Detections, dict[str, float]]:
        """Detect once; seconds by stage."""
        places = (
            (stream, "edge_crossings", "crossings"), (ToneMap, "advance", "picture"), (ToneMap, "assume_before", "picture"),
            (scan, "elliptic_regions", "regions, lattice, ids"), (Follower, "locate", "regions, lattice, ids"),
            (stream, "with_circle_centers", "circle centres"),
            (views, "fit_discs", lambda named: "first fits" if named["min_arc"] else "second fits"),
        )
        patches = [patch.object(owner, name, self.watched(getattr(owner, name), stage)) for owner, name, stage in places]
        with evcam.open(recording) as opened:
            begin = time.process_time()
            for one in patches:
                one.start()
            try:
                found = detect_moving(
                    self.read(opened.windows(duration_us=WINDOW_US)), opened.start_us, target,
                )
            finally:
                for one in patches:
                    one.stop()
        self.seconds["all the rest"] = time.process_time() - begin - sum(self.seconds.values())
        return found, self.seconds


def stages(recording: Path, target: CircleGrid, repeats: int) -> None:
    """Where the time of one view goes."""
    StageTimes().of(recording, target)
    runs = [StageTimes().of(recording, target) for _ in range(repeats)]
    count = len(runs[0][0].views) + len(runs[0][0].rejections)
    by_stage = [1e3 * median(seconds[stage] for _, seconds in runs) / count for stage in STAGES]
    total = 1e3 * median(sum(seconds.values()) for _, seconds in runs) / count
    rows = [(stage, f"{ms:.2f}") for stage, ms in zip(STAGES, by_stage, strict=True)]
    table(("stage", "ms per 20 ms of recording, one core"), [*rows, ("total", f"{total:.2f}")])


def our_surface(windows: list[Events], surface: SurfaceOfActiveEvents) -> None:
    """The surface as evcam keeps it."""
    for window in windows:
        surface.update(window)


def numpy_surface(windows: list[Events], surface: np.ndarray) -> None:
    """The plain way to keep the surface: fancy assignment, in which the last of equal indices stays."""
    for window in windows:
        surface[window.p.astype(np.intp), window.y, window.x] = window.t


def throughput(events: Events, repeats: int) -> None:
    """Million events per second of the products that others build on."""
    windows = list(cut(events))
    surface = SurfaceOfActiveEvents(events.width, events.height)
    crossings = [edge_crossings(w) for w in windows]
    plain = np.full((2, events.height, events.width), NEVER)
    functions: tuple[tuple[str, Callable[[], object]], ...] = (
        ("edge_crossings", lambda: [edge_crossings(w) for w in windows]),
        ("normal_flow, crossings included", lambda: [normal_flow(w) for w in windows]),
        ("normal_flow of crossings", lambda: [normal_flow(c) for c in crossings]),
        ("SurfaceOfActiveEvents.update", lambda: our_surface(windows, surface)),
        ("the surface in plain NumPy", lambda: numpy_surface(windows, plain)),
    )
    rows = [(name, f"{len(events) / cost_s(function, repeats) / 1e6:.1f}") for name, function in functions]
    table(("windows of 250 ms", "Mev/s, one core"), rows)
    share = sum(map(len, crossings)) / len(events)
    print(f"({share:.3f} edge crossings per event)")  # noqa: T201


def detect_file(recording: Path, target: CircleGrid, threads: int = 1) -> int:
    """Number of views in a recording."""
    with evcam.open(recording) as opened:
        return len(evcam.detect(opened, target, mode="moving", threads=threads).views)


def two_cores(recording: Path, target: CircleGrid, repeats: int) -> None:
    """One recording with one thread and with two; then two recordings one after the other, and at the same time."""
    rows = []
    for threads in (1, 2):
        wall, start = [], time.process_time()
        for _ in range(repeats):
            begin = time.perf_counter()
            detect_file(recording, target, threads)
            wall.append(time.perf_counter() - begin)
        rows.append((str(threads), f"{median(wall):.2f}", f"{(time.process_time() - start) / repeats:.2f}"))
    table(("threads", "s on the wall for one recording", "s of processor time"), rows)
    rows = []
    for jobs in (1, 2):
        with Parallel(n_jobs=jobs) as parallel:
            work = [delayed(detect_file)(recording, target)] * 2
            parallel(work)
            start = time.perf_counter()
            parallel(work)
            rows.append((str(jobs), f"{time.perf_counter() - start:.2f}"))
    table(("cores", "s on the wall for two recordings"), rows)


def rates(events: Events, target: CircleGrid, repeats: int) -> None:
    """The same recording played slower and faster: the rate changes, and with it the speed of the board."""
    rows = []
    for factor in (0.25, 0.5, 1.0, 2.0):
        played = Events.from_arrays(
            (events.t / factor).astype(np.int64), events.x, events.y, events.p, width=events.width, height=events.height
        )
        seconds = cost_s(lambda e=played: detect_moving(cut(e), int(e.t[0]), target), repeats)  # type: ignore[misc]
        rate = len(played) / played.duration_s / 1e6
        rows.append((f"{rate:.2f}", f"{seconds / played.duration_s * 20:.2f}", f"{seconds / len(played) * 1e9:.0f}"))
    table(("Mev/s", "ms per 20 ms of recording", "ns per event"), rows)


def repeated(recording: Path, length_s: float) -> Iterator[Events]:
    """A recording over and over, up to ``length_s``."""
    with evcam.open(recording) as opened:
        origin, length_us = opened.start_us, 0
        while length_us < length_s * 1e6:
            shift, last = length_us - origin, 0
            for piece in opened.chunks():
                keep = piece.t + shift < length_s * 1e6
                last = int(piece.t[-1])
                yield Events.from_arrays(
                    piece.t[keep] + shift, piece.x[keep], piece.y[keep], piece.p[keep], width=piece.width, height=piece.height
                )
            length_us += last - origin + 1


def lengths(recording: Path, target_file: Path, seconds: tuple[float, ...]) -> None:
    """Peak memory and cost of ever longer recordings, each in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for length_s in seconds:
            path = Path(folder) / "long.h5"
            evcam.io.save_h5(path, repeated(recording, length_s), force=True)
            command = [sys.executable, __file__, "--child", "--recording", str(path), "--target", str(target_file)]
            rows.append((f"{length_s:g}", *subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()))
    table(("s of recording", "views", "ms per 20 ms of recording", "peak memory, MB"), rows)


def child(recording: Path, target: CircleGrid) -> None:
    """Detect once and print what it took."""
    start = time.process_time()
    with evcam.open(recording) as opened:
        found = evcam.detect(opened, target, mode="moving")
    spent_ms = 1e3 * (time.process_time() - start)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(len(found.views), f"{spent_ms / (len(found.views) + len(found.rejections)):.2f}", f"{peak_mb:.0f}")  # noqa: T201


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and shorter recordings")
    parser.add_argument("--recording", type=Path, default=DATA / "circle_grid.h5")
    parser.add_argument("--target", type=Path, default=DATA / "circle_grid.yaml")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    target = load_target(args.target)
    if not isinstance(target, CircleGrid):
        parser.error(f"{args.target}: only circle grids are looked for while they move")
    if args.child:
        child(args.recording, target)
        return
    repeats = 1 if args.quick else 5
    with evcam.open(args.recording) as opened:
        events = opened.events()
    rate = len(events) / events.duration_s / 1e6
    print(f"{args.recording.name}: {events.width}x{events.height}, {events.duration_s:.1f} s, {rate:.2f} Mev/s")  # noqa: T201
    stages(args.recording, target, repeats)
    throughput(events, repeats)
    two_cores(args.recording, target, repeats)
    rates(events, target, repeats)
    lengths(args.recording, args.target, (4, 20) if args.quick else (10, 100))


if __name__ == "__main__":
    main()
