"""How true is the normal flow of the edges of a scene?

Definitions.  A crossing lies on an edge when it is at most 1.5 px from the nearest edge's image at its own time (a
circle's outline, a line; see `flow_truth`); noise events there count as well.  Of these, those count whose edge moves along its
normal with at least 50 px/s there, by the truth.  A flow is right in direction within 15 degrees, in magnitude within
30 % of the truth.  The share with a flow is that of all crossings that `edge_crossings` finds there, bursts of one event
included; and the same of the events in them.  The normalised squared error is half the squared Mahalanobis distance of
the flow from the truth: 1 on average, with 95 % within 3.0, when the covariances are honest.  Of long recordings only
every n-th crossing is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flow_truth import CircleEdges, EdgeTruth
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.flow import Crossings, FlowOptions, edge_crossings, normal_flow

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR_PX = 1.5
SLOWEST_PXPS = 50.0
RIGHT_DEG = 15.0
RIGHT_SHARE = 0.3
_COMPARED = 100_000
_WITHIN_95 = 5.991 / 2


@dataclass(frozen=True, slots=True)
class FlowScore:
    """Figures of one choice of crossings; NaN where there are none.

    Attributes
    ----------
    crossings : int
        Compared.
    known_share, known_event_share : float
        Of these crossings, and of the events in them, those with a flow.
    direction_share, magnitude_share : float
        Of the flows, those that are right.
    normalised_squared_error, within_95_share : float
        How honest the covariances are.
    """

    crossings: int
    known_share: float
    known_event_share: float
    direction_share: float
    magnitude_share: float
    normalised_squared_error: float
    within_95_share: float


@dataclass(frozen=True, eq=False, slots=True)
class Compared:
    """Crossings near an edge, with their flow and the truth."""

    flow_pxps: Array
    cov: Array
    true_pxps: Array
    events: NDArray[np.int64]
    board_pxps: Array

    @property
    def true_speed_pxps(self) -> Array:
        """Along the normal."""
        return np.hypot(*self.true_pxps.T)

    def score(self, chosen: Flags) -> FlowScore:
        """Figures of the chosen ones."""
        flow, cov, true = self.flow_pxps[chosen], self.cov[chosen], self.true_pxps[chosen]
        known = np.isfinite(flow[:, 0])
        flow, cov, true = flow[known], cov[known], true[known]
        across = true[:, 0] * flow[:, 1] - true[:, 1] * flow[:, 0]
        angle_deg = np.degrees(np.abs(np.arctan2(across, (flow * true).sum(1))))
        ratio = np.hypot(*flow.T) / np.hypot(*true.T)
        events = self.events[chosen]
        error = (flow - true)[..., None]
        squared = 0.5 * (error * np.linalg.solve(cov, error)).sum((1, 2))
        return FlowScore(
            len(known), _mean(known), float(events[known].sum() / max(events.sum(), 1)),
            _mean(angle_deg <= RIGHT_DEG), _mean(np.abs(ratio - 1) <= RIGHT_SHARE), _mean(squared), _mean(squared <= _WITHIN_95),
        )

    def fast_edges(self) -> FlowScore:
        """Edges that move along their normal with at least 50 px/s."""
        return self.score(self.true_speed_pxps >= SLOWEST_PXPS)

    def fast_board(self) -> FlowScore:
        """All edges, also those that hardly move along their normal, while the board moves with at least 50 px/s."""
        return self.score(self.board_pxps >= SLOWEST_PXPS)

    def edges_between(self, slowest_pxps: float, fastest_pxps: float) -> FlowScore:
        """Edges by their speed along their normal."""
        return self.score((self.true_speed_pxps >= slowest_pxps) & (self.true_speed_pxps < fastest_pxps))


def compare(events: Events, truth: EdgeTruth) -> Compared:
    """Flow of a recording's crossings beside the truth."""
    crossings = edge_crossings(events)
    flow_pxps, cov = _flow_of_all(crossings)
    chosen = np.arange(0, len(crossings), -(-len(crossings) // _COMPARED))
    t_us = np.clip(crossings.t[chosen], truth.trajectory.start_us, truth.trajectory.stop_us)
    edges = truth.edges(t_us, np.stack([crossings.x, crossings.y], 1)[chosen].astype(float))
    near = np.abs(edges.distance_px) <= NEAR_PX
    board = np.full(len(chosen), np.nan)
    if isinstance(truth, CircleEdges):
        grid_us = np.arange(truth.trajectory.start_us, truth.trajectory.stop_us, 1000)
        board = np.interp(t_us, grid_us, truth.board_speed_pxps(grid_us))
    compared = chosen[near]
    events_in = crossings.count[compared].astype(np.int64)
    return Compared(flow_pxps[compared], cov[compared], edges.flow_pxps[near], events_in, board[near])


def _flow_of_all(crossings: Crossings) -> tuple[Array, Array]:
    """Flow and covariance of every crossing; NaN also where `normal_flow` leaves the crossing out."""
    flow = normal_flow(crossings)
    flow_pxps, cov = np.full((len(crossings), 2), np.nan), np.full((len(crossings), 2, 2), np.nan)
    tried = crossings.full >= FlowOptions().min_count
    flow_pxps[tried], cov[tried] = flow.flow_pxps, flow.cov
    return flow_pxps, cov


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else float("nan")
