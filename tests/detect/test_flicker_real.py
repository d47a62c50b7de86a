"""Twelve real recordings of a flickering checkerboard (DVS128), against the published session of that camera."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from evcam.core.target import Checkerboard
from evcam.detect import detect
from evcam.detect.flicker.phase import looks_like_flicker
from evcam.io import open_recording

DATA = os.environ.get("EVCAM_REFERENCE_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="EVCAM_REFERENCE_DATA does not name the verification data")
TARGET = Checkerboard(4, 8, 0.0055)


@pytest.fixture(scope="module")
def recordings():
    folder = Path(DATA) / "recordings" / "flicker_checkerboard_dvs128"
    events = {}
    for path in sorted(folder.glob("*.aedat")):
        with open_recording(path) as recording:
            events[path.stem] = recording.events()
    return events


@pytest.fixture(scope="module")
def views(recordings):
    found = {name: detect(events, TARGET, mode="flicker", name=name) for name, events in recordings.items()}
    return {name: detections.views[0] for name, detections in found.items() if len(detections)}


@pytest.fixture(scope="module")
def published():
    return json.loads((Path(DATA) / "recordings" / "flicker_checkerboard_dvs128" / "truth.json").read_text())


def test_every_board_is_found_whole(views):
    assert len(views) == 12
    assert all(len(view) == 32 for view in views.values())


def test_corners_agree_with_the_published_ones(views, published):
    errors = []
    for entry in published["views"]:
        # Published down the short side first; ids here run along the long one.
        corners = np.array(entry["image_points"]).reshape(8, 4, 2).transpose(1, 0, 2).reshape(32, 2)
        view = views[Path(entry["name"]).stem]
        turns = (corners[view.ids], corners[31 - view.ids])
        errors.append(min((np.linalg.norm(view.xy - turned, axis=1) for turned in turns), key=np.median))
    assert np.median(np.concatenate(errors)) < 0.2


def test_calibration_of_the_corners(views):
    points = TARGET.object_points.astype(np.float32)
    flags = cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST
    rms, K, distortion, _, _ = cv2.calibrateCamera(
        [points[view.ids] for view in views.values()], [view.xy.astype(np.float32)[:, None] for view in views.values()],
        (128, 128), None, None, flags=flags,
    )
    assert rms < 0.1
    assert np.abs([K[0, 0] - 91.2, K[1, 1] - 91.2]).max() < 2
    assert np.abs([K[0, 2] - 66.96, K[1, 2] - 67.58]).max() < 2
    assert abs(distortion.ravel()[0] + 0.319) < 0.03


def test_mode_is_told_from_half_a_second(recordings):
    assert all(looks_like_flicker(events) for events in recordings.values())
    for name in ("mid", "slow", "noisy"):
        with open_recording(Path(DATA) / "recordings" / "sim_circle_grid" / f"{name}.h5") as recording:
            assert not any(looks_like_flicker(recording.events(start, start + 0.5)) for start in (0.0, 0.5, 1.0))
