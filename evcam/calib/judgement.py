"""What is said of a calibration: a grade, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How far a calibration may be trusted, as it is said."""

    GOOD = "good"
    USABLE = "usable"
    DISTRUST = "do not trust this"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks against a calibration: the best grade that it leaves, and one line for people."""

    grade: Grade
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What speaks against a calibration, the gravest first; nothing if it is good."""

    reasons: tuple[Reason, ...]

    @property
    def grade(self) -> Grade:
        """The worst that the reasons leave."""
        return max((reason.grade for reason in self.reasons), key=list(Grade).index, default=Grade.GOOD)

    @property
    def texts(self) -> list[str]:
        """The reasons in words."""
        return [reason.text for reason in self.reasons]


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a figure leaves a calibration usable only, and from where on not to be trusted."""

    usable: float
    distrust: float

    def grade(self, value: float) -> Grade | None:
        """The grade that a value leaves that should be small (or, with falling limits, large); None if it is fine."""
        sign = 1 if self.distrust > self.usable else -1
        for grade in (Grade.DISTRUST, Grade.USABLE):
            if not sign * (value - self.broken(grade)) <= 0:  # NaN is not fine
                return grade
        return None

    def broken(self, grade: Grade) -> float:
        """The limit behind a grade."""
        return self.distrust if grade is Grade.DISTRUST else self.usable
