"""Velocity estimates go to CSV and come back."""

import numpy as np
import pytest

from evcam.errors import FormatError, InputError, NotEnoughDataError, OutputExistsError
from evcam.motion import MotionStatus, VelocityEstimate, VelocityOptions, load_velocity_csv, save_velocity_csv

DIRECTION = np.array([0.6, -0.64, 0.48])
ACROSS = np.eye(3) - np.outer(DIRECTION, DIRECTION)


@pytest.fixture
def estimates():
    answer = VelocityEstimate(1_500, 1_000, 2_000, MotionStatus.OK, "determined", DIRECTION, 0.01 * ACROSS, True,
                              event_count=42, notes=("one", "another"))
    return answer, VelocityEstimate.missing((2_000, 3_001), MotionStatus.NO_LINES, event_count=7)


def test_what_was_written_is_read(estimates, tmp_path):
    save_velocity_csv(estimates, tmp_path / "v.csv")
    answer, none = load_velocity_csv(tmp_path / "v.csv")
    assert (answer.t_us, answer.start_us, answer.stop_us, answer.event_count) == (1_500, 1_000, 2_000, 42)
    assert answer.notes == ("one", "another")
    assert answer.sign_resolved
    np.testing.assert_allclose(answer.direction, DIRECTION, atol=1e-9)
    np.testing.assert_allclose(answer.covariance, 0.01 * ACROSS, atol=1e-10)
    assert (none.t_us, none.status, none.reason) == (2_500, "no_lines", MotionStatus.NO_LINES.reason)


def test_the_file_has_the_columns_that_are_scored(estimates, tmp_path):
    save_velocity_csv(estimates, tmp_path / "v.csv")
    lines = [line for line in (tmp_path / "v.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[0].startswith("t_us,status,dx,dy,dz,sign_resolved,cxx,cxy,cxz,cyy,cyz,czz,")
    assert lines[2].startswith("2500,no_lines,,,,,,,,,,,")


def test_a_missing_direction_raises_when_touched(estimates):
    assert not estimates[1]
    with pytest.raises(NotEnoughDataError, match="no straight edges"):
        estimates[1].direction  # noqa: B018
    assert estimates[1].in_plane_std_rad == np.inf


def test_in_plane_deviation_is_that_of_the_angle_in_the_image(estimates):
    answer = estimates[0]
    rng = np.random.default_rng(0)
    drawn = answer.vector + rng.multivariate_normal(np.zeros(3), answer.covariance / 100, 20_000)
    angles = np.angle((drawn[:, 0] + 1j * drawn[:, 1]) / complex(*answer.vector[:2]))
    assert 10 * angles.std() == pytest.approx(answer.in_plane_std_rad, rel=0.02)


def test_nothing_is_overwritten_unasked(estimates, tmp_path):
    save_velocity_csv(estimates, tmp_path / "v.csv")
    with pytest.raises(OutputExistsError):
        save_velocity_csv(estimates, tmp_path / "v.csv")
    save_velocity_csv(estimates[:1], tmp_path / "v.csv", force=True)
    assert len(load_velocity_csv(tmp_path / "v.csv")) == 1


@pytest.mark.parametrize(("old", "new"), [("ok", "good"), ("0.6", "six"), ("0.6", "nan"), ("dx", "ex")])
def test_damaged_files_are_refused(estimates, tmp_path, old, new):
    save_velocity_csv(estimates, tmp_path / "v.csv")
    (tmp_path / "v.csv").write_text((tmp_path / "v.csv").read_text().replace(f"{old},", f"{new},", 1))
    with pytest.raises(FormatError):
        load_velocity_csv(tmp_path / "v.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        load_velocity_csv(tmp_path / "none.csv")


@pytest.mark.parametrize("wrong", [
    {"window_us": 1000, "window_events": 10}, {"window_us": 0}, {"window_us": 1.5}, {"motion_px": 0.0}, {"shortest_us": 10**7},
    {"gyro_bias_radps": -1.0}, {"min_crossings": 3}, {"camera_covariance": np.zeros((3, 2))},
    {"min_crossings": 20.5}, {"camera_covariance": np.diag([1.0, -0.1])}, {"camera_covariance": np.triu(np.ones((2, 2)))},
])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(InputError, match="velocity: "):
        VelocityOptions(**wrong)
