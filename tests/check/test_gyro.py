"""The comparison itself, on turning that is known: what is found, how well it says it is found, and what it leaves open."""

from dataclasses import replace

import numpy as np
import pytest

from evcam.check import GyroStatus, Severity, gyro_findings, worst
from evcam.check.gyro import compare
from evcam.core.imu import ImuSamples
from evcam.core.rotation import exp_so3, log_so3
from evcam.errors import NotEnoughDataError

TOLD_TILT_RAD = 0.2
MOUNT = exp_so3([0.0, 0.0, np.pi / 2]) @ exp_so3([np.pi, 0.0, 0.0])


def mounted(imu: ImuSamples, R=MOUNT, offset_us=0) -> ImuSamples:
    """The same gyro as an IMU with other axes and another clock gives it, described as it is."""
    return ImuSamples(imu.t - offset_us, imu.gyro_radps @ R, None, R, offset_us)


def topics(agreement):
    return {finding.topic: finding for finding in gyro_findings(agreement)}


def test_a_gyro_that_is_stated_right_raises_nothing(make):
    turning, imu = make()
    agreement = compare(turning, mounted(imu, offset_us=-30_000), with_camera=True)
    assert agreement.status is GyroStatus.MATCHED
    assert np.array_equal(agreement.fit.axis_map, np.eye(3))
    assert agreement.axes_seen == (True, True, True)
    assert (agreement.fit.tilt_std_rad < TOLD_TILT_RAD).all()
    assert abs(agreement.fit.ratio - 1) < 0.01
    assert abs(agreement.offset_us + 30_000) < 1000
    assert worst(gyro_findings(agreement)) is Severity.OK


@pytest.mark.parametrize("shift_us", [-40_000, 5_000])
def test_a_clock_that_is_off(make, shift_us):
    turning, imu = make()
    agreement = compare(turning, replace(mounted(imu), t=imu.t - shift_us), with_camera=True)
    assert abs(agreement.offset_us - shift_us) < 4 * agreement.fit.shift_std_us < 2500
    found = topics(agreement)["gyro clock"]
    assert found.severity is Severity.WARNING
    assert f"{agreement.offset_us:.0f} us" in found.what_to_do


@pytest.mark.parametrize(("change", "row"), [
    (np.diag([-1.0, -1.0, -1.0]), "z shows on its z reversed"),
    (np.diag([1.0, 1.0, -1.0]), "z shows on its z reversed"),
    (np.eye(3)[[2, 1, 0]], "z shows on its x"),
    (np.eye(3)[[1, 2, 0]], "z shows on its y"),
])
@pytest.mark.parametrize("with_camera", [True, False])
def test_axes_and_signs(make, change, row, with_camera):
    turning, imu = make(with_camera=with_camera)
    agreement = compare(turning, replace(imu, gyro_radps=imu.gyro_radps @ change.T), with_camera=with_camera)
    found = topics(agreement)["gyro axes"]
    assert found.severity is Severity.ERROR
    assert row in found.what
    seen = [0, 1, 2] if with_camera else [2]
    assert agreement.R_cam_imu[seen] == pytest.approx(np.linalg.inv(change)[seen], abs=0.1)


def test_what_is_seen_of_the_axes_is_said(make):
    turning, imu = make(axes=(2,))
    agreement = compare(turning, imu, with_camera=True)
    assert agreement.axes_seen == (False, False, True)
    assert (agreement.fit.tilt_std_rad < TOLD_TILT_RAD).tolist() == [True, True, False]  # about z the roll looks the same
    what = topics(agreement)["gyro axes"].what
    assert "about z (means in rad/s" in what
    assert "The rest cannot be told" in what


@pytest.mark.parametrize("with_camera", [True, False])
def test_degrees_taken_for_radians(make, with_camera):
    turning, imu = make(with_camera=with_camera)
    agreement = compare(turning, replace(imu, gyro_radps=np.degrees(imu.gyro_radps)), with_camera=with_camera)
    found = topics(agreement)["gyro scale"]
    assert found.severity is Severity.ERROR
    assert "degrees per second" in found.what
    assert "0.0174533" in found.what_to_do


def test_a_scale_that_is_off(make):
    turning, imu = make()
    agreement = compare(turning, replace(imu, gyro_radps=1.2 * imu.gyro_radps), with_camera=True)
    assert abs(agreement.fit.scale - 1 / 1.2) < 4 * agreement.fit.scale_std < 0.08
    assert topics(agreement)["gyro scale"].severity is Severity.WARNING


def test_an_imu_that_is_turned(make):
    turning, imu = make()
    tilt = exp_so3([0.2, -0.3, 0.25])
    agreement = compare(turning, replace(imu, gyro_radps=imu.gyro_radps @ tilt), with_camera=True)
    assert np.abs(log_so3(agreement.R_cam_imu @ tilt.T)).max() < 0.03
    assert topics(agreement)["gyro rotation"].severity is Severity.WARNING


def test_a_bias(make):
    turning, imu = make()
    agreement = compare(turning, replace(imu, gyro_radps=imu.gyro_radps + [0.0, 0.12, 0.0]), with_camera=True)
    found = topics(agreement)["gyro bias"]
    assert found.severity is Severity.WARNING
    assert agreement.fit.bias_radps[1] == pytest.approx(-0.12, abs=4 * agreement.fit.bias_std_radps[1])


def test_stated_deviations_hold(make):
    """Shift, scale and bias of right gyros, over seeds, in their own standard deviations."""
    errors = []
    for seed in range(25):
        turning, imu = make(seed=seed, duration_s=2.0)
        fit = compare(turning, imu, with_camera=True).fit
        errors.append([fit.shift_us / fit.shift_std_us, (fit.scale - 1) / fit.scale_std, *(fit.bias_radps / fit.bias_std_radps)])
    rms = np.sqrt((np.array(errors) ** 2).mean(0))
    # The scale's holds two per cent that flows may be slow, which these rates are not.
    assert ((0.5 < rms) & (rms < 1.5))[[0, 2, 3, 4]].all()
    assert rms[1] < 1.3


def test_translation_leaves_little_to_be_told_and_no_false_alarm(make):
    """A scene whose depth disturbs what the events see of the turning, as slowly as it changes."""
    for seed in range(5):
        turning, imu = make(seed=seed, drift_radps=(0.5, 0.5, 0.17))
        rng = np.random.default_rng(seed)
        knots = rng.normal(0, [0.5, 0.5, 0.17], (16, 3))
        slow = np.stack([np.interp(turning.t_us, turning.t_us[0] + 200_000 * np.arange(16), column) for column in knots.T], -1)
        agreement = compare(replace(turning, rate_radps=turning.rate_radps + slow), imu, with_camera=True)
        assert agreement
        assert worst(gyro_findings(agreement)) is Severity.OK


def test_a_camera_that_does_not_turn(make):
    turning, imu = make(axes=())
    agreement = compare(turning, imu, with_camera=True)
    assert not agreement
    assert agreement.status is GyroStatus.CANNOT_TELL
    (found,) = gyro_findings(agreement)
    assert found.severity is Severity.NOTE
    assert "cannot be told" in found.what


def test_a_gyro_of_another_recording(make):
    turning, _ = make()
    _, other = make(seed=1)
    agreement = compare(turning, replace(other, gyro_radps=other.gyro_radps[::-1].copy()), with_camera=True)
    assert agreement.status is GyroStatus.UNRELATED
    assert worst(gyro_findings(agreement)) is Severity.ERROR


def test_a_gyro_that_reads_nothing(make):
    turning, imu = make()
    agreement = compare(turning, replace(imu, gyro_radps=0 * imu.gyro_radps), with_camera=True)
    assert agreement.status is GyroStatus.UNRELATED


def test_clocks_that_never_meet(make):
    turning, imu = make()
    agreement = compare(turning, replace(imu, t=imu.t + 10**9), with_camera=True)
    assert agreement.status is GyroStatus.NO_OVERLAP
    assert worst(gyro_findings(agreement)) is Severity.ERROR
    with pytest.raises(NotEnoughDataError, match="look at `status`"):
        agreement.offset_us  # noqa: B018


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_sample(make, count):
    turning, imu = make()
    few = ImuSamples(imu.t[:count], imu.gyro_radps[:count])
    assert compare(turning, few, with_camera=True).status is GyroStatus.NO_OVERLAP


def test_few_slices(make):
    turning, imu = make()
    agreement = compare(turning[turning.t_us < turning.t_us[5]], imu, with_camera=True)
    assert agreement.status is GyroStatus.CANNOT_TELL


def test_long_recordings_are_thinned_out(make):
    turning, imu = make(duration_s=65.0)
    fit = compare(turning, imu, with_camera=True).fit
    assert 3000 < fit.slices < 6000
    assert abs(fit.shift_us) < 4 * fit.shift_std_us < 1000


def test_gaps_are_left_out(make):
    turning, imu = make()
    there = (imu.t < imu.t[0] + 1_200_000) | (imu.t > imu.t[0] + 1_600_000)
    gappy = ImuSamples(imu.t[there], imu.gyro_radps[there])
    agreement = compare(turning, gappy, with_camera=True)
    assert agreement
    assert agreement.fit.slices < compare(turning, imu, with_camera=True).fit.slices - 40
    assert abs(agreement.fit.ratio - 1) < 0.02
