"""Circle centres that another program found in DAVIS346 events, as detections that ``evcam calibrate`` reads.

The ROS 1 bag holds one message per view; its circles were fitted at slightly different times
(0.8 ms apart in the median, up to 9 ms).  Each is moved to the middle of its message's times by its own velocity:
x + v (t_mid - t).  The message's definition is in the bag.

    python tests/figures/davis346_centres.py circle_info.bag centres.csv
    evcam calibrate centres.csv --out cal.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag1 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from evcam.core.detections import Detections, View
from evcam.core.target import CircleGrid

TARGET = CircleGrid.symmetric(rows=3, cols=6, spacing_m=0.04, radius_m=0.01)  # the radius plays no part here
WIDTH, HEIGHT = 346, 260
STD_PX = 0.08  # rms of one coordinate about the published calibration


def read_views(bag: Path) -> tuple[View, ...]:
    """One view per message, every circle at the message's common time."""
    views = []
    with Reader(bag) as reader:
        types = get_typestore(Stores.EMPTY)
        for connection in reader.connections:
            types.register(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        for index, (connection, _, raw) in enumerate(reader.messages()):
            views.append(_view(types.deserialize_ros1(raw, connection.msgtype).circles, index))
    return tuple(views)


def _view(circles: list[Any], index: int) -> View:
    t_us = np.array([_microseconds(circle.timestamp) for circle in circles])
    window_us = max(_microseconds(c.end_ts) for c in circles) - min(_microseconds(c.start_ts) for c in circles)
    velocity = 1e6 * np.array([[circle.velo_x, circle.velo_y] for circle in circles])  # stored per microsecond
    mid_us = int(np.round(t_us.mean()))
    xy = np.array([[circle.x, circle.y] for circle in circles]) + velocity * (mid_us - t_us)[:, None] * 1e-6
    ids = np.array([circle.y_grid * TARGET.cols + circle.x_grid for circle in circles])
    cov = np.tile(STD_PX**2 * np.eye(2), (len(ids), 1, 1))
    return View("circle_info.bag", index, np.full(len(ids), mid_us), ids, xy, cov, velocity, int(window_us))


def _microseconds(time: Any) -> int:
    return int(time.sec) * 1_000_000 + int(time.nanosec) // 1000


def convert(bag: Path, out: Path, *, force: bool = False) -> Detections:
    """Write the bag's circles as a detections CSV and return them."""
    detections = Detections(TARGET, WIDTH, HEIGHT, read_views(bag))
    detections.save_csv(out, force=force)
    return detections


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
