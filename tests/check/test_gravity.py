"""A gyro held against the turning of gravity, right and wrong."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import evcam
from evcam.check import Severity
from evcam.check.gravity import gravity_findings
from evcam.core.imu import ImuSamples
from evcam.core.rotation import exp_so3

SPOKES = Path(os.environ.get("EVCAM_REFERENCE_DATA", "")) / "recordings" / "spokes_imu_davis240" / "IMU_rotDisk.aedat"


def made(seed=0, shake_mps2=0.1, amplitude_radps=1.0):
    """A hand that turns an IMU about all axes for 4 s, and shakes it."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, 4_000_000, 2000)
    s = 1e-6 * t[:, None]
    w = amplitude_radps * np.sin(np.array([3.1, 2.3, 4.7]) * s + rng.uniform(0, 6, 3))
    force, up = np.empty((len(t), 3)), np.array([0.6, -7.0, 6.8])
    for i, step in enumerate(w * 0.002):
        force[i] = up
        up = exp_so3(-step) @ up
    shake = shake_mps2 * np.sin(20 * s + rng.uniform(0, 6, 3))
    return ImuSamples(t, w + rng.normal(0, 0.01, w.shape), force + shake + rng.normal(0, 0.05, w.shape))


def judged(imu):
    found = list(gravity_findings(imu))
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("seed", range(5))
def test_a_right_gyro_and_its_mistakes(seed):
    imu = made(seed)
    assert judged(imu).severity is Severity.OK
    degrees = judged(replace(imu, gyro_radps=np.degrees(imu.gyro_radps)))
    assert degrees.severity is Severity.ERROR
    assert "0.0174533" in degrees.what_to_do
    mirrored = judged(replace(imu, gyro_radps=-imu.gyro_radps))
    assert mirrored.severity is Severity.WARNING
    assert "(-wx, -wy, -wz)" in mirrored.what
    swapped = judged(replace(imu, gyro_radps=np.ascontiguousarray(imu.gyro_radps[:, [1, 0, 2]])))
    assert "(+wy, +wx, +wz)" in swapped.what


def test_the_accelerometers_unit_does_not_matter():
    imu = made()
    assert judged(replace(imu, accel_mps2=imu.accel_mps2 / 9.80665)) == judged(imu)


@pytest.mark.parametrize("options", [{"amplitude_radps": 0.0}, {"shake_mps2": 20.0, "amplitude_radps": 0.1}])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_said_of_an_imu_at_rest_or_shaken(seed, options):
    finding = judged(made(seed, **options))
    assert finding is None or finding.severity is Severity.OK


def test_without_accelerometer_or_with_too_few_samples():
    imu = made()
    assert judged(replace(imu, accel_mps2=None)) is None
    assert judged(ImuSamples(imu.t[:300], imu.gyro_radps[:300], imu.accel_mps2[:300])) is None


@pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ, reason="EVCAM_REFERENCE_DATA is not set")
def test_a_davis_that_rolls():
    with evcam.open(SPOKES) as recording:
        imu = recording.imu()
    assert judged(imu).severity is Severity.OK
    assert judged(replace(imu, gyro_radps=np.degrees(imu.gyro_radps))).severity is Severity.ERROR
    assert judged(replace(imu, gyro_radps=-imu.gyro_radps)).severity is Severity.WARNING
