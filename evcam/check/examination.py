"""One pass over a recording, for everything that its events show by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from evcam.check.columns import Columns
from evcam.check.examiner import Examiner
from evcam.check.finding import Finding, Severity
from evcam.check.flicker import Flicker
from evcam.check.inertial import inertial_figures, inertial_findings
from evcam.check.pixels import Pixels
from evcam.check.rate import Gaps, Rate
from evcam.check.stamps import Stamps
from evcam.check.time_unit import unit_finding
from evcam.core.imu import ImuSamples
from evcam.errors import FormatError
from evcam.io import Recording

_PIECE_EVENTS = 250_000
_MUCH_REPAIRED = 1e-3
_FEWEST_EVENTS = 1000


@dataclass(frozen=True, eq=False, slots=True)
class Examination:
    """What one pass found.

    Attributes
    ----------
    findings : tuple of Finding
        In order of topics; every topic that could be looked at has at least one.
    figures : dict
        By topic, plain numbers and arrays.
    readable : bool
        Whether the events can be taken as they are: in order, inside the sensor, up to the end of the file.
    """

    findings: tuple[Finding, ...]
    figures: dict[str, Any]
    readable: bool


def examine(
    recording: Recording, imu: ImuSamples | None = None, *, progress: Callable[[float], None] | None = None
) -> Examination:
    """Look at everything that events and inertial samples show by themselves.

    Events that other readers refuse, outside the sensor or out of order, are counted here.

    Parameters
    ----------
    recording : Recording
        Or a stretch of one; read once, in bounded memory.
    imu : ImuSamples, optional
        The samples to look at.
    progress : callable, optional
        Called with the fraction done; costs a pass to count the events.

    Returns
    -------
    Examination
    """
    columns = Columns(recording.width, recording.height)
    rate, stamps = Rate(), Stamps()
    pixels, flicker = Pixels(recording.width, recording.height), Flicker(recording.width, recording.height)
    examiners: dict[str, Examiner] = {"rate": rate, "gaps": Gaps(), "stamps": stamps, "pixels": pixels, "flicker": flicker}
    damage, done, total = None, 0, 0 if progress is None else _count(recording)
    try:
        for block in recording.unchecked(_PIECE_EVENTS):
            piece = columns.clean(block)
            if len(piece.t):
                for examiner in examiners.values():
                    examiner.add(piece)
            done += len(block.t)
            if progress is not None:
                progress(done / total)
    except FormatError as error:
        damage = Finding("reading", Severity.ERROR, f"Reading ends at damage, after {columns.events:,} events: {error}.",
                         "Copy the file again, or work on the stretch before the damage (--duration).")
    flicker.limit(stamps.grain_us)
    findings = [] if damage is None else [damage]
    findings += _repairs(recording, columns.events)
    for examiner in examiners.values():
        findings += examiner.findings()
    findings += columns.findings()
    if 0 < columns.events < _FEWEST_EVENTS:
        findings.append(Finding("events", Severity.WARNING, f"Only {columns.events:,} events, too few to tell much by.",
                                "Record longer, or while something moves."))
    if pixels.fits and columns.events:
        active = int(np.count_nonzero(pixels.counts))
        findings.append(unit_finding(pixels.intervals, columns.events, rate.duration_us, active, stamps))
    figures = {"columns": columns.figures()} | {name: examiner.figures() for name, examiner in examiners.items()}
    if imu is not None:
        span = None if rate.start_us is None else (rate.start_us, rate.stop_us)
        findings += inertial_findings(imu, span)
        figures["imu"] = inertial_figures(imu)
    return Examination(tuple(findings), figures, damage is None and stamps.in_order and columns.all_possible)


def _count(recording: Recording) -> int:
    """How many events there are, up to the end or to damage."""
    count = 0
    with suppress(FormatError):  # the examination itself tells of it
        for block in recording.unchecked(_PIECE_EVENTS):
            count += len(block.t)
    return count


def _repairs(recording: Recording, events: int) -> Iterator[Finding]:
    """What the reader repaired or took for granted; a warning where it touched more than one event in a thousand."""
    counts = recording.repairs
    for told in recording.warnings:
        count = next((count for message, count in counts.items() if told.startswith(message)), 0)
        severity = Severity.WARNING if count > _MUCH_REPAIRED * events else Severity.NOTE
        yield Finding("reading", severity, f"{told[:1].upper()}{told[1:]}.", "")
