"""Keys and time: what they do to the viewer's state."""

from dataclasses import replace

import pytest

from evcam.apps.view.state import KEYS, LAYERS, SPEEDS, ViewState, pressed
from evcam.viz.scene import Eye

EYE = Eye((0.0, 0.0, 0.0), 5.0)
STATE = ViewState(1_000_000, 3_000_000, 2_000_000, 50_000, EYE, EYE, (EYE, EYE))


def after(*keys, state=STATE, shift=False):
    for key in keys:
        state = pressed(state, key, shift=shift)
    return state


def test_playing_follows_the_clock_and_loops():
    playing = after("space")
    assert playing.later(1.0).now_us == 2_000_000 + 30_000
    assert playing.later(100.0).now_us == 1_000_000
    stopped = after("l", state=playing).later(100.0)
    assert (stopped.now_us, stopped.playing) == (3_000_000, False)
    assert STATE.later(1.0) is STATE


@pytest.mark.parametrize(("key", "shift", "moved_us"), [
    ("left", False, -5_000), ("right", False, 5_000), ("left", True, -50_000), ("right", True, 50_000),
])
def test_steps(key, shift, moved_us):
    moved = after(key, state=replace(STATE, playing=True), shift=shift)
    assert (moved.now_us - STATE.now_us, moved.playing) == (moved_us, False)


def test_the_present_stays_in_the_recording():
    assert after(*["left"] * 99, shift=True).now_us == 1_000_000
    assert after("end").now_us == 3_000_000
    assert after("home").now_us == 1_000_000


def test_speed_and_window_have_ends():
    assert after(*[">"] * 99).speed == SPEEDS[-1]
    assert after(*["<"] * 99).speed == SPEEDS[0]
    assert after("]").window_us > 50_000 > after("[").window_us
    assert after(*["["] * 99).window_us == after(*["["] * 98).window_us > 0
    assert after("]", state=replace(STATE, window_us=60_000)).window_us == 100_000


def test_every_layer_has_a_number():
    for number, layer in zip("1234567890", LAYERS, strict=True):
        assert after(number).hidden == {layer}
        assert after(number, number).hidden == set()


def test_other_keys():
    assert after("c").colouring == "time"
    assert after("c", "c").colouring == "polarity"
    assert after("tab").swapped
    assert after("s").saving
    assert after("?").helping
    assert not after("?", "escape").done
    assert after("escape").done
    assert after("q").done
    assert after("x") == STATE
    turned = STATE.moved(EYE.turned(1.0, 0.1), rig=False)
    assert after("r", state=turned) == STATE


def test_the_help_names_every_key_that_does_something():
    named = " ".join(key for key, _ in KEYS).lower()
    for key in ("space", "left", "right", "home", "end", "<", ">", "l", "[", "]", "c", "tab", "r", "s", "?", "q", "esc"):
        assert key in named.split()
