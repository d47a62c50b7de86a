"""Results on moving circle grids, where an independent simulator gives the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from measure import Run, run, shell_block, table

HERE = Path(__file__).parent
CASES = ("mid", "slow", "noisy")
_SCORE = "python $EVCAM_REFERENCE_DATA/score"

# The published program (eKalibr 3.0) on the same recordings, by the same scoring programs.
PUBLISHED = {
    "mid": {
        "complete": 0.39, "recall": 0.83, "rms": 0.80, "shift": 3.4,
        "after": 0.33, "bias": 0.08, "seen": 0.51, "free": 0.216, "ms": 97,
    },
    "slow": {
        "complete": 0.11, "recall": 0.48, "rms": 0.77, "shift": 5.0,
        "after": 0.21, "bias": 0.03, "seen": 0.76, "free": 0.103, "ms": 29,
    },
    "noisy": {
        "complete": 0.47, "recall": 0.93, "rms": 0.89, "shift": 0.9,
        "after": 0.82, "bias": 0.12, "seen": 0.49, "free": 0.169, "ms": 206,
    },
}


@dataclass(frozen=True)
class Figures:
    """One recording's detections and calibration, scored."""

    grid: dict[str, float]
    camera: dict[str, float]
    duration_s: float
    detect: Run
    calibrate: Run

    @property
    def ms_per_window(self) -> float:
        """Processor time of the detection per 20 ms of recording."""
        return 1e3 * self.detect.processor_s * 0.02 / self.duration_s


def measure(folder: Path, name: str, recording: str, truth: str, target: str) -> Figures:
    """Detect, calibrate, export and score."""
    detect = run(f"evcam detect {recording} --target {target} --out {name}.csv", folder)
    calibrate = run(f"evcam calibrate {name}.csv --out {name}.json", folder, may=(0, 3))
    run(f"evcam export {name}.json --format opencv --out {name}.yaml", folder)
    grid = run(f"{_SCORE}/score_grid.py {name}.csv {truth} --json", folder).data
    camera = run(f"{_SCORE}/score_intrinsics.py {name}.yaml {truth} --json", folder).data
    duration_s = run(f"evcam info {recording} --json", folder).data["duration_s"]
    return Figures(grid, camera, duration_s, detect, calibrate)


def moving_grid(folder: Path) -> str:
    """The three recordings of an independent simulator."""
    (folder / "grid.yaml").write_text("{type: asymmetric_circle_grid, rows: 11, cols: 4, spacing_m: 0.05, radius_m: 0.02}\n")
    data = "$EVCAM_REFERENCE_DATA/recordings/sim_circle_grid"
    rows, text = [], []
    for case in CASES:
        figures = measure(folder, case, f"{data}/{case}.h5", f"{data}/{case}_truth.npz", "grid.yaml")
        rows += [_published_row(case), _row(case, figures)]
        text += [f"$ {figures.detect.command}", figures.detect.out, f"$ {figures.calibrate.command}", figures.calibrate.out]
    return "\n\n".join([
        "## Moving circle grid (independent simulator)",
        "Scored by `score_grid.py` and `score_intrinsics.py` of the verification data: eligible 20 ms slots with a "
        "complete grid, circles found in them, centre error as it is and after the one time shift that explains it best, "
        "the bias along the motion that is left, normalised squared error of the centres (1 when their covariances are honest), "
        "displacement of the camera model over the visited pixels as it is and free of rotation. "
        "The published program is eKalibr 3.0 (C++, one thread); its time is that of the detection alone.",
        table(_HEAD, rows),
        shell_block(*text),
    ])


_HEAD = ["recording", "program", "complete", "circles", "wrong ids", "centre rms, px", "shift, ms",
         "after shift, px", "bias along, px", "NSE", "model, px",
         "free of rotation, px", "ms per 20 ms", "processor time / length"]


def _published_row(case: str) -> list[str]:
    p = PUBLISHED[case]
    return [case, "published", f"{p['complete']:.2f}", f"{p['recall']:.2f}", "", f"{p['rms']:.2f}",
            f"{p['shift']:.1f}", f"{p['after']:.2f}", f"{p['bias']:.2f}", "",
            f"{p['seen']:.2f}", f"{p['free']:.3f}", f"{p['ms']}", f"{p['ms'] / 20:.2f}"]


def _row(case: str, figures: Figures) -> list[str]:
    g, c = figures.grid, figures.camera
    return [case, "evcam", f"{g['complete_share']:.3f}", f"{g['circle_recall']:.3f}", f"{g['wrong_ids']}",
            f"{g['rms_px']:.3f}", f"{g['time_shift_ms']:+.2f}", f"{g['rms_after_shift_px']:.3f}",
            f"{g['along_bias_after_shift_px']:+.4f}", f"{g['normalised_squared_error']:.2f}",
            f"{c['displacement_seen_rms_px']:.3f}", f"{c['displacement_seen_rotation_free_rms_px']:.3f}",
            f"{figures.ms_per_window:.1f}", f"{figures.ms_per_window / 20:.2f}"]


def two_simulators(folder: Path) -> str:
    """A recording of evcam's own simulator beside one of the independent simulator."""
    theirs = "$EVCAM_REFERENCE_DATA/recordings/sim_circle_grid/mid"
    simulate = run(f"evcam simulate {HERE / 'mid_like.yaml'} --seed 0 --out own.h5 --truth own_truth.npz", folder)
    rows = [
        _row("independent simulator, mid", measure(folder, "theirs", f"{theirs}.h5", f"{theirs}_truth.npz", "grid.yaml")),
        _row("evcam simulate, mid_like", measure(folder, "own", "own.h5", "own_truth.npz", "grid.yaml")),
    ]
    return "\n\n".join([
        "## Two simulators",
        "The same board, camera and kind of motion, once from the independent simulator and once from `evcam simulate`: "
        "the errors have to agree in size.",
        table(_HEAD, rows),
        shell_block("$ " + simulate.command.replace(f"{HERE}/", "tests/figures/"), simulate.out),
    ])
