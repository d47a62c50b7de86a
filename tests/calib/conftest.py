"""Detections of a board with known truth, made by projection alone."""

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.detections import Detections, View
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid

TARGET = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
RADTAN = Camera("pinhole-radtan", [290.0, 291.0, 175.0, 128.0, -0.3, 0.12, 5e-4, -8e-4, -0.02], 346, 260)
FISHEYE = Camera("pinhole-equidistant", [150.0, 151.0, 172.0, 130.0, -0.02, 0.01, 0.003, -0.001], 346, 260)


def hand_motion(count, duration_s, distance_m):
    """Smooth poses of the board like those of a hand, (count, 3, 3) and (count, 3)."""
    t = np.linspace(0, duration_s, count)[:, None]
    w = np.concatenate([0.5 * np.sin(1.9 * t), 0.5 * np.sin(2.7 * t + 1), 0.4 * np.sin(1.1 * t + 2) + np.pi / 2], 1)
    move = np.concatenate([0.36 * np.sin(2.3 * t + 0.5), 0.26 * np.sin(3.1 * t), 0.36 * np.sin(1.3 * t + 1)], 1) * distance_m
    R = exp_so3(w * [1, 1, 0]) @ exp_so3(w * [0, 0, 1])
    middle = TARGET.object_points.mean(0)
    return R, np.array([0, 0, distance_m]) + move - R @ middle


def noise(rng, shape, sigma_px, phi):
    """Noise of standard deviation sigma_px per axis, AR(1) along the views with coefficient phi."""
    white = rng.normal(0, sigma_px, shape)
    for i in range(1, len(white)):
        white[i] = phi * white[i - 1] + np.sqrt(1 - phi**2) * white[i]
    return white


def detections(camera=RADTAN, *, views=60, duration_s=12.0, sigma_px=0.1, phi=0.0, seed=0, distance_m=0.7, names=("a",),
               R=None, t=None):
    rng = np.random.default_rng(seed)
    if R is None:
        R, t = hand_motion(views, duration_s, distance_m)
    points = TARGET.object_points @ R.transpose(0, 2, 1) + t[:, None]
    with np.errstate(invalid="ignore"):
        px = camera.project(points)
    seen = ((px > 2) & (px < [camera.width - 3, camera.height - 3])).all(-1)
    px = px + noise(rng, px.shape, sigma_px, phi)
    per_recording = int(np.ceil(len(R) / len(names)))
    made = []
    for i, use in enumerate(seen):
        n = int(use.sum())
        if n < 8:
            continue
        t_us = np.full(n, int(1e6 * duration_s * i / len(R)))
        made.append(View(names[i // per_recording], i, t_us, np.flatnonzero(use), px[i, use],
                         np.tile(np.eye(2) * sigma_px**2, (n, 1, 1)), np.zeros((n, 2)), 20_000))
    return Detections(TARGET, camera.width, camera.height, tuple(made))


@pytest.fixture
def make_detections():
    return detections


@pytest.fixture
def radtan():
    return RADTAN


@pytest.fixture
def fisheye():
    return FISHEYE
