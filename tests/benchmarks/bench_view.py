"""Frame rate, time to the first picture and memory of the viewer, with 300,000 and 3,000,000 events in the window.

    python tests/benchmarks/bench_view.py [--window]

Pictures are drawn while playing (events and picture of every frame are new) and while turning (the eye alone moves), at
1280x800.  Processor time, so that a busy machine does not matter.  With ``--window`` also through a real window: needs
Open3D and a display (or ``xvfb-run``); what it adds is showing the picture.
"""

import re
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

SIZE = (1280, 800)
WINDOW_MS = 50.0
FRAMES = 25


def recording(folder: Path, in_window: int) -> Path:
    """A pattern that moves over a 640x480 sensor, ``in_window`` events per 50 ms, for 0.4 s."""
    from evcam.core.events import Events
    from evcam.io import save_h5

    rng = np.random.default_rng(0)
    count = 8 * in_window
    t = np.sort(rng.integers(0, 400_000, count))
    phase = rng.integers(0, 40, count)
    x = (16 * phase + t // 1500 + rng.integers(0, 3, count)) % 640
    path = folder / f"{in_window}.h5"
    save_h5(path, Events.from_arrays(t, x, rng.integers(0, 480, count), rng.random(count) < 0.5, width=640, height=480))
    return path


def arguments(path: Path) -> Namespace:
    return Namespace(recording=str(path), calibration=None, detections=None, velocity=None, at=0.1, window=WINDOW_MS, layers=None,
                     size=SIZE, width=None, height=None)


def measure(path: Path, in_window: bool) -> None:
    """Print what a process that shows nothing else needs."""
    began = time.process_time()
    from evcam.apps.view.composer import compose
    from evcam.apps.view.opening import first_state, open_session

    session = open_session(arguments(path), background=True)
    state = first_state(session, arguments(path))
    events = len(compose(session, state, *SIZE).scenes.events)
    first_s = time.process_time() - began
    session.profile.finish()
    state = replace(state, stop_us=session.profile.stop_us)
    moving = replace(state, playing=True)

    def per_frame(now, change) -> float:
        begun = time.process_time()
        for _ in range(FRAMES):
            now = change(now)
            compose(session, now, *SIZE)
        return (time.process_time() - begun) / FRAMES

    playing = per_frame(moving, lambda now: now.at(now.now_us + 3000))
    turning = per_frame(state, lambda now: now.moved(now.eye.turned(0.02, 0.0), rig=False))
    # What getrusage says includes the process that started this one.
    memory = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024
    print(f"{events:>9,} events: first picture {first_s:.2f} s; playing {1e3 * playing:.0f} ms a picture "  # noqa: T201
          f"({1 / playing:.0f} per second), turning {1e3 * turning:.0f} ms ({1 / turning:.0f}); at most {memory:.0f} MB")
    if in_window:
        measure_window(session, path)


def measure_window(session, path: Path) -> None:
    from evcam.apps.view.window import Window

    window = Window(session, arguments(path))
    started: list[tuple[float, float]] = []

    def play_on(window: Window) -> bool:
        if window.frames == 3 and not started:
            started.append((time.process_time(), time.monotonic()))
        window.state = window.state.at(window.state.now_us + 3000)
        return window.frames >= FRAMES + 3

    window.run(until=play_on)
    cpu, wall = (time.process_time() - started[0][0]) / FRAMES, (time.monotonic() - started[0][1]) / FRAMES
    print(f"{'':>9} in a window: {1e3 * cpu:.0f} ms of processor time a picture, {1 / wall:.0f} per second by the clock")  # noqa: T201


def main() -> None:
    if len(sys.argv) > 2:
        measure(Path(sys.argv[1]), "--window" in sys.argv)
        return
    with tempfile.TemporaryDirectory() as folder:
        for in_window in (300_000, 3_000_000):
            path = recording(Path(folder), in_window)
            for warm in (True, False):  # the first run may have to compile
                done = subprocess.run([sys.executable, __file__, str(path), *(sys.argv[1:] or ["--no-window"])],
                                      check=True, capture_output=warm)
                assert done.returncode == 0


if __name__ == "__main__":
    main()
