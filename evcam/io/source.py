"""What a file format has to provide, and what every reader makes of it.

A format is one file in `evcam.io.formats` with a module-level ``FORMAT``; the
folder is searched, so that adding a format means adding that file.
"""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import EvcamError, FormatError, InputError, MissingLibraryError

BLOCK_EVENTS = 1_000_000
_MOST_REASON_LETTERS = 200


class Block(NamedTuple):
    """A stretch of events as they were decoded, unchecked.

    ``first`` is the number of the first one within the recording, None where reading began in
    the middle and nobody counted; ``t`` is in microseconds, ``p`` holds {0, 1}, {-1, 1} or booleans.
    """

    first: int | None
    t: NDArray[np.int64]
    x: NDArray[Any]
    y: NDArray[Any]
    p: NDArray[Any]


class Source(ABC):
    """An open file of one format.

    Attributes
    ----------
    path : Path
        The file.
    size : (int, int) or None
        Sensor width and height if the file or its camera states them.
    metadata : dict of str
        What the header says.
    warnings : list of str
        What was repaired or left out; may grow while the file is read.
    repairs : dict of str to int
        How often, for those of the warnings that count something.
    closed : bool
        Whether `close` has been called.
    is_ordered : bool
        Whether times can never fall, because the decoder sees to it; elsewhere they are checked.
    """

    is_ordered: bool = False

    def __init__(self, path: Path, size: tuple[int, int] | None, metadata: dict[str, Any]) -> None:
        self.path = path
        self.size = size
        self.metadata = metadata
        self.warnings: list[str] = []
        self.repairs: dict[str, int] = {}
        self._counted: dict[str, int] = {}
        self.closed = False

    @abstractmethod
    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Events in file order, at most ``max_events`` at a time.

        With ``start_us``, events before that time may be skipped, none after it: a format
        that is read from the beginning to get there is slow, not wrong.
        """

    def imu(self) -> ImuSamples | None:
        """All samples of the inertial measurement unit, None without one."""
        return None

    def has_imu(self) -> bool:
        """Whether `imu` would return samples."""
        return self.imu() is not None

    def triggers(self) -> Triggers | None:
        """All edges seen on the camera's external inputs, None where the format has no place for them."""
        return None

    def trigger_count(self) -> int | None:
        """Number of `triggers`; costs nothing once all events have been read."""
        edges = self.triggers()
        return None if edges is None else len(edges)

    def frame_count(self) -> int | None:
        """Complete intensity frames in the file, None where the format has none."""
        return None

    def warn(self, message: str) -> None:
        """Note once what was repaired or left out."""
        if message not in self.warnings:
            self.warnings.append(message)

    def warn_count(self, message: str, count: int) -> None:
        """Note how often something was repaired or left out; a later ``count`` replaces an earlier one.

        ``message`` says what is counted: "events outside the sensor, left out".
        """
        told, position = f"{message}: {count:,}", self._counted.get(message)
        self.repairs[message] = count
        if position is not None:
            self.warnings[position] = told
        elif count:
            self._counted[message] = len(self.warnings)
            self.warnings.append(told)

    def close(self) -> None:
        """Release what the file holds open."""
        self.closed = True


@contextmanager
def damage_as_format_error(path: Path, kinds: tuple[type[Exception], ...], what: str) -> Iterator[None]:
    """Turn what a library raises on a damaged file into one clear line."""
    try:
        yield
    except EvcamError:
        raise
    except kinds as error:
        reason = " ".join(str(error).split())[:_MOST_REASON_LETTERS] or type(error).__name__
        raise FormatError(f"{path}: {what} ({reason})") from None


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes
    ----------
    name : str
        As people call it, e.g. ``"AEDAT 2.0"``.
    matches : callable
        Whether the first bytes of a file (up to `HEAD_BYTES`) are of this format;
        no two formats may match the same bytes.
    open : callable
        Opens a file, or folder, that matches; raises `FormatError` when it is damaged.
    open_stream : callable, optional
        Opens the stream of events with a given name, where a file may hold several.
    matches_folder : callable, optional
        Whether the files of a folder are together one recording of this format.
    """

    name: str
    matches: Callable[[bytes], bool]
    open: Callable[[Path], Source]
    open_stream: Callable[[Path, str], Source] | None = None
    matches_folder: Callable[[Path], bool] | None = None


HEAD_BYTES = 4096


def require(module: str, package: str, what: str) -> Any:
    """Import an optional library, or say in one line how to install it.

    Raises
    ------
    MissingLibraryError
        The library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingLibraryError(f"{what} needs the package {package}: {sys.executable} -m pip install {package}") from None


def the_stream(path: Path, names: Sequence[str], wanted: str | None, kind: str) -> str:
    """The stream of events to read: the only one, or the one asked for.

    Raises
    ------
    FormatError
        There is none.
    InputError
        There are several and none is asked for, or there is none of that name.
    """
    if not names:
        raise FormatError(f"{path}: holds no {kind} of events")
    held = ", ".join(names)
    if wanted is None and len(names) > 1:
        raise InputError(f"{path}: holds several {kind}s of events: {held}; choose one with stream= (--stream)")
    if wanted is not None and wanted not in names:
        raise InputError(f"{path}: holds no {kind} of events named {wanted}; there is {held}")
    return names[0] if wanted is None else wanted
