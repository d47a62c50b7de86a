"""Scenes as values: points, lines and surfaces with colours and labels, and how an eye sees them.

Drawn by the processor alone, so that a picture needs neither a display nor a graphics driver, is the same in a window
and in a file, and stays smooth on machines without a graphics card.
"""

from evcam.viz.scene.canvas import Canvas
from evcam.viz.scene.eye import Eye
from evcam.viz.scene.shapes import Image, Labels, Layer, Lines, Points, Triangles

__all__ = ["Canvas", "Eye", "Image", "Labels", "Layer", "Lines", "Points", "Triangles"]
