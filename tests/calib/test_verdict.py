"""What a verdict says is true: each sentence is met by data that deserve it, and only those."""

import dataclasses

import numpy as np
import pytest

from evcam.calib import CalibrationOptions, calibrate
from evcam.calib.coverage import measure_coverage, movement_px
from evcam.calib.judgement import Grade
from evcam.calib.next_views import what_next
from evcam.calib.verdict import judge
from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.detect import detect
from evcam.sim import Sensor, circle_grid
from evcam.sim.placing import hand_before

BOARD = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
SMALL = Camera("pinhole-radtan", [224.0, 223.5, 118.6, 91.3, -0.31, 0.105, 6e-4, -4e-4, 0.0], 240, 180)


def waved(count=60, *, tilt_rad=0.5, sway=0.36, near_far=0.36, distance_m=0.7, duration_s=12.0):
    """Poses of a board as of a hand, with what is left of a full motion given."""
    s = np.linspace(0, duration_s, count)[:, None]
    w = np.concatenate([tilt_rad * np.sin(1.9 * s), tilt_rad * np.sin(2.7 * s + 1), 0 * s], 1)
    move = distance_m * np.concatenate(
        [sway * np.sin(2.3 * s + 0.5), 0.7 * sway * np.sin(3.1 * s), near_far * np.sin(1.3 * s + 1)], 1)
    R = exp_so3(w) @ exp_so3([0, 0, np.pi / 2])
    return R, np.array([0, 0, distance_m]) + move - R @ BOARD.object_points.mean(0)


@pytest.fixture
def held(make_detections):
    """Detections of a board waved in some way."""

    def make(camera=None, sigma_px=0.1, **motion):
        R, t = waved(**motion)
        given = {} if camera is None else {"camera": camera}
        return make_detections(R=R, t=t, sigma_px=sigma_px, **given)

    return make


def simulated(sensor=None, **motion):
    path = hand_before(BOARD, SMALL, 2.0, **{"seed": 7, "tilt_rad": 0.4, **motion})
    events = circle_grid(BOARD, SMALL, path, sensor=sensor or Sensor(threshold_on=0.45, threshold_off=0.45), seed=1).events
    return calibrate(detect(events, BOARD))


def test_a_board_waved_everywhere_is_good(held):
    calibration = calibrate(held())
    assert judge(calibration).grade is Grade.GOOD
    assert measure_coverage(calibration).missing_sides == ()
    assert what_next(calibration) == ()


def test_too_little_tilt(held):
    calibration = calibrate(held(tilt_rad=0.04))
    judgement = judge(calibration)
    assert judgement.grade is Grade.DISTRUST
    assert "the board was hardly ever tilted by more than 3 degrees: tilt it by 20 to 40 to every side" in judgement.texts[0]
    assert calibration.stds[0] / calibration.camera.params[0] > 0.02
    assert measure_coverage(calibration).missing_sides == ("left", "right", "upper", "lower")


def test_enough_tilt_is_not_blamed(held):
    uncertain = judge(calibrate(held(sigma_px=3.0)))
    assert any("is uncertain by" in text for text in uncertain.texts)
    assert not any("hardly ever tilted" in text for text in uncertain.texts)


def test_a_border_that_was_never_covered(held, radtan):
    calibration = calibrate(held(sway=0.03, near_far=0.03, distance_m=1.0))
    (text,) = (text for text in judge(calibration).texts if "of the image (the four corners" in text)
    assert text.endswith("bring the board farther out there, or do not use the image there")
    corner, middle = calibration.projection_std([[3.0, 3.0], [173.0, 130.0]], rotation_free=True)
    assert not corner <= 1
    assert middle < 0.5
    assert judge(calibration).grade is not Grade.GOOD
    assert [view.text for view in what_next(calibration) if "top left corner" in view.text] == \
        ["bring the board to the top left corner of the image"]


def test_one_side_never_tilted_away(held):
    R, _ = waved()
    away = -R[:, 0, 2] / R[:, 2, 2]
    found = held()
    kept = dataclasses.replace(found, views=tuple(view for view in found if away[view.index] < 0.1))
    assert measure_coverage(calibrate(kept)).missing_sides == ("right",)


def test_too_few_views_and_stretches(held):
    found = held()
    few = judge(calibrate(dataclasses.replace(found, views=found.views[::8][:7])))
    assert few.grade is Grade.DISTRUST
    assert "only 7 views, 8 are needed to judge; record longer" in few.texts
    eight = judge(calibrate(dataclasses.replace(found, views=found.views[::6][:9])))
    assert any("only 9 independent stretches of time, limit 10" in text for text in eight.texts)


def test_a_wrong_spacing_is_not_seen_and_changes_translations_only(held):
    found = held()
    wrong = dataclasses.replace(found, target=CircleGrid.asymmetric(11, 4, 0.06, 0.024))
    true, scaled = calibrate(found), calibrate(wrong)
    assert scaled.camera.params == pytest.approx(true.camera.params, rel=1e-6, abs=1e-6)
    assert scaled.fits[0].t_cam_board_m == pytest.approx(1.2 * true.fits[0].t_cam_board_m, rel=1e-6)
    assert judge(scaled).texts == judge(true).texts == []


def test_a_stretched_print_shows_in_the_focal_lengths(make_detections):
    R, t = waved()
    (text,) = judge(calibrate(make_detections(R=R @ np.diag([1.0, 1.03, 1.0]), t=t))).texts
    assert text.startswith("fx and fy differ by 2.9 %")
    assert text.endswith("check the target's rows and columns, and that the print is not stretched")


def test_a_lens_that_the_model_does_not_follow(held):
    undistorted = CalibrationOptions(fix=("k1", "k2", "k3"), outlier_sigma=50)
    (text,) = (text for text in judge(calibrate(held(), options=undistorted)).texts if "lens model does not follow" in text)
    assert text.startswith("the residuals repeat over the image with")


def test_many_points_left_out(held):
    found = held()
    rng = np.random.default_rng(0)
    views = tuple(dataclasses.replace(view, xy=view.xy + 5 * (rng.random((len(view), 1)) < 0.2)) for view in found)
    texts = judge(calibrate(dataclasses.replace(found, views=views))).texts
    assert any("points did not fit and were left out" in text for text in texts)


def test_motion_too_slow():
    calibration = simulated(speed=0.05)
    assert any(text.startswith("the board hardly moved: by ") for text in judge(calibration).texts)
    assert movement_px(calibration) < 2


def test_an_image_out_of_focus():
    calibration = simulated(Sensor(threshold_on=0.45, threshold_off=0.45, psf_px=2.0))
    texts = judge(calibration).texts
    assert any(text.startswith("reprojection error 0.") and "in focus" in text for text in texts)
    assert not any("hardly moved" in text for text in texts)


def test_a_sharp_image_in_quick_motion_is_blamed_for_neither():
    texts = judge(simulated()).texts
    assert not any("in focus" in text or "hardly moved" in text for text in texts)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("tilt_rad", "gain"), [(0.04, 0.9), (0.15, 0.27)])
def test_what_is_promised_for_the_next_views_comes(make_detections, tilt_rad, gain, seed):
    """One more view that tilts one side away, recorded on top, lowers the uncertainty as predicted, much or little."""
    R, t = waved(tilt_rad=tilt_rad)
    flat = calibrate(make_detections(R=R, t=t, seed=seed))
    (promised,) = (view for view in what_next(flat) if "left side" in view.text)
    tilted = exp_so3([0, 0.45, 0]) @ exp_so3([0, 0, np.pi / 2])
    R = np.concatenate([R, tilted[None]])
    t = np.concatenate([t, [np.array([0, 0, 0.7]) - tilted @ BOARD.object_points.mean(0)]])
    more = calibrate(make_detections(R=R, t=t, seed=seed))
    grid = np.stack(np.meshgrid(np.linspace(0, 345, 16), np.linspace(0, 259, 12)), -1)
    before, after = (np.nanquantile(c.projection_std(grid, rotation_free=True), 0.9) for c in (flat, more))
    assert promised.gain == pytest.approx(gain, abs=0.1)
    assert 1 - after / before == pytest.approx(promised.gain, abs=0.12)


def test_the_gravest_reason_comes_first(held):
    grades = [reason.grade for reason in judge(calibrate(held(tilt_rad=0.04, sway=0.03, near_far=0.03, sigma_px=1.0))).reasons]
    assert grades == sorted(grades, key=[Grade.DISTRUST, Grade.USABLE].index)
    assert len(set(grades)) == 2
