"""Normal flow: how fast and in which direction the edge moves that fired an event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.flow._crossings import _order_by_pixel
from evcam.flow._plane import _normal_flow
from evcam.flow.crossings import BurstOptions, Crossings, edge_crossings


@dataclass(frozen=True)
class FlowOptions:
    """How planes are fitted.

    Attributes
    ----------
    radius_px : int
        The neighbourhood is a square of ``2 radius + 1`` pixels.
    max_gap_us : int
        Crossings further away in time belong to another edge; slower edges than about
        ``radius_px / max_gap_us`` are not seen.
    min_points : int
        Fewer crossings in the neighbourhood give no flow.
    min_count : int
        Changes of fewer events are taken for noise.
    refits : int
        Reweighted fits after the first.
    """

    radius_px: int = 2
    max_gap_us: int = 150_000
    min_points: int = 6
    min_count: int = 2
    refits: int = 3

    def __post_init__(self) -> None:
        enough = self.min_points >= 3 and self.min_count >= 1 and self.refits >= 1
        if not (1 <= self.radius_px <= 10 and self.max_gap_us > 0 and enough):
            raise InputError(f"normal flow: radius 1 to 10 px, positive gap, min_points of at least 3 are needed, not {self}")


@dataclass(frozen=True, eq=False, slots=True)
class NormalFlow:
    """Normal flow of edge crossings.

    Attributes
    ----------
    crossings : Crossings
        Where and when (one per burst of events).
    flow_pxps : ndarray of float64, shape (N, 2)
        Motion of the edge along its normal, px/s; NaN where the neighbourhood does not tell.
    residual_s : ndarray of float64, shape (N,)
        Scatter of the neighbouring crossings around the plane, in time.
    points : ndarray of int64, shape (N,)
        Crossings that support it.
    """

    crossings: Crossings
    flow_pxps: NDArray[np.float64]
    residual_s: NDArray[np.float64]
    points: NDArray[np.int64]

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which crossings have a flow."""
        return np.isfinite(self.flow_pxps[:, 0])


def normal_flow(events: Events | Crossings, options: FlowOptions | None = None, bursts: BurstOptions | None = None) -> NormalFlow:
    """Normal flow by local plane fits.

    Around each edge crossing a plane t = a x + b y + c is fitted to the crossings of the same
    polarity nearby, past and future, with reweighting in closed form; the edge moves with
    (a, b) / (a^2 + b^2) (Benosman et al., TNNLS 2014).  Where enough crossings are near, the last fit has a
    quadratic term along the normal, since an edge that speeds up or slows down bends the plane.

    Parameters
    ----------
    events : Events or Crossings
        A stretch of a recording, of a length that the memory holds.
    options : FlowOptions, optional
        Neighbourhood and limits.
    bursts : BurstOptions, optional
        What belongs to one burst, when events are given.

    Returns
    -------
    NormalFlow
        One entry per edge crossing whose full change takes at least ``options.min_count`` events.

    Notes
    -----
    The motion along an edge is not observable (aperture problem).  At corners, and where two edges
    pass within the neighbourhood's size, the plane mixes both.
    """
    options = options or FlowOptions()
    crossings = edge_crossings(events, bursts) if isinstance(events, Events) else events
    crossings = crossings[crossings.full >= options.min_count]
    n, width, height = len(crossings), crossings.width, crossings.height
    start, order = np.empty(width * height + 1, np.int64), np.empty(n, np.int32)
    _order_by_pixel(crossings.x, crossings.y, width, start, order)
    flow, residual, points = np.empty((n, 2)), np.empty(n), np.empty(n, np.int64)
    _normal_flow(
        crossings.t, crossings.x, crossings.y, crossings.p, start, order, width, height, options.radius_px, options.max_gap_us,
        options.min_points, options.refits, flow, residual, points,
    )
    return NormalFlow(crossings, flow, residual, points)
