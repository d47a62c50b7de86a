import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.flow import SurfaceOfActiveEvents
from evcam.flow.surface import NEVER

SIZE = {"width": 4, "height": 3}
ROWS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), max_size=40).map(sorted)


def as_events(rows):
    return Events.from_arrays(*np.array(rows, int).reshape(-1, 4).T, **SIZE)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.integers(0, 40))
def test_latest_time_of_every_pixel_and_polarity_however_the_events_are_split(rows, cut):
    surface = SurfaceOfActiveEvents(4, 3)
    events = as_events(rows)
    surface.update(events[:cut])
    surface.update(events[cut:])
    expected = np.full((2, 3, 4), NEVER)
    for t, x, y, p in rows:
        expected[p, y, x] = max(expected[p, y, x], t)
    assert np.array_equal(surface.t_us, expected)
    assert np.array_equal(surface.latest_us(), expected.max(0))


def test_decay_has_the_sign_of_the_latest_polarity():
    surface = SurfaceOfActiveEvents(4, 3)
    surface.update(as_events([(0, 1, 1, 1), (500, 2, 1, 1), (1000, 2, 1, 0)]))
    value = surface.decayed(2000, 1000.0)
    assert value[1, 1] == pytest.approx(np.exp(-2))
    assert value[1, 2] == pytest.approx(-np.exp(-1))
    assert np.count_nonzero(value) == 2


def test_another_sensors_events_are_refused():
    with pytest.raises(InputError, match="4x3 px cannot take events of 5x3"):
        SurfaceOfActiveEvents(4, 3).update(Events.empty(5, 3))
