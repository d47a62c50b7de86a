"""The camera as users hold it: its geometry, read from and written to files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evcam.core.camera.central import CentralCamera
from evcam.core.camera.export import ExportReport, export_camera, save_json
from evcam.core.camera.load import camera_from_dict, load_camera


@dataclass(frozen=True, eq=False, slots=True)
class Camera(CentralCamera):
    """A central camera; x right, y down, z forward, pixel (0, 0) is the centre of the top-left one.

    Attributes
    ----------
    model : str
        ``"pinhole-radtan"`` or ``"pinhole-equidistant"``.
    params : ndarray of float64, shape (P,)
        Focal lengths and principal point in pixels, then the distortion, in the order of `param_names`.
    width, height : int
        Size of the sensor in pixels.

    Raises
    ------
    InputError
        Unknown model, wrong number of parameters, a focal length that is not positive, an impossible size.

    Examples
    --------
    >>> camera = Camera("pinhole-radtan", [300, 300, 159.5, 119.5, -0.3, 0.1, 0, 0, 0], 320, 240)
    >>> camera.project([0.0, 0.0, 1.0])
    array([159.5, 119.5])
    """

    @staticmethod
    def from_dict(data: Mapping[str, Any], *, where: str = "camera") -> Camera:
        """The camera that `to_dict` has described.

        Raises
        ------
        FormatError
            A value is missing or is not what it should be.
        """
        return Camera._of(camera_from_dict(data, where))

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write JSON that `load` reads back exactly."""
        save_json(self, path, force=force)

    @staticmethod
    def load(path: str | os.PathLike[str], *, width: int | None = None, height: int | None = None) -> Camera:
        """Read a camera from any of the known formats, told by the content.

        Parameters
        ----------
        path : path-like
            JSON of evcam (camera or whole calibration), Kalibr camchain (its first camera), OpenCV or ROS
            camera_info YAML, or plain text ``fx fy cx cy k1 k2 p1 p2 k3``.
        width, height : int, optional
            Sensor size, needed for the plain text; has to agree with the file if that states one.

        Raises
        ------
        InputError
            No such file, no sensor size, or one that contradicts the file.
        FormatError
            Not a camera file, or a model that evcam does not know.
        """
        return Camera._of(load_camera(path, width, height))

    def export(self, path: str | os.PathLike[str], format: str, *, force: bool = False) -> ExportReport:
        """Write the camera for another program: ``"kalibr"``, ``"ros"`` or ``"opencv"``.

        Returns
        -------
        ExportReport
            Whether the format holds the model exactly and, if not, by how many pixels the closest fit is off.

        Raises
        ------
        InputError
            Unknown format.
        OutputExistsError
            ``path`` exists and ``force`` is not set.
        """
        return export_camera(self, path, format, force=force)

    @staticmethod
    def _of(geometry: CentralCamera) -> Camera:
        return Camera(geometry.model, geometry.params, geometry.width, geometry.height)
