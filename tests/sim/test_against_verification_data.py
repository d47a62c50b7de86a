"""Our truth files and rates against the verification recordings, which are not in the repository."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.sim import Board, Scene, Truth, simulate
from evcam.sim.placing import hand_before

REFERENCE = os.environ.get("EVCAM_REFERENCE_DATA", "")
pytestmark = pytest.mark.skipif(not REFERENCE, reason="EVCAM_REFERENCE_DATA does not name the verification data")

TARGET = CircleGrid.asymmetric(11, 4, 0.05, 0.02)


def test_scoring_program_finds_no_error_in_the_truth_itself(tmp_path):
    camera = Camera("pinhole-radtan", [322.4, 321.7, 171.3, 132.6, -0.31, 0.105, 0.0006, -0.0004, 0], 346, 260)
    truth = Truth.of(Scene(camera, hand_before(TARGET, camera, 2.0), Board(TARGET)))
    truth.save(tmp_path / "truth.npz")
    rows = ["view,t_us,id,x_px,y_px"]
    for view, t_us in enumerate(range(10_000, 1_990_000, 20_000)):
        rows += [f"{view},{t_us},{k},{x},{y}" for k, (x, y) in enumerate(truth.centers(t_us))]
    (tmp_path / "found.csv").write_text("\n".join(rows))
    program = Path(REFERENCE) / "score" / "score_grid.py"
    done = subprocess.run([sys.executable, str(program), str(tmp_path / "found.csv"), str(tmp_path / "truth.npz"), "--json"],
                          capture_output=True, text=True, check=True)
    score = json.loads(done.stdout)
    assert score["complete_share"] == 1.0
    assert score["wrong_ids"] == 0
    assert score["rms_px"] < 1e-3


def test_same_motion_gives_as_many_events_as_the_independent_simulator():
    folder = Path(REFERENCE) / "recordings" / "sim_circle_grid"
    truth = np.load(folder / "mid_truth.npz")
    meta = json.loads(str(truth["meta"]))
    width, height, *params = meta["camera"]
    part = slice(1000, 1501, 10)
    t_us = (truth["gt_t"][part] * 1e6).round().astype(np.int64)
    trajectory = Trajectory.from_poses(t_us, truth["gt_R"][part], truth["gt_T"][part])
    ours = simulate(Scene(Camera("pinhole-radtan", params, width, height), trajectory, Board(TARGET))).events
    with h5py.File(folder / "mid.h5") as file:
        t = file["events/t"][:]
    theirs = np.count_nonzero((t >= t_us[0]) & (t < t_us[-1]))
    assert len(ours) == pytest.approx(theirs, rel=0.1)
