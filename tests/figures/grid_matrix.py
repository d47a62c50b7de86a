"""Measure the moving circle grid's detector on many kinds of simulated recordings.

    python tests/figures/grid_matrix.py [--quick] [--only NAME] [--out TABLE.md]

Prints a Markdown table, one row per case; decides nothing and keeps nothing but the table.
The same commit gives the same figures, but for the processor time.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from grid_cases import CASES, Case
from grid_score import SLOT_US, GridScore, score_grid

from evcam.core.detections import Detections
from evcam.detect import detect
from evcam.sim import simulate

_HEAD = (
    "case", "kev/s", "px/s", "eligible slots", "complete", "recall", "visible recall", "all visible found", "wrong ids",
    "rms after shift, px", "shift, ms", "bias along, px", "NSE", "ms per 20 ms", "rejected",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One case's figures."""

    case: Case
    events_per_s: float
    score: GridScore
    ms_per_slot: float
    rejected: str

    def row(self) -> tuple[str, ...]:
        """As printed."""
        s = self.score
        return (
            self.case.name, f"{self.events_per_s / 1e3:.0f}", f"{s.median_speed_pxps:.0f}", f"{s.eligible}",
            f"{s.complete_share:.3f}", f"{s.circle_recall:.4f}", f"{s.visible_recall:.4f}", f"{s.all_visible_share:.3f}",
            f"{s.wrong_ids}", f"{s.rms_after_px:.3f}", f"{s.time_shift_ms:+.2f}", f"{s.along_bias_after_px:+.3f}",
            f"{s.normalised_squared_error:.2f}", f"{self.ms_per_slot:.1f}", self.rejected,
        )


def measure(case: Case) -> Measured:
    """Simulate, detect, score."""
    simulation = simulate(case.scene(), case.seed)
    start = time.process_time()
    found = detect(simulation.events, case.target)
    seconds = time.process_time() - start
    duration_s = simulation.truth.scene.trajectory.duration_s
    score = score_grid(found, simulation.truth, half_turn=case.target.half_turn_symmetric)
    ms_per_slot = seconds / duration_s * SLOT_US * 1e-3
    return Measured(case, len(simulation.events) / duration_s, score, ms_per_slot, _rejected(found))


def _rejected(found: Detections) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in found.rejection_counts().items())
    return reasons if found.mode == "moving" else f"taken for {found.mode}; {reasons}"


def main(arguments: list[str] | None = None) -> None:
    """Run the chosen cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only a few cases")
    parser.add_argument("--only", metavar="NAME", action="append", help="cases whose name contains NAME; may be repeated")
    parser.add_argument("--out", type=Path, help="write the table here instead of printing it")
    options = parser.parse_args(arguments)
    chosen = [c for c in CASES if (c.quick or not options.quick) and (not options.only or any(o in c.name for o in options.only))]
    if not chosen:
        parser.error(f"no case is called so; there are {', '.join(c.name for c in CASES)}")
    measure(replace(CASES[0], duration_s=0.6))  # compiles
    lines = [_markdown(_HEAD), _markdown(("---",) * len(_HEAD))]
    file = options.out.open("w", encoding="utf-8") if options.out else sys.stdout
    print("\n".join(lines), file=file, flush=True)
    for case in chosen:
        print(_markdown(measure(case).row()), file=file, flush=True)


def _markdown(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
