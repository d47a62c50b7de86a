from dataclasses import replace

import numpy as np

from evcam.calib import calibrate
from evcam.calib.bundle import Estimate
from evcam.calib.observations import gather
from evcam.calib.options import CalibrationOptions
from evcam.calib.rejection import inlier_points
from evcam.core.camera import Camera, get_model


def test_points_beyond_the_turning_radius_are_no_inliers(make_detections):
    """The bare formula folds them back into the image, where they may fit by chance."""
    camera = Camera("pinhole-radtan", [200.0, 200.0, 172.0, 130.0, -0.3, 0, 0, 0, 0], 346, 260)
    found = make_detections(camera, views=5)
    obs = gather(found.views[:1], found.target, 0.02)
    middle = found.target.object_points.mean(0)
    for distance, all_fit in ((2.0, True), (0.15, False)):  # valid up to a normalised radius of 1.054
        estimate = Estimate(camera.params, np.eye(3)[None], (np.array([0, 0, distance]) - middle)[None])
        points = obs.object_m[0] + estimate.t_cam_board_m
        seen = camera.project(points)
        folded = get_model(camera.model).distort(camera.params[4:], points[:, :2] / points[:, 2:]) * 200 + (172.0, 130.0)
        exact = type(obs)(obs.object_m, folded[None], obs.whitening, obs.mask)
        inliers, _ = inlier_points(get_model(camera.model), estimate, exact, CalibrationOptions())
        assert np.array_equal(inliers[0], obs.mask[0] & np.isfinite(seen).all(-1))
        assert inliers[0][obs.mask[0]].all() == all_fit


def test_a_copy_of_a_recording_is_no_new_evidence(make_detections):
    once = make_detections(views=40)
    copies = tuple(replace(view, recording="copy") for view in once.views)
    twice = replace(once, views=once.views + copies)
    first, second = calibrate(once), calibrate(twice)
    assert second.rejection_counts() == {"repeats another view": len(once)}
    np.testing.assert_array_equal(second.covariance, first.covariance)
