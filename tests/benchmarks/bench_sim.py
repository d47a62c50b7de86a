"""How fast is the simulator?  Prints events per second of computing on one core; decides nothing.

    python tests/benchmarks/bench_sim.py

Processor time, three runs of each scene: the median, and in brackets the slowest and the fastest.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.sim import Backdrop, Board, Scene, Texture, Waypoint, hand, random_room, simulate, simulate_chunks
from evcam.sim.placing import hand_before

TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
DISTORTION = [-0.31, 0.105, 0.0006, -0.0004, 0.0]
CAMERAS = (
    Camera("pinhole-radtan", [322.4, 321.7, 171.3, 132.6, *DISTORTION], 346, 260),
    Camera("pinhole-radtan", [560.0, 560.0, 318.0, 242.0, *DISTORTION], 640, 480),
)
RUNS = 3


def main() -> None:
    plain = Board(TARGET)
    hidden = replace(plain, occluders=(hand((Waypoint(0.0, (0.5, 0.2, -0.1), -60), Waypoint(1.5, (0.1, 0.25, -0.1), -80))),))
    for camera in CAMERAS:
        show("board", Scene(camera, hand_before(TARGET, camera, 2.0), plain))
    moving = hand_before(TARGET, CAMERAS[0], 2.0)
    show("board and hand", Scene(CAMERAS[0], moving, hidden))
    show("board, textured background", Scene(CAMERAS[0], moving, replace(plain, backdrop=Backdrop(0.5, Texture(scale_m=0.08)))))
    for segments in (10, 30, 60):
        show(f"room of {segments} segments", random_room(CAMERAS[1], 1, segments=segments, duration_s=0.5))


def show(name: str, scene: Scene) -> None:
    simulate(random_room(CAMERAS[0], segments=1, duration_s=0.01))  # compiles
    camera, rates = scene.camera, []
    for _ in range(RUNS):
        start = time.process_time()
        count = sum(len(slab) for slab in simulate_chunks(scene))
        rates.append(count / (time.process_time() - start) / 1e6)
    low, middle, high = np.percentile(rates, [0, 50, 100])
    print(f"{camera.width}x{camera.height}, {name}: {middle:.2f} M events per s ({low:.2f} to {high:.2f}), {count} events")  # noqa: T201


if __name__ == "__main__":
    main()
