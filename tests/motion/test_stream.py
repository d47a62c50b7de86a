"""The stream gives what the batch gives, whatever the pieces, and says what the gyro lacks."""

import dataclasses
import gc

import numpy as np
import pytest

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.motion import MotionStatus, VelocityEstimator, VelocityOptions, estimate_velocity
from evcam.motion.event_buffer import EventBuffer

OPTIONS = VelocityOptions(window_us=50_000)


def pushed(room, camera, piece_us, *, imu_delay_us=0, options=None):
    """Events and gyro in pieces, the gyro later by so much."""
    estimator, estimates = VelocityEstimator(camera, options), []
    given = 0
    for start in range(0, 300_000 + imu_delay_us, piece_us):
        estimator.push_events(room.events.between(start, start + piece_us))
        until = int(np.searchsorted(room.imu.t, start + piece_us - imu_delay_us))
        if until > given:
            estimator.push_imu(part_of(room.imu, slice(given, until)))
            given = until
        estimates += estimator.poll()
    estimator.push_imu(part_of(room.imu, slice(given, None)))
    return estimates + estimator.finish()


def part_of(imu, index):
    return dataclasses.replace(imu, t=imu.t[index], gyro_radps=imu.gyro_radps[index])


def same(a, b):
    first, second = ([(e.t_us, e.vector.tobytes(), [line.id for line in e.lines]) for e in some] for some in (a, b))
    return first == second


@pytest.mark.parametrize("piece_us", [7_000, 300_000])
@pytest.mark.parametrize("options", [None, OPTIONS])
def test_pieces_of_any_length_give_what_the_batch_gives(room, camera, piece_us, options):
    """Whatever carries over from window to window."""
    assert same(pushed(room, camera, piece_us, options=options), estimate_velocity(room.events, camera, room.imu, options))


def test_a_piece_that_ends_just_when_a_window_is_settled_skips_nothing(room, camera):
    """The first window is done with the very event that completes it; the next one begins where it ended."""
    whole = estimate_velocity(room.events, camera, room.imu)
    settled_us = whole[0].stop_us + VelocityOptions().settle_us
    events = room.events
    last = int(np.searchsorted(events.t, settled_us)) - 1
    moved = np.where(np.arange(len(events)) == last, settled_us - 1, events.t)
    events = Events.from_arrays(moved, events.x, events.y, events.p, width=events.width, height=events.height)
    estimator = VelocityEstimator(camera)
    estimator.push_imu(room.imu)
    estimator.push_events(events[:last + 1])
    estimates = estimator.poll()
    estimator.push_events(events[last + 1:])
    assert same(estimates + estimator.finish(), estimate_velocity(events, camera, room.imu))


def test_a_gyro_that_comes_later_is_waited_for(room, camera):
    assert same(pushed(room, camera, 10_000, imu_delay_us=60_000), estimate_velocity(room.events, camera, room.imu))


def test_estimates_come_when_their_window_is_over(room, camera):
    estimator = VelocityEstimator(camera, OPTIONS)
    estimator.push_imu(room.imu)
    estimator.push_events(room.events.between(0, 60_000))
    assert estimator.poll() == []
    estimator.push_events(room.events.between(60_000, 75_000))
    (estimate,) = estimator.poll()
    assert estimate.stop_us == room.events.t[0] + 50_000
    assert estimator.poll() == []


def test_without_a_gyro_a_window_is_given_up_in_time(room, camera):
    estimator = VelocityEstimator(camera, dataclasses.replace(OPTIONS, imu_patience_us=100_000))
    estimator.push_events(room.events.between(0, 140_000))
    assert estimator.poll() == []
    estimator.push_events(room.events.between(140_000, 160_000))
    (estimate,) = estimator.poll()
    assert estimate.status is MotionStatus.NO_GYRO
    assert "no gyro samples have come" in estimate.notes[0]


def test_a_gyro_on_another_clock_is_said(room, camera):
    estimator = VelocityEstimator(camera, OPTIONS)
    estimator.push_imu(dataclasses.replace(room.imu, t=room.imu.t + 10**12))
    estimator.push_events(room.events.between(0, 100_000))
    (estimate,) = estimator.poll()
    assert estimate.status is MotionStatus.NO_GYRO
    assert f"gyro samples held are from {room.imu.t[0] + 10**12} to {room.imu.t[-1] + 10**12} us" in estimate.notes[0]


def test_a_slow_gyro_has_no_gap_in_every_window(room, camera):
    """At 50 Hz; what the camera may do between its samples is in the covariance all the same."""
    step = round(20_000 / np.median(np.diff(room.imu.t)))
    slow = estimate_velocity(room.events, camera, part_of(room.imu, slice(None, None, step)), OPTIONS)
    whole = estimate_velocity(room.events, camera, room.imu, OPTIONS)
    assert all(estimate.notes == () for estimate in slow[1:-1])
    assert all(np.trace(a.covariance) > np.trace(b.covariance) for a, b in zip(slow[1:-1], whole[1:-1], strict=True) if a and b)


def test_a_gap_of_the_gyro_is_said(room, camera):
    whole = estimate_velocity(room.events, camera, room.imu, OPTIONS)
    gap = part_of(room.imu, (room.imu.t < 60_000) | (room.imu.t > 85_000))
    torn = estimate_velocity(room.events, camera, gap, OPTIONS)
    assert torn[0].notes == ()
    assert any("gap of 2" in note for note in torn[1].notes)
    if torn[1]:
        assert np.trace(torn[1].covariance) > np.trace(whole[1].covariance)


def test_late_samples_are_said(room, camera):
    estimator = VelocityEstimator(camera, OPTIONS)
    late = (room.imu.t > 10_000) & (room.imu.t < 15_000)
    estimator.push_imu(part_of(room.imu, ~late & (room.imu.t < 90_000)))
    estimator.push_events(room.events.between(0, 80_000))
    assert len(estimator.poll()) == 1
    estimator.push_imu(part_of(room.imu, late))
    estimator.push_imu(part_of(room.imu, room.imu.t >= 90_000))
    estimator.push_events(room.events.between(80_000, 130_000))
    (estimate,) = estimator.poll()
    assert any("came after their window" in note for note in estimate.notes)


def test_samples_that_are_not_finite_are_refused_at_once(room, camera):
    """In the stream, one of them would leave every later window without an answer."""
    estimator = VelocityEstimator(camera, OPTIONS)
    broken = dataclasses.replace(room.imu, gyro_radps=room.imu.gyro_radps.copy())
    broken.gyro_radps[3, 1] = np.nan
    with pytest.raises(InputError, match=f"sample at {room.imu.t[3]} us is not finite"):
        estimator.push_imu(broken)
    estimator.push_imu(room.imu)
    estimator.push_events(room.events)
    assert same(estimator.poll() + estimator.finish(), estimate_velocity(room.events, camera, room.imu, OPTIONS))


def test_a_stretch_that_shows_no_motion_is_looked_at_once_however_often_is_polled(room, camera, monkeypatch):
    estimator, looks = VelocityEstimator(camera, angular_velocity_radps=[0, 0, 0]), []
    look = estimator._solver.look_ahead
    monkeypatch.setattr(estimator._solver, "look_ahead", lambda events, s, gyro: looks.append(s) or look(events, s, gyro))
    quiet = room.events[::2000]
    for start in range(0, 250_000, 1_000):
        estimator.push_events(quiet.between(start, start + 1_000))
        estimator.poll()
    assert len(looks) == len(set(looks)) <= 6


def test_what_is_done_is_let_go(room, camera):
    """However long the stream, the estimator holds two windows and a bit of it."""
    estimator = VelocityEstimator(camera, VelocityOptions(window_us=20_000), angular_velocity_radps=[0, 0, 0])
    quiet = room.events[::400]
    for start in range(0, 300_000, 10_000):
        estimator.push_events(quiet.between(start, start + 10_000))
        estimator.poll()
        gc.collect()
        assert sum(piece.t[-1] - piece.t[0] for piece in estimator._events._pieces) < 100_000


def test_a_misused_stream_is_refused(room, camera):
    estimator = VelocityEstimator(camera, angular_velocity_radps=[0, 0, 0])
    with pytest.raises(InputError, match="was given"):
        estimator.push_imu(room.imu)
    estimator.push_events(room.events.between(100_000, 110_000))
    with pytest.raises(InputError, match="order of time"):
        estimator.push_events(room.events.between(0, 10_000))
    estimator.finish()
    with pytest.raises(InputError, match="finished"):
        estimator.push_events(room.events.between(110_000, 120_000))
    with pytest.raises(InputError, match="finished"):
        estimator.push_imu(room.imu)


def far_apart(events, gap_us):
    """The first tenth of a second, a silence, and the second one."""
    first, second = events.between(0, 100_000), events.between(100_000, 200_000)
    later = dataclasses.replace(second, t=second.t + gap_us)
    return first, later


@pytest.mark.parametrize("options", [{}, {"window_us": 10_000}, {"window_events": 20_000}])
@pytest.mark.parametrize("gap_us", [3_000_000, 1_700_000_000_000_000])
def test_a_silence_is_one_empty_window(room, camera, options, gap_us):
    """However long: a clock that leaps costs no time and no memory."""
    first, later = far_apart(room.events, gap_us)
    estimator = VelocityEstimator(camera, VelocityOptions(**options), angular_velocity_radps=[0, 0, 0])
    estimates = []
    for piece in (first, later):
        for part in (piece[:1000], piece[1000:]):
            estimator.push_events(part)
            estimates += estimator.poll()
    estimates += estimator.finish()
    silent = [e for e in estimates if e.stop_us - e.start_us > 250_000]
    assert [(e.status, e.stop_us) for e in silent] == [(MotionStatus.EMPTY, int(later.t[0]))]
    assert silent[0].start_us <= first.t[-1] + 220_000
    assert all(e.stop_us <= silent[0].start_us or e.start_us >= later.t[0] for e in estimates if e is not silent[0])
    assert len(estimates) < 60
    whole = estimate_velocity(Events.joined([first, later]), camera, None, VelocityOptions(**options),
                              angular_velocity_radps=[0, 0, 0])
    assert same(estimates, whole)


@pytest.mark.parametrize("options", [{}, {"window_us": 30_000}])
def test_time_goes_on_without_events(room, camera, options):
    """The last window before a rest is done in time, the gyro of the rest is let go, and the answers are the batch's."""
    first, later = far_apart(room.events, 3_000_000)
    imu = dataclasses.replace(room.imu, t=np.concatenate([room.imu.t, room.imu.t + 3_000_000]),
                              gyro_radps=np.tile(room.imu.gyro_radps, (2, 1)))
    estimator = VelocityEstimator(camera, VelocityOptions(**options))
    estimator.push_imu(part_of(imu, imu.t < 200_000))
    estimator.push_events(first)
    before = estimator.poll()
    estimator.advance(1_000_000)
    estimates = before + estimator.poll()
    assert estimates[-1].stop_us > first.t[-1]
    assert estimates[-1].event_count
    held = len(estimator._gyro._t_us)
    for start in range(1_000_000, 2_900_000, 100_000):
        estimator.push_imu(dataclasses.replace(imu, t=np.arange(start, start + 100_000, 1000), gyro_radps=np.zeros((100, 3))))
        estimator.advance(start + 100_000)
        assert estimator.poll() == []
        held = max(held, len(estimator._gyro._t_us))
    assert held < 300
    estimator.push_imu(part_of(imu, imu.t >= 3_000_000))
    estimator.push_events(later)
    estimates += estimator.poll() + estimator.finish()
    assert same(estimates, estimate_velocity(Events.joined([first, later]), camera, imu, VelocityOptions(**options)))


def test_events_that_were_not_to_come_are_refused(room, camera):
    estimator = VelocityEstimator(camera, angular_velocity_radps=[0, 0, 0])
    estimator.advance(50_000)
    with pytest.raises(InputError, match="none were to come before 50000 us"):
        estimator.push_events(room.events.between(40_000, 60_000))
    estimator.push_events(room.events.between(50_000, 60_000))


@pytest.mark.parametrize(("start_us", "most", "stop_us", "count"), [
    (0, 2, 12, 2), (0, 9, 13, 9), (12, 9, 13, 9), (13, 9, 113, 9), (500, 2, 502, 2), (500, 9, 521, 3),
])
def test_events_are_counted_up_to_a_silence(start_us, most, stop_us, count):
    buffer = EventBuffer(8, 6)
    for times in ([10, 11], [12], [500, 501], [520]):
        buffer.push(Events.from_arrays(times, [0] * len(times), [0] * len(times), [1] * len(times), width=8, height=6))
    assert buffer.count(start_us, most, 100) == (stop_us, count)
