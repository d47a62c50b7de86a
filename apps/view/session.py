"""The data behind the viewer, and the layers that they give at an instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from evcam.apps.view.state import ViewState
from evcam.calib import Calibration
from evcam.core.camera import Camera
from evcam.core.detections import Detections
from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.core.target import Target
from evcam.flow import NormalFlow, normal_flow
from evcam.io import Recording
from evcam.motion.estimate import VelocityEstimate
from evcam.viz.eventails import Swept, eventails_layer, sweep
from evcam.viz.rate import RateProfile
from evcam.viz.rig import Path, board_layer, camera_layer, path_layer, rig_eye, rig_size_m, velocity_layer
from evcam.viz.scene import Layer
from evcam.viz.spacetime import SpaceTime, event_picture, events_layer, flow_layer, frame_layer, plane_layer
from evcam.viz.tubes import Outlines, arcs_layer, grid_layer, outlines, tubes_layer
from evcam.viz.window import EventWindow

T = TypeVar("T")

_MOST_EVENTS = 200_000
_MOST_MOVING = 600_000
_FLOW_MARGIN_US = 20_000
_SOON = "..."


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """What was given beside the recording.

    Attributes
    ----------
    camera : Camera or None
    target : Target or None
    calibration : Calibration or None
    outlines : tuple of Outlines
        Of this recording's views.
    path : Path or None
    estimates : tuple of VelocityEstimate
        From a file; without one the direction is estimated in the window that is shown.
    imu : ImuSamples or None
        Of the recording.
    """

    camera: Camera | None = None
    target: Target | None = None
    calibration: Calibration | None = None
    outlines: tuple[Outlines, ...] = ()
    path: Path | None = None
    estimates: tuple[VelocityEstimate, ...] = ()
    imu: ImuSamples | None = None

    @property
    def can_find_lines(self) -> bool:
        """Whether lines can be followed: that needs a camera and a gyro."""
        return self.camera is not None and self.imu is not None


@dataclass(frozen=True, eq=False, slots=True)
class Scenes:
    """What is to be drawn.

    Attributes
    ----------
    space : SpaceTime
    spacetime, rig : tuple of Layer
        Layers that are on.
    picture : ndarray of uint8, shape (height, width, 3)
        Of the newest events.
    events : Events
        Of the window.
    notes : dict of str to str
        What each layer holds; layers that cannot be shown are missing.
    """

    space: SpaceTime
    spacetime: tuple[Layer, ...]
    rig: tuple[Layer, ...]
    picture: NDArray[np.uint8]
    events: Events
    notes: dict[str, str]


class Session:
    """An open recording with its evidence.

    Parameters
    ----------
    recording : Recording
        For the events of the window.
    profile : RateProfile
        For the time line.
    evidence : Evidence
    background : bool
        Compute flow beside the drawing, which then shows the latest that is there; otherwise wait for it.
    """

    def __init__(self, recording: Recording, profile: RateProfile, evidence: Evidence, *, background: bool) -> None:
        self.recording = recording
        self.profile = profile
        self.evidence = evidence
        self.window = EventWindow(recording)
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._flow: Latest[NormalFlow] = Latest(normal_flow, background)
        self._swept: Latest[Swept | None] = Latest(self._sweep, background)
        target, path = evidence.target, evidence.path
        self._size_m = rig_size_m(target, path)
        self.first_rig_eye = rig_eye(target, path)

    @property
    def available(self) -> tuple[str, ...]:
        """Layers that these data can give."""
        given, names = self.evidence, ["events", "image plane", "normal flow"]
        names += ["tubes", "arcs", "grid"] if given.outlines else []
        names += ["board"] if given.target is not None else []
        names += ["camera path"] if given.path is not None and len(given.path) else []
        names += ["velocity"] if given.estimates or given.can_find_lines else []
        names += ["eventails"] if given.can_find_lines else []
        return tuple(names)

    @property
    def has_rig(self) -> bool:
        """Whether there is anything to show in three dimensions of space."""
        return bool({"camera path", "velocity"} & set(self.available))

    @property
    def has_news(self) -> bool:
        """Whether something that was computed beside the drawing is ready to be shown."""
        return self._flow.is_ready or self._swept.is_ready

    def scenes(self, state: ViewState) -> Scenes:
        """Everything to draw in a state."""
        given = self.evidence
        space = SpaceTime(self.recording.width, self.recording.height, state.now_us, state.window_us)
        events = self.window.between(state.now_us - state.window_us, state.now_us + 1)
        on = [name for name in self.available if name not in state.hidden]
        key = (state.now_us, state.window_us)
        picture = self._once("picture", key, event_picture, space, events)
        layers = {name: self._layer(name, space, events, state, picture) for name in on}
        shown = [layer for name, layer in layers.items() if name in _SPACETIME]
        rig = [layer for name, layer in layers.items() if name in _RIG]
        notes = {name: layers[name].note if name in layers else "" for name in self.available}
        if given.path is None and given.camera is not None:
            rig.append(self._once("camera", (), camera_layer, given.camera, self._size_m))
        return Scenes(space, (frame_layer(space), *shown), tuple(rig), picture, events, notes)

    def _layer(self, name: str, space: SpaceTime, events: Events, state: ViewState, picture: NDArray[np.uint8]) -> Layer:
        given, key = self.evidence, (state.now_us, state.window_us)
        if name in ("normal flow", "arcs"):
            flow = self._flow.near(key, lambda: self._with_margin(state))
            if flow is None:
                return Layer(name, (), _SOON)
            return self._once(name, (key, id(flow)), _OF_FLOW[name], given, space, flow)
        if name == "eventails" or (name == "velocity" and not given.estimates):
            swept = self._swept.near(key, lambda: events[max(0, len(events) - _MOST_EVENTS) :])
            if not self._swept.is_known:
                return Layer(name, (), _SOON)
            if name == "eventails":
                return self._once(name, (key, id(swept)), eventails_layer, space, swept)
            estimates = () if swept is None else (swept.estimate,)
            return self._velocity(estimates, state, (key, id(swept)))
        if name == "events":
            most = _MOST_MOVING if state.playing else None
            return self._once(name, (key, state.colouring, most), events_layer, space, events, state.colouring, most)
        if name == "image plane":
            return plane_layer(space, picture)
        if name == "tubes":
            return self._once(name, key, tubes_layer, space, given.outlines)
        if name == "grid" and given.target is not None:
            return self._once(name, key, grid_layer, space, given.outlines, given.target)
        if name == "board" and given.target is not None:
            return self._once(name, (), board_layer, given.target)
        if name == "camera path" and given.path is not None and given.camera is not None:
            return self._once(name, key, path_layer, given.path, given.camera, state.now_us, self._size_m)
        return self._velocity(given.estimates, state, key)

    def _velocity(self, estimates: tuple[VelocityEstimate, ...], state: ViewState, key: object) -> Layer:
        path = self.evidence.path
        pose = None if path is None else path.pose(state.now_us)
        return self._once("velocity", key, velocity_layer, estimates, state.now_us, pose, self._size_m, state.window_us)

    def _with_margin(self, state: ViewState) -> Events:
        """Events from a little before the window to the present."""
        events = self.window.between(state.now_us - state.window_us - _FLOW_MARGIN_US, state.now_us + 1)
        return events[max(0, len(events) - _MOST_EVENTS) :]

    def _sweep(self, events: Events) -> Swept | None:
        camera, imu, calibration = self.evidence.camera, self.evidence.imu, self.evidence.calibration
        covariance = None if calibration is None else calibration.covariance
        return None if camera is None or imu is None else sweep(events, camera, imu, covariance)

    def _once(self, name: str, key: object, make: Callable[..., T], *args: Any) -> T:
        """What ``make`` returns, anew only when the key has changed."""
        kept = self._kept.get(name)
        if kept is None or kept[0] != key:
            kept = self._kept[name] = (key, make(*args))
        made: T = kept[1]
        return made


_SPACETIME = ("events", "image plane", "normal flow", "tubes", "arcs", "grid", "eventails")
_RIG = ("board", "camera path", "velocity")
_OF_FLOW: dict[str, Callable[[Evidence, SpaceTime, NormalFlow], Layer]] = {
    "normal flow": lambda _, space, flow: flow_layer(space, flow),
    "arcs": lambda given, space, flow: arcs_layer(space, given.outlines, flow.crossings),
}


class Latest(Generic[T]):
    """What a slow function makes of the latest window that it was asked for.

    Parameters
    ----------
    make : callable
        Of events.
    background : bool
        Compute beside the caller, who then gets what was made last.
    """

    def __init__(self, make: Callable[[Events], T], background: bool) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(1) if background else None
        self._running: Future[T] | None = None
        self._key: object = None
        self._made: T | None = None
        self.is_known = False

    def near(self, key: object, events: Callable[[], Events]) -> T | None:
        """The latest result; begins a new one when the key has changed and none is on its way."""
        if self._running is not None and self._running.done():
            self._made, self._running, self.is_known = self._running.result(), None, True
        if key != self._key and self._running is None:
            self._key = key
            if self._pool is None:
                self._made, self.is_known = self._make(events()), True
            else:
                self._running = self._pool.submit(self._make, events())
        return self._made

    @property
    def is_ready(self) -> bool:
        """Whether something newer has been made than was handed out."""
        return self._running is not None and self._running.done()


def outlines_of(detections: Detections, name: str, calibration: Calibration | None) -> tuple[Outlines, ...]:
    """Outlines of one recording's views; of all if none is of that name but all are of one."""
    names = {view.recording for view in detections}
    chosen: Sequence[Any] = [view for view in detections if view.recording == name]
    if not chosen and len(names) == 1:
        chosen = list(detections)
    part = Detections(detections.target, detections.width, detections.height, tuple(chosen), (), detections.mode)
    return outlines(part, calibration)
