"""Find the board's discs in the two-tone picture, view after view, and keep their ids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evcam.core.target import CircleGrid
from evcam.detect.board_lattice import board_symmetries
from evcam.detect.moving.placing import Placement, placements, walk_lattice
from evcam.detect.moving.regions import Regions
from evcam.detect.moving.sighting import NotSeen, Sighting, sighting
from evcam.detect.moving.tone import ToneMap
from evcam.detect.moving.tracking import MIN_DISCS, Track

_MAX_UNSEEN_SHARE = 0.1
_MAX_UNSEEN_OF_A_PART = 1
_BESIDE = 2  # a region beside the board speaks as loudly against a placement as two discs that are missing
_MIN_LEAD = 3


class Follower:
    """Locates the board in one picture after another of the same recording.

    Ids come from a picture that shows the board as good as whole, or so much of it that it can lie in one
    place only; from then on they are followed, whatever covers the board.
    """

    def __init__(self, target: CircleGrid, track: Track | None = None) -> None:
        self.target = target
        self._symmetries = list(board_symmetries(target).values())
        self._track = track

    def copy(self) -> Follower:
        """An independent follower with the same memory."""
        return Follower(self.target, self._track)

    def locate(self, regions: Regions, size: tuple[int, int], t_us: int) -> Sighting | NotSeen:
        """Find the board among the regions of the picture of the instant ``t_us``, width and height ``size``."""
        followed = self.follow(regions, t_us)
        if followed is not None and self._is_whole(followed, size):
            return followed
        alone = self._recognised(regions, size, t_us)
        if isinstance(alone, NotSeen):
            return followed or alone
        if followed is not None and followed.seen.sum() >= alone.seen.sum():
            return followed
        self._track = Track.continued(self._track if followed is None else None, alone)
        return alone

    def follow(self, regions: Regions, t_us: int) -> Sighting | None:
        """Find the board where it is expected from the last sighting, later or earlier; None if it is not there."""
        found = None if self._track is None else self._track.find(self.target, regions, t_us)
        if found is not None:
            self._track = Track.continued(self._track, found)
        return found

    def rest(self, start_us: int, stop_us: int) -> None:
        """Go on at ``stop_us`` as at ``start_us``: nothing was seen in between, so nothing moved."""
        if self._track is not None and self._track.expected(start_us) is not None:
            last = self._track.last
            self._track = Track(replace(last, t_us=last.t_us + stop_us - start_us), np.zeros_like(self._track.velocities))

    def _is_whole(self, found: Sighting, size: tuple[int, int]) -> bool:
        in_view = found.in_view(size)
        return bool((in_view & ~found.seen).sum() <= _MAX_UNSEEN_SHARE * in_view.sum())

    def _recognised(self, regions: Regions, size: tuple[int, int], t_us: int) -> Sighting | NotSeen:
        """The board by this picture alone."""
        lattice = walk_lattice(regions, self.target)
        if lattice is None:
            return NotSeen(t_us, "no grid of discs", f"{len(regions)} elliptic regions, none with neighbours in two directions")
        ways = placements(lattice, self.target)
        if not ways:
            return NotSeen(t_us, "grid does not fit the board", f"{len(lattice.index)} discs hang together")
        tried = [sighting(self.target, way.ids, way.index, regions, t_us) for way in ways]
        found = [one for one in tried if one is not None]
        if len(found) < len(ways):
            return NotSeen(t_us, "grid does not fit the board", f"{len(lattice.index)} discs hang together, in no perspective")
        unseen = np.array([(one.in_view(size) & ~one.seen).sum() for one in found])
        against = unseen + _BESIDE * np.array([way.beside for way in ways])
        best = int(against.argmin())
        seen, in_view = int(found[best].seen.sum()), found[best].in_view(size)
        alike = int((against <= against[best] + _MIN_LEAD).sum())
        if alike > 1:
            return NotSeen(t_us, "ambiguous", f"{seen} of {len(self.target)} discs seen; they fit {alike} places of the board")
        tolerated = _MAX_UNSEEN_SHARE * len(self.target) if in_view.all() else _MAX_UNSEEN_OF_A_PART
        if unseen[best] > tolerated or seen < MIN_DISCS:
            return NotSeen(t_us, "ambiguous", f"{seen} of {in_view.sum()} discs in view seen")
        return self._continued(ways[best], found[best])

    def _continued(self, way: Placement, found: Sighting) -> Sighting:
        """Of the numberings that the board's symmetry makes equal, the one that continues the last sighting."""
        expected = None if self._track is None else self._track.expected(found.t_us)
        if expected is None or len(self._symmetries) == 1:
            return found
        drifts = [np.linalg.norm(expected[ids[way.ids]] - found.centers[way.ids], axis=1).mean() for ids in self._symmetries]
        return found.renumbered(self._symmetries[int(np.argmin(drifts))])


def disc_picture(tone: ToneMap, target: CircleGrid) -> NDArray[np.uint8]:
    """The picture without single wrong pixels, 1 where it has the tone of the target's discs."""
    picture = tone.cleaned()
    return 1 - picture if target.dark_on_light else picture
