"""Surface of active events: when each pixel was last active, by polarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel
from evcam.core.events import Events
from evcam.errors import InputError

NEVER = np.iinfo(np.int64).min


class SurfaceOfActiveEvents:
    """Time of the latest event of every pixel and polarity.

    Parameters
    ----------
    width, height : int
        Sensor size, px.

    Attributes
    ----------
    t_us : ndarray of int64, shape (2, height, width)
        Times of the latest OFF (0) and ON (1) events, `NEVER` where there was none.

    Examples
    --------
    >>> surface = SurfaceOfActiveEvents(4, 3)
    >>> surface.update(Events.from_arrays([5, 9], [1, 1], [2, 2], [True, True], width=4, height=3))
    >>> int(surface.t_us[1, 2, 1])
    9
    """

    def __init__(self, width: int, height: int) -> None:
        self.t_us: NDArray[np.int64] = np.full((2, height, width), NEVER)

    def update(self, events: Events) -> None:
        """Take in later events.

        Raises
        ------
        InputError
            Events of another sensor size.
        """
        if self.t_us.shape[1:] != (events.height, events.width):
            raise InputError(f"surface of {self.t_us.shape[2]}x{self.t_us.shape[1]} px cannot take events of "
                             f"{events.width}x{events.height} px")
        _update(events.t, events.x, events.y, events.p, self.t_us)

    def latest_us(self) -> NDArray[np.int64]:
        """Time of the latest event of either polarity, shape (height, width)."""
        latest: NDArray[np.int64] = self.t_us.max(axis=0)
        return latest

    def decayed(self, now_us: int, time_constant_us: float) -> NDArray[np.float64]:
        """``exp(-(now - t) / time_constant)`` of each pixel's latest event, negative where it was OFF; 0 where there was none.

        Parameters
        ----------
        now_us : int
            No earlier than the latest event.
        time_constant_us : float
            Positive.

        Returns
        -------
        ndarray of float64, shape (height, width)
            -1 to 1.
        """
        latest = self.latest_us()
        sign = np.where(self.t_us[1] >= self.t_us[0], 1.0, -1.0)
        age_us = np.where(latest == NEVER, np.inf, now_us - np.where(latest == NEVER, 0, latest).astype(np.float64))
        value: NDArray[np.float64] = sign * np.exp(-age_us / time_constant_us)
        return value


@kernel
def _update(t, x, y, p, surface):  # type: ignore[no-untyped-def]
    for i in range(t.size):
        surface[1 if p[i] else 0, y[i], x[i]] = t[i]
