"""What is simulated: a board or lines, a camera, its motion, its sensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.target import Checkerboard, CircleGrid, Target
from evcam.core.trajectory import Trajectory
from evcam.errors import InputError
from evcam.sim.clutter import Backdrop, Occluder
from evcam.sim.sensor import Sensor, check_range

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Flicker:
    """A screen that shows the pattern and something else in turn.

    Attributes
    ----------
    hz : float
        Full cycles per second.
    mode : {"invert", "blink"}
        Whether the pattern alternates with its inverse or with a black screen.
    rise_s : float
        Time that the screen takes from one to the other.
    """

    hz: float
    mode: Literal["invert", "blink"] = "invert"
    rise_s: float = 0.002

    def __post_init__(self) -> None:
        check_range("flicker", "hz", self.hz, 0.1, 2000.0, "Hz")
        if self.mode not in ("invert", "blink"):
            raise InputError(f"flicker: mode must be invert or blink, not {self.mode!r}")
        check_range("flicker", "rise_s", self.rise_s, 1e-5, 0.4 / self.hz, "s")


@dataclass(frozen=True, slots=True)
class Board:
    """A target on a bright sheet (or a screen) before a grey surround.

    Attributes
    ----------
    target : CircleGrid or Checkerboard
        The pattern.
    white, black, surround : float
        Linear intensities.
    margin_m : float, optional
        Width of blank sheet around the pattern; half the spacing of the points by default.
    flicker : Flicker, optional
        For a screen.
    backdrop : Backdrop, optional
        A textured wall behind the board, in place of the even surround.
    occluders : tuple of Occluder
        Things that pass before it; later ones are nearer to the camera.
    """

    target: Target
    white: float = 0.9
    black: float = 0.07
    surround: float = 0.35
    margin_m: float | None = None
    flicker: Flicker | None = None
    backdrop: Backdrop | None = None
    occluders: tuple[Occluder, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.target, (CircleGrid, Checkerboard)):
            raise InputError(f"board: only circle grids and checkerboards can be simulated, not {type(self.target).__name__}")
        for name in ("white", "black", "surround"):
            check_range("board", name, getattr(self, name), 1e-4, 1e4)
        if self.margin_m is not None:
            check_range("board", "margin_m", self.margin_m, 0.0, 10.0, "m")

    @property
    def outline_m(self) -> tuple[float, float, float, float]:
        """Sheet in the board's frame: x0, x1, y0, y1."""
        points = self.target.object_points
        if isinstance(self.target, CircleGrid):
            reach, margin = self.target.radius_m, 0.5 * self.target.spacing_m
        else:
            assert isinstance(self.target, Checkerboard)
            reach, margin = self.target.square_m, 0.5 * self.target.square_m
        reach += margin if self.margin_m is None else self.margin_m
        low, high = points.min(0) - reach, points.max(0) + reach
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])


@dataclass(frozen=True, slots=True)
class Line:
    """A flat, straight band; its two long edges are lines in space.

    Attributes
    ----------
    start_m, end_m : (float, float, float)
        Ends of its middle line in the world's frame.
    width_m : float
        Narrow for a line that darkens, wide for boundaries between two brightnesses.
    brightness : float
        Intensity relative to the background; bands that overlap multiply.
    normal : (float, float, float), optional
        Perpendicular to the band; by default the band faces the camera's first position.
    """

    start_m: Vector
    end_m: Vector
    width_m: float = 0.01
    brightness: float = 0.2
    normal: Vector | None = None

    def __post_init__(self) -> None:
        for name in ("start_m", "end_m", "normal"):
            value = getattr(self, name)
            if value is not None and (np.shape(value) != (3,) or not np.isfinite(np.asarray(value, float)).all()):
                raise InputError(f"line: {name} must be three numbers, not {value!r}")
        check_range("line", "width_m", self.width_m, 1e-5, 100.0, "m")
        check_range("line", "brightness", self.brightness, 1e-3, 1e3)
        if np.linalg.norm(np.subtract(self.end_m, self.start_m)) < 1e-6:
            raise InputError(f"line: start_m and end_m are the same point, {self.start_m}")

    def frame(self, eye_m: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
        """Middle, unit direction, unit direction across (all in the world's frame) and length."""
        start, end = np.asarray(self.start_m, float), np.asarray(self.end_m, float)
        along, middle = end - start, (start + end) / 2
        length = float(np.linalg.norm(along))
        facing = eye_m - middle if self.normal is None else np.asarray(self.normal, float)
        across = np.cross(along, facing)
        if np.linalg.norm(across) < 1e-6 * length * np.linalg.norm(facing):
            raise InputError(f"line from {self.start_m} to {self.end_m}: its normal (by default to the camera) runs along it")
        return middle, along / length, across / np.linalg.norm(across), length


@dataclass(frozen=True, slots=True)
class Lines:
    """Bands in space before an even background of linear intensity ``background``."""

    lines: tuple[Line, ...]
    background: float = 0.5

    def __post_init__(self) -> None:
        if not self.lines:
            raise InputError("lines: at least one line is needed")
        check_range("lines", "background", self.background, 1e-4, 1e4)


@dataclass(frozen=True, eq=False, slots=True)
class Gyro:
    """A gyro fixed to the camera.

    Attributes
    ----------
    rate_hz : float
        Samples per second.
    noise_radps : float
        Standard deviation of white noise per sample.
    bias_radps : (float, float, float)
        Constant bias in the IMU's frame.
    R_cam_imu : ndarray of float64, shape (3, 3)
        Rotates the IMU's axes to the camera's.
    offset_us : int
        ``t_cam = t_imu + offset_us``.
    """

    rate_hz: float = 1000.0
    noise_radps: float = 0.005
    bias_radps: Vector = (0.0, 0.0, 0.0)
    R_cam_imu: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    offset_us: int = 0

    def __post_init__(self) -> None:
        check_range("gyro", "rate_hz", self.rate_hz, 1.0, 1e5, "Hz")
        check_range("gyro", "noise_radps", self.noise_radps, 0.0, 10.0, "rad/s")


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """Everything that a simulated recording follows from, but for the seed.

    Attributes
    ----------
    camera : Camera
        Any supported model.
    trajectory : Trajectory
        Motion of the camera before the world; the recording lasts as long.
    world : Board or Lines
        What is seen.
    sensor : Sensor
        Pixels and optics.
    gyro : Gyro, optional
        Adds IMU samples to the simulation.
    step_px : float
        No pixel sees an edge move further than this between two of its samples; log intensity is linear between them.
    """

    camera: Camera
    trajectory: Trajectory
    world: Board | Lines
    sensor: Sensor = field(default_factory=Sensor)
    gyro: Gyro | None = None
    step_px: float = 0.5

    def __post_init__(self) -> None:
        check_range("scene", "step_px", self.step_px, 0.01, 1.0, "px")
        _, t = self.trajectory.pose(self.trajectory.start_us)
        if isinstance(self.world, Board) and t[2] <= 0:
            raise InputError(f"scene: the board starts behind the camera (z = {t[2]:.3g} m); give a pose with z > 0")
