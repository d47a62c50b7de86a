"""Edges and their motion: crossings, surface of active events, normal flow."""

from evcam.flow.crossings import BurstOptions, Crossings, edge_crossings
from evcam.flow.normal_flow import FlowOptions, NormalFlow, normal_flow
from evcam.flow.surface import SurfaceOfActiveEvents

__all__ = [
    "BurstOptions", "Crossings", "FlowOptions", "NormalFlow", "SurfaceOfActiveEvents", "edge_crossings", "normal_flow",
]
