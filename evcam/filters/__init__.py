"""Noise filters: hot pixels, background activity, refractory time, region of interest.

Each is a description without state; `apply` starts it and carries its state from piece to piece, so that
windows of a recording are filtered as the whole would be.

Examples
--------
>>> import numpy as np
>>> from evcam import filters
>>> from evcam.core.events import Events
>>> events = Events.from_arrays([0, 5, 900], [4, 5, 30], [4, 4, 30], [1, 1, 0], width=40, height=40)
>>> len(filters.apply(events, filters.BackgroundActivity(window_us=1000)))
1
"""

from evcam.filters._filter import Filter, Step, apply
from evcam.filters.background import BackgroundActivity
from evcam.filters.hot_pixels import HotPixels, find_hot_pixels
from evcam.filters.refractory import Refractory
from evcam.filters.region import RegionOfInterest

__all__ = ["BackgroundActivity", "Filter", "HotPixels", "Refractory", "RegionOfInterest", "Step", "apply", "find_hot_pixels"]
