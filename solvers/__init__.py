"""Pure geometry: arrays in, arrays out; no camera, no file, no events."""

if __name__ != "evcam.solvers":
    raise ImportError("import evcam.solvers, not solvers")

from evcam.solvers.averaging import AverageDirection, average_directions
from evcam.solvers.derotation import DerotatedEvents, derotate
from evcam.solvers.direction import DirectionEstimate
from evcam.solvers.eventail import EventailSolution, eventail_five_point, eventail_linear
from evcam.solvers.gyro_bias import GyroBiasEstimate, refine_gyro_bias
from evcam.solvers.joint import JointOptions, estimate_direction
from evcam.solvers.line_estimate import LineEstimate
from evcam.solvers.line_motion import line_frame, partial_velocity, two_plane_parameters
from evcam.solvers.line_ransac import FoundLine, LineSearchOptions, find_line, find_lines
from evcam.solvers.noise import EventNoise
from evcam.solvers.ransac import Estimator, RansacOptions, RansacReport, ransac, trials_needed
from evcam.solvers.refinement import refine_line
from evcam.solvers.status import Status

__all__ = [
    "AverageDirection",
    "DerotatedEvents",
    "DirectionEstimate",
    "Estimator",
    "EventNoise",
    "EventailSolution",
    "FoundLine",
    "GyroBiasEstimate",
    "JointOptions",
    "LineEstimate",
    "LineSearchOptions",
    "RansacOptions",
    "RansacReport",
    "Status",
    "average_directions",
    "derotate",
    "estimate_direction",
    "eventail_five_point",
    "eventail_linear",
    "find_line",
    "find_lines",
    "line_frame",
    "partial_velocity",
    "ransac",
    "refine_gyro_bias",
    "refine_line",
    "trials_needed",
    "two_plane_parameters",
]
