"""Gyros of simulated rooms, right and wrong, through the recording's file and its events."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import evcam
from evcam.check import GyroStatus, Severity, check_gyro, gyro_findings, worst
from evcam.check.gyro import compare, seen_turning
from evcam.check.turning import TurnRates
from evcam.core.camera import Camera
from evcam.core.imu import ImuSamples
from evcam.core.rotation import exp_so3
from evcam.core.trajectory import Trajectory
from evcam.io import save_h5
from evcam.sim import random_room, simulate
from evcam.sim.scene import Gyro, Scene

CAMERA = Camera("pinhole-radtan", [160.0, 160.0, 95.5, 71.5, -0.1, 0.02, 0.0, 0.0, 0.0], 192, 144)
R_CAM_IMU = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
DURATION_S = 1.5


def turning_to_and_fro(scene: Scene) -> Scene:
    """The same room before a camera on a tripod that is turned about all axes."""
    t_us = np.linspace(0, 1e6 * DURATION_S, 151).round().astype(np.int64)
    s = t_us * 1e-6
    angle = np.stack([0.15 * np.sin(9 * s), 0.15 * np.sin(7 * s + 1), 0.3 * np.sin(8 * s + 2)], -1)
    R = exp_so3(angle) @ scene.trajectory.pose(750_000)[0]
    eye = np.zeros(3)
    return replace(scene, trajectory=Trajectory.from_poses(t_us, R, np.tile(eye, (len(t_us), 1))))


def write(scene: Scene, path: Path) -> Path:
    made = simulate(scene, 0)
    save_h5(path, made.events, imu=made.imu)
    return path


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gyro = Gyro(R_cam_imu=R_CAM_IMU)
    scene = random_room(CAMERA, 3, segments=25, speed_mps=0.0, turn_radps=0.5, duration_s=DURATION_S, gyro=gyro)
    return write(turning_to_and_fro(scene), tmp_path_factory.mktemp("turned") / "room.h5")


@pytest.fixture(scope="module")
def seen(turned: Path) -> tuple[TurnRates, ImuSamples]:
    with evcam.open(turned) as recording:
        return seen_turning(recording, CAMERA), recording.imu()


CHANGES: dict[str, tuple[Callable[[ImuSamples], ImuSamples], str]] = {
    "negated": (lambda imu: replace(imu, gyro_radps=-imu.gyro_radps), "gyro axes"),
    "axes swapped": (lambda imu: replace(imu, gyro_radps=imu.gyro_radps[:, [2, 1, 0]].copy()), "gyro axes"),
    "axes of the camera assumed": (lambda imu: imu.mounted(np.eye(3)), "gyro axes"),
    "degrees": (lambda imu: replace(imu, gyro_radps=np.degrees(imu.gyro_radps)), "gyro scale"),
    "5 ms late": (lambda imu: replace(imu, t=imu.t + 5_000), "gyro clock"),
    "biased": (lambda imu: replace(imu, gyro_radps=imu.gyro_radps + [0.0, 0.0, 0.15]), "gyro bias"),
}


def bad_topics(agreement) -> set[str]:
    return {finding.topic for finding in gyro_findings(agreement) if finding.severity in (Severity.WARNING, Severity.ERROR)}


def test_right(turned):
    shares: list[float] = []
    with evcam.open(turned) as recording:
        agreement = check_gyro(recording, recording.imu(), CAMERA, progress=shares.append)
        rolling = check_gyro(recording, recording.imu())
    assert agreement
    assert bad_topics(agreement) == set()
    assert agreement.axes_seen == (True, True, True)
    assert agreement.fit.ratio == pytest.approx(1.0, abs=0.02)
    assert abs(agreement.offset_us) < 4 * agreement.fit.shift_std_us < 6000
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1
    assert rolling.axes_seen == (False, False, True)
    assert bad_topics(rolling) == set()


@pytest.mark.parametrize("change", CHANGES)
def test_wrong(seen, change):
    make, topic = CHANGES[change]
    turning, imu = seen
    assert bad_topics(compare(turning, make(imu), with_camera=True)) == {topic}


def test_a_shift_is_found_as_large_as_it_is(seen):
    turning, imu = seen
    stated = compare(turning, imu, with_camera=True)
    late = compare(turning, replace(imu, t=imu.t + 5_000), with_camera=True)
    assert late.offset_us - stated.offset_us == pytest.approx(-5_000, abs=300)


def test_other_camera(turned):
    other = Camera("pinhole-radtan", CAMERA.params, 100, 80)
    with evcam.open(turned) as recording, pytest.raises(evcam.errors.InputError, match="192x144"):
        check_gyro(recording, recording.imu(), other)


@pytest.mark.parametrize("seed", [1, 4])
def test_translation_raises_no_false_alarm(seed, tmp_path):
    scene = random_room(CAMERA, seed, segments=12, speed_mps=0.8, turn_radps=2.0, duration_s=1.2)
    with evcam.open(write(scene, tmp_path / "room.h5")) as recording:
        imu = recording.imu()
        for camera in (CAMERA, None):
            agreement = check_gyro(recording, imu, camera)
            assert agreement.status in (GyroStatus.MATCHED, GyroStatus.CANNOT_TELL)
            assert worst(gyro_findings(agreement)) in (Severity.OK, Severity.NOTE)
        wrong = check_gyro(recording, replace(imu, gyro_radps=-imu.gyro_radps), CAMERA)
        assert bad_topics(wrong) <= {"gyro axes", "gyro"}
