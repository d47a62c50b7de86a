"""Camera models: projection, unprojection, Jacobians, reading and writing."""

from evcam.core.camera import equidistant, radtan
from evcam.core.camera.camera import Camera
from evcam.core.camera.models import CameraModel, get_model, model_names

__all__ = ["Camera", "CameraModel", "equidistant", "get_model", "model_names", "radtan"]
