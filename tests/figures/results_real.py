"""Results on real recordings: flickering checkerboard (DVS128), circle centres of another program (DAVIS346)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from measure import run, shell_block, table
from numpy.typing import NDArray

from evcam.calib import Calibration
from evcam.core.detections import Detections

HERE = Path(__file__).parent


def flicker(folder: Path) -> str:
    """A still camera before a flickering checkerboard, against a published session of the same camera."""
    (folder / "checkerboard.yaml").write_text("{type: checkerboard, rows: 4, cols: 8, square_m: 0.0055}\n")
    recordings = "$EVCAM_REFERENCE_DATA/recordings/flicker_checkerboard_dvs128"
    detect = run(f"evcam detect {recordings}/*.aedat --target checkerboard.yaml --out flicker.csv", folder)
    calibrate = run(f"evcam calibrate {recordings}/*.aedat --target checkerboard.yaml --fix k3 --fix p1,p2 --out flicker.json",
                    folder, may=(0, 3))
    truth = json.loads(Path(os.path.expandvars(recordings), "truth.json").read_text())
    detections, result = Detections.load_csv(folder / "flicker.csv"), Calibration.load(folder / "flicker.json")
    errors = corner_errors_px(detections, truth)
    value = dict(zip(result.camera.param_names(result.camera.model), result.camera.params, strict=True))
    rows = [
        ["boards found, of 12 recordings", "at least 11", str(len(detections))],
        ["corners against the published ones, median", "at most 0.25 px", f"{np.median(errors):.3f} px"],
        ["fx, fy", "91.2 ± 2", f"{value['fx']:.2f}, {value['fy']:.2f}"],
        ["cx, cy", "67.0, 67.6 ± 2", f"{value['cx']:.2f}, {value['cy']:.2f}"],
        ["k1", "-0.319 ± 0.03", f"{value['k1']:.4f}"],
        ["reprojection rms", "at most 0.2 px", f"{result.rms_px:.3f} px"],
    ]
    return "\n\n".join([
        "## Still camera, flickering checkerboard (DVS128, real)",
        "Truth is a published session of the same camera with 26 views; eleven of them belong to these twelve recordings. "
        "Its corners scatter by 0.25 px around its own model.",
        table(["", "asked for", "evcam"], rows),
        shell_block(f"$ {detect.command}", detect.out, f"$ {calibrate.command}", calibrate.out),
    ])


def corner_errors_px(detections: Detections, truth: dict[str, list[dict[str, object]]]) -> NDArray[np.float64]:
    """Distances of all corners from the published ones, each view in the better of the board's two labellings.

    Published corners run down the short side first; ids run along the rows.
    """
    rows, cols = detections.target.rows, detections.target.cols
    published = {str(view["name"]).removesuffix(".png"): np.asarray(view["image_points"], float) for view in truth["views"]}
    errors = []
    for view in detections:
        points = published.get(Path(view.recording).stem)
        if points is None:
            continue
        by_id = points.reshape(cols, rows, 2).transpose(1, 0, 2).reshape(-1, 2)
        both = [np.linalg.norm(labelled[view.ids] - view.xy, axis=1) for labelled in (by_id, by_id[::-1])]
        errors.append(min(both, key=np.median))
    return np.concatenate(errors)


def davis346(folder: Path) -> str:
    """Circle centres that another program found in DAVIS346 events, calibrated from all views."""
    bag = "$EVCAM_REFERENCE_DATA/recordings/circle_centres_davis346/circle_info.bag"
    convert = run(f"python {HERE / 'davis346_centres.py'} {bag} centres.csv", folder)
    calibrate = run("evcam calibrate centres.csv --out davis346.json", folder, may=(0, 3))
    result = Calibration.load(folder / "davis346.json")
    value = dict(zip(result.camera.param_names(result.camera.model), result.camera.params, strict=True))
    rows = [
        ["fx, fy", "414 ± 4", f"{value['fx']:.2f}, {value['fy']:.2f}"],
        ["cx, cy", "158.3, 133.0", f"{value['cx']:.2f}, {value['cy']:.2f}"],
        ["k1, k2", "-0.368, 0.201", f"{value['k1']:.3f}, {value['k2']:.3f}"],
        ["reprojection rms", "at most 0.115 px", f"{result.rms_px:.4f} px"],
    ]
    return "\n\n".join([
        "## Circle centres of another program (DAVIS346, real)",
        "`tests/figures/davis346_centres.py` reads the published bag and moves each circle to its message's common time.",
        table(["", "published or asked for", "evcam"], rows),
        shell_block("$ " + convert.command.replace(f"{HERE}/", "tests/figures/"), f"$ {calibrate.command}", calibrate.out),
    ])
