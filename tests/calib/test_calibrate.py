import dataclasses
import json

import cv2
import numpy as np
import pytest

from evcam.calib import Calibration, CalibrationOptions, calibrate
from evcam.calib.verdict import judge
from evcam.core.camera import Camera
from evcam.core.detections import Detections, Rejection
from evcam.core.rotation import exp_so3
from evcam.errors import FormatError, InputError, NotEnoughDataError, OutputExistsError


def changed(detections, index, **columns):
    views = list(detections.views)
    views[index] = dataclasses.replace(views[index], **columns)
    return dataclasses.replace(detections, views=tuple(views))


@pytest.mark.parametrize("name", ["radtan", "fisheye"])
def test_noise_free_points_give_the_camera_back(name, request, make_detections):
    camera = request.getfixturevalue(name)
    found = make_detections(camera, sigma_px=1e-9, views=30, distance_m=0.7 if name == "radtan" else 0.4)
    result = calibrate(found, camera.model)
    assert result.camera.params == pytest.approx(camera.params, rel=1e-6, abs=1e-6)
    assert result.rms_px < 1e-6
    assert result.coverage > 0.8
    assert judge(result).reasons == ()


def test_the_minimum_is_opencv_s(make_detections):
    found = make_detections(views=40, seed=3)
    ours = calibrate(found, options=CalibrationOptions(loss="squared", outlier_sigma=100, view_sigma=100))
    points = [found.target.object_points[view.ids].astype(np.float32) for view in found]
    px = [view.xy.astype(np.float32) for view in found]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 200, 1e-14)
    rms, K, d, *_ = cv2.calibrateCamera(points, px, (346, 260), None, None, criteria=criteria)
    assert ours.rms_px == pytest.approx(rms, abs=1e-6)
    theirs = Camera("pinhole-radtan", [K[0, 0], K[1, 1], K[0, 2], K[1, 2], *d.ravel()], 346, 260)
    inside = ours.inlier_xy
    assert np.abs(theirs.project(ours.camera.unproject(inside)) - inside).max() < 2e-3


def test_outlier_points_and_views_are_left_out_with_reasons(make_detections, radtan):
    found = make_detections(views=40)
    rng = np.random.default_rng(0)
    gross = found.views[3].xy.copy()
    gross[[2, 9]] += (6.0, -5.0)
    swapped = found.views[7].xy[rng.permutation(len(found.views[7]))]
    mirrored = found.views[11]
    row, col = np.divmod(mirrored.ids, 4)
    found = changed(found, 3, xy=gross)
    found = changed(found, 7, xy=swapped)
    found = changed(found, 11, ids=row * 4 + 3 - col)
    few = {name: getattr(found.views[20], name)[:5] for name in ("t_us", "ids", "xy", "cov", "velocity")}
    found = changed(found, 20, **few)
    found = dataclasses.replace(found, rejections=(Rejection("a", 5, "no board"),))
    result = calibrate(found)
    fit = next(fit for fit in result.fits if fit.view == 3)
    assert np.flatnonzero(~fit.inliers).tolist() == [2, 9]
    assert {7, 11, 20}.isdisjoint(fit.view for fit in result.fits)
    assert len(result.rejected) == 3
    assert result.rejection_counts()["too few points"] == 1
    assert np.abs((result.camera.params - radtan.params) / result.stds).max() < 4
    summary = result.summary()
    assert "37 used of 40" in summary
    assert "1 no board" in summary
    assert "+-" in summary
    assert "verdict: good" in summary


def test_points_are_moved_to_the_middle_of_their_view(make_detections):
    still = make_detections(views=25)
    rng = np.random.default_rng(1)
    views = []
    for view in still:
        velocity = rng.normal(0, 100, (len(view), 2))
        offset = rng.integers(-4000, 4000, len(view))
        offset[-1] -= offset.sum()
        views.append(dataclasses.replace(view, t_us=view.t_us + offset, velocity=velocity,
                                         xy=view.xy + velocity * offset[:, None] * 1e-6))
    moving = dataclasses.replace(still, views=tuple(views))
    assert calibrate(moving).camera.params == pytest.approx(calibrate(still).camera.params, rel=1e-6, abs=1e-6)


def test_fixed_parameters_stay_and_have_no_variance(make_detections):
    found = make_detections(views=30)
    result = calibrate(found, options=CalibrationOptions(fix=("k3", "p1", "p2", "cx", "cy", "fx=fy")))
    fx, fy, cx, cy, *d = result.camera.params
    assert fx == fy
    assert (cx, cy) == (172.5, 129.5)
    assert d[2:] == [0, 0, 0]
    assert np.flatnonzero(result.stds).tolist() == [0, 1, 4, 5]
    assert result.covariance[0, 0] == result.covariance[0, 1] == result.covariance[1, 1] > 0
    assert "(held)" in result.summary()


def test_unknown_names_are_refused_with_what_there_is(make_detections):
    found = make_detections(views=6)
    with pytest.raises(InputError, match=r"'k4' cannot be fixed.*k1, k2, p1, p2, k3"):
        calibrate(found, options=CalibrationOptions(fix=("k4",)))
    with pytest.raises(InputError, match="known models"):
        calibrate(found, "omni")
    with pytest.raises(InputError, match="huber, squared"):
        CalibrationOptions(loss="cauchy")
    with pytest.raises(InputError, match="max_views"):
        CalibrationOptions(max_views=2)


def test_too_few_views_say_how_many_and_why(make_detections):
    found = make_detections(views=40)
    found = dataclasses.replace(found, views=found.views[:4], rejections=(Rejection("a", 0, "too few events"),) * 7)
    with pytest.raises(NotEnoughDataError, match=r"4 of 11 windows gave usable views, at least 5 .* \(7 too few events\)"):
        calibrate(found)
    with pytest.raises(NotEnoughDataError, match="no view of the board, at least 5 are needed"):
        calibrate(dataclasses.replace(found, views=(), rejections=()))


def test_a_board_that_was_never_tilted_determines_no_focal_length(make_detections, radtan):
    ideal = Camera(radtan.model, [300.0, 300.0, 172.5, 129.5, 0, 0, 0, 0, 0], 346, 260)
    R = exp_so3(np.array([[0, 0, np.pi / 2 + 0.1 * i] for i in range(8)]))
    t = np.array([0, 0, 0.7]) - R @ make_detections().target.object_points.mean(0)
    found = make_detections(ideal, R=R, t=t, sigma_px=1e-6)
    fix = CalibrationOptions(fix=("k1", "k2", "k3", "p1", "p2"))
    with pytest.raises(NotEnoughDataError, match=r"do not determine .*fx.*tilt the board"):
        calibrate(found, options=fix)


def test_views_on_a_line_give_no_pose(make_detections):
    found = make_detections(views=20)
    line = found.views[4]
    use = line.ids % 4 == 1
    odd = {name: getattr(line, name)[use & (line.ids // 4 % 2 == 0)] for name in ("t_us", "ids", "xy", "cov", "velocity")}
    result = calibrate(changed(found, 4, **odd), options=CalibrationOptions(min_points=4))
    assert result.rejection_counts() == {"points in one line or place": 1}


def test_many_views_are_thinned_for_coverage(make_detections):
    found = make_detections(views=200)
    every = calibrate(found)
    some = calibrate(found, options=CalibrationOptions(max_views=40))
    assert len(some.fits) == 40
    assert some.rejection_counts() == {"not needed for coverage": len(found) - 40}
    assert some.coverage >= every.coverage - 0.05
    evenly = dataclasses.replace(found, views=found.views[:: len(found) // 40][:40])
    assert np.trace(some.covariance[:2, :2]) < 1.5 * np.trace(calibrate(evenly).covariance[:2, :2])


def test_saved_calibrations_come_back_exactly(make_detections, tmp_path):
    found = make_detections(views=15, names=("a", "b"))
    found = dataclasses.replace(found, rejections=(Rejection("b", 5, "no board", "why"),))
    result = calibrate(found)
    path = tmp_path / "cal.json"
    result.save(path)
    back = Calibration.load(path)
    assert np.array_equal(back.camera.params, result.camera.params)
    assert np.array_equal(back.covariance, result.covariance)
    assert back.rms_px == result.rms_px
    assert back.summary() == result.summary()
    assert back.options == result.options
    assert np.array_equal(Camera.load(path).params, result.camera.params)
    back.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    with pytest.raises(OutputExistsError):
        result.save(path)
    assert np.array_equal(calibrate(back.detections).camera.params, result.camera.params)


def test_the_same_detections_give_the_same_bytes(make_detections, tmp_path):
    for name in ("a.json", "b.json"):
        calibrate(make_detections(views=15)).save(tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(("content", "says"), [
    ("", "not JSON"), ("[1]", "holds a list"), ("{}", "its format is None"),
    (json.dumps({"format": "evcam calibration 1", "camera": {}}), "damaged"),
])
def test_damaged_calibrations_get_one_line(content, says, tmp_path):
    path = tmp_path / "cal.json"
    path.write_text(content)
    with pytest.raises(FormatError, match=says):
        Calibration.load(path)
    with pytest.raises(InputError, match="no such"):
        Calibration.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder"):
        Calibration.load(tmp_path)


@pytest.mark.parametrize(("damage", "says"), [
    (lambda data: data.update(covariance=[[1.0, 0.0], [0.0, 1.0]]), "covariance must be 9x9 numbers, not 2x2"),
    (lambda data: data["fits"][0].update(R_cam_board=[[1.0, 0.0], [0.0, 1.0]]), "R_cam_board must be 3x3 numbers, not 2x2"),
    (lambda data: data["fits"][0].update(t_cam_board_m=[1.0]), "t_cam_board_m must be 3 numbers, not 1"),
    (lambda data: data["camera"].update(width=100), "its camera is of a 100x"),
])
def test_calibrations_whose_parts_do_not_fit_are_refused(make_detections, tmp_path, damage, says):
    path = tmp_path / "cal.json"
    calibrate(make_detections(views=15)).save(path)
    data = json.loads(path.read_text())
    damage(data)
    path.write_text(json.dumps(data))
    with pytest.raises(FormatError, match=says) as caught:
        Calibration.load(path)
    assert str(path) in str(caught.value)


def test_poor_calibrations_are_not_to_be_trusted(make_detections):
    found = make_detections(views=6, duration_s=0.6, sigma_px=1.0)
    reasons = judge(calibrate(found)).texts
    assert any("only 6 views" in reason for reason in reasons)
    assert all("\n" not in reason for reason in reasons)


def test_views_of_several_recordings_may_come_in_any_order(make_detections):
    found = make_detections(views=30, names=("a", "b", "c"))
    turned = Detections.merge([dataclasses.replace(found, views=tuple(v for v in found if v.recording == n)) for n in "cab"])
    assert calibrate(turned).camera.params == pytest.approx(calibrate(found).camera.params, rel=1e-5, abs=1e-5)


def without(view, point):
    use = view.ids != point
    return dataclasses.replace(view, **{name: getattr(view, name)[use] for name in ("t_us", "ids", "xy", "cov", "velocity")})


def test_points_that_no_view_shows_speak_against_the_target(make_detections):
    found = make_detections()
    last = len(found.target) - 1
    never = dataclasses.replace(found, views=tuple(without(view, last) for view in found))
    (reason,) = judge(calibrate(never)).texts
    assert reason == f"1 of the target's {last + 1} points were seen in no view; check its rows and columns"
    in_turn = tuple(without(view, (0, last)[i % 2]) for i, view in enumerate(found))
    judgement = judge(calibrate(dataclasses.replace(found, views=in_turn, mode="moving")))
    assert "no view shows all" in judgement.texts[0]
    assert judge(calibrate(dataclasses.replace(found, views=in_turn))).reasons == ()
