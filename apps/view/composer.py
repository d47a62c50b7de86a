"""The viewer's picture: views, time line, layers and keys, drawn into one canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from evcam.apps.view.session import Scenes, Session
from evcam.apps.view.state import KEYS, LAYERS, ViewState
from evcam.viz import theme
from evcam.viz.scene import Canvas, Eye, Layer
from evcam.viz.scene.shapes import Labels, Lines

_BAR, _PAD, _ROW = 58, 10, 21
_WIDEST_SIDE, _NARROWEST_SIDE = 380, 190
_SIDE_SHARE = 0.29
_PLAY = 34


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the picture that answers to the mouse.

    Attributes
    ----------
    name : str
        ``"main"``, ``"picture"``, ``"rig"``, ``"timeline"``, ``"play"`` or ``"layer:NAME"``.
    left, top, width, height : int
        Pixels.
    """

    name: str
    left: int
    top: int
    width: int
    height: int

    def holds(self, x: float, y: float) -> bool:
        """Whether a pixel lies in it."""
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height

    def share_across(self, x: float) -> float:
        """0 at the left edge, 1 at the right one."""
        return min(max((x - self.left) / max(self.width, 1), 0.0), 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """A picture, what lies where in it, and what it shows."""

    canvas: Canvas
    areas: tuple[Area, ...]
    scenes: Scenes

    def area(self, x: float, y: float) -> Area | None:
        """The topmost area at a pixel."""
        return next((area for area in reversed(self.areas) if area.holds(x, y)), None)


def compose(session: Session, state: ViewState, width: int, height: int, scale: int = 1) -> Frame:
    """Draw the state into a picture of ``width`` x ``height`` px, letters and lines ``scale`` times as large."""
    scenes = session.scenes(state)
    canvas = Canvas(width, height, theme.BACKGROUND, scale)
    areas = tuple(_areas(session, width, height, scale))
    by_name = {area.name: area for area in areas}
    _draw_views(canvas, by_name, scenes, state)
    _draw_heading(canvas, by_name["main"], session, scenes, state)
    _draw_list(canvas, by_name, scenes, state)
    _draw_bar(canvas, by_name, session, state)
    if state.picked is not None:
        _draw_box(canvas, by_name["main"], state.picked.lines)
    if state.helping:
        _draw_help(canvas)
    return Frame(canvas, areas, scenes)


def _areas(session: Session, width: int, height: int, scale: int) -> Iterator[Area]:
    bar, pad, row = _BAR * scale, _PAD * scale, _ROW * scale
    side = int(min(max(_SIDE_SHARE * width, _NARROWEST_SIDE * scale), _WIDEST_SIDE * scale))
    left = width - side
    yield Area("main", 0, 0, left, height - bar)
    recording = session.recording
    rows = len(session.available)
    listing = rows * row + pad
    room = height - bar - listing - 2 * pad
    picture = min(round((side - 2 * pad) * recording.height / recording.width), room // 2 if session.has_rig else room)
    picture = max(picture, 1)
    yield Area("picture", left + pad, pad, side - 2 * pad, picture)
    if session.has_rig:
        yield Area("rig", left + pad, 2 * pad + picture, side - 2 * pad, max(room - picture - pad, 1))
    top = height - bar - listing
    for i, name in enumerate(session.available):
        yield Area(f"layer:{name}", left + pad, top + i * row, side - 2 * pad, row)
    yield Area("play", pad, height - bar, _PLAY * scale, bar)
    yield Area("timeline", pad + (_PLAY + 8) * scale, height - bar, width - 2 * pad - (_PLAY + 8) * scale, bar)


def _draw_views(canvas: Canvas, areas: dict[str, Area], scenes: Scenes, state: ViewState) -> None:
    space, rig = ((*scenes.spacetime, *_picked(scenes, state)), state.eye), (scenes.rig, state.rig_eye)
    large, small = (rig, space) if state.swapped and "rig" in areas else (space, rig)
    _draw_view(canvas, areas["main"], *large, theme.BACKGROUND)
    if "rig" in areas:
        layers, eye = small
        _draw_view(canvas, areas["rig"], tuple(map(_wordless, layers)), eye, theme.PANEL)
    _draw_picture(canvas, areas["picture"], scenes)


def _picked(scenes: Scenes, state: ViewState) -> tuple[Layer, ...]:
    """A white ring around what was clicked on, while the window holds it."""
    picked = state.picked
    if picked is None or not 0 <= state.now_us - picked.t_us <= state.window_us:
        return ()
    ring = scenes.space.place(picked.outline, picked.t_us)
    return (Layer("picked", (Lines.along(ring, theme.MARK, 2.5),)),)


def _wordless(layer: Layer) -> Layer:
    """Words would cover a small view."""
    return replace(layer, shapes=tuple(shape for shape in layer.shapes if not isinstance(shape, Labels)))


def _draw_view(canvas: Canvas, area: Area, layers: tuple[Layer, ...], eye: Eye, background: tuple[int, int, int]) -> None:
    view = Canvas(area.width, area.height, background, canvas.scale)
    view.draw(layers, eye)
    canvas.paste(view.rgb, area.left, area.top)


def _draw_picture(canvas: Canvas, area: Area, scenes: Scenes) -> None:
    """The image plane from the front, with the board's ids and outlines."""
    canvas.rectangle(area.left, area.top, area.width, area.height, theme.PANEL)
    height, width = scenes.picture.shape[:2]
    zoom = min(area.width / width, area.height / height)
    view = Canvas(max(round(width * zoom), 1), max(round(height * zoom), 1), theme.PANEL, canvas.scale)
    rows = np.minimum(np.arange(view.size[1]) * height // view.size[1], height - 1)
    columns = np.minimum(np.arange(view.size[0]) * width // view.size[0], width - 1)
    view.rgb[:] = scenes.picture[rows][:, columns]
    overlay = [layer for layer in scenes.spacetime if layer.name == "grid"]
    if overlay:
        view.draw(overlay, _facing(scenes, view))
    canvas.paste(view.rgb, area.left + (area.width - view.size[0]) // 2, area.top + (area.height - view.size[1]) // 2)


def _facing(scenes: Scenes, view: Canvas) -> Eye:
    """An eye so far before the image plane that it sees it as the sensor does."""
    eye = Eye((0.0, 0.0, 0.0), 1.0, 0.0, 0.0, 0.01)
    return replace(eye, distance=eye.focal_px(*view.size) * scenes.space.width / view.size[0])


def _draw_heading(canvas: Canvas, area: Area, session: Session, scenes: Scenes, state: ViewState) -> None:
    s = canvas.scale
    canvas.text(area.left + 14 * s, area.top + 20 * s, session.recording.name, theme.INK, 16, bold=True, halo=True)
    window = f"{state.window_us / 1000:g} ms"
    line = f"{state.now_s:.4f} s    window {window}    {len(scenes.events):,} events"
    canvas.text(area.left + 14 * s, area.top + 42 * s, line, theme.FAINT, 12, halo=True)
    if state.message:
        canvas.text(area.left + 14 * s, area.top + 64 * s, state.message, theme.GOOD, 12, halo=True)
    hint = "? keys"
    canvas.text(area.left + area.width - 12 * s, area.top + 20 * s, hint, theme.FAINT, 12, anchor="right", halo=True)


def _draw_list(canvas: Canvas, areas: dict[str, Area], scenes: Scenes, state: ViewState) -> None:
    s = canvas.scale
    for name, note in scenes.notes.items():
        area = areas[f"layer:{name}"]
        middle = area.top + area.height / 2
        on = name not in state.hidden
        canvas.text(area.left + 4 * s, middle, str((LAYERS.index(name) + 1) % 10), theme.FAINT, 11)
        canvas.rectangle(area.left + 18 * s, middle - 5 * s, 10 * s, 10 * s, theme.GOOD if on else theme.EDGE)
        canvas.text(area.left + 36 * s, middle, name, theme.INK if on else theme.FAINT, 12)
        room = area.width - 44 * s - canvas.text_width(name, 12)
        while note and canvas.text_width(note, 11) > room:
            note = note[: -2].rstrip() + "…" if len(note) > 3 else ""
        canvas.text(area.left + area.width, middle, note, theme.FAINT, 11, anchor="right")


def _draw_bar(canvas: Canvas, areas: dict[str, Area], session: Session, state: ViewState) -> None:
    s, line, play = canvas.scale, areas["timeline"], areas["play"]
    canvas.rectangle(0, line.top, canvas.size[0], line.height, theme.PANEL)
    _draw_play(canvas, play, state.playing)
    top, height = line.top + 8 * s, line.height - 30 * s
    tall = np.maximum(np.round(session.profile.bars(max(line.width // (2 * s), 1)) * height), 1).repeat(2 * s)
    tall[2 * s - 1 :: 2 * s] = 0  # a gap between bars
    part = canvas.rgb[top : top + height, line.left : line.left + len(tall)]
    part[np.arange(height, 0, -1)[:, None] <= tall] = theme.EDGE
    span_us = max(state.stop_us - state.start_us, 1)
    _mark_views(canvas, line, session, state.start_us, span_us, top + height + 2 * s)
    now, past = ((t - state.start_us) / span_us * line.width for t in (state.now_us, state.now_us - state.window_us))
    left = line.left + max(past, 0.0)
    canvas.rectangle(left, top - 3 * s, max(line.left + now - left, 1), height + 6 * s, theme.ON, 0.25)
    canvas.rectangle(line.left + now - s, top - 5 * s, 2 * s, height + 10 * s, theme.ON)
    below = line.top + line.height - 11 * s
    canvas.text(line.left, below, "0 s", theme.FAINT, 11)
    end = f"{span_us * 1e-6:.3f} s" + ("" if session.profile.complete else " …")
    canvas.text(line.left + line.width, below, end, theme.FAINT, 11, anchor="right")
    how = f"{state.now_s:.4f} s    speed {state.speed:g}x" + ("    loop" if state.looping else "")
    canvas.text(line.left + line.width / 2, below, how, theme.INK, 12, anchor="middle")


def _mark_views(canvas: Canvas, line: Area, session: Session, start_us: int, span_us: int, top: int) -> None:
    """A green line where the board was found."""
    times_us = np.array([one.t_us for one in session.evidence.outlines], np.int64)
    columns = line.left + np.clip((times_us - start_us) * line.width // span_us, 0, line.width - 1)
    canvas.rgb[top : top + 2 * canvas.scale, columns[columns < canvas.size[0]]] = theme.GOOD


def _draw_play(canvas: Canvas, area: Area, playing: bool) -> None:
    s = canvas.scale
    x, y, r = area.left + area.width / 2, area.top + area.height / 2 - 6 * s, 9 * s
    if playing:
        canvas.rectangle(x - 0.7 * r, y - r, 0.5 * r, 2 * r, theme.INK)
        canvas.rectangle(x + 0.2 * r, y - r, 0.5 * r, 2 * r, theme.INK)
        return
    for row in range(-r, r + 1):
        canvas.rectangle(x - 0.6 * r, y + row, 1.6 * (r - abs(row)), 1, theme.INK)


def _draw_box(canvas: Canvas, area: Area, lines: tuple[str, ...]) -> None:
    s = canvas.scale
    width = max(canvas.text_width(line, 12) for line in lines) + 24 * s
    height = (len(lines) * 18 + 14) * s
    left, top = area.left + 14 * s, area.top + area.height - height - 14 * s
    canvas.rectangle(left, top, width, height, theme.PANEL, 0.92)
    canvas.rectangle(left, top, 3 * s, height, theme.ON)
    for i, line in enumerate(lines):
        canvas.text(left + 14 * s, top + (16 + 18 * i) * s, line, theme.INK if i == 0 else theme.FAINT, 12, bold=i == 0)


def _draw_help(canvas: Canvas) -> None:
    s = canvas.scale
    size = 13 if canvas.size[1] >= (len(KEYS) * 24 + 70) * s else 10
    row = round(size * 1.8) * s
    first = max(canvas.text_width(key, size, bold=True) for key, _ in KEYS) + 24 * s
    width = first + max(canvas.text_width(what, size) for _, what in KEYS) + 40 * s
    height = (len(KEYS) + 1) * row + 24 * s
    left, top = (canvas.size[0] - width) / 2, (canvas.size[1] - height) / 2
    canvas.rectangle(0, 0, *canvas.size, theme.BACKGROUND, 0.55)
    canvas.rectangle(left, top, width, height, theme.PANEL)
    canvas.text(left + 20 * s, top + 12 * s + row / 2, "Keys and mouse", theme.ON, size + 1, bold=True)
    for i, (key, what) in enumerate(KEYS):
        y = top + 12 * s + (i + 1.5) * row
        canvas.text(left + 20 * s, y, key, theme.INK, size, bold=True)
        canvas.text(left + 20 * s + first, y, what, theme.INK, size)
