"""What inspection shows is what the detection did."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import evcam
from evcam.core.detections import Detections, Rejection, View
from evcam.core.target import load_target
from evcam.detect.inspection import choose_outcomes, inspect, instant_us, outcomes_at
from evcam.detect.moving.discs import FITTED
from evcam.detect.moving.sighting import NotSeen, Sighting
from evcam.errors import InputError
from evcam.io import save_h5

DATA = Path(__file__).parents[2] / "data"


def found_in(name, target, *, without_s=(0.0, 0.0)):
    with evcam.open(DATA / name) as recording:
        events = recording.events()
    blank = (events.t >= 1e6 * without_s[0]) & (events.t < 1e6 * without_s[1])
    events = events[~blank]
    return events, evcam.detect(events, load_target(DATA / target), name=name)


@pytest.fixture(scope="module")
def moving():
    """Events and detections of the moving board, 4 s; after a stretch without events the picture is wrong for a while."""
    return found_in("circle_grid.h5", "circle_grid.yaml", without_s=(1.0, 1.4))


@pytest.fixture(scope="module")
def flicker():
    return found_in("flicker_03.h5", "checkerboard.yaml")


def test_chosen_are_the_first_rejections_and_views_from_first_to_last(moving):
    _, found = moving
    chosen = choose_outcomes(found, "circle_grid.h5")
    rejected = [o for o in chosen if isinstance(o, Rejection)]
    assert rejected == list(found.rejections[:3])
    views = [o.index for o in chosen if isinstance(o, View)]
    assert (views[0], views[-1], len(views)) == (0, len(found) - 1, 3)
    assert [instant_us(o) for o in chosen] == sorted(instant_us(o) for o in chosen)


def test_rejections_take_the_places_of_views_that_are_not_there(moving):
    _, found = moving
    only = replace(found, views=found.views[:1])
    chosen = choose_outcomes(only, "circle_grid.h5")
    assert [isinstance(o, View) for o in chosen].count(True) == 1
    assert len(chosen) == 6
    assert choose_outcomes(found, "another.h5") == ()


def test_nearest_outcomes_come_once_each(moving):
    _, found = moving
    at_us = found.rejections[0].t_us
    assert outcomes_at(found, "circle_grid.h5", [at_us + 5_000, at_us - 5_000]) == (found.rejections[0],)
    assert outcomes_at(found, "another.h5", [at_us]) == ()


@pytest.mark.parametrize("early_us", [0, 1_000_000, 2_500_000])
def test_ellipses_are_those_of_the_view_wherever_the_search_stops(moving, early_us):
    events, found = moving
    view = max((v for v in found if v.mid_us >= early_us), key=lambda v: (len(v), -v.mid_us))
    (seen,) = inspect(events, found, [view])
    fits = seen.stages.fits
    assert isinstance(seen.stages.sighting, Sighting)
    assert (fits.status[view.ids] == FITTED).all()
    np.testing.assert_array_equal(fits.velocities[view.ids], view.velocity)
    # The view holds the images of the centres, the fits the ellipses' own centres: near, not equal.
    assert np.linalg.norm(fits.centers[view.ids] - view.xy, axis=1).max() < 0.5
    assert len(seen.stages.regions) >= len(view)
    assert seen.events.t[-1] <= view.mid_us


def test_a_rejection_shows_its_own_reason_in_the_picture(moving):
    events, found = moving
    unseen = [r for r in found.rejections if r.reason in ("no grid of discs", "grid does not fit the board", "ambiguous")]
    seen = inspect(events, found, unseen)
    assert len(seen) == len(unseen) > 1
    for inspection, rejection in zip(seen, unseen, strict=True):
        assert inspection.outcome is rejection
        sighting = inspection.stages.sighting
        assert isinstance(sighting, NotSeen)
        assert (sighting.t_us, sighting.reason, sighting.detail) == (rejection.t_us, rejection.reason, rejection.detail)
        assert inspection.stages.fits is None


def test_recording_and_its_events_show_the_same(moving, tmp_path):
    events, found = moving
    outcomes = [found.views[0], found.rejections[0]]
    save_h5(tmp_path / "circle_grid.h5", events)
    with evcam.open(tmp_path / "circle_grid.h5") as recording:
        pairs = zip(inspect(recording, found, outcomes), inspect(events, found, outcomes), strict=True)
        for a, b in pairs:
            np.testing.assert_array_equal(a.stages.picture, b.stages.picture)
            np.testing.assert_array_equal(a.events.t, b.events.t)
            np.testing.assert_array_equal(a.stages.crossings.t, b.stages.crossings.t)


def test_flicker_shows_the_image_in_which_the_points_lie(flicker):
    events, found = flicker
    (seen,) = inspect(events, found, found.views)
    assert seen.image.shape == (128, 128)
    assert seen.evidence.frequency_hz == pytest.approx(5.0, abs=0.05)
    x, y = found.views[0].xy.mean(0).astype(int)
    board, corner = np.abs(seen.image[y - 8 : y + 8, x - 8 : x + 8]), np.abs(seen.image[-20:, :20])
    assert board.mean() > 5 * corner.mean()


def test_mode_of_merged_detections_is_told_by_the_events(flicker):
    events, found = flicker
    (seen,) = inspect(events, replace(found, mode="given"), found.views)
    assert seen.image is not None


def test_outcome_of_another_recording_is_refused(moving):
    events, found = moving
    with pytest.raises(InputError, match="not the instant"):
        inspect(events, found, [Rejection("circle_grid.h5", 123_456, "made up")])
    board = load_target(DATA / "checkerboard.yaml")
    with pytest.raises(InputError, match="only circle grids"):
        inspect(events, Detections(board, 240, 180, (), found.rejections, "moving"), found.rejections)
