"""What is missing while a calibration is recorded, and when it is enough."""

import numpy as np
import pytest

from evcam.calib import calibrate
from evcam.calib.coaching import MOTIONS, Coach, Goal, Wanted, goals_of, missing_motions
from evcam.core.camera import Camera
from evcam.core.detections import Rejection, View
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.errors import InputError

CAMERA = Camera("pinhole-radtan", [250.0, 251.0, 160.0, 118.0, -0.3, 0.09, 0.001, -0.0005, 0.0], 320, 240)
TARGET = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)


def views(count, *, tilt=0.5, reach_m=0.12, distance_m=(0.5, 0.8), velocity=None, seed=0, step_us=50_000, first_us=0):
    """Views of a hand-held board, with noise of 0.05 px."""
    rng = np.random.default_rng(seed)
    found, middle = [], TARGET.object_points.mean(0)
    while len(found) < count:
        R = exp_so3([0, 0, np.pi / 2]) @ exp_so3(rng.uniform(-tilt, tilt, 3) * [1, 1, 0.2])
        t = np.array([*rng.uniform(-reach_m, reach_m, 2), rng.uniform(*distance_m)]) - R @ middle
        xy = CAMERA.project(TARGET.object_points @ R.T + t)
        ids = np.flatnonzero(((xy > 4) & (xy < [315, 235])).all(1))
        if len(ids) < 22:
            continue
        n, angle = len(ids), rng.uniform(0, 2 * np.pi)
        moving = [100 * np.cos(angle), 100 * np.sin(angle)] if velocity is None else velocity
        found.append(View("r", 0, np.full(n, first_us + step_us * len(found)), ids, xy[ids] + rng.normal(0, 0.05, (n, 2)),
                          np.tile(0.0025 * np.eye(2), (n, 1, 1)), np.tile(np.array(moving, float), (n, 1)), 20_000))
    return found


def judged(*parts, wanted=None):
    coach = Coach(TARGET, 320, 240, wanted=wanted)
    for part in parts:
        coach.add(part)
    return coach.judge()


def test_without_views_it_says_what_to_do_first():
    progress = judged([Rejection("r", 10, "no grid of discs"), Rejection("r", 20, "no grid of discs")])
    assert not progress.is_enough
    assert progress.problem == "0 views of the board so far"
    assert progress.reasons == {"no grid of discs": 2}
    assert progress.missing_motions == MOTIONS
    assert not progress.covered.any()
    assert progress.advice


def test_many_different_views_are_enough():
    progress = judged(views(120))
    assert progress.is_enough
    assert not progress.problem
    assert not progress.missing_sides
    assert not progress.missing_motions
    assert not progress.missing_distances
    assert progress.covered.mean() > 0.6


def test_enough_is_as_true_as_the_camera_found():
    progress = judged(views(120))
    for i, goal in ((0, progress.goals[0]), (2, progress.goals[1])):
        off = abs(progress.calibration.camera.params[i] - CAMERA.params[i])
        assert off < 4 * goal.std * (CAMERA.params[0] / 100 if goal.unit == "%" else 1)


def test_many_views_within_a_moment_are_not_enough():
    progress = judged(views(120, step_us=5_000))
    assert all(goal.is_met for goal in progress.goals)
    assert progress.problem == "the board was seen for 0.5 s so far, 3 s are needed"
    assert not progress.is_enough


def test_stricter_wishes_take_longer():
    assert not judged(views(120), wanted=Wanted(0.001, 1.0, 0.5)).is_enough


def test_what_was_never_recorded_is_named():
    progress = judged(views(80, tilt=0.08, reach_m=0.01, distance_m=(0.6, 0.62), velocity=(90.0, 0.0)))
    assert set(progress.missing_sides) == {"left", "right", "upper", "lower"}
    assert progress.missing_motions == ("down", "to the left", "up")
    assert len(progress.missing_distances) == 2
    assert not progress.is_enough
    assert progress.advice[0].startswith(("tilt", "hold", "bring"))


@pytest.mark.parametrize(("velocity", "seen"), [((80, 10), "to the right"), ((0, 50), "down"), ((-30, -5), "to the left"),
                                                ((5, -40), "up"), ((-30, 25), "to the left")])
def test_directions_of_motion(velocity, seen):
    assert set(MOTIONS) - set(missing_motions(views(5, velocity=velocity))) == {seen}


def test_slow_views_count_for_no_direction():
    assert missing_motions(views(5, velocity=(5, 0))) == MOTIONS


def test_adding_in_parts_is_adding_at_once():
    found = views(40)
    parts, whole = judged(found[:15], found[15:]), judged(found)
    assert parts.goals == whole.goals
    assert (parts.covered == whole.covered).all()


def test_uncertainty_falls_as_more_is_recorded():
    found = views(160)
    stds = [judged(found[:count]).goals[0].std for count in (20, 160)]
    assert stds[1] < 0.6 * stds[0]


def test_goals_are_those_of_the_calibration():
    coach = Coach(TARGET, 320, 240)
    coach.add(views(60))
    calibration = calibrate(coach.detections)
    focal, centre, _ = goals_of(calibration, Wanted())
    assert focal.std == pytest.approx(100 * max(calibration.stds[:2] / calibration.camera.params[:2]))
    assert centre.std == pytest.approx(max(calibration.stds[2:4]))


def test_a_goal_is_a_quarter_done_at_twice_the_wanted_deviation():
    goal = Goal("x", "px", 2.0, 1.0)
    assert (goal.share, goal.is_met) == (0.25, False)
    assert Goal("x", "px", 0.5, 1.0).share == 1.0


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_wishes_are_positive(value):
    with pytest.raises(InputError, match="wanted centre_px"):
        Wanted(centre_px=value)
