"""What a check has found: how bad it is, what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, from nothing to distrust."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for nothing, 3 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """One thing that was found about a recording.

    Attributes
    ----------
    topic : str
        What was looked at, e.g. ``"gyro scale"``.
    severity : Severity
        `OK`: as it should be; `NOTE`: could not be told, or good to know; `WARNING`: correct it before results are
        trusted in detail; `ERROR`: nothing that rests on it can be right.
    what : str
        One sentence with figures.
    what_to_do : str
        The next step; empty where there is nothing to do.
    """

    topic: str
    severity: Severity
    what: str
    what_to_do: str = ""


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst severity, `Severity.OK` of no findings."""
    return max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=Severity.OK)
