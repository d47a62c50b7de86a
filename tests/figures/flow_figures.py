"""Print how true the normal flow is on edges whose motion is known, and how it fares on real recordings.

    EVCAM_REFERENCE_DATA=... python tests/figures/flow_figures.py [--quick]

What is counted is said in flow_score.py.  Without the reference data only scenes of our own simulator are measured.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from flow_real import RealScore, rolling, translating
from flow_score import Compared, FlowScore, compare
from flow_truth import CircleEdges, truth_of
from grid_cases import CASES

import evcam
from evcam.sim import load_scene, simulate

SCENES = Path(__file__).parents[2] / "data" / "scenes"
RECORDED = ("mid", "slow", "noisy")
SIMULATED = (
    "50 px/s", "baseline, seed 1", "600 px/s", "1000 px/s", "640x480", "2.5 events per crossing", "1.5 events per crossing",
    "threshold 0.5", "white discs", "tilts up to 60 deg", "5 Hz noise per pixel", "low-pass 50 Hz", "equidistant lens",
)
QUICK = ("50 px/s", "640x480", "2.5 events per crossing")
CLASSES_PXPS = (0.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 9999.0)


def recorded() -> Iterator[tuple[str, Compared]]:
    """The reference recordings of moving boards, if they are there."""
    folder = os.environ.get("EVCAM_REFERENCE_DATA")
    for name in RECORDED if folder else ():
        path = Path(str(folder)) / "recordings" / "sim_circle_grid" / f"{name}.h5"
        with evcam.open(path) as recording:
            yield name, compare(recording.events(), CircleEdges.of_file(path.with_name(f"{name}_truth.npz")))


def real() -> Iterator[tuple[str, RealScore]]:
    """The real reference recordings whose camera's motion is known, if they are there."""
    folder = os.environ.get("EVCAM_REFERENCE_DATA")
    if not folder:
        return
    recordings = Path(folder) / "recordings"
    for name in ("slider_depth_davis240", "dynamic_translation_davis240", "boxes_translation_davis240"):
        yield name, translating(recordings / name)
    yield "spokes_imu_davis240", rolling(recordings / "spokes_imu_davis240" / "IMU_rotDisk.aedat")


def simulated(names: tuple[str, ...]) -> Iterator[tuple[str, Compared]]:
    """Scenes of our own: boards of `grid_cases`, and bars in space."""
    for case in CASES:
        if case.name in names:
            simulation = simulate(case.scene(), case.seed)
            yield case.name, compare(simulation.events, truth_of(simulation.truth))
    simulation = simulate(load_scene(SCENES / "lines.yaml"))
    yield "bars and boundaries", compare(simulation.events, truth_of(simulation.truth))


def percent(*shares: float) -> list[str]:
    return ["" if share != share else f"{100 * share:.1f}" for share in shares]


def right(score: FlowScore) -> list[str]:
    return percent(score.direction_share, score.magnitude_share)


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def head(*cells: str) -> None:
    print()
    row(*cells)
    row(*["---"] * len(cells))


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer scenes")
    options = parser.parse_args()
    head("edges at 50 px/s and faster along their normal", "crossings", "with a flow, %", "events, %",
         "within 15 degrees, %", "within 30 %", "normalised squared error", "in the 95 % ellipse, %",
         "board at 50 px/s and faster, any edge: 15 degrees, %", "30 %")
    measured = []
    for source in (recorded(), simulated(QUICK if options.quick else SIMULATED)):
        for name, compared in source:
            measured.append((name, compared))
            fast = compared.fast_edges()
            row(name, f"{fast.crossings}", *percent(fast.known_share, fast.known_event_share), *right(fast),
                f"{fast.normalised_squared_error:.2f}", *percent(fast.within_95_share), *right(compared.fast_board()))
    classes = list(pairwise(CLASSES_PXPS))
    head("speed along the normal, px/s: within 15 degrees / 30 %", *[f"{a:.0f}-{b:.0f}" for a, b in classes])
    for name, compared in measured:
        row(name, *[" / ".join(right(compared.edges_between(*limits))) for limits in classes])
    head("real recording", "crossings", "with a flow, %", "direction that the camera's motion allows, %",
         "of the gyro's magnitude: 5th, 50th, 95th percentile")
    for name, score in real():
        row(name, f"{score.crossings}", *percent(score.known_share, score.right_sign_share),
            ", ".join(f"{part:.2f}" for part in score.ratio if part == part))


if __name__ == "__main__":
    main()
