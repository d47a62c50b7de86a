"""Gyros and what the events would see of the same motion."""

from collections.abc import Callable

import numpy as np
import pytest

from evcam.check.turning import TurnRates
from evcam.core.imu import ImuSamples

Made = tuple[TurnRates, ImuSamples]


def omega(t_s: np.ndarray, axes: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    """A hand that turns a camera about these of its axes, rad/s."""
    parts = [0.9 * np.sin(7.1 * t_s) + 0.3 * np.sin(19.0 * t_s + 1), 0.7 * np.sin(5.3 * t_s + 2) - 0.2 * np.cos(16.0 * t_s),
             0.8 * np.cos(6.2 * t_s) + 0.3 * np.sin(13.0 * t_s)]
    return np.stack([part if i in axes else 0 * t_s for i, part in enumerate(parts)], -1)


@pytest.fixture
def make() -> Callable[..., Made]:
    """Turning seen by events every 10 ms, with noise, and a gyro at 1 kHz, both from one motion."""

    def made(
        *, axes: tuple[int, ...] = (0, 1, 2), duration_s: float = 3.0, noise_radps: float = 0.03,
        drift_radps: tuple[float, float, float] = (0.0, 0.0, 0.0), with_camera: bool = True, seed: int = 0,
        origin_us: int = 5_000_000,
    ) -> Made:
        rng = np.random.default_rng(seed)
        t_us = np.arange(5_000.0, duration_s * 1e6, 10_000.0)
        seen = [0, 1, 2] if with_camera else [2]
        rate, information = np.zeros((len(t_us), 3)), np.zeros((len(t_us), 3, 3))
        rate[:, seen] = omega(t_us * 1e-6, axes)[:, seen] + rng.normal(0, noise_radps, (len(t_us), len(seen)))
        information[:, seen, seen] = noise_radps**-2
        turning = TurnRates(t_us + origin_us, rate, information, np.tile(drift_radps, (len(t_us), 1)))
        t_imu = np.arange(0, round(duration_s * 1e6), 1000)
        return turning, ImuSamples(t_imu + origin_us, omega(t_imu * 1e-6, axes) + rng.normal(0, 0.005, (len(t_imu), 3)))

    return made
