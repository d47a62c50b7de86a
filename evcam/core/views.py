"""What one look at a recording gave: timed board points, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError


@dataclass(frozen=True, slots=True)
class Rejection:
    """A window in which no view was accepted.

    Attributes
    ----------
    recording : str
        Name of the recording.
    t_us : int
        Middle of the window.
    reason : str
        Short and countable, e.g. ``"too few events"``.
    detail : str
        Numbers for the person who asks why.
    """

    recording: str
    t_us: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """Points of one board at one instant.

    Attributes
    ----------
    recording : str
        Name of the recording.
    index : int
        Number of the view within the recording.
    t_us : ndarray of int64, shape (N,)
        Time at which each point holds.
    ids : ndarray of int64, shape (N,)
        Row-major point numbers of the target, each at most once.
    xy : ndarray of float64, shape (N, 2)
        Pixels.
    cov : ndarray of float64, shape (N, 2, 2)
        Covariance of ``xy``, px^2.
    velocity : ndarray of float64, shape (N, 2)
        Image velocity, px/s; zero before a still board.
    window_us : int
        Length of the stretch of events that the view was made from; views whose
        windows overlap share events and are not independent.  0 where nobody said.
    """

    recording: str
    index: int
    t_us: NDArray[np.int64]
    ids: NDArray[np.int64]
    xy: NDArray[np.float64]
    cov: NDArray[np.float64]
    velocity: NDArray[np.float64]
    window_us: int

    def __post_init__(self) -> None:
        n = len(self.ids)
        shapes = (self.t_us.shape, self.xy.shape, self.cov.shape, self.velocity.shape)
        if shapes != ((n,), (n, 2), (n, 2, 2), (n, 2)):
            raise InputError(f"view {self.index}: {n} ids need t_us, xy, cov, velocity of matching length, not {shapes}")
        if len(set(self.ids.tolist())) != n:
            raise InputError(f"view {self.index} of {self.recording}: a point's id occurs twice")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def mid_us(self) -> int:
        """Mean time of the points."""
        return int(np.round(self.t_us.mean()))
