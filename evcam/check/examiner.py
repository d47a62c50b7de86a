"""What every part of the doctor is given, and what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from evcam.check._kernels import BINS_PER_OCTAVE
from evcam.check.finding import Finding


class Piece(NamedTuple):
    """Consecutive events as their file has them: inside the sensor, in whatever order.

    Attributes
    ----------
    t : ndarray of int64, shape (N,)
        Microseconds.
    x, y : ndarray of uint16, shape (N,)
        Pixels.
    p : ndarray of bool, shape (N,)
        True for ON.
    """

    t: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.bool_]


class Examiner(Protocol):
    """One topic: takes a recording piece by piece, in bounded memory, then says what it found."""

    def add(self, piece: Piece) -> None:
        """Take the next events."""

    def findings(self) -> Iterator[Finding]:
        """What is to be said once everything has been added; at least one finding if there were events."""

    def figures(self) -> Mapping[str, Any]:
        """Plain numbers for the JSON object."""


def quantile(histogram: NDArray[np.int64], share: float) -> float:
    """Value below which a share of a logarithmic histogram lies (geometric middle of the bin); 0 for bin 0, NaN of nothing."""
    total = int(histogram.sum())
    if not total:
        return float("nan")
    place = int(np.searchsorted(np.cumsum(histogram), max(1, share * total)))
    return 0.0 if place == 0 else float(2 ** ((place - 0.5) / BINS_PER_OCTAVE))


def duration_text(us: float) -> str:
    """A length of time as people write it.

    Examples
    --------
    >>> duration_text(250), duration_text(12_300), duration_text(4e6), duration_text(9e9)
    ('250 us', '12.3 ms', '4 s', '2.5 h')
    """
    for unit, length_us in (("h", 3.6e9), ("min", 6e7), ("s", 1e6), ("ms", 1e3)):
        if abs(us) >= length_us * (2 if unit in ("h", "min") else 1):
            return f"{us / length_us:.4g} {unit}"
    return f"{us:.4g} us"
