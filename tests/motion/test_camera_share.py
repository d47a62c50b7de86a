"""What another camera does to lines is what is predicted of it."""

import numpy as np

from evcam.core.camera import Camera
from evcam.motion import VelocityOptions, estimate_velocity
from evcam.motion.camera_share import _bearing_shifts, _line_shifts
from evcam.motion.core import WindowSolver
from evcam.motion.gyro import GyroBuffer
from evcam.solvers import EventNoise
from evcam.solvers.joint_fits import fit_jointly

SPAN_US = (100_000, 180_000)


def test_lines_move_with_the_cameras_parameters_as_predicted(room, camera):
    gyro, noise = GyroBuffer(), EventNoise(sigma_px=0.2)
    gyro.push(room.imu)
    around = room.events.between(SPAN_US[0] - 20_000, SPAN_US[1] + 20_000)
    solver = WindowSolver(camera, VelocityOptions())
    window = solver._window(around, SPAN_US, gyro.window(*SPAN_US))
    members = [line.members for line in solver._search.lines(window)[0] if len(line.members) > 300]
    assert len(members) > 5
    fits = fit_jointly(window.for_solvers(members), noise)
    for k, step in ((0, 2.0), (2, 2.0), (4, 0.02)):
        steps = np.zeros((9, 1))
        steps[k] = step
        (predicted,) = _line_shifts(fits, _bearing_shifts(camera, fits, steps))
        other = WindowSolver(Camera(camera.model, camera.params + steps[:, 0], 240, 180), VelocityOptions())
        moved = other._window(around, SPAN_US, gyro.window(*SPAN_US))
        seen = fit_jointly(moved.for_solvers(members), noise)
        assert (seen.used == fits.used).all()
        change = seen.fits.vectors - fits.fits.vectors
        # b, which is well determined; the rate's hidden component amplifies what is of second order.
        np.testing.assert_allclose(np.median(np.abs(change - predicted)[:, :3], 0), 0, atol=0.1 * np.abs(predicted[:, :3]).max())


def test_an_uncertain_camera_widens_the_answer(room, camera):
    part = room.events.between(80_000, 220_000)
    sure = estimate_velocity(part, camera, room.imu)[0]
    spread = np.diag([2.0, 2.0, 3.0, 3.0, 0, 0, 0, 0, 0]) ** 2
    unsure = estimate_velocity(part, camera, room.imu, VelocityOptions(camera_covariance=spread))[0]
    np.testing.assert_array_equal(sure.vector, unsure.vector)
    added = np.linalg.eigvalsh(unsure.covariance - sure.covariance)
    assert added.min() > -1e-12
    assert added.max() > 1e-6
