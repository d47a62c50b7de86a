"""Edges and their motion: crossings, surface of active events, normal flow."""

from evcam.flow.crossings import BurstOptions, Crossings, edge_crossings

__all__ = ["BurstOptions", "Crossings", "edge_crossings"]
