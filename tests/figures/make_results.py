"""Measure what evcam reaches and write docs/results.md.

    EVCAM_REFERENCE_DATA=/path/to/verification/data python tests/figures/make_results.py        # about an hour
    ... python tests/figures/make_results.py --only flow solvers                                # these sections anew

Runs the command line on the verification data (which is not part of this repository), on one core,
scores it with that data's own programs and puts the figures beside those of the published programs.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Run, run, shell_block
from results_moving import moving_grid, two_simulators
from results_programs import cost, flow, kinds, processes, recordings, simulator, solver_truth, solvers, velocity, viewer
from results_real import davis346, flicker

TOP = Path(__file__).parents[2]
RESULTS = TOP / "docs" / "results.md"
INTRODUCTION = (
    "# Results\n\n"
    "Written by `python tests/figures/make_results.py`; `$EVCAM_REFERENCE_DATA` is the folder of the verification data. "
    "One core; times are processor time (user and system, the interpreter's start included) over the length of the "
    "recording, measured in this run: compare ratios, not machines."
)


def main() -> int:
    """Write docs/results.md, or some of its sections anew."""
    sections: dict[str, Callable[[Path], str]] = {
        f.__name__: f for f in (
            sample, flicker, davis346, moving_grid, two_simulators, covariance, kinds, processes, cost, flow, simulator, solvers,
            solver_truth, velocity, recordings, viewer,
        )
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=sections, metavar="SECTION", help=f"of {', '.join(sections)}")
    chosen = parser.parse_args().only or list(sections)
    if "EVCAM_REFERENCE_DATA" not in os.environ:
        print("EVCAM_REFERENCE_DATA does not name the folder of the verification data", file=sys.stderr)
        return 2
    written = _sections(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        sample(Path(name))  # compiles the kernels, so that times are those of every later run
    with tempfile.TemporaryDirectory() as name:
        for section in chosen:
            text = sections[section](Path(name))
            written[_title(text)] = text
            RESULTS.write_text("\n\n".join([INTRODUCTION, *written.values()]) + "\n", encoding="utf-8")
    return 0


def _sections(text: str) -> dict[str, str]:
    """The sections of the results by their titles."""
    parts = re.split(r"^(?=## )", text, flags=re.M)[1:]
    return {_title(part): part.rstrip() for part in parts}


def _title(text: str) -> str:
    return text.split("\n", 1)[0]


def sample(folder: Path) -> str:
    """The README's main job."""
    command = "evcam calibrate data/circle_grid.h5 --target data/circle_grid.yaml --out"
    done = run(f"cd {TOP} && {command} {folder}/camera.json", folder, may=(0, 3))
    return "\n\n".join(["## The sample recording", shell_block(f"$ {command} camera.json", _without_folder(done, folder))])


def covariance(folder: Path) -> str:
    """Fifty simulated recordings, detected and calibrated: are the errors what the covariance says?"""
    command = "python tests/benchmarks/bench_covariance.py --seeds 50 --jobs 2"
    done = run(f"cd {TOP} && {command}", folder)
    lines = [line for line in done.out.splitlines() if not line.startswith("seed ")]
    about = (
        "Every recording waves the camera differently and draws its own noise.  The normalised squared error of the "
        "intrinsics is 1 on average if their covariance is honest; asked for is 0.7 to 1.3."
    )
    return "\n\n".join(["## Is the covariance true?", about, shell_block(f"$ {command}", *lines)])


def _without_folder(done: Run, folder: Path) -> str:
    return done.out.replace(f"{folder}/", "")


if __name__ == "__main__":
    sys.exit(main())
