"""Times of the solvers beside a plain NumPy SVD of the same systems, in the same run.  Asserts nothing.

Run: ``python tests/benchmarks/bench_solvers.py`` (the second run, when the kernels come from the cache).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from evcam.core.rotation import exp_so3
from evcam.solvers import (
    DerotatedEvents,
    EventNoise,
    derotate,
    estimate_direction,
    eventail_five_point,
    eventail_linear,
    find_line,
    ransac,
    refine_line,
)
from evcam.solvers.line_ransac import LineEstimator


def line_events(rng: np.random.Generator, count: int, outliers: int = 0, px: float = 0.5) -> DerotatedEvents:
    """A random line before a camera of f = 320 px that moves with 0.45 m/s and turns, with uniform outliers."""
    v, w = np.array([0.1, 0.4, 0.2]), np.array([0.1, -0.1, 0.2])
    along = exp_so3([0, 0, rng.uniform(-3, 3)])[:, 0]
    t = rng.uniform(-0.25, 0.25, count)
    place = np.array([*rng.uniform(-0.3, 0.3, 2), rng.uniform(1.2, 2.5)])
    points = place + rng.uniform(-1, 1, (count, 1)) * along
    seen = np.einsum("nji,nj->ni", exp_so3(t[:, None] * w), points - t[:, None] * v)
    plane = seen[:, :2] / seen[:, 2:] + px / 320 / np.sqrt(2) * rng.normal(size=(count, 2))
    plane = np.concatenate([plane, rng.uniform([-1, -0.75], [1, 0.75], (outliers, 2))])
    t = np.concatenate([t, rng.uniform(-0.25, 0.25, outliers)])
    rays = np.concatenate([plane, np.ones((len(plane), 1))], 1)
    norm = np.linalg.norm(rays, axis=1, keepdims=True)
    f = rays / norm
    by_pixel = np.zeros((len(f), 3, 2))
    by_pixel[:, 0, 0] = by_pixel[:, 1, 1] = 1 / 320
    jacobians = (by_pixel - f[:, :, None] * np.einsum("nk,nkj->nj", f, by_pixel)[:, None]) / norm[:, :, None]
    return derotate(f, t, w, pixel_jacobians_cam=jacobians)


def best_of(function: Callable[[], object], repeats: int = 9) -> float:
    """Shortest of several runs, seconds; the first, which may compile, does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def numpy_svd(bearings: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The plain way: null vectors of the stacked systems."""
    rows = np.concatenate([bearings, -times[..., None] * bearings], -1)
    return np.linalg.svd(rows, full_matrices=rows.shape[-2] < rows.shape[-1])[2][..., -1, :]


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print(f"{'':34s}{'evcam':>12s}{'NumPy SVD':>12s}{'ratio':>8s}")  # noqa: T201
    for solver, count, batch in ((eventail_five_point, 5, 2000), (eventail_linear, 100, 300), (eventail_linear, 1000, 30)):
        seen = [line_events(rng, count) for _ in range(batch)]
        f, t = np.stack([e.bearings for e in seen]), np.stack([e.times_s for e in seen])
        ours = best_of(lambda s=solver, f=f, t=t: s(f, t)) / batch
        plain = best_of(lambda f=f, t=t: numpy_svd(f, t)) / batch
        name = f"{solver.__name__}, N = {count}"
        print(f"{name:34s}{ours * 1e6:9.2f} us{plain * 1e6:9.2f} us{plain / ours:8.1f}")  # noqa: T201
    mixed = line_events(rng, 1000, 1000)
    lines = [line_events(rng, 200) for _ in range(10)]
    for name, function in (
        ("RANSAC, 2000 events, half outliers", lambda: ransac(LineEstimator(mixed, 1.5), len(mixed))),
        ("find_line (with refinement)", lambda: find_line(mixed)),
        ("refine_line, 200 events", lambda: refine_line(lines[0])),
        ("refine_line, kind of noise told", lambda: refine_line(lines[0], noise=EventNoise(sigma_px=0.35))),
        ("estimate_direction, 10 x 200", lambda: estimate_direction(lines)),
        ("the same, noise told", lambda: estimate_direction(lines, noise=EventNoise(sigma_px=0.35))),
    ):
        print(f"{name:34s}{best_of(function) * 1e3:9.2f} ms")  # noqa: T201


if __name__ == "__main__":
    main()
