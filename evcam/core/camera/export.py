"""Writing cameras, for evcam and for other programs.

All of them put pixel (0, 0) in the centre of the top-left pixel, as evcam does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evcam.core.atomic import atomic_path, check_writable
from evcam.core.camera.central import CentralCamera
from evcam.core.camera.models import Array, get_model, project_points
from evcam.errors import InputError


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How well a file of another program holds the camera.

    Attributes
    ----------
    format : str
        Format that was written.
    exact : bool
        Whether it holds the model as it is.
    rms_px, max_px : float
        Difference between what was written and the camera over the image; zero if exact.
    """

    format: str
    exact: bool
    rms_px: float = 0.0
    max_px: float = 0.0

    def __str__(self) -> str:
        if self.exact:
            return f"{self.format}: exact"
        return f"{self.format}: closest fit over the image, {self.rms_px:.4f} px rms, {self.max_px:.4f} px at most"


def save_json(camera: CentralCamera, path: str | os.PathLike[str], *, force: bool) -> None:
    """As `Camera.save`."""
    with atomic_path(path, force=force) as temporary:
        temporary.write_text(json.dumps({"format": "evcam camera 1", **camera.to_dict()}, indent=2) + "\n", encoding="utf-8")


def export_camera(camera: CentralCamera, path: str | os.PathLike[str], format: str, *, force: bool) -> ExportReport:
    """As `Camera.export`."""
    if format not in _WRITERS:
        raise InputError(f"{format!r} is not a format to export to; known formats: {', '.join(_WRITERS)}")
    check_writable(path, force=force)
    text, report = _WRITERS[format](camera)
    with atomic_path(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return report


def _closest_fit(format: str, camera: CentralCamera, coefficients: int) -> tuple[CentralCamera, ExportReport]:
    """The camera of the same model, with only the leading distortion coefficients, nearest over the image.

    Gauss-Newton on the pixel difference over a grid of the image, all remaining parameters free.
    """
    if not camera.distortion[coefficients:].any():
        return camera, ExportReport(format, True)
    px = _image_grid(camera)
    points = camera.unproject(px)
    seen = np.isfinite(points).all(-1)
    px, points = px[seen], points[seen]
    free = np.arange(4 + coefficients)
    start = np.concatenate([camera.params[: len(free)], np.zeros(len(camera.params) - len(free))])
    fit = CentralCamera(camera.model, start, camera.width, camera.height)
    for _ in range(20):
        value, _, by_params = fit.project_jacobians(points)
        usable = np.isfinite(value).all(-1)
        step = np.linalg.lstsq(by_params[usable][..., free].reshape(-1, len(free)), (px - value)[usable].ravel())[0]
        params = fit.params.copy()
        params[free] += step
        fit = CentralCamera(camera.model, params, camera.width, camera.height)
    # Other programs project by the bare formula, also where the fit's distorted radius has stopped growing.
    error = np.linalg.norm(project_points(get_model(fit.model), fit.params, points) - px, axis=-1)
    rms, largest = float(np.sqrt(np.mean(error**2))), float(error.max())
    return fit, ExportReport(format, False, rms, largest)


def _image_grid(camera: CentralCamera) -> Array:
    x, y = np.meshgrid(np.linspace(0, camera.width - 1, 40), np.linspace(0, camera.height - 1, 30))
    return np.stack([x.ravel(), y.ravel()], -1)


def _kalibr(camera: CentralCamera) -> tuple[str, ExportReport]:
    model = get_model(camera.model)
    fit, report = _closest_fit("kalibr", camera, model.kalibr_coefficients)
    missing = ", ".join(model.distortion[model.kalibr_coefficients:])
    comment = "" if report.exact else (
        f"# Kalibr's {model.kalibr_name} has no {missing}: {str(report).removeprefix('kalibr: ')}.\n"
    )
    return comment + (
        "cam0:\n"
        "  camera_model: pinhole\n"
        f"  distortion_model: {model.kalibr_name}\n"
        f"  intrinsics: {_row(fit.params[:4])}\n"
        f"  distortion_coeffs: {_row(fit.distortion[:model.kalibr_coefficients])}\n"
        f"  resolution: [{fit.width}, {fit.height}]\n"
        "  rostopic: /events\n"
    ), report


def _ros(camera: CentralCamera) -> tuple[str, ExportReport]:
    projection = np.hstack([camera.K, np.zeros((3, 1))])
    blocks = [
        ("camera_matrix", camera.K), ("distortion_coefficients", camera.distortion[None]),
        ("rectification_matrix", np.eye(3)), ("projection_matrix", projection),
    ]
    text = f"image_width: {camera.width}\nimage_height: {camera.height}\ncamera_name: event_camera\n"
    text += f"distortion_model: {get_model(camera.model).ros_name}\n"
    for name, matrix in blocks:
        text += f"{name}:\n  rows: {matrix.shape[0]}\n  cols: {matrix.shape[1]}\n  data: {_row(matrix.ravel())}\n"
    return text, ExportReport("ros", True)


def _opencv(camera: CentralCamera) -> tuple[str, ExportReport]:
    text = f"%YAML:1.0\n---\nimage_width: {camera.width}\nimage_height: {camera.height}\n"
    text += f"distortion_model: {get_model(camera.model).opencv_name}\n"
    for name, matrix in (("camera_matrix", camera.K), ("distortion_coefficients", camera.distortion[None])):
        rows, cols = matrix.shape
        text += f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: d\n   data: {_row(matrix.ravel())}\n"
    return text, ExportReport("opencv", True)


def _row(values: Array) -> str:
    return "[" + ", ".join(repr(float(v)) for v in values) + "]"


_WRITERS: dict[str, Callable[[CentralCamera], tuple[str, ExportReport]]] = {"kalibr": _kalibr, "ros": _ros, "opencv": _opencv}
