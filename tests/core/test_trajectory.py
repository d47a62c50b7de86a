"""Trajectories: poses are met, velocities are the derivatives of poses."""

import numpy as np
import pytest

from evcam.core.rotation import exp_so3, log_so3
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError


def hand(**changes):
    options = {"duration_s": 3.0, "distance_m": 0.7, "sway_m": (0.1, 0.08, 0.15), "seed": 3, **changes}
    return Trajectory.hand_held([0.15, 0.25], **options)


def test_curve_passes_through_its_poses():
    rng = np.random.default_rng(0)
    t_us = np.array([0, 100_000, 250_000, 300_000])
    R, t = exp_so3(rng.normal(0, 0.3, (4, 3))), rng.normal(0, 1, (4, 3))
    R_found, t_found = Trajectory.from_poses(t_us, R, t).pose(t_us)
    np.testing.assert_allclose(R_found, R, atol=1e-9)
    np.testing.assert_allclose(t_found, t, atol=1e-12)


def test_velocities_are_the_derivatives_of_the_pose():
    trajectory, t_us, h_us = hand(), np.linspace(1e5, 2.9e6, 23), 50.0
    velocity, omega = trajectory.velocity(t_us)
    R, _ = trajectory.pose(t_us)
    (Rp, tp), (Rm, tm) = trajectory.pose(t_us + h_us), trajectory.pose(t_us - h_us)
    position = [-np.einsum("nji,nj->ni", R_, t_) for R_, t_ in ((Rp, tp), (Rm, tm))]  # of the camera in the board's frame
    expected = np.einsum("nij,nj->ni", R, position[0] - position[1]) / (2e-6 * h_us)
    np.testing.assert_allclose(velocity, expected, atol=1e-6)
    # R_board_cam(t + h) = R_board_cam(t) exp(h omega) for a rate in the camera's own frame
    np.testing.assert_allclose(omega, log_so3(Rm @ Rp.swapaxes(1, 2)) / (2e-6 * h_us), atol=1e-6)


def test_velocity_is_continuous_across_knots():
    trajectory, knot_us = hand(), np.arange(1, 290) * 10_000
    before, after = trajectory.velocity(knot_us - 0.01), trajectory.velocity(knot_us + 0.01)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_steady_motion_keeps_its_velocity():
    velocity, omega = [0.3, -0.1, 0.2], [0.1, 0.4, -0.2]
    trajectory = Trajectory.steady(np.eye(3), [0, 0, 2.0], velocity, omega, duration_s=0.5)
    t_us = np.linspace(0, 500_000, 11)
    v, w = trajectory.velocity(t_us)
    np.testing.assert_allclose(w, np.tile(omega, (11, 1)), atol=1e-6)
    R, _ = trajectory.pose(t_us)
    np.testing.assert_allclose(np.einsum("nji,nj->ni", R, v), np.tile(velocity, (11, 1)), atol=1e-6)


def test_still_camera_has_no_velocity():
    velocity, omega = Trajectory.still(np.eye(3), [0, 0, 1.0], duration_s=1.0).velocity([0, 400_000])
    assert not velocity.any()
    assert not omega.any()


def test_hand_keeps_the_board_where_it_was_told():
    trajectory = hand()
    R, t = trajectory.pose(np.arange(0, 3_000_000, 1000))
    middle = R @ [0.15, 0.25, 0.0] + t - [0, 0, 0.7]
    assert np.all(np.abs(middle) <= np.array([0.1, 0.08, 0.15]) + 1e-6)
    assert np.all(np.ptp(middle, 0) > np.array([0.1, 0.08, 0.15]) * 0.7)


@pytest.mark.parametrize("call", [
    lambda: Trajectory.from_poses([0, 0], np.stack([np.eye(3)] * 2), np.zeros((2, 3))),
    lambda: Trajectory.from_poses([0, 1], np.zeros((2, 3, 3)), np.zeros((2, 3))),
    lambda: Trajectory.from_poses([0, 1], np.stack([np.eye(3)] * 2), np.zeros((3, 3))),
    lambda: hand(sway_m=(0.1, 0.1, 0.7)),
    lambda: hand(duration_s=0.0),
    lambda: hand().pose(-1),
    lambda: hand().pose(3_000_001),
])
def test_bad_input_is_refused(call):
    with pytest.raises(InputError, match="trajectory"):
        call()
