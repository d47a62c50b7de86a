"""Directions of motion against truth: real recordings and simulated rooms.

    python tests/figures/velocity_figures.py [--rooms 12] [--first 0] [--window-ms MS] [--anew] [--fused]

Prints two tables.  Real recordings are found through EVCAM_REFERENCE_DATA.  Rooms: 10 to 60 segments, 640x480, 0.3 to 2 m/s,
up to 180 deg/s, half a second each, default sensor, gyro with noise and bias.  With --anew no window begins with the lines
of the one before; with --fused the last line says what the lines of each window tell by themselves (`LineFactor`).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import evcam
from evcam.motion import LineFactor, VelocityEstimate, VelocityOptions, estimate_velocity
from evcam.motion.search import LineSearch
from evcam.sim import random_room, simulate
from evcam.solvers.direction_posterior import Posterior, half_sphere, moments, patch_around

CAMERA = evcam.Camera("pinhole-radtan", [450, 450, 319.5, 239.5, -0.2, 0.05, 0, 0, 0], 640, 480)
REAL = (("slider_depth_davis240", None, 60_000), ("dynamic_translation_davis240", 1_000_000, 0),
        ("boxes_translation_davis240", 1_000_000, 0))
INSIDE_95 = 5.991


def scores(estimate: VelocityEstimate, truth: np.ndarray) -> tuple[float, float, float, bool]:
    """Angle and in-plane angle to the truth (degrees, the better sign), squared error in units of the covariance, sign."""
    d = truth / np.linalg.norm(truth)
    right = bool(estimate.direction @ d > 0)
    v = estimate.direction if right else -estimate.direction
    plane = np.linalg.svd(v[None])[2][1:]
    offset = plane @ (d / (v @ d) - v)
    squared = float(offset @ np.linalg.solve(plane @ estimate.covariance @ plane.T, offset))
    in_plane = abs(np.angle(complex(*v[:2]) / complex(*d[:2])))
    return float(np.degrees(np.arccos(min(1.0, v @ d)))), float(np.degrees(in_plane)), squared, right


def real_table(folder: Path) -> None:
    print("| recording | windows | answered | in-plane error, median / p90, deg | its std | angle, median | signs right |")
    print("|---|---|---|---|---|---|---|")
    for name, window_us, from_us in REAL:
        truth = json.loads((folder / name / "truth.json").read_text())
        camera = evcam.Camera.load(folder / name / "calib.txt", width=240, height=180)
        with evcam.open(folder / name / "events.txt", width=240, height=180) as recording:
            estimates = [e for e in estimate_velocity(recording, camera, options=VelocityOptions(window_us=window_us),
                                                      angular_velocity_radps=truth["angular_velocity_camera_radps"])
                         if e.t_us >= recording.start_us + from_us]
        found = [e for e in estimates if e]
        if not found:
            print(f"| {name} | {len(estimates)} | 0 ({estimates[0].status}) | | | | |")
            continue
        values = np.array([scores(e, np.array(truth["direction_camera"])) for e in found])
        median, p90 = np.percentile(values[:, 1], (50, 90))
        std = np.degrees(np.median([e.in_plane_std_rad for e in found]))
        angle = np.median(values[:, 0])
        print(f"| {name} | {len(estimates)} | {len(found)} | {median:.1f} / {p90:.1f} | {std:.1f} | {angle:.1f} "
              f"| {int(values[:, 3].sum())} of {len(found)} |")


def fused(factor: LineFactor, truth: np.ndarray) -> tuple[float, float]:
    """Angle to the truth (degrees) of what a window's lines say without the depths, and its squared error over its covariance."""
    def posterior(directions: np.ndarray, areas: np.ndarray) -> Posterior:
        return moments(directions, np.array([[factor.cost(v) for v in directions]]), areas)

    lattice = half_sphere(1000)
    result = posterior(lattice, np.ones(len(lattice)))
    for _ in range(3):
        result = posterior(*patch_around(result.axes, np.clip(np.sqrt(result.variances), 0.02, 0.35)))
    v, plane = result.axes[:, 2], result.axes[:, :2].T
    v = v * np.sign(v @ truth)
    angle = np.degrees(np.arccos(min(1.0, v @ truth / np.linalg.norm(truth))))
    return float(angle), float(((plane @ (truth / (v @ truth) - v)) ** 2 / result.variances).sum() / 2)


def room_table(first: int, count: int, options: VelocityOptions, with_fused: bool) -> None:
    print("| room | segments | m/s | deg/s | events, M | cpu s per s | windows: error, deg (stated std) |")
    print("|---|---|---|---|---|---|---|")
    values, alone, windows, cpu, seconds, events = [], [], 0, 0.0, 0.0, 0
    for seed in range(first, first + count):
        rng = np.random.default_rng(1000 + seed)
        room = {"segments": int(rng.integers(10, 61)), "speed_mps": float(rng.uniform(0.3, 2)),
                "turn_radps": float(rng.uniform(0, np.pi))}
        simulation = simulate(random_room(CAMERA, seed, duration_s=0.5, **room), seed)
        begin = time.process_time()
        estimates = estimate_velocity(simulation.events, CAMERA, simulation.imu, options)
        spent = time.process_time() - begin
        cpu, seconds, events = cpu + spent, seconds + 0.5, events + len(simulation.events)
        windows += len(estimates)
        cells = []
        for e in estimates:
            if not e:
                cells.append(str(e.status))
                continue
            velocity, _ = simulation.truth.scene.trajectory.velocity(e.t_us)
            if with_fused:
                alone.append(fused(e.factor, velocity))
            value = scores(e, velocity)
            values.append((*value, e.sign_resolved))
            cells.append(f"{value[0]:.1f} ({np.degrees(np.sqrt(np.linalg.eigvalsh(e.covariance)[-1])):.1f})")
        print(f"| {seed} | {room['segments']} | {room['speed_mps']:.1f} | {np.degrees(room['turn_radps']):.0f} "
              f"| {len(simulation.events) / 1e6:.1f} | {spent / 0.5:.1f} | {', '.join(cells)} |", flush=True)
    v = np.array(values)
    resolved = v[:, 4] > 0
    median, p95 = np.percentile(v[:, 0], (50, 95))
    print(f"\nanswered {len(v)} of {windows}; error {median:.2f} deg in the median, {p95:.2f} at the 95th percentile; "
          f"inside the stated 95 % region {np.mean(v[:, 2] < INSIDE_95):.0%}; signs resolved {resolved.mean():.0%}, "
          f"of these right {v[resolved, 3].mean():.1%}; {events / cpu / 1e6:.2f} M events per processor second, "
          f"{cpu / seconds:.1f} processor seconds per second")
    if with_fused:
        angles, squares = np.array(alone).T
        median, p95 = np.percentile(angles, (50, 95))
        print(f"by their lines alone: error {median:.2f} deg in the median, {p95:.2f} at the 95th percentile; squared error over "
              f"its covariance {np.mean(squares):.2f}, {np.median(squares):.2f} in the median (0.69 if normal)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--window-ms", type=int)
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--fused", action="store_true")
    arguments = parser.parse_args()
    if arguments.anew:
        LineSearch._taken_up = lambda *_: []  # type: ignore[method-assign,assignment]
    if "EVCAM_REFERENCE_DATA" in os.environ:
        real_table(Path(os.environ["EVCAM_REFERENCE_DATA"]) / "recordings")
    if arguments.rooms:
        room_table(arguments.first, arguments.rooms,
                   VelocityOptions(window_us=1000 * arguments.window_ms if arguments.window_ms else None), arguments.fused)
