"""When to look: instants between which nothing moves far and no screen changes unseen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.sim._kernels import FRAME_SHARE
from evcam.sim.scene import Flicker, Scene
from evcam.sim.surfaces import landmarks

Array = NDArray[np.float64]

SLAB_US = 50_000
"""Length of a slab; below 65 ms, so that times within one sort as 16-bit numbers."""
_SAMPLE_US = 2000.0
_LONGEST_FRAME_US, _SHORTEST_FRAME_US = 10_000.0, 1.0
_RAMP_FRAMES = 8


def slab_frames(scene: Scene, start_us: int, stop_us: int) -> Array:
    """Frame times in microseconds from ``start_us`` to ``stop_us``, both included."""
    times = _motion_frames(scene, start_us, stop_us)
    flicker = getattr(scene.world, "flicker", None)
    if flicker is not None:
        ramps = _flicker_frames(flicker, start_us, stop_us)
        apart = np.abs(times[:, None] - ramps).min(1, initial=np.inf) > _SHORTEST_FRAME_US
        apart[[0, -1]] = True
        times = np.union1d(times[apart], ramps)
    return times


def flicker_share(flicker: Flicker, t_us: Array) -> Array:
    """How far a screen is towards its second state, 0 .. 1; the first half cycle ends after a quarter."""
    cycle = (t_us * 1e-6 * flicker.hz + 0.25) % 1.0 / flicker.hz
    half = 0.5 / flicker.hz
    second = np.clip((cycle - half) / flicker.rise_s, 0.0, 1.0)
    back = np.where(t_us * 1e-6 < half / 2, 0.0, np.clip(1.0 - cycle / flicker.rise_s, 0.0, 1.0))
    share: Array = np.where(cycle < half, back, second)
    return share


def _flicker_frames(flicker: Flicker, start_us: int, stop_us: int) -> Array:
    half_us = 0.5e6 / flicker.hz
    first = int(np.floor((start_us - flicker.rise_s * 1e6) / half_us))
    switches = (np.arange(first, int(stop_us / half_us) + 2) + 0.5) * half_us
    ramps = switches[:, None] + np.linspace(0.0, flicker.rise_s * 1e6, _RAMP_FRAMES + 1)
    return ramps[(ramps > start_us + _SHORTEST_FRAME_US) & (ramps < stop_us - _SHORTEST_FRAME_US)]


def _motion_frames(scene: Scene, start_us: int, stop_us: int) -> Array:
    """Equal steps of the path of whatever moves fastest."""
    samples = np.linspace(start_us, stop_us, max(2, int((stop_us - start_us) / _SAMPLE_US) + 1))
    speed = _fastest_pxps(scene, samples)
    steps = np.maximum(speed * 1e-6 / (FRAME_SHARE * scene.step_px), 1.0 / _LONGEST_FRAME_US)
    path = np.concatenate([[0.0], np.cumsum(np.diff(samples) * (steps[1:] + steps[:-1]) / 2)])
    times = np.interp(np.linspace(0.0, path[-1], int(np.ceil(path[-1])) + 1), path, samples)
    times[0], times[-1] = start_us, stop_us
    return times


def _fastest_pxps(scene: Scene, t_us: Array) -> Array:
    """Largest image speed of landmarks in or near the image (of the nearest, if none is near), shape of ``t_us``.

    Landmarks far outside do not count: where a plane meets that of the lens they are infinitely fast, and unseen.
    """
    R, t = scene.trajectory.pose(t_us)
    velocity, omega = scene.trajectory.velocity(t_us)
    size = np.array([scene.camera.width, scene.camera.height])
    fastest = np.zeros(len(t_us))
    for points_m, own_mps in landmarks(scene, t_us):
        points = np.einsum("nij,nkj->nki", R, points_m) + t[:, None]
        px, d_px, _ = scene.camera.project_jacobians(points)
        motion = np.einsum("nij,nkj->nki", R, own_mps) - velocity[:, None] - np.cross(omega[:, None], points)
        speed = np.linalg.norm(np.einsum("nkij,nkj->nki", d_px, motion), axis=-1)
        beyond = np.abs(px / size - 0.5).max(-1)
        beyond = np.where(np.isfinite(beyond) & np.isfinite(speed), beyond, np.inf)
        near = (beyond < 0.7) | (beyond == beyond.min(-1, keepdims=True)) & (beyond < 3.5)
        fastest = np.maximum(fastest, np.where(near, speed, 0.0).max(-1))
    return fastest
