"""A window of a recording in (x, y, t): the image plane at the present, the past behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.core.events import Events
from evcam.flow import NormalFlow
from evcam.viz import theme
from evcam.viz._spacetime import _paint, _place
from evcam.viz.scene import Eye, Image, Labels, Layer, Lines, Points
from evcam.viz.scene.shapes import places

Array = NDArray[np.float64]

COLOURINGS = ("polarity", "time")
_LENGTH = 1.7
_ARROW_PX = 6.0
_LONGEST_ARROWS = 2.5
_MOST_ARROWS = 4_000
_MOST_STEPS = 6


@dataclass(frozen=True, slots=True)
class SpaceTime:
    """Where pixels and times lie in the scene; its unit is a pixel.

    Attributes
    ----------
    width, height : int
        Sensor size, px.
    now_us : int
        The present, where the image plane is.
    window_us : int
        How far back the scene goes.
    """

    width: int
    height: int
    now_us: int
    window_us: int

    @property
    def depth(self) -> float:
        """Length of the window in the scene."""
        return _LENGTH * max(self.width, self.height)

    @property
    def per_us(self) -> float:
        """Length of a microsecond in the scene."""
        return self.depth / self.window_us

    def place(self, xy: ArrayLike, t_us: ArrayLike) -> NDArray[np.float32]:
        """Places of pixels (N, 2) at times (N,), or at one time: x and y from the image's middle, z into the past."""
        xy = np.asarray(xy, float).reshape(-1, 2)
        z = np.broadcast_to((self.now_us - np.asarray(t_us)) * self.per_us, len(xy))
        middle = np.array([self.width - 1, self.height - 1]) / 2
        return places(np.column_stack([xy - middle, z]))

    def eye(self) -> Eye:
        """A good place to look at it from."""
        centre = (-0.03 * self.width, 0.09 * self.height, 0.38 * self.depth)
        return Eye(centre, 2.0 * float(np.hypot(self.width, self.height)), 0.72, 0.34)


def events_layer(space: SpaceTime, events: Events, colouring: str = "polarity", most: int | None = None) -> Layer:
    """Events of the window as points.

    Parameters
    ----------
    space : SpaceTime
    events : Events
        Up to now; older ones than the window are left out.
    colouring : {"polarity", "time"}
        ON orange and OFF blue, fading with age; or by age alone.
    most : int, optional
        Of more events than this, every second, third, ... is shown, and the note says so.
    """
    events = events.between(space.now_us - space.window_us, space.now_us + 1)
    step = 1 if most is None else max(1, -(-len(events) // most))
    count = -(-len(events) // step)
    xyz, rgb = np.empty((count, 3), np.float32), np.empty((count, 3), np.uint8)
    _place(events.t, events.x, events.y, events.p, step, space.now_us, space.window_us, space.per_us,
           (space.width - 1) / 2, (space.height - 1) / 2, theme.fading(colouring), xyz, rgb)
    note = f"{len(events):,}" if step == 1 else f"1 of {step} of {len(events):,}"
    return Layer("events", (Points(xyz, rgb, 1.0),), note)


def event_picture(space: SpaceTime, events: Events) -> NDArray[np.uint8]:
    """The newest event of each pixel within the window, bright if it just came, shape (height, width, 3)."""
    events = events.between(space.now_us - space.window_us, space.now_us + 1)
    rgb = np.empty((space.height, space.width, 3), np.uint8)
    rgb[:] = theme.PANEL
    _paint(events.t, events.x, events.y, events.p, space.now_us, space.window_us, theme.fading("polarity"), rgb)
    return rgb


def plane_layer(space: SpaceTime, picture: NDArray[np.uint8]) -> Layer:
    """The image plane at the present."""
    corner = np.array([-space.width / 2, -space.height / 2, -1.0])
    image = Image(picture, corner, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), 0.55)
    return Layer("image plane", (image,))


def frame_layer(space: SpaceTime) -> Layer:
    """The edges of the window and its times."""
    w, h, d = space.width / 2, space.height / 2, space.depth
    ring = np.array([[-w, -h], [w, -h], [w, h], [-w, h], [-w, -h]])
    front, back = (np.column_stack([ring, np.full(5, z)]) for z in (0.0, d))
    ticks_us = tick_times_us(space.window_us)
    z = ticks_us * space.per_us
    foot = np.column_stack([np.full(len(z), -w), np.full(len(z), h), z])
    out = foot + np.array([-0.03 * space.width, 0.03 * space.width, 0.0])
    texts = tuple(f"-{t / 1000:g} ms" if t else "now" for t in ticks_us)
    return Layer("frame", (
        Lines.along(front, theme.FAINT, 1.5), Lines.along(back, theme.EDGE, 1.0),
        Lines.between(front[:4], back[:4], theme.EDGE, 1.0), Lines.between(foot, out, theme.FAINT, 1.0),
        Labels(places(out + 1.8 * (out - foot)), texts, theme.FAINT),
    ))


def tick_times_us(window_us: int) -> NDArray[np.int64]:
    """Round times from now to the window's other end, at most seven."""
    decade = 10 ** int(np.log10(max(window_us / _MOST_STEPS, 1)))
    step_us = next(k * decade for k in (1, 2, 5, 10, 20) if window_us <= _MOST_STEPS * k * decade)
    return np.arange(0, window_us + 1, step_us)


def flow_layer(space: SpaceTime, flow: NormalFlow) -> Layer:
    """Normal flow as arrows coloured by direction, of 6 px for the median speed; a few wild ones are cut."""
    crossings = flow.crossings
    inside = flow.is_known & (crossings.t > space.now_us - space.window_us) & (crossings.t <= space.now_us)
    known = np.flatnonzero(inside)
    shown = known[:: max(1, -(-len(known) // _MOST_ARROWS))]
    velocity, speed = flow.flow_pxps[shown], flow.speed_pxps[shown]
    usual = max(float(np.median(flow.speed_pxps[known])), 1e-9) if len(known) else 1.0
    length = _ARROW_PX * np.minimum(speed / usual, _LONGEST_ARROWS)
    way = velocity / np.maximum(speed, 1e-9)[:, None] * length[:, None]
    xy = np.column_stack([crossings.x[shown], crossings.y[shown]]).astype(float)
    start, stop = (space.place(at, crossings.t[shown]) for at in (xy, xy + way))
    rgb = theme.by_angle(np.arctan2(velocity[:, 1], velocity[:, 0]))
    side = way[:, ::-1] * [-1.0, 1.0]
    barbs = [space.place(xy + 0.65 * way + s * 0.22 * side, crossings.t[shown]) for s in (-1, 1)]
    heads = [Lines.between(stop, barb, rgb, 1.3) for barb in barbs]
    note = f"{len(known):,}, median {usual:.0f} px/s" if len(known) else "none"
    return Layer("normal flow", (Lines.between(start, stop, rgb, 1.3), *heads), note)
