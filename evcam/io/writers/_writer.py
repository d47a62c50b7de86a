"""What a writer is given, and what it has to provide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers


@dataclass(frozen=True, eq=False)
class Content:
    """A recording to write.

    Attributes
    ----------
    width, height : int
        Sensor size, px.
    events : iterable of Events
        Consecutive pieces, to be gone through once.
    imu : ImuSamples or None
    triggers : Triggers or None
    metadata : mapping of str
        Text, numbers and truth values.
    """

    width: int
    height: int
    events: Iterable[Events]
    imu: ImuSamples | None = None
    triggers: Triggers | None = None
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Writer:
    """A file format.

    Attributes
    ----------
    name : str
        As people call it.
    suffixes : tuple of str
        Of the files' names, in lower case, with the point.
    write : callable
        Writes to a path that may exist and is nobody's yet; returns what the format had no place for, one line each.
        Raises `InputError` where it cannot hold the events themselves.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Path, Content], tuple[str, ...]]


def left_out(content: Content, name: str, *, imu: bool = False, triggers: bool = False) -> tuple[str, ...]:
    """Lines about what a format called ``name`` has no place for, unless it has one for ``imu`` or ``triggers``."""
    lines = []
    if content.imu is not None and not imu:
        lines.append(f"{len(content.imu):,} inertial samples are left out: {name} has no place for them")
    if content.triggers is not None and len(content.triggers) and not triggers:
        lines.append(f"{len(content.triggers):,} edges on external inputs are left out: {name} has no place for them")
    return tuple(lines)
