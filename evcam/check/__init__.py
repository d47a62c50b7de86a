"""The recording doctor: what is wrong with a recording, and what to do about it."""

from evcam.check.examination import Examination, examine
from evcam.check.finding import Finding, Severity, worst
from evcam.check.gyro import GyroAgreement, GyroStatus, check_gyro
from evcam.check.gyro_findings import gyro_findings

__all__ = [
    "Examination", "Finding", "GyroAgreement", "GyroStatus", "Severity", "check_gyro", "examine", "gyro_findings", "worst",
]
