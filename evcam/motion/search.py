"""The lines of one window after another: those of the last one are taken up first, then others are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.motion.following import SeenLines, continued, followed
from evcam.motion.judging import is_line, lie_along_their_edges
from evcam.motion.lines import MovingLine, Workspace, fit_stretch, follow
from evcam.motion.loose_edges import loose_edges
from evcam.motion.options import VelocityOptions
from evcam.motion.posterior import LineRates
from evcam.motion.speeds import Speeds, speeds_of_edges, speeds_of_lines
from evcam.motion.stretches import Stretch, edge_motion, stretches
from evcam.motion.window import Window

FEWEST_CROSSINGS = 50
# Edges move by about so much while lines are first looked for.
_FIRST_LOOK_PX = 8.0
_SHORTEST_LOOK_S = 0.002
_OWNED = 0.5


class LineSearch:
    """Finds the lines of windows; holds what carries over from one to the next.

    Attributes
    ----------
    speed_pxps : float
        Median motion of the edges of the last window, without rotation; NaN before the first.
    """

    def __init__(self, camera: Camera, options: VelocityOptions) -> None:
        self.speed_pxps = np.nan
        self._camera, self._options = camera, options
        self._look_pxps = np.nan
        self._next_id = 0
        self._before: SeenLines | None = None

    def look_ahead(self, window: Window) -> bool:
        """Set the speeds from a first stretch of the recording; False if it holds too little."""
        return self._measure([speeds_of_edges(edge_motion(window, window.half_s))])

    def lines(self, window: Window) -> tuple[list[MovingLine], LineRates]:
        """Lines of the window, each with a number, and what edges that are none say.

        Lines that go on from the window before keep their number, others get the next.
        """
        look_s = window.half_s
        if np.isfinite(self._look_pxps):
            look_s = min(max(0.5 * _FIRST_LOOK_PX / self._look_pxps, _SHORTEST_LOOK_S), window.half_s)
        space, owned = Workspace.of(window), np.zeros(len(window.t_s), np.bool_)
        found = self._taken_up(window, look_s, space, owned)
        known = speeds_of_lines(window, found, look_s)
        motion = edge_motion(window, look_s, ~owned)
        self._measure([speeds_of_edges(motion), known])
        for group in stretches(window, motion, self._options.min_crossings):
            if owned[motion.index[group]].mean() <= _OWNED:
                self._add(window, fit_stretch(window, Stretch.of(window, motion, group), look_s, space), owned, found)
        self._number(found, window)
        return found, loose_edges(window, motion, owned)

    def doubt(self, ids: Sequence[int]) -> None:
        """Lines with these numbers contradict the others: the next window does not begin with them."""
        if self._before is not None and ids:
            self._before = self._before.without(ids)

    def _taken_up(self, window: Window, look_s: float, space: Workspace, owned: NDArray[np.bool_]) -> list[MovingLine]:
        """Lines of the window before that the events of this one confirm."""
        if self._before is None:
            return []
        until_s = max((self._before.span_us[1] - window.middle_us) * 1e-6, 0.0)
        begin, end = window.span(look_s)
        lines: list[MovingLine] = []
        found: list[MovingLine] = []
        for guess in continued(self._before, window):
            line = follow(window, guess, until_s, space)
            # As in the general search, the line has to be seen around the middle.
            if line is not None and ((line.members >= begin) & (line.members < end)).sum() >= self._options.min_crossings:
                lines.append(line)
        confirmed = lie_along_their_edges(window, lines, look_s) if lines else np.zeros(0, np.bool_)
        for line, right in zip(lines, confirmed, strict=True):
            if right:
                self._add(window, line, owned, found)
        return found

    def _add(self, window: Window, line: MovingLine | None, owned: NDArray[np.bool_], found: list[MovingLine]) -> None:
        """Keep a line that is one, and that is none of those found before."""
        if line is None or owned[line.members].mean() > _OWNED or not is_line(window, line, self._options.min_crossings):
            return
        line.members.sort()
        owned[line.members] = True
        found.append(line)

    def _measure(self, speeds: Sequence[Speeds]) -> bool:
        plain, sensor = (np.concatenate([getattr(part, name) for part in speeds]) for name in ("plain_radps", "sensor_pxps"))
        if len(plain) < FEWEST_CROSSINGS:
            return False
        focal = float(np.sqrt(self._camera.params[0] * self._camera.params[1]))
        self.speed_pxps = focal * float(np.median(plain))
        self._look_pxps = float(np.median(sensor))
        return True

    def _number(self, lines: list[MovingLine], window: Window) -> None:
        now = SeenLines.of(lines, window.span_us, window.rotation)
        before = followed(self._before, now) if self._before is not None else np.full(len(lines), -1)
        for line, i in zip(lines, before.tolist(), strict=True):
            if self._before is not None and i >= 0:
                line.id = self._before.ids[i]
            else:
                line.id, self._next_id = self._next_id, self._next_id + 1
        self._before = replace(now, ids=tuple(line.id for line in lines))
