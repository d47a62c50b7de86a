"""What the direction of motion costs: throughput, latency and memory of a stream.  Decides nothing.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/bench_motion.py [--quick]

Simulated rooms with the default sensor, pushed in pieces of 10 ms.  Times are processor times of this process; the kernels
are compiled beforehand, and the table of pixels, computed once per estimator, is told apart.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

import evcam
from evcam.core.imu import ImuSamples
from evcam.flow import edge_crossings
from evcam.motion import VelocityEstimator, VelocityOptions
from evcam.motion.pixels import PixelTable
from evcam.sim import Simulation, random_room, simulate

CAMERA = evcam.Camera("pinhole-radtan", [450, 450, 319.5, 239.5, -0.2, 0.05, 0, 0, 0], 640, 480)
SMALL = evcam.Camera("pinhole-radtan", [200, 200, 119.5, 89.5, -0.1, 0.02, 0, 0, 0], 240, 180)
PIECE_US = 10_000
# Segments, m/s, rad/s.
ROOMS = ((15, 0.5, 0.5), (30, 1.0, 1.5), (50, 1.5, 2.5))
# Windows for telling what it is worth to begin with the lines of the one before.
EVEN = VelocityOptions(window_us=50_000)
DURATION_S, LOOP_S = 0.5, 0.4
STREAM_S = (10, 50, 100)


def spent(work: Callable[[], object]) -> float:
    """Processor seconds, user and system."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def pieces(events: evcam.Events) -> list[evcam.Events]:
    """Consecutive views of 10 ms."""
    return [events.between(start, start + PIECE_US) for start in range(int(events.t[0]), int(events.t[-1]) + 1, PIECE_US)]


def streamed(
    simulation: Simulation, options: VelocityOptions | None = None, *, anew: bool = False
) -> tuple[float, list[tuple[float, float]], int]:
    """Processor seconds of a whole stream; of each window, how long it waited (stream) and was computed (s); its lines.

    With ``anew`` every window forgets the lines of the one before.
    """
    estimator = VelocityEstimator(CAMERA, options)
    estimator.push_imu(simulation.imu)
    latencies, lines = [], 0
    begin = time.process_time()
    for piece in pieces(simulation.events):
        estimator.push_events(piece)
        asked = time.process_time()
        estimates = estimator.poll()
        if anew:
            estimator._solver._search._before = None
        if estimates:
            took = (time.process_time() - asked) / len(estimates)
            latencies += [((int(piece.t[-1]) - e.stop_us) * 1e-6, took) for e in estimates]
            lines += sum(len(e.lines) for e in estimates)
    lines += sum(len(e.lines) for e in estimator.finish())
    return time.process_time() - begin, latencies, lines


def numpy_pass(events: evcam.Events) -> None:
    """The least that NumPy can do with every event: count them by pixel, and bound their times."""
    for piece in pieces(events):
        np.bincount(piece.y.astype(np.int64) * piece.width + piece.x, minlength=piece.width * piece.height)
        piece.t.max(initial=0)


def crossings(events: evcam.Events) -> None:
    """Edge crossings alone, in pieces as long as a window."""
    for start in range(int(events.t[0]), int(events.t[-1]) + 1, 10 * PIECE_US):
        edge_crossings(events.between(start, start + 10 * PIECE_US))


def throughput(quick: bool) -> None:
    """The table of throughput and latency."""
    repeats = 1 if quick else 3
    table_s = median(spent(lambda: PixelTable.of(CAMERA)) for _ in range(repeats))
    print(f"\ntable of {CAMERA.width}x{CAMERA.height} pixels, once: {table_s:.2f} s\n")  # noqa: T201
    print("| room | events, M | Mev/s end to end | with the table | lines and windows | edge_crossings alone, Mev/s "  # noqa: T201
          "| times a NumPy pass | 50 ms windows: anew over warm | latency: waiting, ms | computing, median / most, ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")  # noqa: T201
    total_s, total = 0.0, 0
    for seed, (segments, speed, turn) in enumerate(ROOMS[1:2] if quick else ROOMS):
        room = random_room(CAMERA, seed, segments=segments, speed_mps=speed, turn_radps=turn, duration_s=DURATION_S)
        simulation = simulate(room, seed)
        events = simulation.events
        if seed == 0:
            streamed(simulation)  # compiles
        runs = [streamed(simulation) for _ in range(repeats)]
        # One after the other, so that both see the same machine.
        pairs = [[streamed(simulation, EVEN, anew=anew)[0] - table_s for anew in (True, False)] for _ in range(repeats)]
        with_table_s = median(run[0] for run in runs)
        seconds = with_table_s - table_s
        flow_s = median(spent(lambda: crossings(events)) for _ in range(repeats))  # noqa: B023
        numpy_s = median(spent(lambda: numpy_pass(events)) for _ in range(repeats))  # noqa: B023
        latencies = np.array(runs[0][1])
        waiting, computing = 1e3 * np.median(latencies[:, 0]), 1e3 * latencies[1:, 1]
        size = len(events) / 1e6
        total_s, total = total_s + seconds, total + len(events)
        print(f"| {segments} segments, {speed} m/s, {np.degrees(turn):.0f} deg/s | {size:.2f} | {size / seconds:.2f} "  # noqa: T201
              f"| {size / with_table_s:.2f} | {runs[0][2]} in {len(latencies) + 1} | {size / flow_s:.1f} "
              f"| {seconds / numpy_s:.0f} | {median(anew / warm for anew, warm in pairs):.2f} "
              f"| {waiting:.0f} | {np.median(computing):.0f} / {computing.max():.0f} |", flush=True)
    print(f"\n{total / total_s / 1e6:.2f} M events per processor second over all")  # noqa: T201


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def shifted(simulation: Simulation, shift_us: int) -> tuple[list[evcam.Events], ImuSamples]:
    """One turn of the loop."""
    events, imu, stop_us = simulation.events, simulation.imu, int(1e6 * LOOP_S)
    events = events.between(0, stop_us)
    turn = evcam.Events(events.t + shift_us, events.x, events.y, events.p, events.width, events.height)
    inside = (imu.t >= 0) & (imu.t < stop_us)
    return pieces(turn), replace(imu, t=imu.t[inside] + shift_us, gyro_radps=imu.gyro_radps[inside], accel_mps2=None)


def memory(quick: bool) -> None:
    """Memory of a long stream: a short recording of a small sensor, over and over."""
    room = random_room(SMALL, 1, segments=6, speed_mps=0.5, turn_radps=0.3, duration_s=LOOP_S)
    simulation = simulate(room, 1)
    estimator, marks = VelocityEstimator(SMALL), [s / 10 for s in STREAM_S] if quick else list(STREAM_S)
    at_start, count, windows, answered, cells = resident_mb(), 0, 0, 0, []
    begin = time.process_time()
    for turn in range(round(marks[-1] / LOOP_S)):
        events, imu = shifted(simulation, round(1e6 * LOOP_S) * turn)
        estimator.push_imu(imu)
        for piece in events:
            estimator.push_events(piece)
            count += len(piece)
            for estimate in estimator.poll():
                windows, answered = windows + 1, answered + bool(estimate)
        if (turn + 1) * LOOP_S >= marks[0] - 1e-9:
            cells.append(f"{resident_mb():.1f} MB after {marks.pop(0):g} s")
        if not marks:
            break
    print(f"memory: {at_start:.1f} MB before, {', '.join(cells)}; {count / 1e6:.1f} M events, {answered} of {windows} windows "  # noqa: T201
          f"answered, {time.process_time() - begin:.0f} s of processor time")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one room, one repetition, a tenth of the long stream")
    args = parser.parse_args()
    memory(args.quick)  # first: what the rooms leave would hide what grows
    throughput(args.quick)


if __name__ == "__main__":
    main()
