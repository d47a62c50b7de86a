"""A recording that is interrupted: one rejection for as long as there are no events, however long."""

from pathlib import Path

import numpy as np
import pytest

from evcam.core.detections import Rejection
from evcam.core.events import Events
from evcam.core.target import load_target
from evcam.detect import detect
from evcam.detect.flicker.stretches import detect_flicker
from evcam.detect.inspection import choose_outcomes, inspect
from evcam.detect.silences import Silence, Silences, told_once
from evcam.io import open_recording

DATA = Path(__file__).parents[2] / "data"
CUT_US = 1_230_000


def interrupted(name, cut_us, gap_us, duration_s=None):
    """A sample with a gap after so many microseconds."""
    with open_recording(DATA / name) as recording:
        events = recording.events(0, duration_s)
    t = events.t + gap_us * (events.t >= events.t[0] + cut_us)
    return Events.from_arrays(t, events.x, events.y, events.p, width=events.width, height=events.height)


@pytest.mark.parametrize("gap_us", [1_500_000, 20_000_000, 5 * 3_600_000_000])
def test_a_moving_board_is_followed_over_a_silence(gap_us):
    target = load_target(DATA / "circle_grid.yaml")
    whole = detect(interrupted("circle_grid.h5", CUT_US, 0, 2.0), target, mode="moving")
    events = interrupted("circle_grid.h5", CUT_US, gap_us, 2.0)
    found = detect(events, target, mode="moving")
    assert [rejection.reason for rejection in found.rejections] == ["no events"]
    assert found.rejections[0].detail == f"for {gap_us * 1e-6:,.1f} s"
    gap = (int(events.t[0]) + CUT_US, int(events.t[0]) + CUT_US + gap_us)
    assert gap[0] < found.rejections[0].t_us < gap[1]
    mids = np.array([view.mid_us for view in found])
    assert abs((mids < gap[0]).sum() - sum(view.mid_us < gap[0] for view in whole)) <= 1
    assert len(found) >= len(whole) - 3
    assert (mids > gap[1]).sum() > 30
    inspection, = inspect(events, found, found.rejections)
    assert isinstance(inspection.outcome, Rejection)


def test_a_flickering_board_before_and_after_a_silence():
    target = load_target(DATA / "checkerboard.yaml")
    with open_recording(DATA / "flicker_01.h5") as recording:
        half_us = round(recording.summary().duration_s * 5e5)
    events = interrupted("flicker_01.h5", half_us, 30_000_000)
    found = detect(events, target, mode="flicker")
    assert found.rejection_counts() == {"no events": 1}
    assert found.rejections[0].detail == "for 30.0 s"
    assert len(found) == 2
    assert len(inspect(events, found, choose_outcomes(found, "events"))) == 3


def test_stretches_without_events_before_the_first_and_behind_the_last():
    target = load_target(DATA / "checkerboard.yaml")
    events = Events.from_arrays([7], [1], [2], [True], width=8, height=8)
    found = detect_flicker([events[:0], events, events[:0], events[:0]], target)
    assert found.rejection_counts() == {"too few events": 4}


def test_what_lies_within_a_silence_is_told_once():
    windows = [Events.from_arrays(t, [1] * len(t), [1] * len(t), [True] * len(t), width=8, height=8)
               for t in ([0, 10], [], [900_000, 2_000_000], [], [], [3_500_000, 9_000_000])]
    silences = Silences(windows)
    assert [len(window) for window in silences] == [2, 0, 2, 0, 0, 2]
    assert silences.found == [Silence(2_000_000, 3_500_000)]
    outcomes = [Rejection("r", t_us, "no grid of discs") for t_us in (1_000_000, 2_000_000, 2_100_000, 2_200_000, 3_500_000)]
    told = list(told_once(outcomes, silences.found))
    assert [outcome.t_us for outcome in told] == [1_000_000, 2_000_000, 2_100_000, 3_500_000]
    assert [outcome.t_us for outcome in told if outcome.reason == "no events"] == [2_100_000]
