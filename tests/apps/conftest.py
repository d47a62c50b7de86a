"""The command line as a user meets it: in this process where that is quicker, as a process of its own where it matters."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from evcam.apps.cli import main
from evcam.core.camera import Camera
from evcam.core.detections import Detections, View
from evcam.core.events import Events
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid, Target
from evcam.io import save_h5

CAMERA = Camera("pinhole-radtan", [250.0, 251.0, 160.0, 118.0, -0.3, 0.09, 0.001, -0.0005, 0.0], 320, 240)
TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def error_lines(self) -> list[str]:
        return self.err.splitlines()


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def call(*argv: object) -> Outcome:
        capsys.readouterr()
        code = main([str(arg) for arg in argv])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def process() -> Run:
    """Run the command line as a process of its own."""

    def call(*argv: object, **options: object) -> Outcome:
        command = [sys.executable, "-m", "evcam.apps", *map(str, argv)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def needs_program() -> Callable[..., str]:
    """The first of these programs that is installed; without any the test is skipped, or fails where all tests have to run."""

    def find(*names: str) -> str:
        found = next(filter(None, map(shutil.which, names)), None)
        if found is None and os.environ.get("EVCAM_ALL_TESTS"):
            pytest.fail(f"{names[0]} is not installed")
        return found or pytest.skip(f"{names[0]} is not installed")

    return find


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "board.yaml"
    TARGET.save(path)
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Noise of a 32 x 24 sensor: sound, but without a board."""
    rng = np.random.default_rng(0)
    t = np.sort(rng.integers(0, 300_000, 4000)) + 1_000_000
    path = tmp_path / "noise.h5"
    x, y, p = rng.integers(0, 32, 4000), rng.integers(0, 24, 4000), rng.random(4000) < 0.5
    save_h5(path, Events.from_arrays(t, x, y, p, width=32, height=24))
    return path


def make_detections(views: int = 30, noise_px: float = 0.05, target: Target = TARGET, seed: int = 0) -> Detections:
    """Views of a board held before `CAMERA` at many tilts and places, with independent noise on every point."""
    rng = np.random.default_rng(seed)
    middle = target.object_points.mean(0)
    found = []
    while len(found) < views:
        R_cam_board = exp_so3([0, 0, np.pi / 2]) @ exp_so3(rng.uniform(-0.5, 0.5, 3))
        t_cam_board_m = [*rng.uniform(-0.12, 0.12, 2), rng.uniform(0.55, 0.8)] - R_cam_board @ middle
        xy = CAMERA.project(target.object_points @ R_cam_board.T + t_cam_board_m)
        seen = np.flatnonzero(((xy > 4) & (xy < [CAMERA.width - 5, CAMERA.height - 5])).all(1))
        if len(seen) < len(target) // 2:
            continue
        t_us = np.full(len(seen), 1_000_000 * len(found))
        cov = np.tile(noise_px**2 * np.eye(2), (len(seen), 1, 1))
        noisy = xy[seen] + rng.normal(0, noise_px, (len(seen), 2))
        found.append(View("made.h5", len(found), t_us, seen, noisy, cov, np.zeros((len(seen), 2)), 20_000))
    return Detections(target, CAMERA.width, CAMERA.height, tuple(found))


@pytest.fixture
def detections(tmp_path: Path) -> Path:
    path = tmp_path / "detections.csv"
    make_detections().save_csv(path)
    return path


@pytest.fixture
def true_camera() -> Camera:
    """The camera behind `detections`."""
    return CAMERA


@pytest.fixture
def write_detections(tmp_path: Path) -> Callable[..., Path]:
    """Write detections made with other options than `detections`."""

    def write(name: str, **options: object) -> Path:
        make_detections(**options).save_csv(tmp_path / name)
        return tmp_path / name

    return write
