"""Reading and writing recordings: throughput beside the best library for each format, memory, cost of a seek.  Decides nothing.

    python tests/benchmarks/bench_io.py [--quick]

The events are simulated, or with ``EVCAM_REFERENCE_DATA`` set those of a real recording repeated; every file is written by the
library that it is read with, where that can.  Times are processor times, user and system, of one thread, medians of repeats taken
in turns; memory is the peak of whole processes on a file of 200 million events, which is removed afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import evt3
import expelliarmus
import faery
import numpy as np

import evcam
from evcam.core.events import Events
from evcam.io.writers import Content, writer_of

REPEATS = 7
MANY_EVENTS = 200_000_000
EPOCH_US = 4096
REAL = Path(os.environ.get("EVCAM_REFERENCE_DATA", "nowhere")) / "recordings" / "formats" / "evt2_gen3.raw"


def some_events(count: int) -> Events:
    """Events of a real recording, or of noise, repeated to this number."""
    if REAL.exists():
        with evcam.open(REAL) as recording:
            part = recording.events()
    else:
        rng = np.random.default_rng(0)
        t = np.cumsum(rng.integers(0, 2, 500_000))
        part = Events.from_arrays(t, rng.integers(0, 640, len(t)), rng.integers(0, 480, len(t)), rng.random(len(t)) < 0.5,
                                  width=640, height=480)
    times = -(-count // len(part))
    length_us = int(part.t[-1] - part.t[0]) + 1
    t = np.concatenate([part.t - part.t[0] + k * length_us for k in range(times)])[:count]
    x, y, p = (np.tile(getattr(part, name), times)[:count] for name in "xyp")
    return Events.from_arrays(t, x, y, p, width=part.width, height=part.height)


def by_evcam(path: Path) -> int:
    """Number of events, read in blocks and checked."""
    with evcam.open(path, **({"width": 640, "height": 480} if path.suffix == ".dat" else {})) as recording:
        return sum(len(chunk) for chunk in recording.chunks())


def by_faery(path: Path) -> int:
    """Number of events, read in blocks."""
    return sum(len(block) for block in faery.events_stream_from_file(path))


def by_expelliarmus(path: Path, encoding: str) -> int:
    """Number of events, read at once."""
    return len(expelliarmus.Wizard(encoding=encoding).read(path))


def seconds(work: Callable[[], int], count: int) -> float:
    """Processor time of one run, which has to give all events."""
    begin = time.process_time()
    found = work()
    spent = time.process_time() - begin
    assert found == count, (found, count)
    return spent


def row(name: str, path: Path, count: int, library: str, theirs: Callable[[], int] | None, repeats: int) -> str:
    """One line of the table of throughputs."""
    by_evcam(path)  # compiles
    ours_s, theirs_s = [], []
    for _ in range(repeats):
        ours_s.append(seconds(lambda: by_evcam(path), count))
        if theirs is not None:
            theirs_s.append(seconds(theirs, count))
    ours = count / median(ours_s) * 1e-6
    if not theirs_s:
        return f"| {name} | {ours:.0f} | {library} | | |"
    other = count / median(theirs_s) * 1e-6
    return f"| {name} | {ours:.0f} | {library} | {other:.0f} | {ours / other:.2f} |"


def throughputs(folder: Path, events: Events, repeats: int) -> None:
    """Print the table of throughputs."""
    columns = np.zeros(len(events), faery.EVENTS_DTYPE)
    columns["t"], columns["x"], columns["y"], columns["on"] = events.t, events.x, events.y, events.p
    n = len(events)
    print("| format | evcam, Mev/s | library | Mev/s | ratio |\n|---|---|---|---|---|")  # noqa: T201
    for name, suffix, version in (("EVT2", ".raw", "evt2"), ("EVT3", ".raw", "evt3"), ("Event Stream", ".es", None)):
        path = folder / f"{name}{suffix}"
        faery.events_stream_from_array(columns, (events.width, events.height)).to_file(path, version=version)
        print(row(name, path, n, "faery", lambda path=path: by_faery(path), repeats))  # noqa: T201
        if version == "evt3":
            print(row(name, path, n, "evt3", lambda path=path: len(evt3.decode_file(str(path)).t), repeats))  # noqa: T201
    path = folder / "a.dat"
    faery.events_stream_from_array(columns, (events.width, events.height)).to_file(path, version="dat2")
    print(row("DAT", path, n, "faery", lambda: by_faery(path), repeats))  # noqa: T201
    print(row("DAT", path, n, "expelliarmus", lambda: by_expelliarmus(path, "dat"), repeats))  # noqa: T201
    for name, suffix in (("EVT3 as evcam writes it", ".raw"), ("text", ".txt")):
        path = folder / f"own{suffix}"
        begin = time.process_time()
        writer_of(path).write(path, Content(events.width, events.height, [events]))
        written = n / (time.process_time() - begin) * 1e-6
        theirs = (lambda path=path: by_faery(path)) if suffix == ".raw" else None
        print(row(f"{name} (written at {written:.0f} Mev/s)", path, n, "faery" if theirs else "", theirs, repeats))  # noqa: T201


def many_events(path: Path, count: int) -> None:
    """An EVT 3.0 file of about 1.7 bytes an event: single ones, and vectors of 12 pixels."""
    rng = np.random.default_rng(0)
    words: list[int] = [0x8000, 0x6000]
    held = 0
    for low in range(0, EPOCH_US, 8):
        words += [0x6000 | low, int(rng.integers(0, 720))]
        for _ in range(40):
            words.append(0x2000 | int(rng.integers(0, 2)) << 11 | int(rng.integers(0, 1280)))
        masks = [int(mask) for mask in rng.integers(0, 4096, 2)]
        words += [0x3000 | int(rng.integers(0, 1280 - 24)), *[0x4000 | mask for mask in masks]]
        held += 40 + sum(mask.bit_count() for mask in masks)
    epoch = np.array(words, "<u2")
    with path.open("wb") as file:
        file.write(b"% evt 3.0\n% geometry 1280x720\n% end\n")
        for high in range(-(-count // held)):
            epoch[0] = 0x8000 | high & 0xFFF
            epoch.tofile(file)


# A process's peak includes that of the one it was forked from: a small one is put between.
LAUNCHER = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, done.returncode, done.stdout]))
"""


def peak_mb(*command: str) -> tuple[float, float, str]:
    """Peak memory and processor seconds of a process, and what it printed."""
    launched = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, sys.executable, *command], check=True, capture_output=True,
                              text=True)
    mb, spent, code, said = json.loads(launched.stdout)
    if code:
        sys.exit(f"{command} failed")
    return mb, spent, said


WINDOWS = """
import sys, evcam
with evcam.open(sys.argv[1]) as recording:
    print(sum(len(window) for window in recording.windows(duration_us=20_000)))
"""


def memory(folder: Path) -> None:
    """Print the peak memory of processes that go through a long file."""
    path = folder / "many.raw"
    many_events(path, MANY_EVENTS)
    mb, spent, said = peak_mb("-m", "evcam.apps", "info", str(path), "--json", "--quiet")
    count = json.loads(said)["events"]
    print(f"\n{count:,} events, {path.stat().st_size / 1e6:.0f} MB as EVT 3.0:")  # noqa: T201
    print(f"evcam info: peak {mb:.0f} MB, {spent:.1f} s ({count / spent * 1e-6:.0f} Mev/s)")  # noqa: T201
    mb, spent, said = peak_mb("-c", WINDOWS, str(path))
    assert int(said) == count, said
    print(f"windows of 20 ms: peak {mb:.0f} MB, {spent:.1f} s ({count / spent * 1e-6:.0f} Mev/s)")  # noqa: T201
    with evcam.open(path) as recording:
        for attempt in ("the first, which builds the index", "again"):
            begin = time.process_time()
            found = len(recording.between(18.0, 18.02).events())
            print(f"a stretch of 20 ms at 18 s, {attempt}: {1e3 * (time.process_time() - begin):.1f} ms, {found:,} events")  # noqa: T201


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, fewer repeats, no long file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        throughputs(Path(folder), some_events(500_000 if args.quick else 5_000_000), 3 if args.quick else REPEATS)
        if not args.quick:
            memory(Path(folder))


if __name__ == "__main__":
    main()
