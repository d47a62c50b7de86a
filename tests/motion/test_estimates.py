"""Directions of simulated flights, and the windows that give none."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.errors import InputError, NotEnoughDataError
from evcam.motion import MotionStatus, VelocityOptions, estimate_velocity


@pytest.fixture(scope="module")
def of_room(room, camera):
    return estimate_velocity(room.events, camera, room.imu)


def test_the_direction_of_a_flight_is_found(room, of_room):
    assert len(of_room) >= 2
    for estimate in of_room:
        assert estimate.status is MotionStatus.OK
        assert estimate.sign_resolved
        assert room.error_deg(estimate) < 6


def test_windows_follow_one_another_and_the_last_reaches_back(room, of_room):
    first, last = of_room[0], of_room[-1]
    assert first.start_us <= room.events.t[0] + 20_000
    assert last.stop_us == room.events.t[-1] + 1 - 20_000
    for before, after in pairwise(of_room):
        assert before.start_us <= after.start_us <= before.stop_us
        assert after.t_us == (after.start_us + after.stop_us) // 2


def test_covariance_lies_on_the_tangent_plane(of_room):
    for estimate in of_room:
        np.testing.assert_allclose(estimate.covariance @ estimate.direction, 0, atol=1e-12)
        assert (np.linalg.eigvalsh(estimate.covariance)[1:] > 0).all()
        assert np.linalg.norm(estimate.direction) == pytest.approx(1)


def test_lines_are_edges_of_the_scene(room, of_room):
    """In the middle of the window the planes of long lines hold long edges of bands; short ones may be its ends."""
    estimate = of_room[0]
    R, t = room.simulation.truth.scene.trajectory.pose(estimate.t_us)
    edges = room.simulation.truth.edges_m().reshape(-1, 2, 3) @ R.T + t
    normals = np.cross(edges[:, 0], edges[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    long = [line for line in estimate.lines if np.linalg.norm(line.ends_px[1] - line.ends_px[0]) > 40]
    away = np.array([np.arccos(np.abs(normals @ line.b).clip(0, 1)).min() for line in long])
    assert len(away) > 15
    assert np.mean(away < 0.015) > 0.9
    assert np.median(away) < 0.004


def test_every_line_says_what_it_rests_on(of_room, camera):
    for line in of_room[0].lines:
        assert len(line.crossings) >= VelocityOptions().min_crossings
        assert line.ends_px.shape == (2, 2)
        assert np.linalg.norm(line.b) == pytest.approx(1)
        assert (np.abs(line.ends_px) < 2 * camera.width).all()
        assert np.linalg.matrix_rank(line.covariance, tol=1e-12 * np.trace(line.covariance)) == 5
    assert len({line.id for line in of_room[0].lines}) == len(of_room[0].lines)


def test_the_same_events_give_the_same_bytes(room, camera, of_room):
    again = estimate_velocity(room.events, camera, room.imu)
    for a, b in zip(of_room, again, strict=True):
        assert a.vector.tobytes() == b.vector.tobytes()
        assert a.covariance.tobytes() == b.covariance.tobytes()


def test_a_camera_that_only_turns_has_no_direction(turning, camera):
    for estimate in estimate_velocity(turning.events, camera, turning.imu):
        assert estimate.status in (MotionStatus.STILL, MotionStatus.NO_LINES)
        assert not estimate
        with pytest.raises(NotEnoughDataError):
            estimate.direction  # noqa: B018


def test_parallel_lines_have_no_direction(parallel, camera):
    for estimate in estimate_velocity(parallel.events, camera, parallel.imu):
        assert estimate.status in (MotionStatus.ONE_DIRECTION, MotionStatus.UNCERTAIN)
        assert len(estimate.lines) >= 6


def test_curves_are_no_lines(discs, camera):
    for estimate in estimate_velocity(discs.events, camera, angular_velocity_radps=[0, 0, 0]):
        assert estimate.status is MotionStatus.NO_LINES
        assert len(estimate.lines) < 3


def test_noise_alone_is_empty(camera):
    rng = np.random.default_rng(0)
    n = 400
    noise = Events.from_arrays(np.sort(rng.integers(0, 100_000, n)), rng.integers(0, 240, n), rng.integers(0, 180, n),
                               rng.random(n) < 0.5, width=240, height=180)
    for estimate in estimate_velocity(noise, camera, angular_velocity_radps=[0, 0, 0]):
        assert estimate.status in (MotionStatus.EMPTY, MotionStatus.NO_LINES)


def test_no_events_are_no_windows(camera):
    assert estimate_velocity(Events.empty(240, 180), camera, angular_velocity_radps=[0, 0, 0]) == ()


def test_a_window_longer_than_the_recording_is_the_recording(room, camera):
    part = room.events.between(100_000, 160_000)
    (estimate,) = estimate_velocity(part, camera, room.imu, VelocityOptions(window_us=10_000_000))
    assert (estimate.start_us, estimate.stop_us) == (part.t[0], part.t[-1] + 1)
    assert estimate.event_count == len(part)


def test_windows_of_a_fixed_length_and_of_a_fixed_count(room, camera):
    part = room.events.between(100_000, 200_000)
    by_time = estimate_velocity(part, camera, room.imu, VelocityOptions(window_us=40_000))
    assert [e.stop_us - e.start_us for e in by_time[:2]] == [40_000, 40_000]
    by_count = estimate_velocity(part, camera, room.imu, VelocityOptions(window_events=25_000))
    assert all(abs(e.event_count - 25_000) < 50 for e in by_count[:2])


@pytest.mark.parametrize(("stop_us", "begins_us"), [(160_000, [0, 20_000]), (145_000, [0])])
def test_the_last_window_of_a_fixed_length_is_as_long_as_the_others(room, camera, stop_us, begins_us):
    """It reaches back into the one before; of next to nothing that is left it makes none."""
    part = room.events.between(100_000, stop_us)
    estimates = estimate_velocity(part, camera, room.imu, VelocityOptions(window_us=40_000))
    assert [e.stop_us - e.start_us for e in estimates] == [40_000] * len(begins_us)
    np.testing.assert_allclose([e.start_us - part.t[0] for e in estimates], begins_us, atol=200)


def test_the_last_window_of_a_fixed_count_is_no_scrap(room, camera):
    part = room.events.between(100_000, 200_000)
    options = VelocityOptions(window_events=round(len(part) / 2.1))
    assert len(estimate_velocity(part, camera, room.imu, options)) == 2


def test_an_assumed_angular_velocity_is_said(parallel, camera):
    estimates = estimate_velocity(parallel.events, camera)
    assert all("taken for zero" in estimate.notes[-1] for estimate in estimates)


def test_the_gyros_pose_and_clock_are_applied(room, camera, of_room):
    """The same gyro mounted otherwise and with another clock: the same answer."""
    R = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    turned, later = room.imu.gyro_radps @ R, room.imu.t + 5_000
    mounted = dataclasses.replace(room.imu, t=later, gyro_radps=turned, R_cam_imu=R, offset_us=-5_000)
    for a, b in zip(of_room, estimate_velocity(room.events, camera, mounted), strict=True):
        np.testing.assert_allclose(a.direction, b.direction, atol=1e-6)


def test_a_gyro_in_the_wrong_axes_is_not_as_good(room, camera, of_room):
    wrong = dataclasses.replace(room.imu, gyro_radps=-room.imu.gyro_radps)
    errors = [room.error_deg(e) for e in estimate_velocity(room.events, camera, wrong) if e]
    assert not errors or min(errors) > max(room.error_deg(e) for e in of_room)


def test_what_does_not_fit_is_refused(room, camera):
    with pytest.raises(InputError, match="not both"):
        estimate_velocity(room.events, camera, room.imu, angular_velocity_radps=[0, 0, 0])
    with pytest.raises(InputError, match="three finite numbers"):
        estimate_velocity(room.events, camera, angular_velocity_radps=[0, 0])
    other = Camera("pinhole-radtan", [200, 200, 159.5, 119.5, 0, 0, 0, 0, 0], 320, 240)
    with pytest.raises(InputError, match="320x240"):
        estimate_velocity(room.events, other, room.imu)
