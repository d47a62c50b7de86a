"""Edges seen on a camera's external inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError


@dataclass(frozen=True, eq=False, slots=True)
class Triggers:
    """Edges of external signals, in the order in which the camera saw them.

    Attributes
    ----------
    t : ndarray of int64, shape (N,)
        Microseconds on the recording's own clock, non-decreasing.
    id : ndarray of uint8, shape (N,)
        Number of the input.
    rising : ndarray of bool, shape (N,)
        True for a rising edge.
    """

    t: NDArray[np.int64]
    id: NDArray[np.uint8]
    rising: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not self.t.shape == self.id.shape == self.rising.shape == (len(self.t),):
            raise InputError(f"triggers: t, id and rising must be one-dimensional and equally long, "
                             f"not {self.t.shape}, {self.id.shape}, {self.rising.shape}")
        if np.any(self.t[1:] < self.t[:-1]):
            i = int(np.flatnonzero(self.t[1:] < self.t[:-1])[0]) + 1
            raise InputError(f"triggers: time runs backwards at edge {i}: {self.t[i]} us after {self.t[i - 1]} us")

    @classmethod
    def empty(cls) -> Triggers:
        """No edges."""
        return cls(np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.t)

    def between(self, start_us: int | None, stop_us: int | None) -> Triggers:
        """Edges with ``start_us <= t < stop_us``; None leaves that side open."""
        first = 0 if start_us is None else int(np.searchsorted(self.t, start_us))
        last = len(self) if stop_us is None else int(np.searchsorted(self.t, stop_us))
        return Triggers(self.t[first:last], self.id[first:last], self.rising[first:last])
