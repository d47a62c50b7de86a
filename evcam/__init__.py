"""Event-camera calibration and motion.

Everything that a user needs by name; each name is loaded when it is first
used, so that ``import evcam`` and ``evcam --help`` take no time.

Examples
--------
>>> import evcam
>>> target = evcam.CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
>>> len(target)
44
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evcam import core as core
    from evcam import errors as errors
    from evcam import io as io
    from evcam import motion as motion
    from evcam import report as report
    from evcam import sim as sim
    from evcam import solvers as solvers
    from evcam import viz as viz
    from evcam.calib import Calibration as Calibration
    from evcam.calib import CalibrationOptions as CalibrationOptions
    from evcam.calib import calibrate as calibrate
    from evcam.calib import compare as compare
    from evcam.core.camera import Camera as Camera
    from evcam.core.detections import Detections as Detections
    from evcam.core.events import Events as Events
    from evcam.core.imu import ImuSamples as ImuSamples
    from evcam.core.target import Checkerboard as Checkerboard
    from evcam.core.target import CircleGrid as CircleGrid
    from evcam.core.target import load_target as load_target
    from evcam.detect import detect as detect
    from evcam.errors import EvcamError as EvcamError
    from evcam.flow import normal_flow as normal_flow
    from evcam.io import open_recording
    from evcam.motion import VelocityEstimate as VelocityEstimate
    from evcam.motion import VelocityEstimator as VelocityEstimator
    from evcam.motion import VelocityOptions as VelocityOptions
    from evcam.motion import estimate_velocity as estimate_velocity

    open = open_recording
    __version__: str

_NAMES = {
    "Calibration": ("evcam.calib", "Calibration"),
    "CalibrationOptions": ("evcam.calib", "CalibrationOptions"),
    "Camera": ("evcam.core.camera", "Camera"),
    "Checkerboard": ("evcam.core.target", "Checkerboard"),
    "CircleGrid": ("evcam.core.target", "CircleGrid"),
    "Detections": ("evcam.core.detections", "Detections"),
    "EvcamError": ("evcam.errors", "EvcamError"),
    "Events": ("evcam.core.events", "Events"),
    "ImuSamples": ("evcam.core.imu", "ImuSamples"),
    "VelocityEstimate": ("evcam.motion", "VelocityEstimate"),
    "VelocityEstimator": ("evcam.motion", "VelocityEstimator"),
    "VelocityOptions": ("evcam.motion", "VelocityOptions"),
    "calibrate": ("evcam.calib", "calibrate"),
    "compare": ("evcam.calib", "compare"),
    "estimate_velocity": ("evcam.motion", "estimate_velocity"),
    "load_target": ("evcam.core.target", "load_target"),
    "normal_flow": ("evcam.flow", "normal_flow"),
    "open": ("evcam.io", "open_recording"),
}
# evcam.detect is a room and, being callable, also the function of that name.
_ROOMS = ("calib", "core", "detect", "errors", "flow", "io", "motion", "report", "sim", "solvers", "viz")

__all__ = ["__version__", *(name for name in _NAMES if name != "open"), *_ROOMS]  # a star import keeps the builtin open


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"evcam.{name}")
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("evcam")
    elif name in _NAMES:
        module, attribute = _NAMES[name]
        value = getattr(importlib.import_module(module), attribute)
    else:
        raise AttributeError(f"module 'evcam' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_NAMES})
