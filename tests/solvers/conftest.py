"""Physically valid scenes: a moving, turning pinhole camera sees 3-D lines; pixel, time and gyro noise."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.solvers import DerotatedEvents, derotate

FOCAL_PX, WIDTH, HEIGHT, HALF_S = 320.0, 640.0, 480.0, 0.25


@dataclass(frozen=True)
class SeenLine:
    """Two points of the line, its events (x px, y px, t s), and what the truth makes of [b, a]."""

    ends: np.ndarray
    pixels: np.ndarray
    times_s: np.ndarray
    w_gyro: np.ndarray
    vector: np.ndarray

    @property
    def events(self) -> DerotatedEvents:
        return derotated(self.pixels, self.times_s, self.w_gyro)


def derotated(pixels: np.ndarray, times_s: np.ndarray, w: np.ndarray) -> DerotatedEvents:
    """Bearings of a pinhole camera with their pixel Jacobians, rotated to t = 0."""
    rays = np.concatenate([(pixels - [WIDTH / 2, HEIGHT / 2]) / FOCAL_PX, np.ones((len(pixels), 1))], 1)
    norm = np.linalg.norm(rays, axis=1, keepdims=True)
    bearings = rays / norm
    plane = np.zeros((len(pixels), 3, 2))
    plane[:, 0, 0] = plane[:, 1, 1] = 1 / FOCAL_PX
    jacobians = (plane - bearings[:, :, None] * np.einsum("nk,nkj->nj", bearings, plane)[:, None]) / norm[:, :, None]
    return derotate(bearings, times_s, w, pixel_jacobians_cam=jacobians)


def unit(rng: np.random.Generator) -> np.ndarray:
    v = rng.normal(size=3)
    return v / np.linalg.norm(v)


def true_vector(ends: np.ndarray, v: np.ndarray) -> np.ndarray:
    e1 = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    b = np.cross(ends[1], ends[0])
    return np.concatenate([b / np.linalg.norm(b), np.cross(e1, v) / np.linalg.norm(np.cross(ends[0], e1))])


def see_line(rng, v, w, count, *, px=0.0, jitter_s=0.0, w_gyro=None) -> SeenLine:
    """Events of a random line through two visible points at 1 to 3 m, all inside the image and in front of the camera."""
    while True:
        corners = rng.uniform([0, 0], [WIDTH, HEIGHT], (2, 2))
        rays = np.concatenate([(corners - [WIDTH / 2, HEIGHT / 2]) / FOCAL_PX, np.ones((2, 1))], 1)
        ends = rays * rng.uniform(1, 3, (2, 1))
        t, place = rng.uniform(-HALF_S, HALF_S, 4 * count + 20), rng.uniform(-0.5, 1.5, 4 * count + 20)
        points = ends[0] + place[:, None] * (ends[1] - ends[0])
        seen = np.einsum("nji,nj->ni", exp_so3(t[:, None] * w), points - t[:, None] * v)
        depth = np.where(seen[:, 2:] > 0.1, seen[:, 2:], np.nan)
        pixels = seen[:, :2] / depth * FOCAL_PX + [WIDTH / 2, HEIGHT / 2]
        ok = ((pixels >= 0) & (pixels < [WIDTH, HEIGHT])).all(1)
        if ok.sum() >= count and np.linalg.norm(ends[1] - ends[0]) > 0.3:
            break
    pixels, t = pixels[ok][:count], t[ok][:count]
    angle = rng.uniform(0, 2 * np.pi, count)
    pixels = pixels + px * np.stack([np.cos(angle), np.sin(angle)], 1)
    return SeenLine(ends, pixels, t + jitter_s * rng.normal(size=count), w if w_gyro is None else w_gyro, true_vector(ends, v))


def see_lines(rng, lines, count, *, gyro_deg_s=0.0, shared_gyro=False, **noise):
    """Velocity 0.5 m/s and turning 15 deg/s in random directions, and what several lines give."""
    v, w = 0.5 * unit(rng), np.radians(15) * unit(rng)
    bias = np.radians(gyro_deg_s) * unit(rng)
    seen = []
    for _ in range(lines):
        off = bias if shared_gyro else np.radians(gyro_deg_s) * unit(rng)
        seen.append(see_line(rng, v, w, count, w_gyro=w + off, **noise))
    return v, bias, seen


def folded_deg(u, v) -> np.ndarray:
    """Angle between directions of unknown sign, degrees."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.abs((u * v).sum(-1))))


@pytest.fixture(scope="session")
def golden():
    """Loader of the reference program's cases."""
    folder = os.environ.get("EVCAM_REFERENCE_DATA")
    if not folder:
        pytest.skip("EVCAM_REFERENCE_DATA is not set: the reference solvers' cases are not at hand")
    return lambda name: np.load(Path(folder) / "golden" / "eventail" / f"cases_{name}.npz")


@pytest.fixture(scope="session")
def scenes():
    """The functions of this file, for tests that import by fixture."""
    from types import SimpleNamespace

    return SimpleNamespace(derotated=derotated, unit=unit, see_line=see_line, see_lines=see_lines, folded_deg=folded_deg)
