"""A recording of an independent simulator, against its truth."""

import os
from pathlib import Path

import numpy as np
import pytest

from evcam.core.target import CircleGrid
from evcam.detect import detect
from evcam.io import open_recording

DATA = os.environ.get("EVCAM_REFERENCE_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="EVCAM_REFERENCE_DATA does not name the verification data")
TARGET = CircleGrid.asymmetric(11, 4, 0.05, 0.02)


@pytest.fixture(scope="module")
def found_and_truth():
    folder = Path(DATA) / "recordings" / "sim_circle_grid"
    with open_recording(folder / "mid.h5") as recording:
        found = detect(recording.events(0.0, 1.5), TARGET)
    with np.load(folder / "mid_truth.npz") as truth:
        times_us, centers = truth["gt_t"] * 1e6, truth["gt_centers"].astype(float)
    return found, [np.array([np.interp(v.mid_us, times_us, c) for c in centers.reshape(len(centers), -1).T]).reshape(-1, 2)
                   for v in found]


def test_first_views_have_the_right_ids_and_centres(found_and_truth):
    found, truth = found_and_truth
    assert len(found) + len(found.rejections) == pytest.approx(75, abs=2)
    assert len(found) > 50
    assert np.mean([len(view) for view in found]) > 0.8 * len(TARGET)
    error = np.concatenate([np.linalg.norm(view.xy - c[view.ids], axis=1) for view, c in zip(found, truth, strict=True)])
    std = np.sqrt(np.concatenate([np.trace(view.cov, axis1=1, axis2=2) for view in found]))
    assert np.mean(error > 4) == 0
    assert np.median(error) < 0.15
    assert np.sqrt((error[std < 0.3] ** 2).mean()) < 0.2
