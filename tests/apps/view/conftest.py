"""What the viewer is shown: a moving disc, a calibration of the sample recording, a virtual display."""

import os
import struct
import subprocess
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from evcam.apps.view.opening import first_state, open_session
from evcam.calib import calibrate
from evcam.core.target import load_target
from evcam.detect import detect
from evcam.io import open_recording

DATA = Path(__file__).parents[3] / "data"
SAMPLE = DATA / "circle_grid.h5"


@pytest.fixture(scope="session")
def sample() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calibration of the sample's first two seconds."""
    path = tmp_path_factory.mktemp("view") / "cal.json"
    with open_recording(SAMPLE) as recording:
        found = detect(recording.between(0, 2.0), load_target(DATA / "circle_grid.yaml"))
    calibrate(found).save(path)
    return path


@pytest.fixture
def arguments(sample: Path) -> Callable[..., Namespace]:
    """Arguments of ``evcam view`` as parsed."""

    def make(**changed: object) -> Namespace:
        usual = {"recording": str(sample), "calibration": None, "detections": None, "target": None, "velocity": None, "at": 1.0,
                 "window": None, "layers": None, "stream": None, "size": (640, 480), "width": None, "height": None,
                 "screenshot": None, "force": False}
        return Namespace(**usual | changed)

    return make


@pytest.fixture
def opened(arguments: Callable[..., Namespace], calibration: Path) -> Callable[..., tuple]:
    """A session and its first state."""

    def make(**changed: object) -> tuple:
        args = arguments(calibration=str(calibration), **changed)
        session = open_session(args, background=False)
        session.profile.finish()
        return session, first_state(session, args)

    return make


class Display:
    """A virtual screen."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder
        number, write = os.pipe()
        self._process = subprocess.Popen([program, "-displayfd", str(write), "-screen", "0", "800x620x24", "-fbdir", str(folder)],
                                         pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(number) as told:
            self.name = f":{told.readline().strip()}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.name, "XDG_RUNTIME_DIR": str(self._folder), "LIBGL_ALWAYS_SOFTWARE": "1"}

    def shot(self) -> np.ndarray:
        """What is on the screen, shape (H, W, 3)."""
        raw = (self._folder / "Xvfb_screen0").read_bytes()
        head = struct.unpack(">25I", raw[:100])
        width, height, stride, colours = head[4], head[5], head[12], head[19]
        begin = head[0] + 12 * colours
        return np.frombuffer(raw, np.uint8, stride * height, begin).reshape(height, -1, 4)[:, :width, 2::-1]

    def wait_for(self, condition: Callable[[np.ndarray], object], timeout_s: float = 90.0) -> np.ndarray:
        """The first picture of the screen of which the condition holds."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            shot = self.shot()
            if condition(shot):
                return shot
            time.sleep(0.1)
        raise AssertionError(f"nothing like that on the screen within {timeout_s} s")

    def at_rest(self, condition: Callable[[np.ndarray], object]) -> np.ndarray:
        """The first picture of which the condition holds and that stays for a second: the recording's length is known then."""
        shots = [self.wait_for(condition)]

        def stays(shot: np.ndarray) -> bool:
            shots.append(shot)
            time.sleep(0.9)
            return bool(condition(shot)) and np.array_equal(shots[-2], shot)

        return self.wait_for(stays)

    def press(self, *keys: str) -> None:
        subprocess.run(["xdotool", "key", *keys], env=self.environment, check=True, timeout=20)

    def click(self, x: int, y: int) -> None:
        subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], env=self.environment, check=True, timeout=20)

    def drag(self, x: int, y: int, dx: int, dy: int) -> None:
        way = ["mousemove", str(x), str(y), "mousedown", "1", "mousemove", str(x + dx), str(y + dy), "mouseup", "1"]
        subprocess.run(["xdotool", *way], env=self.environment, check=True, timeout=20)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def display(tmp_path: Path, needs_program: Callable[..., str]) -> Iterator[Display]:
    needs_program("xdotool")
    folder = tmp_path / "screen"
    folder.mkdir()
    shown = Display(needs_program("Xvfb"), folder)
    yield shown
    shown.close()
