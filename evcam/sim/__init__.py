"""Synthetic recordings with exact ground truth."""

from evcam.sim.clutter import Backdrop, Limb, Occluder, Texture, Waypoint, hand
from evcam.sim.presets import checkerboard_flicker, circle_grid, line_world
from evcam.sim.scene import Board, Flicker, Gyro, Line, Lines, Scene
from evcam.sim.scene_file import load_scene
from evcam.sim.sensor import Sensor
from evcam.sim.simulator import Simulation, simulate, simulate_chunks
from evcam.sim.truth import Truth

__all__ = [
    "Backdrop", "Board", "Flicker", "Gyro", "Limb", "Line", "Lines", "Occluder", "Scene", "Sensor", "Simulation", "Texture",
    "Truth", "Waypoint", "checkerboard_flicker", "circle_grid", "hand", "line_world", "load_scene", "simulate",
    "simulate_chunks",
]
