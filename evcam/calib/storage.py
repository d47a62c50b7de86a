"""Calibrations as JSON: what was estimated is read back exactly, nothing depends on when it was written.

Residuals are written, rounded, for other readers; evcam computes them from camera, poses and points.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.calib.options import CalibrationOptions
from evcam.calib.result import CalibrationResult, ViewFit
from evcam.core.atomic import atomic_path
from evcam.core.camera import Camera
from evcam.core.detections import Detections, Rejection, View
from evcam.core.target import target_from_dict
from evcam.errors import FormatError, InputError

_FORMAT = "evcam calibration 1"


def calibration_to_dict(calibration: CalibrationResult) -> dict[str, Any]:
    """As `Calibration.to_dict`."""
    return {
        "format": _FORMAT,
        "camera": calibration.camera.to_dict(),
        "covariance": calibration.covariance.tolist(),
        "rms_px": calibration.rms_px,
        "independent_stretches": calibration.independent_stretches,
        "options": {**asdict(calibration.options), "fix": list(calibration.options.fix)},
        "versions": dict(calibration.versions),
        "fits": [
            {
                "view": fit.view,
                "R_cam_board": fit.R_cam_board.tolist(),
                "t_cam_board_m": fit.t_cam_board_m.tolist(),
                "outliers": np.flatnonzero(~fit.inliers).tolist(),
                "residuals_px": _rounded(residual),
            }
            for fit, residual in zip(calibration.fits, calibration.residuals_px, strict=True)
        ],
        "rejected": _rejections_to_list(calibration.rejected),
        "detections": _detections_to_dict(calibration.detections),
    }


def calibration_from_dict(data: Mapping[str, Any], where: str) -> CalibrationResult:
    """The calibration that `calibration_to_dict` has described."""
    if data.get("format") != _FORMAT:
        raise FormatError(f"{where}: not a calibration of evcam (its format is {data.get('format')!r}, expected {_FORMAT!r})")
    try:
        detections = _detections_from_dict(data["detections"], where)
        options = CalibrationOptions(**{**data["options"], "fix": tuple(data["options"]["fix"])})
        camera = Camera.from_dict(data["camera"], where=where)
        if (camera.width, camera.height) != (detections.width, detections.height):
            raise ValueError(f"its camera is of a {camera.width}x{camera.height} sensor, its detections of one of "
                             f"{detections.width}x{detections.height}")
        return CalibrationResult(
            camera, _array(data, "covariance", (len(camera.params), len(camera.params))),
            tuple(_fit_from_dict(fit, detections) for fit in data["fits"]),
            _rejections_from_list(data["rejected"]), detections, options,
            int(data["independent_stretches"]), dict(data["versions"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, InputError) as error:
        raise FormatError(f"{where}: a damaged calibration ({type(error).__name__}: {error})") from None


def save_calibration(calibration: CalibrationResult, path: str | os.PathLike[str], *, force: bool) -> None:
    """As `Calibration.save`."""
    text = json.dumps(calibration_to_dict(calibration), allow_nan=False, separators=(",", ":"))
    with atomic_path(path, force=force) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load_calibration(path: str | os.PathLike[str]) -> CalibrationResult:
    """As `Calibration.load`."""
    path = Path(path)
    if not path.is_file():
        wrong = "is a folder; name a calibration in it" if path.is_dir() else "no such calibration file"
        raise InputError(f"{path}: {wrong}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise FormatError(f"{path}: not a calibration of evcam (it is not JSON)") from None
    if not isinstance(data, dict):
        raise FormatError(f"{path}: not a calibration of evcam (it holds a {type(data).__name__})")
    return calibration_from_dict(data, str(path))


def _rounded(residual: NDArray[np.float64]) -> list[list[float | None]]:
    """JSON knows no NaN: null where the camera model does not reach a point."""
    return [[float(v) if np.isfinite(v) else None for v in row] for row in np.round(residual, 4)]


def _fit_from_dict(data: Mapping[str, Any], detections: Detections) -> ViewFit:
    inliers = np.ones(len(detections.views[data["view"]]), bool)
    inliers[data["outliers"]] = False
    return ViewFit(data["view"], _array(data, "R_cam_board", (3, 3)), _array(data, "t_cam_board_m", (3,)), inliers)


def _array(data: Mapping[str, Any], key: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    values = np.array(data[key], float)
    if values.shape != shape:
        raise ValueError(f"{key} must be {'x'.join(map(str, shape))} numbers, not {'x'.join(map(str, values.shape))}")
    if not np.isfinite(values).all():
        raise ValueError(f"{key} holds a value that is not finite")
    return values


def _detections_to_dict(detections: Detections) -> dict[str, Any]:
    return {
        "target": detections.target.to_dict(), "width": detections.width, "height": detections.height,
        "mode": detections.mode, "views": [_view_to_dict(view) for view in detections.views],
        "rejections": _rejections_to_list(detections.rejections),
    }


def _detections_from_dict(data: Mapping[str, Any], where: str) -> Detections:
    return Detections(
        target_from_dict(data["target"], where=where), data["width"], data["height"],
        tuple(_view_from_dict(view) for view in data["views"]), _rejections_from_list(data["rejections"]), data["mode"],
    )


def _view_to_dict(view: View) -> dict[str, Any]:
    cov = view.cov
    return {
        "recording": view.recording, "index": view.index, "window_us": view.window_us,
        "t_us": view.t_us.tolist(), "ids": view.ids.tolist(), "xy": view.xy.tolist(),
        "cov": np.stack([cov[:, 0, 0], cov[:, 0, 1], cov[:, 1, 1]], 1).tolist(), "velocity": view.velocity.tolist(),
    }


def _view_from_dict(data: Mapping[str, Any]) -> View:
    sxx, sxy, syy = np.array(data["cov"], float).reshape(-1, 3).T
    return View(
        data["recording"], data["index"], np.array(data["t_us"], np.int64), np.array(data["ids"], np.int64),
        np.array(data["xy"], float).reshape(-1, 2), np.stack([sxx, sxy, sxy, syy], -1).reshape(-1, 2, 2),
        np.array(data["velocity"], float).reshape(-1, 2), data["window_us"],
    )


def _rejections_to_list(rejections: tuple[Rejection, ...]) -> list[list[Any]]:
    return [[r.recording, r.t_us, r.reason, r.detail] for r in rejections]


def _rejections_from_list(rows: list[list[Any]]) -> tuple[Rejection, ...]:
    return tuple(Rejection(*row) for row in rows)
