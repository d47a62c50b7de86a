"""The window: Open3D shows what the composer draws and says what keys and mouse do."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evcam.apps.view.composer import Area, Frame, compose
from evcam.apps.view.open3d import NoWindowError, load_open3d
from evcam.apps.view.opening import first_state
from evcam.apps.view.picking import pick
from evcam.apps.view.session import Session
from evcam.apps.view.state import ViewState, pressed
from evcam.errors import OutputExistsError

_PRESS, _RELEASE = 1, 0
_SHIFT = 1
_LEFT, _RIGHT = 0, 1
_TURN_PER_PX = 0.008
_WHEEL = 1.12
_CLICK_PX = 4.0
_IDLE_S = 0.01
_READ_AHEAD_S = 0.008
_KEYS = {
    32: "space", 256: "escape", 258: "tab", 262: "right", 263: "left", 268: "home", 269: "end",
    ord(","): "<", ord("."): ">", ord("["): "[", ord("]"): "]", ord("/"): "?",
    **{ord(c): c.lower() for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    # Keys that Open3D would act on by itself.
    **dict.fromkeys((45, 61, 257, 259, 260, 261, 264, 265, 266, 267, *range(290, 302)), ""),
}


class Window:
    """An open window on a session.

    Parameters
    ----------
    session : Session
    args : Namespace
        ``size``, and what `first_state` needs.
    """

    def __init__(self, session: Session, args: Namespace) -> None:
        self._o3d = load_open3d()
        self.session = session
        self.state = first_state(session, args)
        self.frames = 0
        self._size: tuple[int, int] = args.size
        self._drag: _Drag | None = None
        self._mouse = (0.0, 0.0)
        self._visualizer = self._open(Path(args.recording).name)
        self._frame = compose(session, self.state, *self._size)
        self._image = self._shown(self._frame)
        self._drawn: ViewState | None = None

    def run(self, until: Callable[[Window], bool] = lambda _: False) -> int:
        """Show until closed, or until a condition; returns the number of pictures drawn."""
        last = time.monotonic()
        while not self.state.done and not until(self):
            now = time.monotonic()
            self.state = self.state.later(now - last)
            last = now
            if not self._visualizer.poll_events():
                break
            self._read_on()
            self._save_if_asked()
            if self._is_stale():
                self.draw()
            else:
                time.sleep(_IDLE_S)
        self._visualizer.destroy_window()
        return self.frames

    def draw(self) -> None:
        """Draw the present state."""
        size = self._window_size()
        self._frame = compose(self.session, self.state, *size)
        self._drawn = self.state
        if size == self._size:
            np.asarray(self._image)[:] = self._frame.canvas.rgb
            self._visualizer.update_geometry(self._image)
        else:
            self._size = size
            self._visualizer.clear_geometries()
            self._image = self._shown(self._frame)
        self._visualizer.update_renderer()
        self.frames += 1

    def _open(self, name: str) -> Any:
        # Open3D warns on the terminal of what does not matter here.
        self._o3d.utility.set_verbosity_level(self._o3d.utility.VerbosityLevel.Error)
        visualizer = self._o3d.visualization.VisualizerWithKeyCallback()
        if not visualizer.create_window(f"evcam view: {name}", *self._size):
            raise NoWindowError("the display lets no OpenGL window be opened; for a picture without one use "
                                "evcam view REC --screenshot FILE.png --at SECONDS")
        for key, name in _KEYS.items():
            visualizer.register_key_action_callback(key, self._on_key(name))
        visualizer.register_mouse_button_callback(self._on_button)
        visualizer.register_mouse_move_callback(self._on_move)
        visualizer.register_mouse_scroll_callback(self._on_wheel)
        return visualizer

    def _shown(self, frame: Frame) -> Any:
        image = self._o3d.geometry.Image(np.ascontiguousarray(frame.canvas.rgb))
        self._visualizer.add_geometry(image)
        return image

    def _window_size(self) -> tuple[int, int]:
        intrinsic = self._visualizer.get_view_control().convert_to_pinhole_camera_parameters().intrinsic
        return max(intrinsic.width, 320), max(intrinsic.height, 240)

    def _is_stale(self) -> bool:
        return self.state is not self._drawn or self._window_size() != self._size or self.session.has_news

    def _read_on(self) -> None:
        """Learn a little more of the recording's length, without a stutter."""
        profile, begun = self.session.profile, time.monotonic()
        grown = False
        while not profile.complete and time.monotonic() - begun < _READ_AHEAD_S:
            profile.advance()
            grown = True
        if grown:
            self.state = replace(self.state, stop_us=max(profile.stop_us, self.state.now_us))

    def _save_if_asked(self) -> None:
        if not self.state.saving:
            return
        path = save_picture(self.session, replace(self.state, saving=False), self._size)
        self.state = replace(self.state, saving=False, message=f"saved {path}")

    def _on_key(self, name: str) -> Callable[[Any, int, int], bool]:
        def act(_: Any, action: int, modifiers: int) -> bool:
            if name and action != _RELEASE:
                self.state = pressed(self.state, name, shift=bool(modifiers & _SHIFT))
            return False

        return act

    def _on_button(self, _: Any, button: int, action: int, modifiers: int) -> bool:
        x, y = self._mouse
        if action == _PRESS:
            area = self._frame.area(x, y)
            self._drag = None if area is None else _Drag(area, x, y, shifting=button == _RIGHT or bool(modifiers & _SHIFT))
            if area is not None and area.name == "timeline":
                self._seek(area, x)
        elif self._drag is not None:
            drag, self._drag = self._drag, None
            if button == _LEFT and abs(x - drag.first_x) + abs(y - drag.first_y) < _CLICK_PX:
                self._click(drag.area, x, y)
        return False

    def _on_move(self, _: Any, x: float, y: float) -> bool:
        (last_x, last_y), self._mouse = self._mouse, (x, y)
        if self._drag is None:
            return False
        area = self._drag.area
        if area.name == "timeline":
            self._seek(area, x)
        elif area.name in ("main", "rig"):
            eye, is_rig = self._eye_of(area)
            if self._drag.shifting:
                eye = eye.shifted(x - last_x, y - last_y, area.width, area.height)
            else:
                eye = eye.turned(-_TURN_PER_PX * (x - last_x), _TURN_PER_PX * (y - last_y))
            self.state = self.state.moved(eye, rig=is_rig)
        return False

    def _on_wheel(self, _: Any, __: float, dy: float) -> bool:
        area = self._frame.area(*self._mouse)
        if area is not None and area.name in ("main", "rig"):
            eye, is_rig = self._eye_of(area)
            self.state = self.state.moved(eye.nearer(_WHEEL**dy), rig=is_rig)
        return False

    def _eye_of(self, area: Area) -> tuple[Any, bool]:
        """The eye that an area is seen with, and whether it is that of the board's view."""
        is_rig = (area.name == "rig") != (self.state.swapped and self.session.has_rig)
        return (self.state.rig_eye if is_rig else self.state.eye), is_rig

    def _seek(self, area: Area, x: float) -> None:
        span_us = self.state.stop_us - self.state.start_us
        self.state = self.state.at(self.state.start_us + round(area.share_across(x) * span_us))

    def _click(self, area: Area, x: float, y: float) -> None:
        if area.name.startswith("layer:"):
            self.state = self.state.toggled(area.name.removeprefix("layer:"))
        elif area.name == "play":
            self.state = pressed(self.state, "space")
        elif area.name in ("main", "picture"):
            self.state = replace(self.state, picked=pick(self.session, self.state, self._frame, area, x, y))


class _Drag:
    """A button that is held."""

    def __init__(self, area: Area, x: float, y: float, *, shifting: bool) -> None:
        self.area, self.first_x, self.first_y, self.shifting = area, x, y, shifting


def save_picture(session: Session, state: ViewState, size: tuple[int, int]) -> str:
    """Draw the state at twice the size, halve it, and save it in the current folder under a name that is free."""
    width, height = size
    canvas = compose(session, replace(state, message=""), 2 * width, 2 * height, scale=2).canvas.halved()
    stem = f"{Path(session.recording.name).stem}_{state.now_s:08.4f}s"
    for number in range(1, 1000):
        path = f"{stem}.png" if number == 1 else f"{stem}_{number}.png"
        try:
            canvas.save(path)
        except OutputExistsError:
            continue
        return path
    raise OutputExistsError(f"{stem}.png: a thousand pictures of this instant are there already; move some away")


def run_window(session: Session, args: Namespace) -> int:
    """Open a window and show it until it is closed; returns the number of pictures drawn."""
    return Window(session, args).run()
