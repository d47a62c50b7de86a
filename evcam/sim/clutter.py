"""What is in the way of seeing a board well: a textured background, hands and other things that pass before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.errors import InputError
from evcam.sim.sensor import check_range

Array = NDArray[np.float64]
Point = tuple[float, float]

WAVES = 6
"""Sinusoids in a texture."""
_HAND = (
    (-0.10, -0.03, 0.10, -0.03, 0.14), (-0.07, 0.13, 0.07, 0.13, 0.14),  # the palm
    (-0.19, -0.12, -0.29, -0.50, 0.045), (-0.07, -0.16, -0.10, -0.62, 0.05), (0.06, -0.16, 0.08, -0.67, 0.05),
    (0.18, -0.12, 0.26, -0.59, 0.048), (0.20, 0.10, 0.45, -0.22, 0.055),  # the thumb
    (0.00, 0.20, 0.00, 1.60, 0.15),  # the arm
)
"""Limbs of a hand of unit length, which is from the wrist at y = 0.28 to the tip at -0.72: start, end, radius."""


@dataclass(frozen=True, slots=True)
class Texture:
    """A random pattern without end: blobs or gentle clouds between two intensities.

    Attributes
    ----------
    dark, bright : float
        Linear intensities.
    scale_m : float
        Shortest wavelength; the pattern is not blurred by the optics below that, so it should measure several pixels.
    sharp : bool
        Whether dark and bright meet at edges or fade into each other.
    seed : int
        Chooses the pattern.
    """

    dark: float = 0.1
    bright: float = 0.8
    scale_m: float = 0.1
    sharp: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("texture", "dark", self.dark, 1e-4, 1e4)
        check_range("texture", "bright", self.bright, 1e-4, 1e4)
        check_range("texture", "scale_m", self.scale_m, 1e-4, 1e3, "m")
        if not isinstance(self.sharp, bool):
            raise InputError(f"texture: sharp must be true or false, not {self.sharp!r}")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise InputError(f"texture: seed must be a whole number from 0 on, not {self.seed!r}")

    def waves(self) -> Array:
        """Wave vectors (rad/m) and phases of the sinusoids whose sum is the pattern, shape (6, 3)."""
        rng = np.random.default_rng(self.seed)
        angle = np.pi / WAVES * (np.arange(WAVES) + rng.uniform(0, 1, WAVES))
        number = 2 * np.pi / self.scale_m * rng.uniform(0.4, 1.0, WAVES)
        return np.column_stack([number * np.cos(angle), number * np.sin(angle), rng.uniform(0, 2 * np.pi, WAVES)])


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A textured wall behind a board and parallel to it.

    Attributes
    ----------
    distance_m : float
        From the board to the wall.
    texture : Texture
        What is on it.
    """

    distance_m: float = 0.5
    texture: Texture = Texture()

    def __post_init__(self) -> None:
        check_range("backdrop", "distance_m", self.distance_m, 1e-3, 1e3, "m")


@dataclass(frozen=True, slots=True)
class Limb:
    """All points within a radius of a straight piece: a finger, an arm, or a disc if start and end are the same.

    Attributes
    ----------
    start_m, end_m : (float, float)
        Ends of the piece in the occluder's plane.
    radius_m : float
        Half the thickness.
    """

    start_m: Point
    end_m: Point
    radius_m: float

    def __post_init__(self) -> None:
        for name in ("start_m", "end_m"):
            value = getattr(self, name)
            if np.shape(value) != (2,) or not np.isfinite(np.asarray(value, float)).all():
                raise InputError(f"limb: {name} must be two numbers, not {value!r}")
        check_range("limb", "radius_m", self.radius_m, 1e-4, 1e3, "m")


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where an occluder is at a time.

    Attributes
    ----------
    t_s : float
        Seconds since the recording's start.
    at_m : (float, float, float)
        The occluder's origin in the board's frame; z < 0 is before the board.
    turn_deg : float
        Turn from the board's x axis towards its y axis.
    """

    t_s: float
    at_m: tuple[float, float, float]
    turn_deg: float = 0.0

    def __post_init__(self) -> None:
        check_range("waypoint", "t_s", self.t_s, -1e6, 1e6, "s")
        if np.shape(self.at_m) != (3,) or not np.isfinite(np.asarray(self.at_m, float)).all():
            raise InputError(f"waypoint: at_m must be three numbers, not {self.at_m!r}")
        if self.at_m[2] > -1e-3:
            raise InputError(f"waypoint: at_m has z = {self.at_m[2]:g} m; an occluder passes before the board, where z < 0")
        check_range("waypoint", "turn_deg", self.turn_deg, -1e4, 1e4, "deg")


@dataclass(frozen=True, slots=True)
class Occluder:
    """A flat opaque thing, parallel to the board, that moves before it.

    Attributes
    ----------
    limbs : tuple of Limb
        Its shape is their union.
    path : tuple of Waypoint
        From rest to rest between waypoints; it stays at the first until then, and at the last from then on.
    tone : float or Texture
        Linear intensity, or a pattern fixed to the occluder.
    """

    limbs: tuple[Limb, ...]
    path: tuple[Waypoint, ...]
    tone: float | Texture = 0.25

    def __post_init__(self) -> None:
        if not self.limbs or not self.path:
            raise InputError("occluder: at least one limb and one waypoint are needed")
        times = [stop.t_s for stop in self.path]
        if any(b <= a for a, b in pairwise(times)):
            raise InputError(f"occluder: times of the path must increase, not {times}")
        if not isinstance(self.tone, Texture):
            check_range("occluder", "tone", self.tone, 1e-4, 1e4)

    @property
    def texture(self) -> Texture:
        """The tone as a texture, a plain one if it is a number."""
        return self.tone if isinstance(self.tone, Texture) else Texture(self.tone, self.tone)

    def pose(self, t_s: ArrayLike) -> tuple[Array, Array]:
        """Rotation and translation from the occluder's to the board's frame, shapes (..., 3, 3) and (..., 3)."""
        t = np.asarray(t_s, float)
        stops = np.array([[stop.t_s, *stop.at_m, math.radians(stop.turn_deg)] for stop in self.path])
        k = np.clip(np.searchsorted(stops[:, 0], t, side="right") - 1, 0, max(len(stops) - 2, 0))
        after = np.minimum(k + 1, len(stops) - 1)
        span = np.maximum(stops[after, 0] - stops[k, 0], 1e-9)
        part = np.clip((t - stops[k, 0]) / span, 0.0, 1.0)
        share = part**3 * (10 - 15 * part + 6 * part**2)  # a hand moves with the least jerk
        where = stops[k, 1:] + share[..., None] * (stops[after, 1:] - stops[k, 1:])
        R = np.zeros((*t.shape, 3, 3))
        cos, sin = np.cos(where[..., 3]), np.sin(where[..., 3])
        R[..., 0, 0], R[..., 0, 1], R[..., 1, 0], R[..., 1, 1], R[..., 2, 2] = cos, -sin, sin, cos, 1.0
        return R, where[..., :3]

    def covers(self, points_m: ArrayLike) -> NDArray[np.bool_]:
        """Whether points (..., 2) of its plane lie on it."""
        points = np.asarray(points_m, float)
        inside = np.zeros(points.shape[:-1], np.bool_)
        for limb in self.limbs:
            start = np.asarray(limb.start_m, float)
            along = np.asarray(limb.end_m, float) - start
            part = np.clip((points - start) @ along / max(along @ along, 1e-24), 0.0, 1.0)
            inside |= np.linalg.norm(points - start - part[..., None] * along, axis=-1) < limb.radius_m
        return inside


def hand(path: Sequence[Waypoint], tone: float | Texture = 0.25, length_m: float = 0.19) -> Occluder:
    """A spread hand with its forearm.

    Its origin is the middle of the palm; the fingers point along its own -y axis, so that the arm comes in from below.

    Parameters
    ----------
    path : sequence of Waypoint
        Its way.
    tone : float or Texture
        As for `Occluder`.
    length_m : float
        From the wrist to the tip of the middle finger.
    """
    check_range("hand", "length_m", length_m, 1e-3, 10.0, "m")
    scaled = np.array(_HAND) * length_m
    limbs = tuple(Limb((x0, y0), (x1, y1), r) for x0, y0, x1, y1, r in scaled.tolist())
    return Occluder(limbs, tuple(path), tone)
