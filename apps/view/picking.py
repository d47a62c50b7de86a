"""What lies under the mouse, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.apps.view.composer import Area, Frame
from evcam.apps.view.session import Session
from evcam.apps.view.state import Picked, ViewState
from evcam.viz.tubes import Outlines, within

_EVENT_REACH_PX = 6.0
_CIRCLE_REACH_PX = 5.0
_GRID_US = 90_000
_TURN = np.linspace(0, 2 * np.pi, 17)
_EVENT_RING = 2.5 * np.stack([np.cos(_TURN), np.sin(_TURN)], -1)


def pick(session: Session, state: ViewState, frame: Frame, area: Area, x: float, y: float) -> Picked | None:
    """The event or circle at a pixel of the picture; None where there is none."""
    if area.name == "picture":
        return _in_picture(session, state, frame, area, x, y)
    if state.swapped and session.has_rig:
        return None
    circle = _nearest_circle(session, state, frame, area, x, y)
    return circle or _nearest_event(state, frame, area, x, y)


def _nearest_event(state: ViewState, frame: Frame, area: Area, x: float, y: float) -> Picked | None:
    events, space = frame.scenes.events, frame.scenes.space
    if not len(events) or "events" in state.hidden:
        return None
    xyz = space.place(np.column_stack([events.x, events.y]), events.t)
    px, depth = state.eye.project(xyz, area.width, area.height)
    away = np.hypot(px[:, 0] - (x - area.left), px[:, 1] - (y - area.top))
    near = np.flatnonzero(away <= _EVENT_REACH_PX)
    if not len(near):
        return None
    # Of those under the mouse the foremost, as it covers the others.
    return describe_event(frame, int(near[np.lexsort((depth[near], np.round(away[near])))[0]]), state)


def describe_event(frame: Frame, k: int, state: ViewState) -> Picked:
    """Event number ``k`` of the window."""
    events = frame.scenes.events
    here = np.flatnonzero((events.x == events.x[k]) & (events.y == events.y[k]))
    lines = (
        f"event, {'ON (brighter)' if events.p[k] else 'OFF (darker)'}",
        f"x {events.x[k]}, y {events.y[k]} px",
        f"t {events.t[k]} us, {(events.t[k] - state.start_us) * 1e-6:.6f} s from the beginning",
        f"{len(here)} events of this pixel in the window",
    )
    return Picked(lines, np.array([events.x[k], events.y[k]]) + _EVENT_RING, int(events.t[k]))


def _nearest_circle(session: Session, state: ViewState, frame: Frame, area: Area, x: float, y: float) -> Picked | None:
    if "tubes" in state.hidden:
        return None
    best = _CIRCLE_REACH_PX
    found: Picked | None = None
    space = frame.scenes.space
    for one in within(session.evidence.outlines, state.now_us - state.window_us, state.now_us + 1):
        rings = space.place(one.rings.reshape(-1, 2), one.t_us)
        px, _ = state.eye.project(rings, area.width, area.height)
        away = np.hypot(px[:, 0] - (x - area.left), px[:, 1] - (y - area.top))
        away = np.where(np.isfinite(away), away, np.inf).reshape(one.rings.shape[:2]).min(1)
        k = int(away.argmin())
        if away[k] < best:
            best, found = float(away[k]), describe_circle(one, k, state)
    return found


def _in_picture(session: Session, state: ViewState, frame: Frame, area: Area, x: float, y: float) -> Picked | None:
    """The circle around a pixel of the flat picture, or the newest event there."""
    height, width = frame.scenes.picture.shape[:2]
    zoom = min(area.width / width, area.height / height)
    at = (np.array([x - area.left, y - area.top]) - np.array([area.width, area.height]) / 2) / zoom
    at = at + np.array([width, height]) / 2 - 0.5
    shown = within(session.evidence.outlines, state.now_us - _GRID_US, state.now_us + 1)
    if shown:
        one = shown[-1]
        k = int(np.linalg.norm(one.view.xy - at, axis=1).argmin())
        if np.linalg.norm(one.view.xy[k] - at) <= _radius_px(one.rings[k]) + 1:
            return describe_circle(one, k, state)
    events = frame.scenes.events
    here = np.flatnonzero((np.abs(events.x - at[0]) <= 1.5) & (np.abs(events.y - at[1]) <= 1.5))
    return describe_event(frame, int(here[-1]), state) if len(here) else None


def _radius_px(ring: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(ring - ring.mean(0), axis=1).mean())


def describe_circle(one: Outlines, k: int, state: ViewState) -> Picked:
    """The view's point at position ``k``."""
    view, std = one.view, np.sqrt(np.diag(one.view.cov[k]))
    speed = float(np.hypot(*view.velocity[k]))
    lines = (
        f"point {view.ids[k]} of view {view.index}",
        f"x {view.xy[k, 0]:.2f} ± {std[0]:.2f}, y {view.xy[k, 1]:.2f} ± {std[1]:.2f} px",
        f"t {view.t_us[k]} us, {(view.t_us[k] - state.start_us) * 1e-6:.4f} s from the beginning",
        f"moves {speed:.0f} px/s, seen through {view.window_us / 1000:.0f} ms of events",
    )
    return Picked(lines, one.rings[k], one.t_us)
