"""The next window begins with the lines of the last one; what its own events do not confirm is dropped."""

from dataclasses import replace

import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.motion import VelocityOptions
from evcam.motion.core import WindowSolver
from evcam.motion.following import continued
from evcam.motion.gyro import GyroBuffer
from evcam.motion.lines import Workspace
from evcam.motion.search import LineSearch
from evcam.motion.speeds import speeds_of_edges, speeds_of_lines
from evcam.motion.stretches import edge_motion

FIRST_US, SECOND_US = (100_000, 150_000), (150_000, 200_000)


@pytest.fixture(scope="module")
def window_of(room, camera):
    """Makes windows of the room, some of its events left out."""
    gyro, solver = GyroBuffer(), WindowSolver(camera, VelocityOptions())
    gyro.push(room.imu)

    def make(span_us, kept=lambda events: np.ones(len(events), bool)):
        around = room.events.between(span_us[0] - 20_000, span_us[1] + 20_000)
        return solver._window(around[kept(around)], span_us, gyro.window(*span_us))

    return make


@pytest.fixture
def begun(window_of, camera):
    """A search that has seen the first window."""
    search = LineSearch(camera, VelocityOptions())
    search.lines(window_of(FIRST_US))
    return search


def taken_up(search, window):
    """How many lines of the window before the events confirm."""
    return len(search._taken_up(window, window.half_s / 2, *blank(window)))


def blank(window):
    return Workspace.of(window), np.zeros(len(window.t_s), bool)


def is_among(line, lines, limit_rad=0.01):
    """Whether one of the lines lies in the same plane at the middle, and is of the same polarity."""
    return any(abs(line.b @ other.b) > np.cos(limit_rad) and line.polarity == other.polarity for other in lines)


def test_lines_go_on_where_they_are_expected(begun, window_of):
    window = window_of(SECOND_US)
    guesses, known = list(continued(begun._before, window)), len(begun._before)
    assert len(guesses) == known > 20
    assert taken_up(begun, window) > 0.6 * known


def test_a_search_that_goes_on_finds_what_one_that_begins_anew_finds(begun, window_of, camera):
    window = window_of(SECOND_US)
    anew, on = LineSearch(camera, VelocityOptions()).lines(window)[0], begun.lines(window)[0]
    long = [line for line in anew if (line.high - line.low) > 40 * line.pixel]
    assert len(long) > 10
    assert np.mean([is_among(line, on) for line in long]) > 0.9
    assert len(on) > 0.9 * len(anew)
    owned = [np.concatenate([line.members for line in lines]) for lines in (on, anew)]
    assert len(np.unique(owned[0])) > 0.95 * len(np.unique(owned[1]))


def test_lines_tell_the_speeds_that_their_flow_tells(begun, window_of):
    """Windows are as long whether the next one has to ask for the flow of its lines or not."""
    window = window_of(SECOND_US)
    lines, motion = begun.lines(window)[0], edge_motion(window, window.half_s)
    members = np.concatenate([line.members for line in lines])
    by_lines, by_flow = speeds_of_lines(window, lines, window.half_s), speeds_of_edges(motion)
    owned = np.isin(motion.index, members)
    assert np.median(by_lines.plain_radps) == pytest.approx(np.median(np.abs(motion.speed[owned])), rel=0.1)
    assert np.median(by_lines.sensor_pxps) == pytest.approx(np.median(motion.sensor_pxps[owned]), rel=0.1)
    assert np.median(by_lines.plain_radps) == pytest.approx(np.median(by_flow.plain_radps), rel=0.25)


def test_new_lines_are_found_beside_those_that_go_on(begun, window_of):
    window = window_of(SECOND_US)
    forgotten = LineSearch(begun._camera, VelocityOptions())
    forgotten._before = begun._before.without(begun._before.ids[::2])
    some, every = forgotten.lines(window)[0], begun.lines(window)[0]
    assert len(some) > 0.9 * len(every)


def test_a_line_whose_edge_is_gone_is_not_kept(begun, window_of, camera):
    window = window_of(SECOND_US)
    line = max(begun.lines(window)[0], key=lambda line: len(line.members))
    begun.lines(window_of(FIRST_US))
    c, fired = window.crossings, np.zeros((camera.height, camera.width), bool)
    fired[c.y[line.members], c.x[line.members]] = True
    without = window_of(SECOND_US, lambda events: ~(fired[events.y, events.x] & (events.p == line.polarity)))
    guesses = list(continued(begun._before, without))
    assert is_among(line, guesses)
    assert not is_among(line, begun.lines(without)[0])


@pytest.mark.parametrize("seed", range(3))
def test_wrong_lines_of_the_window_before_do_not_survive(begun, window_of, seed):
    """Lines that never were there have no events of their own, or slip onto an edge that is there: flow of its own along it."""
    rng, before, window = np.random.default_rng(seed), begun._before, window_of(SECOND_US)
    turns = exp_so3(rng.uniform(-1, 1, (len(before), 3)) * [0.1, 0.1, 1.5])
    b, a, ends = (np.einsum("nij,n...j->n...i", turns, part) for part in (before.b, before.a, before.ends))
    begun._before = replace(before, b=b, a=a, ends=ends)
    found = begun._taken_up(window, window.half_s, *blank(window))
    assert len(found) < 0.5 * len(before)
    motion = edge_motion(window, window.half_s)
    for line in found:
        on = np.isin(motion.index, line.members)
        normal = line.b - window.t_s[motion.index[on], None] * line.a
        turn = np.arccos(np.abs((motion.plane[on] * normal).sum(1) / np.linalg.norm(normal, axis=1)).clip(0, 1))
        assert np.median(turn) < 0.3


def test_lines_that_contradict_the_motion_are_not_taken_up(begun, window_of):
    doubted = begun._before.ids[:5]
    begun.doubt(doubted)
    assert len(list(continued(begun._before, window_of(SECOND_US)))) == len(begun._before) - 5


def test_lines_of_long_ago_are_not_taken_up(begun, window_of):
    assert not list(continued(begun._before, window_of((151_000, 200_000))))
