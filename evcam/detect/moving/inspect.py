"""What a moving grid's detection saw on its way, kept for chosen instants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.moving.discs import DiscFits
from evcam.detect.moving.following import disc_picture
from evcam.detect.moving.regions import Regions, elliptic_regions
from evcam.detect.moving.sighting import NotSeen, Sighting
from evcam.detect.moving.tone import ToneMap
from evcam.flow.crossings import Crossings

_AROUND_US = 300_000


@dataclass(frozen=True, eq=False, slots=True)
class Stages:
    """Everything between the events and the view or rejection of one instant.

    Attributes
    ----------
    t_us : int
        The instant.
    picture : ndarray of uint8, shape (height, width)
        Two-tone picture, 1 where a disc may be.
    regions : Regions
        Elliptic regions of the picture: candidates for discs.
    sighting : Sighting or NotSeen
        The board in the picture, or why it is not there.
    crossings : Crossings
        Edge crossings up to 0.3 s before and after.
    fits : DiscFits or None
        Ellipses by id; None when the picture gave nothing to start from.
    """

    t_us: int
    picture: NDArray[np.uint8]
    regions: Regions
    sighting: Sighting | NotSeen
    crossings: Crossings
    fits: DiscFits | None


class Inspector:
    """Keeps the stages of chosen instants while a recording is searched.

    Parameters
    ----------
    times_us : iterable of int
        Instants of views or rejections.

    Attributes
    ----------
    stages : dict of int to Stages
        What was seen, by instant.
    """

    def __init__(self, times_us: Iterable[int]) -> None:
        self._times_us = frozenset(times_us)
        self.stages: dict[int, Stages] = {}

    def located(self, tone: ToneMap, target: CircleGrid, sighting: Sighting | NotSeen, crossings: Crossings) -> None:
        """Take note of a picture and of what was found in it."""
        t_us = sighting.t_us
        if t_us in self._times_us:
            picture = disc_picture(tone, target)
            around = crossings.between(t_us - _AROUND_US, t_us + _AROUND_US)
            self.stages[t_us] = Stages(t_us, picture, elliptic_regions(picture), sighting, around, None)

    def relocated(self, sighting: Sighting) -> None:
        """Take note of a board that was found in a picture only from what came later."""
        if sighting.t_us in self._times_us:
            self.stages[sighting.t_us] = replace(self.stages[sighting.t_us], sighting=sighting)

    def fitted(self, t_us: int, fits: DiscFits) -> None:
        """Take note of the ellipses fitted after `located`."""
        if t_us in self._times_us:
            self.stages[t_us] = replace(self.stages[t_us], fits=fits)
