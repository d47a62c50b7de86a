"""Two calibrations compared: rotations do not count, chance is told from disagreement."""

import dataclasses

import numpy as np
import pytest

from evcam.calib import CalibrationOptions, calibrate, compare, split_halves
from evcam.calib.comparison import Agreement
from evcam.core.camera import Camera
from evcam.errors import InputError, NotEnoughDataError


def shifted(camera, **changes):
    names = Camera.param_names(camera.model)
    params = dict(zip(names, camera.params, strict=True))
    return Camera(camera.model, [params[name] + changes.get(name, 0.0) for name in names], camera.width, camera.height)


def test_the_same_camera_has_no_difference(radtan):
    same = compare(radtan, radtan)
    assert same.max_px < 1e-9
    assert same.rotation_deg < 1e-9
    assert same.agreement is Agreement.UNKNOWN
    assert same.difference_px.shape[1] == 48


def test_a_shift_of_the_principal_point_is_a_rotation(radtan):
    long = Camera("pinhole-radtan", [3000, 3000, 172.5, 129.5, 0, 0, 0, 0, 0], 346, 260)
    moved = compare(long, shifted(long, cx=5.0))
    assert moved.rotation_deg == pytest.approx(np.degrees(5 / 3000), rel=0.01)
    assert moved.max_px < 0.05
    assert compare(radtan, shifted(radtan, fx=5.0)).max_px > 1.0


def test_the_rotation_follows_the_many_and_not_the_corner(radtan):
    """A lens that differs at the border only leaves the middle of the image where it is."""
    bent = compare(radtan, shifted(radtan, k3=0.05))
    assert bent.median_px < 0.05
    assert bent.max_px > 0.5


def test_cameras_of_two_models_may_be_one(fisheye, make_detections):
    found = make_detections(fisheye, views=40, distance_m=0.5, sigma_px=0.02)
    own, other = calibrate(found, "pinhole-equidistant"), calibrate(found, "pinhole-radtan")
    compared = compare(own, other)
    assert compared.median_px < 1.0
    assert compared.parameter_stds is None


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_chance_is_called_chance(make_detections, phi):
    """Independent recordings of one camera: probabilities are spread over 0..1, also where neighbours err alike."""
    made = [calibrate(make_detections(views=60, phi=phi, seed=seed)) for seed in range(24)]
    chance = np.array([compare(a, b).probability for a, b in zip(made[::2], made[1::2], strict=True)])
    assert chance.min() > 0.0027
    assert 0.25 < chance.mean() < 0.8


def test_expected_differences_are_those_that_come(make_detections):
    made = [calibrate(make_detections(views=60, seed=seed)) for seed in range(16)]
    pairs = [compare(a, b) for a, b in zip(made[::2], made[1::2], strict=True)]
    found = np.sqrt(np.mean([pair.length_px**2 for pair in pairs]))
    expected = np.sqrt(np.mean([pair.expected_px**2 for pair in pairs]))
    assert found == pytest.approx(expected, rel=0.4)


def test_another_lens_is_no_chance(make_detections, radtan):
    first = calibrate(make_detections(seed=1))
    other = calibrate(make_detections(shifted(radtan, fx=3.0, k1=0.01), seed=2))
    compared = compare(first, other)
    assert compared.agreement is Agreement.DISAGREE
    assert compared.parameter_stds[0] > 4
    assert compare(first, shifted(radtan, fx=3.0)).agreement is Agreement.DISAGREE
    assert compare(first, radtan).agreement is Agreement.AGREE


def test_shared_views_are_counted(make_detections):
    found = make_detections()
    all_free, fewer = calibrate(found), calibrate(found, options=CalibrationOptions(fix=("k3",)))
    assert compare(all_free, fewer).shared_views == len(all_free.fits)
    assert np.isfinite(compare(all_free, fewer).parameter_stds).all()
    assert np.isnan(compare(fewer, fewer).parameter_stds[-1])


def test_sensors_of_two_sizes_are_refused(radtan):
    with pytest.raises(InputError, match="346x260 and 240x180"):
        compare(radtan, Camera("pinhole-radtan", radtan.params, 240, 180))


def test_halves_take_turns_and_agree(make_detections):
    calibration = calibrate(make_detections(names=("a", "b")))
    halves = split_halves(calibration)
    assert halves.comparison.agreement is Agreement.AGREE
    assert halves.comparison.shared_views == 0
    assert len(halves.first.fits) + len(halves.second.fits) == len(calibration.fits)
    assert abs(len(halves.first.fits) - len(halves.second.fits)) <= 6


def test_a_lens_that_moved_between_the_stretches_makes_halves_disagree(make_detections, radtan):
    """Focus that changes while recording: no single camera is right, and the halves say so."""
    calibration = calibrate(make_detections())
    t_us = np.array([view.mid_us for view in calibration.detections])
    other = make_detections(shifted(radtan, fx=6.0, fy=6.0), seed=5)
    block = (t_us - t_us[0]) // (int(np.ptp(t_us)) // calibration.independent_stretches + 1)
    views = tuple(b if odd else a for a, b, odd in zip(calibration.detections, other, block % 2 == 1, strict=True))
    mixed = calibrate(dataclasses.replace(calibration.detections, views=views))
    halves = split_halves(dataclasses.replace(mixed, independent_stretches=calibration.independent_stretches))
    assert halves.comparison.agreement is Agreement.DISAGREE


def test_a_half_that_is_too_small_says_which(make_detections):
    found = make_detections()
    few = calibrate(dataclasses.replace(found, views=found.views[::7][:8]))
    with pytest.raises(NotEnoughDataError, match="half 1 of the views cannot be calibrated alone"):
        split_halves(few)
