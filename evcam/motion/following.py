"""Lines that go on from one window to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.motion.lines import MovingLine
from evcam.motion.rotation import Rotation
from evcam.motion.window import Window

Array = NDArray[np.float64]

# Two lines are one if they are as near to each other where the windows meet, and in the middle of the later one: there the
# earlier one is extrapolated.
_NEAR_PX = 2.5
_NEAR_LATER_PX = 12.0
# Of the shorter one's length, so much is seen of both.
_SHARED = 0.3


@dataclass(frozen=True, eq=False, slots=True)
class SeenLines:
    """Lines of one window, as far as the next window needs them.

    Attributes
    ----------
    span_us : tuple of int
        The window.
    rotation : Rotation
    b, a : ndarray of float64, shape (M, 3)
        In the frame of the window's middle.
    ends : ndarray of float64, shape (M, 2, 3)
        Bearings at the middle.
    polarity : ndarray of bool, shape (M,)
    pixel : ndarray of float64, shape (M,)
        Radians per pixel.
    ids : tuple of int
    doubted : frozenset of int
        Numbers of those that are not to be taken up by the next window.
    """

    span_us: tuple[int, int]
    rotation: Rotation
    b: Array
    a: Array
    ends: Array
    polarity: NDArray[np.bool_]
    pixel: Array
    ids: tuple[int, ...]
    doubted: frozenset[int] = frozenset()

    @classmethod
    def of(cls, lines: Sequence[MovingLine], span_us: tuple[int, int], rotation: Rotation) -> SeenLines:
        """The lines of a window."""
        b, a, ends = (np.array([getattr(line, name) for line in lines]).reshape(-1, *shape)
                      for name, shape in (("b", (3,)), ("a", (3,)), ("ends", (2, 3))))
        return cls(span_us, rotation, b, a, ends, np.array([line.polarity for line in lines], np.bool_),
                   np.array([line.pixel for line in lines]), tuple(line.id for line in lines))

    def __len__(self) -> int:
        return len(self.b)

    def normals(self, t_us: float) -> Array:
        """Unit normals of the planes at a time, in the frame of this window's middle, (M, 3)."""
        normals = self.b - (t_us - sum(self.span_us) / 2) * 1e-6 * self.a
        return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))

    def to_frame_at(self, t_us: float) -> Array:
        """Rotation from the frame of this window's middle to the camera's at a time within it, (3, 3)."""
        return _frame_at(self.rotation, self.span_us, t_us)

    def without(self, ids: Sequence[int]) -> SeenLines:
        """The same, but that these are not to be taken up."""
        return replace(self, doubted=self.doubted | set(ids))


def continued(before: SeenLines, window: Window) -> Iterator[MovingLine]:
    """Where lines should be in a window that begins in the one before, or at its end, as far as they are not doubted.

    An edge seen by a camera of constant velocity keeps ``n(t) = b - t a``, and so is moved on exactly.
    """
    meet_us = max(window.span_us[0], before.span_us[0])
    if meet_us > before.span_us[1]:
        return
    turn = _frame_at(window.rotation, window.span_us, meet_us).T @ before.to_frame_at(meet_us)
    later_s = (window.middle_us - sum(before.span_us) / 2) * 1e-6
    b, a, ends = (before.b - later_s * before.a) @ turn.T, before.a @ turn.T, before.ends @ turn.T
    sizes = np.linalg.norm(b, axis=1, keepdims=True)
    b, a, middle = b / sizes, a / sizes, ends.mean(1)
    middle -= (middle * b).sum(1, keepdims=True) * b
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    frames = np.stack([np.cross(b, middle), b, middle], 1)
    places = np.sort((ends @ frames[:, 0, :, None] / (ends @ frames[:, 2, :, None]))[..., 0], 1).tolist()
    for k, (low, high) in enumerate(places):
        if before.ids[k] not in before.doubted:
            yield MovingLine(b[k], a[k], frames[k], low, high, bool(before.polarity[k]), np.empty(0, np.int64), 1.0,
                             float(before.pixel[k]))


def _frame_at(rotation: Rotation, span_us: tuple[int, int], t_us: float) -> Array:
    """Rotation from the frame of a window's middle to the camera's at a time within it, (3, 3)."""
    R: Array = rotation.at(np.array([(t_us - sum(span_us) / 2) * 1e-6]))[0][0].T
    return R


def followed(before: SeenLines, now: SeenLines) -> NDArray[np.int64]:
    """For each line now, its position among those before; -1 for new ones.  No line is followed by two.

    Where the windows meet both lines are measured: they are one edge if they lie on each other there, have the same polarity,
    and the earlier one's motion leads near the later one's middle.  The nearest pairs come first.
    """
    found = np.full(len(now), -1, np.int64)
    meet_us = max(now.span_us[0], before.span_us[0])
    if not len(before) or not len(now) or meet_us > before.span_us[1]:
        return found
    turn = now.to_frame_at(meet_us).T @ before.to_frame_at(meet_us)
    meeting = _distance_px(before, now, turn, meet_us)
    later = _distance_px(before, now, turn, sum(now.span_us) / 2)
    same = (before.polarity[:, None] == now.polarity) & (meeting < _NEAR_PX) & (later < _NEAR_LATER_PX)
    cost = meeting / _NEAR_PX + later / _NEAR_LATER_PX
    taken = np.zeros(len(before), np.bool_)
    pairs = np.argwhere(same)
    for i, j in pairs[np.argsort(cost[same], kind="stable")]:
        if not taken[i] and found[j] < 0:
            taken[i], found[j] = True, i
    return found


def _distance_px(before: SeenLines, now: SeenLines, turn: Array, t_us: float) -> Array:
    """The larger distance of two lines at the ends of the part that both have, (before, now); infinite if there is next to none.

    At a time; ``turn`` maps the frame of the earlier middle to that of the later.
    """
    old, new = before.normals(t_us) @ turn.T, now.normals(t_us)
    old_ends, new_ends = before.ends @ turn.T, now.ends
    middle = new_ends.mean(1)
    away = middle - (middle * new).sum(1, keepdims=True) * new
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    along = np.cross(new, away)
    spans = []
    for ends in (np.broadcast_to(old_ends[:, None], (len(before), len(now), 2, 3)), new_ends[None]):
        ahead = (ends * away[None, :, None]).sum(-1)
        places = (ends * along[None, :, None]).sum(-1) / np.where(ahead > 0, ahead, np.nan)
        spans.append((places.min(-1), places.max(-1)))
    low, high = np.maximum(spans[0][0], spans[1][0]), np.minimum(spans[0][1], spans[1][1])
    shorter = np.minimum(spans[0][1] - spans[0][0], spans[1][1] - spans[1][0])
    farthest = np.zeros((len(before), len(now)))
    for place in (low, high):
        points = away[None] + place[..., None] * along[None]
        off = np.abs((points * old[:, None]).sum(-1)) / (np.linalg.norm(points, axis=-1) * now.pixel)
        farthest = np.maximum(farthest, off)
    return np.where(high - low > _SHARED * shorter, farthest, np.inf)
