import numpy as np
import pytest

from evcam.core.events import Events
from evcam.detect.lookahead import LookAhead


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
