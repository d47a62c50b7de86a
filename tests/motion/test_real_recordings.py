"""Directions of real cameras that moved in a known way."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import evcam

FOLDER = Path(os.environ.get("EVCAM_REFERENCE_DATA", "")) / "recordings"
pytestmark = pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ, reason="EVCAM_REFERENCE_DATA is not set")


def estimated(name, options=None):
    truth = json.loads((FOLDER / name / "truth.json").read_text())
    camera = evcam.Camera.load(FOLDER / name / "calib.txt", width=240, height=180)
    with evcam.open(FOLDER / name / "events.txt", width=240, height=180) as recording:
        estimates = evcam.estimate_velocity(recording, camera, options=options,
                                            angular_velocity_radps=truth["angular_velocity_camera_radps"])
        return estimates, np.array(truth["direction_camera"]), recording.start_us


def in_plane_deg(estimate, truth):
    return abs(np.degrees(np.angle(complex(*estimate.direction[:2]) / complex(*truth[:2]))))


@pytest.mark.parametrize("motion_px", [10.0, 20.0])
def test_a_slider_moves_along_its_axis(motion_px):
    estimates, truth, start_us = estimated("slider_depth_davis240", evcam.VelocityOptions(motion_px=motion_px))
    late = [e for e in estimates if e.t_us > start_us + 60_000]
    assert late
    for estimate in late:
        assert in_plane_deg(estimate, truth) < 5
        assert estimate.sign_resolved
        assert estimate.direction @ truth > 0


@pytest.mark.parametrize(("name", "limit_deg"), [("dynamic_translation_davis240", 10), ("boxes_translation_davis240", 15)])
def test_a_hand_held_camera(name, limit_deg):
    (estimate,), truth, _ = estimated(name, evcam.VelocityOptions(window_us=1_000_000))
    assert in_plane_deg(estimate, truth) < limit_deg
    assert not estimate.sign_resolved or estimate.direction @ truth > 0
