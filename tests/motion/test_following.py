"""Lines keep their numbers from window to window, and edges of the scene never share one."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from evcam.motion import VelocityOptions, estimate_velocity

# Both long edges of a band have a plane through the camera; a line is one of them if it is as near.
NEAR_PX = 4.0


@pytest.fixture(scope="module")
def estimates(room, camera):
    return estimate_velocity(room.events, camera, room.imu, VelocityOptions(window_us=50_000))


def band_of(room, camera, estimate, line):
    """The band on whose edge both ends of the line lie at the middle of the window; None if it is none or could be several."""
    R, t = room.simulation.truth.scene.trajectory.pose(estimate.t_us)
    corners = room.simulation.truth.edges_m() @ R.T + t
    corners /= np.linalg.norm(corners, axis=-1, keepdims=True)
    first, last = corners[:, :, 0], corners[:, :, 1]
    normals = np.cross(first, last)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    rays = camera.unproject(line.ends_px)
    off = [np.abs(rays @ normals[..., None])[..., 0], -(rays @ np.cross(normals, first)[..., None])[..., 0],
           -(rays @ np.cross(last, normals)[..., None])[..., 0]]
    near = np.max(off, axis=(0, -1)).min(1) * camera.params[0] < NEAR_PX
    return int(np.flatnonzero(near)[0]) if near.sum() == 1 else None


def test_most_lines_keep_their_numbers(estimates):
    assert len(estimates) >= 4
    kept = [len({line.id for line in a.lines} & {line.id for line in b.lines}) / min(len(a.lines), len(b.lines))
            for a, b in pairwise(estimates)]
    assert np.median(kept) > 0.7


def test_every_window_has_each_number_once(estimates):
    for estimate in estimates:
        assert len({line.id for line in estimate.lines}) == len(estimate.lines)


def test_bands_never_share_a_number(room, camera, estimates):
    bands = defaultdict(set)
    for estimate in estimates:
        for line in estimate.lines:
            bands[line.id].add(band_of(room, camera, estimate, line))
    told = [some - {None} for some in bands.values()]
    assert sum(len(some) == 1 for some in told) > 20
    assert max(map(len, told)) == 1
