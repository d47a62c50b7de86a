"""Camera models: how normalised image coordinates are distorted.

A model is one class with `name`, `distortion` and four functions of the
normalised coordinates ``m = (x / z, y / z)``; decorating it with `register`
is all that projection, unprojection, calibration and export need.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError

Array = NDArray[np.float64]

_MODELS: dict[str, CameraModel] = {}


class CameraModel(ABC):
    """Distortion of a central camera in front of which z > 0.

    Attributes
    ----------
    name : str
        Name in files and on the command line.
    distortion : tuple of str
        Names of the distortion coefficients, in the order of the parameters.
    kalibr_name, kalibr_coefficients : str, int
        What Kalibr calls the model, and how many of the leading coefficients it holds.
    ros_name : str
        ``distortion_model`` of a ROS camera_info.
    opencv_name : str
        OpenCV's function family, written as ``distortion_model`` because OpenCV's YAML has no field for it.
    """

    name: ClassVar[str]
    distortion: ClassVar[tuple[str, ...]]
    kalibr_name: ClassVar[str]
    kalibr_coefficients: ClassVar[int]
    ros_name: ClassVar[str]
    opencv_name: ClassVar[str]

    @property
    def param_names(self) -> tuple[str, ...]:
        """Focal lengths and principal point (px), then the distortion."""
        return ("fx", "fy", "cx", "cy", *self.distortion)

    @abstractmethod
    def distort(self, d: Array, m: Array) -> Array:
        """Distorted normalised coordinates of ``m``, (..., 2) -> (..., 2)."""

    @abstractmethod
    def distort_jacobians(self, d: Array, m: Array) -> tuple[Array, Array, Array]:
        """Distorted coordinates (..., 2) and their derivatives by ``m`` (..., 2, 2) and ``d`` (..., 2, D)."""

    @abstractmethod
    def distorted_radius(self, d: Array, radius: Array) -> Array:
        """Radial part of the distortion alone: distorted radius of undistorted normalised radii."""

    @abstractmethod
    def valid_radius(self, d: Array) -> float:
        """Normalised radius up to which the distorted radius grows; infinite if it always does."""


def register(model: type[CameraModel]) -> type[CameraModel]:
    """Make a model known under its name (class decorator)."""
    _MODELS[model.name] = model()
    return model


def model_names() -> tuple[str, ...]:
    """Names of all known models."""
    return tuple(_MODELS)


def get_model(name: str) -> CameraModel:
    """The model of this name.

    Raises
    ------
    InputError
        No such model; the message lists those that there are.
    """
    if name not in _MODELS:
        raise InputError(f"camera model {name!r} is not known; known models: {', '.join(_MODELS)}")
    return _MODELS[name]


def project_points(model: CameraModel, params: Array, points_cam: Array) -> Array:
    """Pixels of points (..., 3) by the bare formula, also where the model is not valid."""
    m = points_cam[..., :2] / points_cam[..., 2:]
    pixels: Array = params[:2] * model.distort(params[4:], m) + params[2:4]
    return pixels


def project_points_jacobians(model: CameraModel, params: Array, points_cam: Array) -> tuple[Array, Array, Array]:
    """Pixels (..., 2) by the bare formula, derivatives by the point (..., 2, 3) and the parameters (..., 2, P)."""
    inverse_z = 1 / points_cam[..., 2]
    m = points_cam[..., :2] * inverse_z[..., None]
    distorted, by_m, by_d = model.distort_jacobians(params[4:], m)
    focal = params[:2, None]
    by_point = np.empty((*m.shape[:-1], 2, 3))
    by_point[..., :2] = focal * by_m * inverse_z[..., None, None]
    by_point[..., 2] = -(by_point[..., 0] * m[..., None, 0] + by_point[..., 1] * m[..., None, 1])
    by_params = np.zeros((*m.shape[:-1], 2, len(params)))
    by_params[..., 0, 0], by_params[..., 1, 1] = distorted[..., 0], distorted[..., 1]
    by_params[..., 0, 2] = by_params[..., 1, 3] = 1.0
    by_params[..., 4:] = focal * by_d
    return params[:2] * distorted + params[2:4], by_point, by_params


def first_turning_point(coefficients: Array) -> float:
    """Smallest s > 0 at which ``s (1 + c1 s^2 + c2 s^4 + ...)`` stops growing, infinite if it never does."""
    # Coefficients this small act nowhere in an image, and would make the roots overflow.
    coefficients = np.where(np.abs(coefficients) < 1e-14, 0.0, coefficients)
    slope = np.concatenate([[1.0], coefficients * (2 * np.arange(1, len(coefficients) + 1) + 1)])
    roots = np.roots(np.trim_zeros(slope[::-1], "f"))
    real = roots.real[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0)]
    return float(np.sqrt(real.min())) if len(real) else float("inf")
