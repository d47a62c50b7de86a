"""Direction of the camera's linear velocity from the lines that it sees and a gyro."""

from evcam.motion.batch import estimate_velocity
from evcam.motion.estimate import LineConstraint, MotionStatus, VelocityEstimate
from evcam.motion.estimator import VelocityEstimator
from evcam.motion.factor import LineFactor
from evcam.motion.options import VelocityOptions
from evcam.motion.storage import load_velocity_csv, save_velocity_csv

__all__ = [
    "LineConstraint", "LineFactor", "MotionStatus", "VelocityEstimate", "VelocityEstimator", "VelocityOptions",
    "estimate_velocity", "load_velocity_csv", "save_velocity_csv",
]
