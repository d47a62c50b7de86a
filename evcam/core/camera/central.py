"""The geometry of a calibrated camera: a named model, its parameters and the size of the sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.core.camera.models import (
    Array,
    CameraModel,
    get_model,
    project_points,
    project_points_jacobians,
)
from evcam.core.camera.undistortion import undistort_normalised
from evcam.core.events import MAX_SENSOR_SIZE_PX, Events
from evcam.errors import InputError


@dataclass(frozen=True, eq=False, slots=True)
class CentralCamera:
    """What a `Camera` is but for its files: projection and its inverse, derivatives, undistortion."""

    model: str
    params: Array
    width: int
    height: int

    def __post_init__(self) -> None:
        names = self.param_names(self.model)
        params = np.array(self.params, float)
        if params.shape != (len(names),) or not np.isfinite(params).all():
            raise InputError(f"camera: {self.model} needs {len(names)} finite numbers ({', '.join(names)}), not {self.params}")
        if params[0] <= 0 or params[1] <= 0:
            raise InputError(f"camera: focal lengths must be positive, not {params[0]:g}, {params[1]:g} px")
        for name in ("width", "height"):
            size = getattr(self, name)
            if int(size) != size or not 0 < size <= MAX_SENSOR_SIZE_PX:
                raise InputError(f"camera: {name} must be a whole number of 1 to {MAX_SENSOR_SIZE_PX} pixels, not {size!r}")
            object.__setattr__(self, name, int(size))
        params.flags.writeable = False
        object.__setattr__(self, "params", params)

    @staticmethod
    def param_names(model: str) -> tuple[str, ...]:
        """Names of a model's parameters, in order."""
        return get_model(model).param_names

    @property
    def K(self) -> Array:
        """Camera matrix, shape (3, 3)."""
        fx, fy, cx, cy = self.params[:4]
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @property
    def distortion(self) -> Array:
        """Distortion coefficients, in the model's order."""
        return self.params[4:]

    @property
    def _model(self) -> CameraModel:
        return get_model(self.model)

    def project(self, points_cam: ArrayLike) -> Array:
        """Pixels of points in the camera's frame, (..., 3) -> (..., 2).

        NaN where z <= 0 or where the point lies beyond the radius at which the
        distorted radius stops growing, since two points would share a pixel there.
        Pixels outside the sensor are returned as they are.
        """
        points = _points(points_cam, 3)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            pixels = project_points(self._model, self.params, points)
            pixels[~self._is_valid(points)] = np.nan
        return pixels

    def project_jacobians(self, points_cam: ArrayLike) -> tuple[Array, Array, Array]:
        """Pixels (..., 2), their derivatives by the point (..., 2, 3) and by the parameters (..., 2, P).

        NaN where `project` gives NaN.
        """
        points = _points(points_cam, 3)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            result = project_points_jacobians(self._model, self.params, points)
            invalid = ~self._is_valid(points)
        for array in result:
            array[invalid] = np.nan
        return result

    def unproject(self, px: ArrayLike) -> Array:
        """Unit bearings of pixels, (..., 2) -> (..., 3).

        NaN for pixels that no point in the model's valid region projects to.
        """
        m = self._undistorted(px)
        bearings = np.concatenate([m, np.ones_like(m[..., :1])], -1)
        unit: Array = bearings / np.linalg.norm(bearings, axis=-1, keepdims=True)
        return unit

    def undistort_points(self, px: ArrayLike) -> Array:
        """Pixels in an ideal pinhole camera with the same focal lengths and principal point, (..., 2) -> (..., 2).

        NaN where `unproject` gives NaN.
        """
        ideal: Array = self._undistorted(px) * self.params[:2] + self.params[2:4]
        return ideal

    def undistort_events(self, events: Events) -> Array:
        """Where an ideal pinhole camera (same K) would have seen each event, shape (N, 2); NaN as `undistort_points`.

        Raises
        ------
        InputError
            The events come from a sensor of another size.
        """
        if (events.width, events.height) != (self.width, self.height):
            raise InputError(f"events of a {events.width}x{events.height} sensor do not belong to a "
                             f"{self.width}x{self.height} camera; calibrate that sensor")
        table = self.undistort_points(np.stack(np.meshgrid(np.arange(self.width), np.arange(self.height)), -1))
        ideal: Array = table[events.y, events.x]
        return ideal

    def undistort_maps(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Maps for ``cv2.remap``: for every pixel of the ideal pinhole image (same K), where it lies in the camera's.

        Pixels that the camera cannot see map to (-1, -1), outside the image.
        """
        x, y = np.meshgrid(np.arange(self.width), np.arange(self.height))
        m = (np.stack([x, y], -1) - self.params[2:4]) / self.params[:2]
        source = self.project(np.concatenate([m, np.ones_like(m[..., :1])], -1))
        source = np.where(np.isfinite(source), source, -1.0).astype(np.float32)
        return np.ascontiguousarray(source[..., 0]), np.ascontiguousarray(source[..., 1])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to JSON."""
        names = self.param_names(self.model)
        params = {name: float(value) for name, value in zip(names, self.params, strict=True)}
        return {"model": self.model, "width": self.width, "height": self.height, "params": params}

    def _is_valid(self, points: Array) -> NDArray[np.bool_]:
        z = points[..., 2]
        radius = np.hypot(points[..., 0], points[..., 1])
        inside = np.isfinite(radius) & (radius <= self._model.valid_radius(self.distortion) * z)
        valid: NDArray[np.bool_] = (z > 0) & inside
        return valid

    def _undistorted(self, px: ArrayLike) -> Array:
        distorted = (_points(px, 2) - self.params[2:4]) / self.params[:2]
        return undistort_normalised(self._model, self.distortion, distorted, 1e-6 / float(self.params[:2].max()))


def _points(values: ArrayLike, size: int) -> Array:
    array = np.asarray(values, float)
    if array.ndim == 0 or array.shape[-1] != size:
        raise InputError(f"points must have shape (..., {size}), not {array.shape}")
    return array
