"""One picture after another of a stretch of a recording: where the board is in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.moving.following import Follower, disc_picture
from evcam.detect.moving.inspect import Inspector
from evcam.detect.moving.regions import Regions, elliptic_regions
from evcam.detect.moving.sighting import NotSeen, Sighting
from evcam.detect.moving.tone import ToneMap
from evcam.detect.moving.tracking import Track
from evcam.flow.crossings import Crossings


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """What a block needs from the one before it: the picture and what was seen last."""

    tone: ToneMap
    follower: Follower

    def copy(self) -> Start:
        """An independent copy of the same moment."""
        return Start(self.tone.copy(), self.follower.copy())


def scan(
    crossings: Crossings, times_us: NDArray[np.int64], start: Start, handover: int, inspector: Inspector | None = None
) -> tuple[list[Sighting | NotSeen], Start]:
    """Look for the board at every instant, forwards, and then backwards from where it was recognised to where it was not.

    Parameters
    ----------
    crossings : Crossings
        Of the block.
    times_us : ndarray of int64, shape (N,)
        Ascending instants.
    start : Start
        As it was before the crossings; it is used up.
    handover : int
        The instant before which the next block starts.

    Returns
    -------
    list of Sighting or NotSeen
        One per instant.
    Start
        For the next block.
    """
    target = start.follower.target
    size = (crossings.width, crossings.height)
    sightings: list[Sighting | NotSeen] = []
    pictures: list[Regions] = []
    following = start
    done = int(crossings.t[0]) if len(crossings) else 0
    for i, t_us in enumerate(map(int, times_us)):
        if i == handover:
            following = start.copy()
        start.tone.advance(crossings.between(done, t_us))
        done = max(done, t_us)
        pictures.append(elliptic_regions(disc_picture(start.tone, target)))
        sightings.append(start.follower.locate(pictures[-1], size, t_us))
        if inspector is not None:
            inspector.located(start.tone, target, sightings[-1], crossings)
    for found in _look_back(target, sightings, pictures):
        if inspector is not None:
            inspector.relocated(found)
    return sightings, following


def _look_back(target: CircleGrid, sightings: list[Sighting | NotSeen], pictures: list[Regions]) -> list[Sighting]:
    """Follow the board against time into pictures in which it was not seen; changes and returns these sightings."""
    track: Track | None = None
    added = []
    for i in range(len(sightings) - 1, -1, -1):
        here = sightings[i]
        if isinstance(here, NotSeen) and track is not None:
            found = track.find(target, pictures[i], here.t_us)
            if found is not None:
                sightings[i] = here = found
                added.append(found)
        if isinstance(here, Sighting):
            track = Track.continued(track, here)
    return added
