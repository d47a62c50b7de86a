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

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FlowOptions:
    """How the edge's motion is fitted.

    Attributes
    ----------
    radius_px : int
        The neighbourhood is a square of ``2 radius + 1`` pixels.
    max_gap_us : int
        Crossings further away in time belong to another edge; edges slower than about ``radius_px / max_gap_us`` are not seen.
    min_points : int
        Fewer crossings of the same edge in the neighbourhood give no flow.
    min_count : int
        Changes of fewer events are taken for noise.  With 1, single events count as well, unless the pixel's neighbouring bursts
        say that its changes take more.
    max_std : float
        A flow is unknown when the standard deviation of its direction, in radians, or of its magnitude, relative, is larger.
    """

    radius_px: int = 2
    max_gap_us: int = 150_000
    min_points: int = 6
    min_count: int = 1
    max_std: float = 0.3

    def __post_init__(self) -> None:
        counts = self.radius_px, self.max_gap_us, self.min_points, self.min_count
        whole = all(isinstance(value, (int, np.integer)) for value in counts)
        if not (whole and 1 <= self.radius_px <= 10 and self.max_gap_us > 0 and self.min_points >= 4 and self.min_count >= 1
                and self.max_std > 0):
            raise InputError("normal flow needs whole numbers, radius_px of 1 to 10, max_gap_us above 0, min_points of at least "
                             f"4 and min_count of at least 1, and max_std above 0, not {self}")


@dataclass(frozen=True, eq=False, slots=True)
class NormalFlow:
    """Normal flow of edge crossings; NaN where the neighbourhood does not tell.

    Attributes
    ----------
    crossings : Crossings
        Where and when (one per burst of events).
    flow_pxps : ndarray of float64, shape (N, 2)
        Motion of the edge along its normal, px/s.
    cov : ndarray of float64, shape (N, 2, 2)
        Its covariance, (px/s)^2.
    scatter_px : ndarray of float64, shape (N,)
        How far neighbouring crossings lie from the fitted edge, rms.
    points : ndarray of int64, shape (N,)
        Crossings of the same edge in the neighbourhood.
    """

    crossings: Crossings
    flow_pxps: Array
    cov: Array
    scatter_px: Array
    points: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.crossings)

    def __getitem__(self, index: slice | NDArray[np.bool_]) -> NormalFlow:
        part = self.flow_pxps[index], self.cov[index], self.scatter_px[index], self.points[index]
        return NormalFlow(self.crossings[index], *part)

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which crossings have a flow."""
        return np.isfinite(self.flow_pxps[:, 0])

    @property
    def speed_pxps(self) -> Array:
        """Magnitude, px/s, shape (N,)."""
        return np.hypot(self.flow_pxps[:, 0], self.flow_pxps[:, 1])

    @property
    def normal(self) -> Array:
        """Direction in which the edge moves, a unit vector perpendicular to it, shape (N, 2)."""
        unit: Array = self.flow_pxps / self.speed_pxps[:, None]
        return unit

    @property
    def angle_std_rad(self) -> Array:
        """Standard deviation of the direction, and so of the edge's own direction, radians, shape (N,)."""
        along = self.normal[:, ::-1] * [-1.0, 1.0]
        return _std(self.cov, along) / self.speed_pxps

    @property
    def speed_std_pxps(self) -> Array:
        """Standard deviation of the magnitude, px/s, shape (N,)."""
        return _std(self.cov, self.normal)


def _std(cov: Array, direction: Array) -> Array:
    std: Array = np.sqrt(np.einsum("ni,nij,nj->n", direction, cov, direction))
    return std


def normal_flow(
    events: Events | Crossings, options: FlowOptions | None = None, bursts: BurstOptions | None = None, *,
    wanted: NDArray[np.bool_] | None = None,
) -> NormalFlow:
    """How fast and in which direction the edges move that fired the events.

    Around each edge crossing, those of the same polarity nearest in time in the pixels nearby, past and future, tell
    when the edge passed there.  A plane t = a x + b y + c (Benosman et al., TNNLS 2014) gives normal and speed
    roughly; across and along it the edge is then fitted as the curve

        n = b0 + b1 w + b2 s + b3 w^2 + b4 w s + b5 s^2,

    n across and s along the edge, w the time in pixels of way.  It may bend, turn and change its speed; where an edge just
    grazes a pixel, t as a function of place runs away, n as a function of time does not.  Both fits are closed form.

    Parameters
    ----------
    events : Events or Crossings
        A stretch of a recording, of a length that the memory holds.
    options : FlowOptions, optional
        Neighbourhood and limits.
    bursts : BurstOptions, optional
        What belongs to one burst; of no use with crossings, which are made already.
    wanted : ndarray of bool, shape (N,), optional
        When crossings are given: those whose flow is asked for.  The others still are neighbours, but have none of their own.

    Returns
    -------
    NormalFlow
        One entry per edge crossing whose full change takes at least ``options.min_count`` events.

    Raises
    ------
    InputError
        Impossible options, neither events nor crossings, or `wanted` without crossings or not one for each.

    Notes
    -----
    The motion along an edge is not observable (aperture problem).  At corners, and where two edges of one polarity pass
    within the neighbourhood, flows mix both.  Flows near the ends of the stretch lack neighbours, so let stretches
    overlap by ``options.max_gap_us``.  The covariance holds the scatter of the crossings and how much of the edge is
    seen, not what a wrong neighbour does.  Speeds come out half to one per cent low where crossings scatter by
    more than a tenth of a pixel.

    See Also
    --------
    evcam.flow.edge_crossings : where and when edges passed.

    Examples
    --------
    An upright edge moves to the right by one pixel in 2 ms:

    >>> y, x = np.divmod(np.arange(80), 10)
    >>> order = np.argsort(x, kind="stable")
    >>> events = Events.from_arrays(2000 * x[order], x[order], y[order], np.ones(80, bool), width=10, height=8)
    >>> flow = normal_flow(events)
    >>> middle = flow[(flow.crossings.x == 5) & (flow.crossings.y == 4)]
    >>> bool(np.allclose(middle.flow_pxps, [500.0, 0.0]))
    True
    """
    options = options or FlowOptions()
    if not isinstance(events, (Events, Crossings)):
        raise InputError(f"normal flow needs Events or Crossings, not {type(events).__name__}; join pieces with Events.joined")
    crossings = edge_crossings(events, bursts) if isinstance(events, Events) else events
    if wanted is not None and (isinstance(events, Events) or wanted.shape != (len(crossings),)):
        raise InputError(f"normal flow: wanted needs crossings, and one value for each, not shape {wanted.shape}")
    enough = crossings.full >= options.min_count
    wanted = np.ones(len(crossings), np.bool_) if wanted is None else wanted
    crossings, wanted = crossings[enough], wanted[enough]
    n, width, height = len(crossings), crossings.width, crossings.height
    start, order = np.empty(2 * width * height + 1, np.int64), np.empty(n, np.int32)
    # The two polarities as two images, one below the other.
    _order_by_pixel(crossings.x, crossings.y.astype(np.int32) + height * crossings.p, width, start, order)
    flow, cov, scatter, points = np.empty((n, 2)), np.empty((n, 2, 2)), np.empty(n), np.empty(n, np.int64)
    _normal_flow(
        crossings.t[order], crossings.full[order], crossings.step_us[order], wanted[order], start, order, width, height,
        options.radius_px, options.max_gap_us, options.min_points, options.max_std, flow, cov, scatter, points,
    )
    return NormalFlow(crossings, flow, cov, scatter, points)
