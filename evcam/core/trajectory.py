"""A smooth camera pose over time, before a board or a world that does not move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from evcam.core.rotation import are_rotations, exp_so3
from evcam.errors import InputError

Array = NDArray[np.float64]

_KNOTS_PER_S = 100.0
"""A hand moves below some 10 Hz; knots at ten times that leave nothing between them."""


@dataclass(frozen=True, eq=False, slots=True)
class Trajectory:
    """Cubic splines through poses: velocities and accelerations are continuous.

    The position is a cubic spline in R^3, the orientation the cubic spline on SO(3) of
    `scipy.spatial.transform.RotationSpline`.  "Board" stands for whatever does not move.

    Build with `from_poses`, `still`, `hand_held` or `steady`.

    Attributes
    ----------
    start_us, stop_us : int
        First and last time at which the pose is known.

    Examples
    --------
    >>> trajectory = Trajectory.still(np.eye(3), [0.0, 0.0, 1.0], duration_s=0.5)
    >>> R_cam_board, t_cam_board_m = trajectory.pose(250_000)
    >>> t_cam_board_m.tolist()
    [0.0, 0.0, 1.0]
    """

    start_us: int
    stop_us: int
    _position: CubicSpline
    _rotation: RotationSpline

    @classmethod
    def from_poses(cls, t_us: ArrayLike, R_cam_board: ArrayLike, t_cam_board_m: ArrayLike) -> Trajectory:
        """The curve through given poses.

        Parameters
        ----------
        t_us : array_like of int, shape (N,)
            Increasing times, N >= 2.
        R_cam_board : array_like of float, shape (N, 3, 3)
            Rotations from board to camera; neighbours less than half a turn apart.
        t_cam_board_m : array_like of float, shape (N, 3)
            The board's origin in the camera's frame.

        Raises
        ------
        InputError
            Shapes that do not match, times that do not increase, or matrices that are no rotations.
        """
        t = np.asarray(t_us)
        R, position = np.asarray(R_cam_board, float), np.asarray(t_cam_board_m, float)
        if t.ndim != 1 or len(t) < 2 or R.shape != (len(t), 3, 3) or position.shape != (len(t), 3):
            raise InputError(f"trajectory: N >= 2 times need rotations (N, 3, 3) and positions (N, 3), "
                             f"not {t.shape}, {R.shape}, {position.shape}")
        if np.any(np.diff(t) <= 0):
            i = int(np.argmin(np.diff(t) > 0)) + 1
            raise InputError(f"trajectory: times must increase; pose {i} at {t[i]} us follows {t[i - 1]} us")
        if not (np.isfinite(position).all() and are_rotations(R)):
            raise InputError("trajectory: R_cam_board must hold rotation matrices and t_cam_board_m finite metres")
        seconds = (t - t[0]) * 1e-6
        return cls(int(t[0]), int(t[-1]), CubicSpline(seconds, position), RotationSpline(seconds, Rotation.from_matrix(R)))

    @classmethod
    def still(cls, R_cam_board: ArrayLike, t_cam_board_m: ArrayLike, *, duration_s: float) -> Trajectory:
        """A camera that does not move."""
        R, t = np.asarray(R_cam_board, float), np.asarray(t_cam_board_m, float)
        return cls.from_poses([0, _duration_us(duration_s)], np.stack([R, R]), np.stack([t, t]))

    @classmethod
    def steady(
        cls, R_cam_board: ArrayLike, t_cam_board_m: ArrayLike, velocity_mps: ArrayLike, omega_radps: ArrayLike,
        *, duration_s: float,
    ) -> Trajectory:
        """Constant velocity along a straight line in the board's frame while turning at a constant rate.

        Parameters
        ----------
        R_cam_board, t_cam_board_m : array_like of float, shapes (3, 3) and (3,)
            First pose.
        velocity_mps, omega_radps : array_like of float, shape (3,)
            Linear and angular velocity of the camera in its own frame at the start.
            The angular velocity stays constant in the camera's frame.
        """
        R0, t0 = np.asarray(R_cam_board, float), np.asarray(t_cam_board_m, float)
        velocity, omega = np.asarray(velocity_mps, float), np.asarray(omega_radps, float)

        def pose(s: Array) -> tuple[Array, Array]:
            R_now_start = exp_so3(-s[:, None] * omega)
            return R_now_start @ R0, np.einsum("nij,nj->ni", R_now_start, t0 - s[:, None] * velocity)

        return cls._sampled(pose, duration_s)

    @classmethod
    def hand_held(
        cls, centre_m: ArrayLike, *, duration_s: float, distance_m: float, sway_m: tuple[float, float, float],
        tilt_rad: float = 0.3, roll_rad: float = 0.0, roll_amplitude_rad: float = 0.3, speed: float = 1.0, seed: int = 0,
    ) -> Trajectory:
        """A camera waved by hand before a board: sums of slow sinusoids in position, tilt and roll.

        Parameters
        ----------
        centre_m : array_like of float, shape (2,) or (3,)
            Middle of the board in the board's frame.
        duration_s : float
            Length, s.
        distance_m : float
            Mean distance from the camera to the middle of the board.
        sway_m : (float, float, float)
            Amplitudes with which that middle moves in the camera's x, y and z.
        tilt_rad : float
            Amplitude of the tilts about the camera's x and y axes.
        roll_rad, roll_amplitude_rad : float
            Mean and amplitude of the turn of the board about the optical axis.
        speed : float
            Factor on all frequencies; 1 is a calm hand, 0.3 to 0.8 Hz.
        seed : int
            Chooses frequencies and phases.

        Raises
        ------
        InputError
            The sway in z reaches the board.
        """
        if sway_m[2] >= 0.9 * distance_m:
            raise InputError(f"trajectory: swaying {sway_m[2]} m along the optical axis at {distance_m} m runs into the board")
        rng = np.random.default_rng(seed)
        waves = [_wave(rng, speed) for _ in range(6)]
        centre = np.zeros(3)
        centre[: len(np.atleast_1d(centre_m))] = centre_m

        def pose(s: Array) -> tuple[Array, Array]:
            x, y, z, tilt_x, tilt_y, roll = (wave(s) for wave in waves)
            about_z = np.zeros((len(s), 3))
            about_z[:, 2] = roll_rad + roll_amplitude_rad * roll
            tilts = np.stack([tilt_rad * tilt_x, tilt_rad * tilt_y, np.zeros_like(s)], 1)
            R = exp_so3(tilts) @ exp_so3(about_z)
            middle = np.stack([x, y, z], 1) * np.asarray(sway_m) + [0.0, 0.0, distance_m]
            return R, middle - R @ centre

        return cls._sampled(pose, duration_s)

    @classmethod
    def _sampled(cls, pose: Callable[[Array], tuple[Array, Array]], duration_s: float) -> Trajectory:
        stop_us = _duration_us(duration_s)
        t_us = np.linspace(0, stop_us, max(4, int(duration_s * _KNOTS_PER_S) + 1)).round().astype(np.int64)
        return cls.from_poses(t_us, *pose((t_us * 1e-6).astype(np.float64)))

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last pose."""
        return (self.stop_us - self.start_us) * 1e-6

    def pose(self, t_us: ArrayLike) -> tuple[Array, Array]:
        """Poses at given times.

        Parameters
        ----------
        t_us : array_like of int or float, any shape
            Microseconds, within the trajectory.

        Returns
        -------
        R_cam_board : ndarray of float64, shape (..., 3, 3)
        t_cam_board_m : ndarray of float64, shape (..., 3)

        Raises
        ------
        InputError
            A time outside the trajectory.
        """
        s = self._seconds(t_us)
        R = self._rotation(s.ravel()).as_matrix().reshape(*s.shape, 3, 3)
        return R, self._position(s)

    def velocity(self, t_us: ArrayLike) -> tuple[Array, Array]:
        """Linear (m/s) and angular (rad/s) velocity of the camera, both in the camera's own frame.

        Parameters, shapes and errors as for `pose`; both results have shape (..., 3).
        """
        s = self._seconds(t_us)
        R, t = self.pose(t_us)
        # scipy's rates refer to the rotated (board) frame; the board turns against the camera
        rate_in_board = self._rotation(s.ravel(), 1).reshape(*s.shape, 3)
        omega_board = np.einsum("...ij,...j->...i", R, rate_in_board)
        velocity: Array = np.cross(omega_board, t) - self._position(s, 1)
        return velocity, -omega_board

    def _seconds(self, t_us: ArrayLike) -> Array:
        t = np.asarray(t_us)
        if t.size and (t.min() < self.start_us or t.max() > self.stop_us):
            raise InputError(f"trajectory: times {t.min()} .. {t.max()} us leave {self.start_us} .. {self.stop_us} us, "
                             "where the pose is known")
        seconds: Array = (t - self.start_us) * 1e-6
        return seconds


def _wave(rng: np.random.Generator, speed: float) -> Callable[[Array], Array]:
    """Three sinusoids of unequal frequency whose amplitudes add up to one."""
    hz = speed * rng.uniform((0.3, 0.45, 0.65), (0.4, 0.6, 0.8))
    phase = rng.uniform(0, 2 * np.pi, 3)

    def wave(s: Array) -> Array:
        value: Array = np.sin(2 * np.pi * s[:, None] * hz + phase) @ np.array([0.6, 0.25, 0.15])
        return value

    return wave


def _duration_us(duration_s: float) -> int:
    if not 1e-3 <= duration_s <= 1e5:
        raise InputError(f"trajectory: duration_s must lie between 0.001 and 100000 s, not {duration_s!r}")
    return round(duration_s * 1e6)
