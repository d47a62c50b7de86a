import numpy as np
import pytest

from evcam.core.events import Events
from evcam.detect.lookahead import LookAhead, made_ahead


@pytest.fixture
def windows():
    return [Events.from_arrays([k], [1], [1], [True], width=4, height=3) for k in range(6)]


def times(windows):
    return [int(window.t[0]) for window in windows]


def test_what_was_seen_still_comes(windows):
    ahead = LookAhead(iter(windows))
    assert times(window for window, _ in zip(ahead.coming(), range(3), strict=False)) == [0, 1, 2]
    assert int(next(ahead).t[0]) == 0
    assert times(ahead.coming()) == [1, 2, 3, 4, 5]
    assert times(ahead) == [1, 2, 3, 4, 5]
    assert times(ahead) == times(ahead.coming()) == []


def test_every_window_is_read_once_and_let_go(windows):
    read = []

    def source():
        for window in windows:
            read.append(int(window.t[0]))
            yield window

    ahead = LookAhead(source())
    next(ahead.coming())
    assert read == [0]
    assert np.array_equal(times(ahead), np.arange(6))
    assert read == [0, 1, 2, 3, 4, 5]


def test_items_made_ahead_are_the_same_and_one_ahead():
    made = []

    def items():
        for k in range(5):
            made.append(k)
            yield k

    used = []
    for item in made_ahead(items()):
        used.append(item)
        assert made[: len(used)] == used
        assert len(made) <= len(used) + 1
    assert used == [0, 1, 2, 3, 4]
    assert list(made_ahead(iter([]))) == []


def test_what_goes_wrong_ahead_is_raised_in_its_turn():
    def items():
        yield 1
        raise ValueError("broken")

    ahead = made_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_items_that_nobody_wants_any_more_are_not_made():
    made = []
    ahead = made_ahead(made.append(k) or k for k in range(100))
    assert next(ahead) == 0
    ahead.close()
    assert len(made) <= 3
