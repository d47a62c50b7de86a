"""What ``evcam detect`` costs as a whole process, start and end included, by size of the sensor.  Decides nothing.

    python tests/benchmarks/bench_process.py [--quick] [--keep DIR]

Recordings are simulated at the event rates of the reference recordings; with ``EVCAM_REFERENCE_DATA`` set, those of them
that are there are measured too.  Times are processor times, user and system, of single-threaded processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import evcam
from evcam.apps import exit_codes
from evcam.io import save_h5
from evcam.sim import Sensor, simulate_chunks

sys.path.insert(0, str(Path(__file__).parents[1] / "figures"))
from grid_cases import HD, VGA, Case

STEP_S = 0.02
BOARD = Path(__file__).parents[2] / "data" / "circle_grid.yaml"
THRESHOLD = 0.3
CASES = (
    Case("346x260, 150 px/s", speed_pxps=150.0, events_per_crossing=11.1, duration_s=5.0, seed=5),
    Case("346x260, 300 px/s", speed_pxps=297.0, events_per_crossing=11.2, duration_s=4.0, seed=5),
    Case("640x480", VGA, speed_pxps=426.0, events_per_crossing=11.7, duration_s=4.0, seed=5),
    Case("1280x720", HD, speed_pxps=442.0, events_per_crossing=12.8, duration_s=2.0, seed=5),
)


def simulated(case: Case, folder: Path) -> Path:
    """The case as a recording: contrast is raised by lower thresholds, as sensors' biases do."""
    path = folder / f"{case.name.replace(', ', '_').replace(' ', '').replace('/', '')}_{case.duration_s:g}s.h5"
    if not path.exists():
        threshold = THRESHOLD * 8.5 / case.events_per_crossing
        scene = replace(case, sensor=Sensor(threshold, threshold)).scene()
        save_h5(path, simulate_chunks(scene, case.seed))
    return path


def reference_recordings() -> list[Path]:
    """The circle grids of the verification data, if they are there."""
    folder = os.environ.get("EVCAM_REFERENCE_DATA")
    return sorted(Path(folder).glob("recordings/sim_circle_grid/*.h5")) if folder else []


def detect(recording: Path, out: Path) -> tuple[float, int]:
    """Processor seconds of one process, and how many steps of 20 ms it looked at."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "evcam.apps", "detect", str(recording), "--target", str(BOARD), "--out", str(out), "--force",
               "--json", "--quiet"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode not in (exit_codes.DONE, exit_codes.DISTRUST):
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, found["views"] + sum(found["rejected"].values())


def row(name: str, recording: Path, out: Path, repeats: int) -> tuple[str, ...]:
    """One line of the table."""
    with evcam.open(recording) as opened:
        rate = opened.summary().rate_mevps
    runs = [detect(recording, out) for _ in range(repeats)]
    seconds, steps = [run[0] for run in runs], runs[0][1]
    per_step = [f"{1e3 * s / steps:.2f}" for s in (median(seconds), min(seconds))]
    return name, f"{rate:.2f}", f"{STEP_S * steps:.1f}", f"{median(seconds):.2f}", *per_step


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="recordings a quarter as long, one repetition")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the recordings here, and take those that are there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, out = args.keep or Path(temporary), Path(temporary) / "views.csv"
        folder.mkdir(parents=True, exist_ok=True)
        begin = time.process_time()
        cases = [replace(case, duration_s=case.duration_s / (4 if args.quick else 1)) for case in CASES]
        recordings = [(case.name, simulated(case, folder)) for case in cases]
        print(f"(simulating took {time.process_time() - begin:.0f} s)")  # noqa: T201
        recordings += [(path.stem, path) for path in reference_recordings()]
        with evcam.open(recordings[0][1]) as opened:
            save_h5(Path(temporary) / "short.h5", opened.events(0.0, 0.1))
        short = Path(temporary) / "short.h5"
        detect(short, out)  # compiles
        repeats = 1 if args.quick else 5
        start_s = median(detect(short, out)[0] for _ in range(repeats))
        head = ("recording", "Mev/s", "s of recording", "s of the process", "ms per 20 ms, median", "least")
        print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))  # noqa: T201
        for name, path in recordings:
            print("| " + " | ".join(row(name, path, out, repeats)) + " |")  # noqa: T201
        print(f"\n{start_s:.2f} s of each are spent also on 100 ms of recording: start and end of the process.")  # noqa: T201


if __name__ == "__main__":
    main()
