"""Processor time that the kernels of ``solvers/`` take to compile for the very first time.  Asserts nothing.

Each of several fresh processes starts with an empty cache of its own and calls everything that has a kernel:

    python tests/benchmarks/bench_compile.py [--repeats 3]

A row holds a kernel's own time, without the kernels that it calls; the sum is what the solvers add to a first run, beside
the imports.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np


def measure() -> dict[str, object]:
    """Own times of all kernels, in the order of their compilation, and what else the process spent, in this process."""
    start = time.process_time()
    from numba.core import event
    from numba.core.dispatcher import Dispatcher

    open_ones, times = [], []

    class Stopwatch(event.Listener):
        def on_start(self, event: event.Event) -> None:
            open_ones.append([time.process_time(), 0.0])

        def on_end(self, event: event.Event) -> None:
            begun, within = open_ones.pop()
            whole = time.process_time() - begun
            function = event.data["dispatcher"].py_func
            times.append((f"{function.__module__.rpartition('.')[2]}.{function.__name__}", whole - within))
            if open_ones:
                open_ones[-1][1] += whole

    event.register("numba:compile", Stopwatch())
    from bench_solvers import line_events

    from evcam.solvers import eventail_five_point, eventail_linear, find_line
    from evcam.solvers.circle_image import circle_center_offset
    from evcam.solvers.homography import homography_dlt

    imported = time.process_time() - start
    rng = np.random.default_rng(0)
    events = line_events(rng, 200, 200)
    eventail_five_point(events.bearings[:5], events.times_s[:5])
    eventail_linear(events.bearings, events.times_s)
    find_line(events)
    points = rng.normal(size=(8, 2))
    homography_dlt(points, points)
    circle_center_offset(lambda xy: xy, points, 0.1)
    spent = time.process_time() - start - imported
    kernels = {f"{name.rpartition('.')[2]}.{found.py_func.__name__}": bool(found.signatures)
               for name, module in sys.modules.items() if name.startswith("evcam.solvers.")
               for found in vars(module).values() if isinstance(found, Dispatcher) and found.py_func.__module__ == name}
    return {"times": times, "imported": imported, "called": spent, "missed": [k for k, called in kernels.items() if not called]}


def main() -> None:
    """Print the table, medians over the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--here", action="store_true", help="measure in this process, print JSON")
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measure()))  # noqa: T201
        return
    runs = []
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            answer = subprocess.run([sys.executable, __file__, "--here"], check=True, capture_output=True, text=True,
                                    env={**os.environ, "NUMBA_CACHE_DIR": folder})
        runs.append(json.loads(answer.stdout))
    times = np.median([[own for _, own in run["times"]] for run in runs], axis=0)
    for (name, _), own in zip(runs[0]["times"], times, strict=True):
        print(f"{name:34s}{own:8.3f} s")  # noqa: T201
    if runs[0]["missed"]:
        print("not called:", *runs[0]["missed"])  # noqa: T201
    print(f"compilation {np.median([sum(own for _, own in run['times']) for run in runs]):.2f} s, with the first calls "  # noqa: T201
          f"{np.median([run['called'] for run in runs]):.2f} s, imports {np.median([run['imported'] for run in runs]):.2f} s; "
          f"median of {len(runs)} processes, processor time")


if __name__ == "__main__":
    main()
