"""What the viewer shows, and how keys change it: values and functions without a window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evcam.viz.scene import Eye
from evcam.viz.spacetime import COLOURINGS

LAYERS = ("events", "image plane", "normal flow", "tubes", "arcs", "grid", "board", "camera path", "velocity", "eventails")
"""All layers, in the order of their number keys 1 to 9 and 0."""

KEYS = (
    ("Space", "play or pause"),
    ("Left Right", "step back or on; with Shift ten steps"),
    ("Home End", "beginning or end"),
    ("< >", "play slower or faster"),
    ("L", "start again at the end (loop)"),
    ("[ ]", "shorter or longer window"),
    ("1 ... 9 0", "layers on and off"),
    ("C", "colour events by polarity or by time"),
    ("Tab", "swap space-time and board"),
    ("R", "look from where you began"),
    ("S", "save a picture"),
    ("?", "these keys"),
    ("Q Esc", "quit"),
    ("drag, wheel", "turn, come closer; right button or Shift: shift"),
    ("click", "on an event or a circle: its numbers"),
)
SPEEDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
WINDOWS_US = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
_STEPS_PER_WINDOW = 10


@dataclass(frozen=True, eq=False, slots=True)
class Picked:
    """What was clicked on.

    Attributes
    ----------
    lines : tuple of str
        About it.
    outline : ndarray of float64, shape (N, 2)
        Around it, px.
    t_us : int
        When it was there.
    """

    lines: tuple[str, ...]
    outline: NDArray[np.float64]
    t_us: int


@dataclass(frozen=True, slots=True)
class ViewState:
    """Everything that decides what is drawn.

    Attributes
    ----------
    start_us, stop_us : int
        The recording, as far as it is known.
    now_us : int
        The present, where the image plane is.
    window_us : int
        How far back events are shown.
    eye, rig_eye : Eye
        Of the space-time view and of the board's view.
    first_eyes : (Eye, Eye)
        What R goes back to.
    hidden : frozenset of str
        Layers that are off.
    playing, looping, swapped, helping : bool
    speed : float
        Seconds of the recording per second.
    colouring : str
        Of the events.
    picked : Picked or None
        What was clicked on.
    message : str
        For a moment.
    done : bool
        Whether to close.
    saving : bool
        Whether a picture was asked for.
    """

    start_us: int
    stop_us: int
    now_us: int
    window_us: int
    eye: Eye
    rig_eye: Eye
    first_eyes: tuple[Eye, Eye]
    hidden: frozenset[str] = field(default_factory=frozenset)
    playing: bool = False
    looping: bool = True
    swapped: bool = False
    helping: bool = False
    speed: float = 0.03
    colouring: str = COLOURINGS[0]
    picked: Picked | None = None
    message: str = ""
    done: bool = False
    saving: bool = False

    @property
    def now_s(self) -> float:
        """The present, seconds from the recording's beginning."""
        return (self.now_us - self.start_us) * 1e-6

    def at(self, t_us: int) -> ViewState:
        """At another time, within the recording."""
        return replace(self, now_us=min(max(t_us, self.start_us), max(self.stop_us, self.start_us)))

    def later(self, elapsed_s: float) -> ViewState:
        """After so much time of playing; at the end again from the beginning, or paused."""
        if not self.playing:
            return self
        now_us = self.now_us + round(elapsed_s * self.speed * 1e6)
        if now_us <= self.stop_us:
            return replace(self, now_us=now_us)
        return self.at(self.start_us) if self.looping else replace(self.at(self.stop_us), playing=False)

    def toggled(self, layer: str) -> ViewState:
        """With a layer switched on or off."""
        return replace(self, hidden=self.hidden ^ {layer})

    def moved(self, eye: Eye, *, rig: bool) -> ViewState:
        """With another eye for one of the views."""
        return replace(self, rig_eye=eye) if rig else replace(self, eye=eye)


def pressed(state: ViewState, key: str, *, shift: bool = False) -> ViewState:
    """The state after a key, named as on the keyboard: ``"space"``, ``"left"``, ``"a"``, ``"?"``; others change nothing."""
    state = replace(state, message="")
    if key in "1234567890" and len(key) == 1:
        return state.toggled(LAYERS[(int(key) - 1) % 10])
    step_us = max(state.window_us // _STEPS_PER_WINDOW, 1) * (10 if shift else 1)
    changes = {
        "space": lambda: replace(state, playing=not state.playing),
        "left": lambda: replace(state.at(state.now_us - step_us), playing=False),
        "right": lambda: replace(state.at(state.now_us + step_us), playing=False),
        "home": lambda: state.at(state.start_us),
        "end": lambda: replace(state.at(state.stop_us), playing=False),
        "<": lambda: replace(state, speed=_next(SPEEDS, state.speed, -1)),
        ">": lambda: replace(state, speed=_next(SPEEDS, state.speed, 1)),
        "l": lambda: replace(state, looping=not state.looping),
        "[": lambda: replace(state, window_us=int(_next(WINDOWS_US, state.window_us, -1))),
        "]": lambda: replace(state, window_us=int(_next(WINDOWS_US, state.window_us, 1))),
        "c": lambda: replace(state, colouring=COLOURINGS[(COLOURINGS.index(state.colouring) + 1) % len(COLOURINGS)]),
        "tab": lambda: replace(state, swapped=not state.swapped),
        "r": lambda: replace(state, eye=state.first_eyes[0], rig_eye=state.first_eyes[1]),
        "s": lambda: replace(state, saving=True),
        "?": lambda: replace(state, helping=not state.helping),
        "q": lambda: replace(state, done=True),
        "escape": lambda: replace(state, helping=False) if state.helping else replace(state, done=True),
    }
    return changes[key]() if key in changes else state


def _next(steps: tuple[float, ...] | tuple[int, ...], value: float, way: int) -> float:
    """The next larger or smaller of some steps, or the last one."""
    beyond = [step for step in steps if (step - value) * way > 1e-9 * value]
    return (min(beyond) if way > 0 else max(beyond)) if beyond else value
