"""Reading cameras from the files of evcam and of other programs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evcam.core.camera.central import CentralCamera
from evcam.core.camera.models import CameraModel, get_model, model_names
from evcam.errors import EvcamError, FormatError, InputError

_KNOWN = "JSON of evcam, Kalibr camchain, ROS or OpenCV YAML, 'fx fy cx cy k1 k2 p1 p2 k3'"


def load_camera(path: str | os.PathLike[str], width: int | None, height: int | None) -> CentralCamera:
    """As `Camera.load`."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: is a folder; name a camera file in it" if path.is_dir() else f"{path}: no such camera file")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not a camera file (it is not text)") from None
    numbers = _numbers(text)
    if numbers is not None:
        return _from_plain_text(numbers, width, height, str(path))
    data = _mapping(text, str(path))
    try:
        camera = _reader_for(data, str(path))(data, str(path))
    except EvcamError:
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FormatError(f"{path}: a value is missing or is not what it should be ({type(error).__name__}: {error})") from None
    wanted = camera.width if width is None else width, camera.height if height is None else height
    if wanted != (camera.width, camera.height):
        raise InputError(f"{path}: is of a {camera.width}x{camera.height} sensor, not {wanted[0]}x{wanted[1]}")
    return camera


def camera_from_dict(data: Mapping[str, Any], where: str) -> CentralCamera:
    """As `Camera.from_dict`."""
    try:
        names = get_model(str(data["model"])).param_names
        params = data["params"]
        if set(params) != set(names):
            raise FormatError(f"{where}: {data['model']} has the parameters {', '.join(names)}, not {', '.join(params)}")
        return CentralCamera(data["model"], np.array([float(params[name]) for name in names]), data["width"], data["height"])
    except InputError as error:
        raise FormatError(f"{where}: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(f"{where}: not a camera of evcam ({type(error).__name__}: {error})") from None


def _numbers(text: str) -> list[float] | None:
    words = [word for line in text.splitlines() if not line.lstrip().startswith("#") for word in line.split()]
    try:
        return [float(word) for word in words] if words else None
    except ValueError:
        return None


def _from_plain_text(numbers: list[float], width: int | None, height: int | None, where: str) -> CentralCamera:
    if len(numbers) not in (8, 9):
        raise FormatError(f"{where}: plain text must be 'fx fy cx cy k1 k2 p1 p2 k3', not {len(numbers)} numbers")
    if width is None or height is None:
        raise InputError(f"{where}: 'fx fy cx cy k1 k2 p1 p2 k3' does not state the sensor's size; give width and height "
                         "(--width, --height)")
    try:
        return CentralCamera("pinhole-radtan", np.array([*numbers, 0.0][:9]), width, height)
    except InputError as error:
        raise FormatError(f"{where}: {error}") from None


def _mapping(text: str, where: str) -> Mapping[str, Any]:
    import yaml

    try:
        if text.lstrip().startswith('{"'):
            data = json.loads(text)
        else:
            # OpenCV writes "%YAML:1.0", which is no YAML directive, and tags that safe_load refuses.
            lines = (line for line in text.splitlines() if not line.startswith(("%", "---")))
            data = yaml.safe_load("\n".join(lines).replace("!!opencv-matrix", ""))
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise FormatError(f"{where}: neither JSON nor YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        held = "nothing" if data is None else "no 'key: value' lines"
        raise FormatError(f"{where}: not a camera file that evcam knows ({_KNOWN}): it holds {held}")
    return data


def _reader_for(data: Mapping[str, Any], where: str) -> Callable[[Mapping[str, Any], str], CentralCamera]:
    if "camera" in data:
        return lambda data, where: camera_from_dict(data["camera"], where)
    if "model" in data and "params" in data:
        return camera_from_dict
    if "cam0" in data or "distortion_coeffs" in data:
        return _from_kalibr
    if "camera_matrix" in data:
        return _from_matrix
    raise FormatError(f"{where}: not a camera file that evcam knows ({_KNOWN})")


def _from_kalibr(data: Mapping[str, Any], where: str) -> CentralCamera:
    data = data.get("cam0", data)
    if data.get("camera_model", "pinhole") != "pinhole":
        raise FormatError(f"{where}: Kalibr's camera model {data['camera_model']!r} is not known; only pinhole is")
    model = _foreign_model("kalibr_name", str(data["distortion_model"]), where)
    width, height = data["resolution"]
    return _camera(model, [float(v) for v in data["intrinsics"]], data["distortion_coeffs"], width, height, where)


def _from_matrix(data: Mapping[str, Any], where: str) -> CentralCamera:
    """ROS camera_info and OpenCV, which differ in the names of the distortion models."""
    k = _flat(data["camera_matrix"])
    if len(k) != 9 or abs(k[1]) > 1e-9 * abs(k[0]):
        raise FormatError(f"{where}: camera_matrix must have nine numbers and no skew, not {k}")
    name = str(data.get("distortion_model", "plumb_bob"))
    attribute = "opencv_name" if name == "fisheye" else "ros_name"
    coefficients = data["distortion_coefficients"]
    model = _foreign_model(attribute, name, where)
    return _camera(model, [k[0], k[4], k[2], k[5]], coefficients, data["image_width"], data["image_height"], where)


def _foreign_model(attribute: str, name: str, where: str) -> CameraModel:
    models = {getattr(get_model(known), attribute): get_model(known) for known in model_names()}
    if name in ("none", ""):
        return get_model("pinhole-radtan")
    if name not in models:
        raise FormatError(f"{where}: distortion model {name!r} is not known; known: {', '.join(models)}")
    return models[name]


def _camera(model: CameraModel, intrinsics: list[float], coefficients: Any, width: int, height: int, where: str) -> CentralCamera:
    d = _flat(coefficients)
    size = len(model.distortion)
    if any(d[size:]):
        raise FormatError(f"{where}: has {len(d)} distortion coefficients; {model.name} has {size}")
    d = [*d, *[0.0] * size][:size]
    try:
        return CentralCamera(model.name, np.array([*intrinsics, *d]), width, height)
    except InputError as error:
        raise FormatError(f"{where}: {error}") from None


def _flat(matrix: Any) -> list[float]:
    return [float(v) for v in np.ravel(matrix["data"] if isinstance(matrix, Mapping) else matrix)]
