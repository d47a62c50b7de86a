"""Print how much outliers cost a line, beside what the true mixture of line and outliers would lose.

    python tests/figures/solver_outliers.py [--quick] [--jobs N] [--noise gaussian|ring]

100 to 5,000 events of physical scenes (the recipe of the reference's phys cases, random line and motion), of which 30, 50 or 70 %
are uniformly random in image and time.  Noise is 0.5 px: normal per axis, or of exactly that length as in the reference cases.

Two errors are counted: the angle of the direction of motion, as in the reference cases, and that of the line, the rms distance in
pixels at the inliers' places.  Of each:

    paired     share of runs whose error is within 1.5 times that of the same run's inliers alone
    level      share of runs whose error is within 1.5 times what 99 % of the runs with the inliers alone do not exceed
    median     share of runs whose error is within 1.5 times the median of the inliers alone, and the same of these
    50 90 99   quantiles of the errors over those of the inliers alone

The oracle is no method: it knows the share of outliers, the noise and where the visible piece of the line ends, and starts at the
truth.  It is compared with the most likely line of the inliers alone, ours with `refine_line` of the inliers alone.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).parents[1] / "solvers"))
from conftest import FOCAL_PX, HALF_S, HEIGHT, WIDTH, SeenLine, derotated, folded_deg, see_line, unit

from evcam.core.rotation import exp_so3
from evcam.solvers import DerotatedEvents, find_line, partial_velocity, refine_line
from evcam.solvers._scoring import _squared_distances
from evcam.solvers.line_fits import EventsOfLines, descend

COUNTS, SHARES = (100, 300, 1000, 5000), (0.3, 0.5, 0.7)
SIGMA_PX, WITHIN, WORST = 0.5, 1.5, 0.99
# The reference's recipe places events along the line from so far before its two points to so far behind.
PLACES = (-0.5, 1.5)
ROUNDS = 30


@dataclass(frozen=True)
class Run:
    """Errors (degrees, pixels) of ours, the inliers alone, the oracle and its inliers alone; infinite without line."""

    ours: np.ndarray
    alone: np.ndarray
    oracle: np.ndarray
    oracle_alone: np.ndarray


def scene(rng: np.random.Generator, inliers: int, noise: str) -> tuple[np.ndarray, SeenLine]:
    """Velocity and a line as `SeenLine`, with the noise asked for."""
    v, w = 0.5 * unit(rng), np.radians(15) * unit(rng)
    ring = noise == "ring"
    line = see_line(rng, v, w, inliers, px=SIGMA_PX if ring else 0.0)
    offset = 0.0 if ring else SIGMA_PX * rng.normal(size=line.pixels.shape)
    return v, SeenLine(line.ends, line.pixels + offset, line.times_s, line.w_gyro, line.vector)


def errors(vector: np.ndarray, seen: SeenLine, events: DerotatedEvents, v: np.ndarray) -> np.ndarray:
    """Angle of the direction, with the estimated line's own taken out of the velocity, and rms distance of the lines."""
    direction = partial_velocity(vector[:3], vector[3:])
    e1 = np.cross(vector[:3], vector[3:])
    e1 = e1 / np.linalg.norm(e1)
    n, truth = (x[:3] - events.times_s[:, None] * x[3:] for x in (vector, seen.vector))
    # Feet of the events on the true line, and their distances to the estimated one.
    feet = events.bearings - truth * ((events.bearings * truth).sum(1) / (truth * truth).sum(1))[:, None]
    slopes = np.einsum("nij,ni->nj", events.pixel_jacobians, n)
    distances = (feet * n).sum(1) / np.linalg.norm(slopes, axis=1)
    return np.array([folded_deg(direction, v - e1 * (e1 @ v)), np.sqrt((distances**2).mean())])


def pieces(seen: SeenLine, v: np.ndarray, pixels: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Visible length of the true line at each event's time, pixels; infinite for events that lie beyond its ends."""
    place = np.linspace(*PLACES, 400)
    points = seen.ends[0] + place[:, None] * (seen.ends[1] - seen.ends[0])
    lengths = np.empty(len(times))
    for i, (t, pixel) in enumerate(zip(times, pixels, strict=True)):
        cam = (points - t * v) @ exp_so3(t * seen.w_gyro)
        shown = cam[cam[:, 2] > 0.1]
        image = shown[:, :2] / shown[:, 2:] * FOCAL_PX + [WIDTH / 2, HEIGHT / 2]
        image = image[((image >= 0) & (image < [WIDTH, HEIGHT])).all(1)]
        if len(image) < 2:
            lengths[i] = np.inf
            continue
        ends = image[[0, -1]]
        along = ends[1] - ends[0]
        length = np.linalg.norm(along)
        foot = (pixel - ends[0]) @ along / length
        lengths[i] = length if -2 < foot < length + 2 else np.inf
    return lengths


def oracle(events: DerotatedEvents, seen: SeenLine, v: np.ndarray, pixels: np.ndarray, outliers: int) -> np.ndarray:
    """Most likely line of the true mixture, started at the truth."""
    squared = np.empty(len(events))
    _squared_distances(events.bearings, events.pixel_jacobians, events.times_s, seen.vector, squared)
    near = np.flatnonzero(squared < (8 * SIGMA_PX) ** 2)
    some = events[near]
    sigma = SIGMA_PX
    # Outliers per inlier and pixel of distance, along the visible piece.
    density = outliers / (WIDTH * HEIGHT) / (len(events) - outliers) * pieces(seen, v, pixels[near], events.times_s[near])
    vector, stack = seen.vector, EventsOfLines.joined([some])
    for _ in range(ROUNDS):
        squared = np.empty(len(near))
        _squared_distances(some.bearings, some.pixel_jacobians, some.times_s, np.ascontiguousarray(vector), squared)
        inside = np.exp(-0.5 * squared / sigma**2) / np.sqrt(2 * np.pi) / sigma
        before, vector = vector, descend(stack.weighted(inside / (inside + density)), vector[None])[0]
        if np.linalg.norm(vector - before) < 1e-8:
            break
    return vector


def run(count: int, share: float, noise: str, seed: int) -> Run:
    """One scene, seeded by all that says what it is."""
    rng = np.random.default_rng([count, round(100 * share), seed])
    outliers = round(share * count)
    v, seen = scene(rng, count - outliers, noise)
    pixels = np.concatenate([seen.pixels, rng.uniform([0, 0], [WIDTH, HEIGHT], (outliers, 2))])
    events = derotated(pixels, np.concatenate([seen.times_s, rng.uniform(-HALF_S, HALF_S, outliers)]), seen.w_gyro)
    inliers = events[: count - outliers]
    found, alone = find_line(events, seed=seed).line, refine_line(inliers)
    likely = descend(EventsOfLines.joined([inliers]), seen.vector[None])[0]
    none = np.full(2, np.inf)
    return Run(*(errors(x, seen, inliers, v) if x is not None else none for x in (
        found.vector if found else None, alone.vector if alone else None, oracle(events, seen, v, pixels, outliers), likely)))


def within(errors: np.ndarray, limits: np.ndarray | float) -> float:
    """Percent of the errors within 1.5 times the limits."""
    return float(100 * (errors <= WITHIN * limits).mean())


def table(count: int, share: float, runs: list[Run]) -> str:
    """Both lines of one configuration; runs whose inliers alone have no answer do not count."""
    asked = [r for r in runs if np.isfinite(r.alone).all()]
    lines = []
    for k, name in enumerate(("direction", "line")):
        ours, alone, best, likely = (
            np.array([getattr(r, field)[k] for r in asked]) for field in ("ours", "alone", "oracle", "oracle_alone"))
        worst, worst_likely = (np.quantile(errors, WORST, method="higher") for errors in (alone, likely))
        ratios = [np.quantile(ours, q, method="higher") / np.quantile(alone, q, method="higher") for q in (0.5, 0.9, WORST)]
        lines.append(
            f"{count:5d} {100 * share:3.0f} %  {name:9s}  paired {within(ours, alone):5.1f} "
            f"(oracle {within(best, likely):5.1f})  "
            f"level {within(ours, worst):5.1f} ({within(best, worst_likely):5.1f})  "
            f"median {within(ours, float(np.median(alone))):5.1f} (alone {within(alone, float(np.median(alone))):5.1f})  "
            f"50 90 99: {ratios[0]:5.2f} {ratios[1]:5.2f} {ratios[2]:5.2f}")
    missing = sum(not np.isfinite(r.ours).all() for r in asked)
    return "\n".join(lines) + f"   no line {100 * missing / len(asked):.1f} % of {len(asked)}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60 runs of each kind instead of 400")
    parser.add_argument("--noise", choices=("gaussian", "ring"), default="gaussian")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    runs = 60 if args.quick else 400
    print(f"{runs} runs each, {args.noise} noise, percent of runs")
    with Parallel(n_jobs=args.jobs) as parallel:
        for count in COUNTS:
            for share in SHARES:
                print(table(count, share, list(parallel(delayed(run)(count, share, args.noise, seed) for seed in range(runs)))),
                      flush=True)


if __name__ == "__main__":
    main()
