"""Print what the eventail solvers reach on the reference cases, beside the published program.

Run with EVCAM_REFERENCE_DATA set: ``python tests/figures/eventail_figures.py``.
"""


from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "solvers"))
from conftest import derotated, folded_deg

from evcam.solvers import estimate_direction, eventail_linear, refine_line

SINGLE = ("phys_pixel_0p5", "phys_pixel_2p0", "phys_jitter_1p0ms", "ref_pixel_0p5", "ref_pixel_2p0")
MANY = ("avgphys_pixel_0p5", "avgphys_jitter_0p5ms", "avgphys_gyro_5")


def partial_error_deg(line: object, v: np.ndarray) -> float:
    """Error of the partial velocity, with the estimated line direction taken out of the true velocity; 90 without answer."""
    if not line:
        return 90.0
    e1 = line.R_ref_line[..., 0]
    return float(folded_deg(line.direction, v - e1 * (e1 @ v)))


def main() -> None:
    """Print both tables."""
    folder = Path(os.environ["EVCAM_REFERENCE_DATA"]) / "golden" / "eventail"
    print("100 events, median direction error in degrees: reference linear, ours linear, ours refined (no answer counts as 90)")
    for name in SINGLE:
        cases = np.load(folder / f"cases_{name}.npz")
        events = [derotated(ev[:, :2], ev[:, 2], w) for ev, w in zip(cases["ev"], cases["w_used"], strict=True)]
        linear = [partial_error_deg(eventail_linear(e.bearings, e.times_s), v)
                  for e, v in zip(events, cases["v_true"], strict=True)]
        lines = [refine_line(e) for e in events]
        refined = [partial_error_deg(line, v) for line, v in zip(lines, cases["v_true"], strict=True)]
        print(f"{name:22s}{np.median(cases['lin100_err_deg']):8.3f}{np.median(linear):8.3f}{np.median(refined):8.3f}"
              f"   without answer {sum(not line for line in lines)}")
    print("ten lines of ten events, median / mean error in degrees: reference, ours; signs right; resolved; wrong of these")
    for name in MANY:
        cases = np.load(folder / f"cases_{name}.npz")
        found = [estimate_direction([derotated(ev[:, :2], ev[:, 2], w) for ev, w in zip(trial, rates, strict=True)])
                 for trial, rates in zip(cases["ev"], cases["w_used"], strict=True)]
        v = cases["v_true"]
        errors = np.array([folded_deg(f.vector, u / np.linalg.norm(u)) if f else 90.0 for f, u in zip(found, v, strict=True)])
        right = np.array([f.vector @ u > 0 for f, u in zip(found, v, strict=True)])
        resolved = np.array([f.sign_resolved for f in found])
        theirs = cases["avg_lin10_err_deg"][:, -1]
        print(f"{name:22s}{np.median(theirs):8.2f} /{theirs.mean():6.2f}{np.median(errors):8.2f} /{errors.mean():6.2f}"
              f"   {right.mean():.2f}  {resolved.mean():.2f}  {int((resolved & ~right).sum())}")


if __name__ == "__main__":
    main()
