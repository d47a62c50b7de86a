"""The code of the page runs, from events, camera and gyro to a direction that is called weak."""

from pathlib import Path

import numpy as np

from evcam.core.camera import Camera
from evcam.sim import random_room, simulate
from evcam.solvers import Status

PAGE = Path(__file__).parents[2] / "docs" / "solvers.md"
CAMERA = Camera("pinhole-radtan", [200, 200, 119.5, 89.5, -0.1, 0.02, 0, 0, 0], 240, 180)


def test_the_code_of_the_page_runs():
    scene = random_room(CAMERA, 5, segments=8, speed_mps=1.0, turn_radps=0.5, duration_s=0.15)
    room = simulate(scene, seed=5)
    reference_us = 75_000
    stretch = room.events.between(35_000, 115_000)[::4]
    names = {"camera": CAMERA, "stretch": stretch, "imu": room.imu, "reference_us": reference_us}
    for block in PAGE.read_text(encoding="utf-8").split("```python\n")[1:3]:
        exec(block.split("```")[0], names)

    pixels = CAMERA.project(names["bearings"][::50])
    for k, step in enumerate(np.eye(2) * 1e-3):
        slope = (CAMERA.unproject(pixels + step) - CAMERA.unproject(pixels - step)) / 2e-3
        np.testing.assert_allclose(names["jacobians"][::50, :, k], slope, atol=1e-8)

    assert names["lines"]
    assert names["motion"].status is Status.WEAK
