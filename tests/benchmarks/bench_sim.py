"""How fast is the simulator?  Prints events per second of computing on one core; decides nothing.

    python tests/benchmarks/bench_sim.py
"""

from __future__ import annotations

import time

from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.sim import Board, Scene, simulate, simulate_chunks
from evcam.sim.placing import hand_before

TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
DISTORTION = [-0.31, 0.105, 0.0006, -0.0004, 0.0]
CAMERAS = (
    Camera("pinhole-radtan", [322.4, 321.7, 171.3, 132.6, *DISTORTION], 346, 260),
    Camera("pinhole-radtan", [560.0, 560.0, 318.0, 242.0, *DISTORTION], 640, 480),
)


def main() -> None:
    for camera in CAMERAS:
        simulate(Scene(camera, hand_before(TARGET, camera, 0.05), Board(TARGET)))  # compiles
        scene = Scene(camera, hand_before(TARGET, camera, 2.0), Board(TARGET))
        start = time.process_time()
        count = sum(len(slab) for slab in simulate_chunks(scene))
        seconds = time.process_time() - start
        rate = count / seconds / 1e6
        print(f"{camera.width}x{camera.height}: {count} events in {seconds:.2f} s of processor time, {rate:.2f} M per s")  # noqa: T201


if __name__ == "__main__":
    main()
