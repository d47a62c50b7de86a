"""Simulated recordings of moving circle grids on which a detector is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from grid_score import median_speed_pxps

from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.sim import Backdrop, Board, Limb, Occluder, Scene, Sensor, Texture, Waypoint, hand
from evcam.sim.placing import board_middle_m, filling_distance_m, level_roll_rad

_BENT = (-0.31, 0.105, 0.0006, -0.0004, 0.0)
DAVIS = Camera("pinhole-radtan", np.array([322.4, 321.7, 171.3, 132.6, *_BENT]), 346, 260)
VGA = Camera("pinhole-radtan", np.array([560.0, 560.0, 318.0, 242.0, *_BENT]), 640, 480)
HD = Camera("pinhole-radtan", np.array([1050.0, 1049.0, 645.0, 355.0, *_BENT]), 1280, 720)
WIDE = Camera("pinhole-equidistant", np.array([190.0, 190.5, 171.0, 131.0, -0.02, 0.006, -0.003, 0.0006]), 346, 260)

WHITE = 0.9
_THRESHOLD = 0.3
_SPEED_STEPS = 6


def _grid(rows: int, cols: int, *, asymmetric: bool = True, dark: bool = True) -> CircleGrid:
    return CircleGrid(rows, cols, 0.05, 0.02 if asymmetric else 0.016, asymmetric, dark)


def _hand(tone: float) -> Callable[[Board], Board]:
    """A hand and its arm come from the side, rest on a third of the board, and leave."""

    def add(board: Board) -> Board:
        x, y, _ = board_middle_m(board.target)
        away, over = (x + 0.6, y + 0.1, -0.15), (x + 0.02, y, -0.15)
        path = Waypoint(0.2, away, -50), Waypoint(0.7, over, -70), Waypoint(1.3, over, -80), Waypoint(1.8, away, -60)
        return replace(board, occluders=(hand(path, tone, length_m=0.22),))

    return add


def _wall(board: Board) -> Board:
    return replace(board, backdrop=Backdrop(0.5, Texture(scale_m=0.08)))


def _second_object(board: Board) -> Board:
    """A patterned thing as large as a quarter of the board rolls past one of its long sides."""
    x0, _, y0, y1 = board.outline_m
    path = (Waypoint(0.0, (x0 - 0.14, y0 - 0.1, -0.05)), Waypoint(2.0, (x0 - 0.14, y1 + 0.1, -0.05), 270))
    return replace(board, occluders=(Occluder((Limb((-0.03, 0.0), (0.03, 0.0), 0.1),), path, Texture(0.07, 0.9, 0.06)),))


def _nothing(board: Board) -> Board:
    return board


@dataclass(frozen=True, slots=True)
class Case:
    """One recording.

    Attributes
    ----------
    name : str
        Unique.
    camera, target, sensor : Camera, CircleGrid, Sensor
        As simulated.
    duration_s : float
        Length.
    speed_pxps : float
        Wanted median speed of the circles in the image.
    events_per_crossing : float
        Contrast of disc and ground in thresholds.
    tilt_deg : float
        Amplitude of the tilts about the x and the y axis of the camera; both together reach 1.4 times as far.
    beyond : float
        How far the mean place of the board lies off the middle of the image, in lengths of the board.
    clutter : callable
        Puts things behind the board and before it.
    seed : int
        Of motion and noise.
    quick : bool
        Whether the case belongs to the quick selection.
    """

    name: str
    camera: Camera = DAVIS
    target: CircleGrid = field(default_factory=lambda: _grid(11, 4))
    sensor: Sensor = field(default_factory=Sensor)
    duration_s: float = 2.0
    speed_pxps: float = 150.0
    events_per_crossing: float = 8.5
    tilt_deg: float = 17.0
    beyond: float = 0.0
    clutter: Callable[[Board], Board] = _nothing
    seed: int = 1
    quick: bool = False

    def scene(self) -> Scene:
        """The scene whose hand moves as fast as wanted."""
        black = WHITE * math.exp(-self.events_per_crossing * self.sensor.threshold_on)
        board = Board(self.target, white=WHITE, black=black)
        return Scene(self.camera, _with_speed(self._trajectory, self), self.clutter(board), self.sensor)

    def _trajectory(self, speed: float) -> Trajectory:
        middle = board_middle_m(self.target)
        distance_m = filling_distance_m(self.target, self.camera)
        if self.beyond:
            x0, x1, y0, y1 = Board(self.target).outline_m
            middle = middle + self.beyond * np.array([x1 - x0, 0, 0] if x1 - x0 > y1 - y0 else [0, y1 - y0, 0])
        view_m = np.array([self.camera.width, self.camera.height]) * distance_m / self.camera.params[:2]
        sway_m = (0.26 * view_m[0], 0.26 * view_m[1], 0.25 * distance_m)
        return Trajectory.hand_held(
            middle, duration_s=self.duration_s, distance_m=distance_m, sway_m=sway_m, speed=speed, seed=self.seed,
            tilt_rad=math.radians(self.tilt_deg), roll_rad=level_roll_rad(self.target, self.camera),
        )


def _with_speed(trajectory: Callable[[float], Trajectory], case: Case) -> Trajectory:
    """The image's speed grows about as the hand's: a few proportional steps find the hand's."""
    speed = case.speed_pxps / (0.5 * case.camera.params[0])
    for _ in range(_SPEED_STEPS):
        reached = median_speed_pxps(Scene(case.camera, trajectory(speed), Board(case.target)))
        speed *= float(np.clip(case.speed_pxps / reached, 0.5, 2.0))
    return trajectory(speed)


CASES = (
    Case("baseline, seed 1", quick=True),
    Case("baseline, seed 2", seed=2),
    Case("baseline, seed 3", seed=3),
    Case("640x480", VGA, speed_pxps=300.0, duration_s=1.5),
    Case("1280x720", HD, speed_pxps=500.0, duration_s=1.0),
    Case("25 px/s", speed_pxps=25.0, duration_s=2.5, quick=True),
    Case("50 px/s", speed_pxps=50.0, duration_s=2.5),
    Case("100 px/s", speed_pxps=100.0),
    Case("300 px/s", speed_pxps=300.0),
    Case("600 px/s", speed_pxps=600.0, duration_s=1.5),
    Case("1000 px/s", speed_pxps=1000.0, duration_s=1.5, quick=True),
    Case("1500 px/s", speed_pxps=1500.0, duration_s=1.0),
    Case("2.5 events per crossing", events_per_crossing=2.5, quick=True),
    Case("1.5 events per crossing", events_per_crossing=1.5),
    Case("15 events per crossing", events_per_crossing=15.0),
    Case("white discs", target=_grid(11, 4, dark=False), quick=True),
    Case("threshold 0.15", sensor=Sensor(0.15, 0.15), events_per_crossing=17.0),
    Case("threshold 0.5", sensor=Sensor(0.5, 0.5), events_per_crossing=5.1),
    Case("tilts up to 60 deg", tilt_deg=42.5, quick=True),
    Case("7x3", target=_grid(7, 3)),
    Case("9x4", target=_grid(9, 4)),
    Case("6x5 symmetric", target=_grid(6, 5, asymmetric=False), quick=True),
    Case("5 Hz noise per pixel", sensor=Sensor(background_hz=5.0)),
    Case("50 hot pixels", sensor=Sensor(hot_pixels=50)),
    Case("low-pass 150 Hz", sensor=Sensor(cutoff_hz=150.0)),
    Case("low-pass 50 Hz", sensor=Sensor(cutoff_hz=50.0)),
    Case("half of the board outside", beyond=0.5, quick=True),
    Case("equidistant lens", WIDE),
    Case("hand over a third", clutter=_hand(0.2), quick=True),
    Case("hand, light", clutter=_hand(0.7)),
    Case("textured background", clutter=_wall, quick=True),
    Case("second object", clutter=_second_object),
)
