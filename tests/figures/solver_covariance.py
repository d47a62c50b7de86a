"""Print whether the solvers' stated covariances are true: normalised squared error (NSE) against Monte Carlo.

The NSE is e' C^-1 e over the degrees of freedom: one on average if the covariance C is honest.  Only results that are `OK` count;
their share of all is printed beside.  Every row draws random scenes until its means are known to five percent (one standard
error), or until so many were drawn.  The same numbers come out every time.

    python tests/figures/solver_covariance.py [lines] [directions] [gyro] [clean]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import chdtrc

sys.path.insert(0, str(Path(__file__).parents[1] / "solvers"))
from conftest import folded_deg, see_line, see_lines, unit

from evcam.solvers import (
    EventNoise,
    Status,
    estimate_direction,
    eventail_five_point,
    eventail_linear,
    partial_velocity,
    refine_gyro_bias,
    refine_line,
)

# Seconds in which a rate is comparable with an angle.
_WINDOW_S = 0.25
_STANDARD_ERROR = 0.05
_LEAST = 200
# A chi-squared value beyond this probability should happen once in a hundred.
_RARE = 0.01
_FAILED_DEG = 1e-4


@dataclass(frozen=True)
class Setting:
    """Lines, events per line, pixel noise (length), jitter, gyro error of each line or common to all, whether told."""

    lines: int
    events: int
    px: float = 0.0
    jitter_s: float = 0.0
    gyro_deg_s: float = 0.0
    told: bool = False

    @property
    def noise(self) -> EventNoise:
        """What the solver is told: per axis."""
        gyro = float(np.radians(self.gyro_deg_s))
        if not self.told:
            return EventNoise(sigma_gyro_rad_s=gyro)
        return EventNoise(sigma_px=self.px / np.sqrt(2), sigma_time_s=self.jitter_s, sigma_gyro_rad_s=gyro)

    def __str__(self) -> str:
        parts = [f"{self.lines:2d} x {self.events:3d}", f"{self.px} px" * (self.px > 0),
                 f"{self.jitter_s * 1e3:g} ms" * (self.jitter_s > 0), f"gyro {self.gyro_deg_s} deg/s" * (self.gyro_deg_s > 0),
                 "told" * self.told]
        return ", ".join(part for part in parts if part)


LINES = (
    *(Setting(1, 100, px=px, told=told) for px in (0.2, 0.5, 1.0) for told in (False, True)),
    Setting(1, 20, px=0.2), Setting(1, 20, px=0.2, told=True), Setting(1, 200, px=0.5), Setting(1, 200, px=0.5, told=True),
    *(Setting(1, events, jitter_s=5e-4, told=told) for events in (20, 100, 200) for told in (False, True)),
    Setting(1, 100, px=0.2, jitter_s=5e-4, told=True),
    Setting(1, 100, px=0.3, gyro_deg_s=0.5, told=True), Setting(1, 100, px=0.3, gyro_deg_s=0.5),
)
DIRECTIONS = (
    *(Setting(10, 100, px=px, told=told) for px in (0.2, 0.5, 1.0) for told in (False, True)),
    *(Setting(3, events, px=0.5) for events in (20, 100, 200)), *(Setting(10, events, px=0.5) for events in (20, 200)),
    *(Setting(20, events, px=0.5) for events in (20, 100)),
    *(Setting(lines, 100, jitter_s=5e-4) for lines in (3, 10, 20)), Setting(10, 100, jitter_s=5e-4, told=True),
    Setting(10, 20, jitter_s=5e-4), Setting(10, 100, px=0.3, gyro_deg_s=0.5, told=True),
    *(Setting(lines, 100, px=0.3, gyro_deg_s=0.5) for lines in (3, 10)),
)
# Here the gyro's error is the prior of a bias common to all lines.
GYRO = (
    *(Setting(20, events, px=0.3, gyro_deg_s=3) for events in (100, 200)), Setting(20, 100, px=0.3, gyro_deg_s=3, told=True),
    *(Setting(lines, 100, px=0.1, gyro_deg_s=3) for lines in (10, 20)), Setting(10, 200, px=0.2, gyro_deg_s=1),
    Setting(10, 100, jitter_s=2e-4, gyro_deg_s=3), Setting(20, 100, jitter_s=5e-4, gyro_deg_s=3),
)


def normalised(error: np.ndarray, covariance: np.ndarray, freedom: int) -> float:
    """e' C^-1 e over the degrees of freedom, on the range of a covariance of that rank."""
    values, axes = np.linalg.eigh(covariance)
    return float(((axes[:, -freedom:].T @ error) ** 2 / values[-freedom:]).sum() / freedom)


def line_trial(rng: np.random.Generator, setting: Setting) -> tuple[float, ...] | None:
    """NSE of line with its rate, of the partial velocity and of its direction."""
    v, w = 0.5 * unit(rng), np.radians(15) * unit(rng)
    off = np.radians(setting.gyro_deg_s) * rng.normal(size=3)
    seen = see_line(rng, v, w, setting.events, px=setting.px, jitter_s=setting.jitter_s, w_gyro=w + off)
    line = refine_line(seen.events, noise=setting.noise)
    if line.status is not Status.OK:
        return None
    truth = seen.vector * np.sign(seen.vector[:3] @ line.b)
    scale = np.where(np.arange(6) < 3, 1.0, _WINDOW_S)
    moved = partial_velocity(truth[:3], truth[3:])
    return (
        normalised((line.vector - truth) * scale, line.covariance * np.outer(scale, scale), 5),
        normalised(line.partial_velocity - moved, line.partial_velocity_covariance, 3),
        normalised(line.direction - moved / np.linalg.norm(moved), line.direction_covariance, 2),
    )


def seen_with_gyro(rng: np.random.Generator, setting: Setting, shared: bool) -> tuple[np.ndarray, np.ndarray, list]:
    """Velocity, bias of the gyro, and events of every line; the errors of the gyro are normally distributed."""
    v, _, seen = see_lines(rng, setting.lines, setting.events, px=setting.px, jitter_s=setting.jitter_s)
    sigma = np.radians(setting.gyro_deg_s)
    errors = sigma * (np.tile(rng.normal(size=3), (setting.lines, 1)) if shared else rng.normal(size=(setting.lines, 3)))
    return v / np.linalg.norm(v), errors[0], [
        replace(line, w_gyro=line.w_gyro + error).events for line, error in zip(seen, errors, strict=True)]


def direction_trial(rng: np.random.Generator, setting: Setting) -> tuple[float, ...] | None:
    """NSE of the direction of motion."""
    v, _, lines = seen_with_gyro(rng, setting, shared=False)
    got = estimate_direction(lines, noise=setting.noise)
    if got.status is not Status.OK:
        return None
    return (normalised(got.direction - v * np.sign(got.direction @ v), got.covariance, 2),)


def gyro_trial(rng: np.random.Generator, setting: Setting) -> tuple[float, ...] | None:
    """NSE of the gyro's bias and of the direction that goes with it."""
    v, bias, lines = seen_with_gyro(rng, setting, shared=True)
    told = setting.noise if setting.told else EventNoise()
    noise = EventNoise(sigma_px=told.sigma_px, sigma_time_s=told.sigma_time_s)
    got = refine_gyro_bias(lines, prior_sigma_rad_s=np.radians(setting.gyro_deg_s), noise=noise)
    if got.status is not Status.OK:
        return None
    motion = got.motion
    return (normalised(got.bias_rad_s - bias, got.covariance, 3),
            normalised(motion.direction - v * np.sign(motion.direction @ v), motion.covariance, 2))


@dataclass(frozen=True)
class Section:
    """What is tried, in which settings, how often at most, and the degrees of freedom of each figure."""

    trial: Callable[[np.random.Generator, Setting], tuple[float, ...] | None]
    settings: tuple[Setting, ...]
    most: int
    figures: dict[str, int]


SECTIONS = {
    "lines": Section(line_trial, LINES, 6000, {"line": 5, "velocity": 3, "direction": 2}),
    "directions": Section(direction_trial, DIRECTIONS, 1500, {"direction": 2}),
    "gyro": Section(gyro_trial, GYRO, 400, {"bias": 3, "direction": 2}),
}


def sample(section: Section, setting: Setting) -> tuple[np.ndarray, int]:
    """NSE of every OK result (rows), and trials."""
    rng, rows, trials = np.random.default_rng(0), [], 0
    while trials < section.most:
        trials += 1
        row = section.trial(rng, setting)
        if row is None:
            continue
        rows.append(row)
        if len(rows) >= _LEAST and len(rows) % 50 == 0 and (standard_errors(np.array(rows)) < _STANDARD_ERROR).all():
            break
    return np.array(rows).reshape(-1, len(section.figures)), trials


def standard_errors(rows: np.ndarray) -> np.ndarray:
    """Of the means of the columns."""
    return np.asarray(rows.std(0) / np.sqrt(len(rows)))


def table(name: str) -> Iterator[str]:
    """Rows of one section."""
    section = SECTIONS[name]
    yield f"{name}: mean NSE +- standard error (share beyond the 99 % limit) of every figure"
    for setting in section.settings:
        rows, trials = sample(section, setting)
        parts = [f"{setting!s:40s} OK {len(rows):4d} of {trials:4d} ({len(rows) / trials:4.0%})"]
        if len(rows) > 1:
            for figure, mean, error, column in zip(section.figures, rows.mean(0), standard_errors(rows), rows.T, strict=True):
                freedom = section.figures[figure]
                beyond = (chdtrc(freedom, freedom * column) < _RARE).mean()
                parts.append(f"{figure} {mean:5.2f} +-{error:5.2f} ({beyond:4.1%})")
        yield "   ".join(parts)


def clean(problems: int = 40_000, batch: int = 500) -> Iterator[str]:
    """Exact events of random physical scenes: five-point and linear solver."""
    rng = np.random.default_rng(0)
    solvers = {"five points": (eventail_five_point, 5), "linear, 10 events": (eventail_linear, 10),
               "linear, 100 events": (eventail_linear, 100)}
    errors: dict[str, list[np.ndarray]] = {name: [] for name in solvers}
    wrong = dict.fromkeys(solvers, 0)
    for _ in range(problems // batch):
        velocities = [0.5 * unit(rng) for _ in range(batch)]
        seen = [see_line(rng, v, np.radians(15) * unit(rng), 100) for v in velocities]
        events = [line.events for line in seen]
        f, t = np.stack([e.bearings for e in events]), np.stack([e.times_s for e in events])
        vectors = np.stack([line.vector for line in seen])
        truth = partial_velocity(vectors[:, :3], vectors[:, 3:])
        # What the camera's own motion leaves across the line has its sign; that of the line's normal is arbitrary.
        truth *= np.sign((truth * velocities).sum(1, keepdims=True))
        for name, (solver, count) in solvers.items():
            found = solver(f[:, :count], t[:, :count])
            direction = np.where(found.is_ok[:, None], partial_velocity(found.vectors[:, :3], found.vectors[:, 3:]), np.nan)
            errors[name].append(np.nan_to_num(folded_deg(direction, truth), nan=90.0))
            wrong[name] += int((~((direction * truth).sum(1) > 0)).sum())
    yield f"clean: {problems} exact physical problems; failures (beyond 1e-4 degrees), worst error in degrees, wrong signs"
    for name, parts in errors.items():
        joined = np.concatenate(parts)
        yield f"{name:20s}{(joined > _FAILED_DEG).sum():6d}{joined.max():12.2e}{wrong[name]:6d}"


def main() -> None:
    """Print the sections asked for, by default all."""
    for name in sys.argv[1:] or (*SECTIONS, "clean"):
        for row in clean() if name == "clean" else table(name):
            print(row, flush=True)


if __name__ == "__main__":
    main()
