"""Kernels around the fits of discs: how long their windows are, and how certain their centres."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _half_windows(velocities, accelerations, path, shortest, longest, half_us):  # type: ignore[no-untyped-def]
    """Write half of the time in which a disc moves ``path`` px: T with v T + a T^2 / 4 = path."""
    for k in range(half_us.size):
        v2 = velocities[k, 0] ** 2 + velocities[k, 1] ** 2
        a = np.sqrt(accelerations[k, 0] ** 2 + accelerations[k, 1] ** 2)
        window_s = 2 * path / (np.sqrt(v2) + np.sqrt(v2 + a * path) + 1e-9)
        half_us[k] = 0.5 * min(max(window_s * 1e6, shortest), longest)


@kernel
def _widen(  # type: ignore[no-untyped-def]
    covariances, velocities, accelerations, edge_error, hurried_error, turning, turning_floor, region_std
):
    """Add to the covariances of centres what the scatter of the crossings does not show, px^2; see `DiscOptions`."""
    region = region_std**2
    for k in range(covariances.shape[0]):
        vx, vy = velocities[k, 0], velocities[k, 1]
        v2, a = vx * vx + vy * vy, np.sqrt(accelerations[k, 0] ** 2 + accelerations[k, 1] ** 2)
        c = covariances[k]
        wider = 1 + turning * a / (v2 + turning_floor * a + 1e-9)
        along = (edge_error**2 + (hurried_error * v2) ** 2) / (v2 + 1e-9)
        # However little the crossings tell, the region in the picture still does: R - R (C + R)^-1 R.
        c[0, 0] = wider * c[0, 0] + along * vx * vx + region
        c[0, 1] = wider * c[0, 1] + along * vx * vy
        c[1, 0] = wider * c[1, 0] + along * vx * vy
        c[1, 1] = wider * c[1, 1] + along * vy * vy + region
        scale = region * region / (c[0, 0] * c[1, 1] - c[0, 1] * c[1, 0])
        c[0, 0], c[1, 1] = region - scale * c[1, 1], region - scale * c[0, 0]
        c[0, 1] *= scale
        c[1, 0] *= scale
