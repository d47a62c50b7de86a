"""Pure geometry: arrays in, arrays out; no camera, no file, no events.

Each name is loaded when it is first used: kernels that nobody calls take no time.
"""

if __name__ != "evcam.solvers":
    raise ImportError("import evcam.solvers, not solvers")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from evcam.solvers.ransac import ransac as ransac  # loaded later, the file of that name would hide it

if TYPE_CHECKING:
    from evcam.solvers.averaging import AverageDirection as AverageDirection
    from evcam.solvers.averaging import average_directions as average_directions
    from evcam.solvers.derotation import DerotatedEvents as DerotatedEvents
    from evcam.solvers.derotation import derotate as derotate
    from evcam.solvers.direction import DirectionEstimate as DirectionEstimate
    from evcam.solvers.eventail import EventailSolution as EventailSolution
    from evcam.solvers.eventail import eventail_five_point as eventail_five_point
    from evcam.solvers.eventail import eventail_linear as eventail_linear
    from evcam.solvers.gyro_bias import GyroBiasEstimate as GyroBiasEstimate
    from evcam.solvers.gyro_bias import refine_gyro_bias as refine_gyro_bias
    from evcam.solvers.joint import JointOptions as JointOptions
    from evcam.solvers.joint import estimate_direction as estimate_direction
    from evcam.solvers.line_estimate import LineEstimate as LineEstimate
    from evcam.solvers.line_motion import line_frame as line_frame
    from evcam.solvers.line_motion import partial_velocity as partial_velocity
    from evcam.solvers.line_motion import two_plane_parameters as two_plane_parameters
    from evcam.solvers.line_ransac import FoundLine as FoundLine
    from evcam.solvers.line_ransac import LineSearchOptions as LineSearchOptions
    from evcam.solvers.line_ransac import find_line as find_line
    from evcam.solvers.line_ransac import find_lines as find_lines
    from evcam.solvers.noise import EventNoise as EventNoise
    from evcam.solvers.ransac import Estimator as Estimator
    from evcam.solvers.ransac import RansacOptions as RansacOptions
    from evcam.solvers.ransac import RansacReport as RansacReport
    from evcam.solvers.ransac import trials_needed as trials_needed
    from evcam.solvers.refinement import refine_line as refine_line
    from evcam.solvers.status import Status as Status

_FILES = {
    "averaging": ("AverageDirection", "average_directions"),
    "derotation": ("DerotatedEvents", "derotate"),
    "direction": ("DirectionEstimate",),
    "eventail": ("EventailSolution", "eventail_five_point", "eventail_linear"),
    "gyro_bias": ("GyroBiasEstimate", "refine_gyro_bias"),
    "joint": ("JointOptions", "estimate_direction"),
    "line_estimate": ("LineEstimate",),
    "line_motion": ("line_frame", "partial_velocity", "two_plane_parameters"),
    "line_ransac": ("FoundLine", "LineSearchOptions", "find_line", "find_lines"),
    "noise": ("EventNoise",),
    "ransac": ("Estimator", "RansacOptions", "RansacReport", "ransac", "trials_needed"),
    "refinement": ("refine_line",),
    "status": ("Status",),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}

__all__ = sorted(_FILE_OF)


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'evcam.solvers' has no attribute {name!r}")
    value = getattr(import_module(f"evcam.solvers.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
