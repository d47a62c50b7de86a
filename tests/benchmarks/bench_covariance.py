"""Is the stated covariance of the intrinsics true?  Whole recordings, simulated, detected and calibrated.

Every seed waves the camera differently and draws its own sensor noise.  The normalised squared error
e' C^-1 e / n is one on average if the covariance C is honest.

    python tests/benchmarks/bench_covariance.py --seeds 50 --jobs 2
"""

from __future__ import annotations

import argparse

import joblib
import numpy as np
from numpy.typing import NDArray

import evcam
from evcam.calib import CalibrationOptions, calibrate
from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.sim import circle_grid
from evcam.sim.placing import hand_before

TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
CAMERA = Camera("pinhole-radtan", [225.0, 224.0, 121.0, 88.5, -0.3, 0.1, 0.0, 0.0, 0.0], 240, 180)
FREE = np.array([0, 1, 2, 3, 4, 5])


def one(seed: int, duration_s: float) -> tuple[float, NDArray[np.float64], int, float]:
    """Normalised squared error, errors in standard deviations, stretches and reprojection error of one recording."""
    motion = hand_before(TARGET, CAMERA, duration_s, seed=seed)
    events = circle_grid(TARGET, CAMERA, motion, seed=seed).events
    found = evcam.detect(events, TARGET, mode="moving")
    result = calibrate(found, options=CalibrationOptions(fix=("k3", "p1", "p2")))
    error = (result.camera.params - CAMERA.params)[FREE]
    squared = error @ np.linalg.solve(result.covariance[np.ix_(FREE, FREE)], error) / len(FREE)
    return float(squared), error / result.stds[FREE], result.independent_stretches, result.rms_px


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--duration-s", type=float, default=4.0)
    args = parser.parse_args()
    runs = joblib.Parallel(args.jobs, return_as="generator")(joblib.delayed(one)(s, args.duration_s) for s in range(args.seeds))
    squared, scaled = [], []
    for seed, (value, errors, stretches, rms_px) in enumerate(runs):
        squared.append(value)
        scaled.append(errors)
        show(f"seed {seed}: {value:.2f}, {stretches} stretches, rms {rms_px:.3f} px, errors / std {np.round(errors, 1)}")
    names = Camera.param_names(CAMERA.model)
    show(f"normalised squared error over {len(squared)} seeds: mean {np.mean(squared):.2f}, median {np.median(squared):.2f}")
    for i, mean, std in zip(FREE, np.mean(scaled, 0), np.std(scaled, 0), strict=True):
        show(f"  {names[i]}: errors / std have mean {mean:+.2f}, deviation {std:.2f}")


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
