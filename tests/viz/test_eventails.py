"""Ruled surfaces of lines that sweep past the camera."""

from pathlib import Path

import numpy as np
import pytest

from evcam.core.events import Events
from evcam.io import open_recording
from evcam.sim import load_scene
from evcam.viz.eventails import eventails_layer, ruled_surface, sweep
from evcam.viz.scene import Points, Triangles
from evcam.viz.spacetime import SpaceTime

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def lines():
    """Camera, events of 0.2 s and gyro of the sample with lines."""
    with open_recording(DATA / "lines.h5") as recording:
        return load_scene(DATA / "scenes" / "lines.yaml").camera, recording.events(0.4, 0.6), recording.imu()


@pytest.fixture(scope="module")
def swept(lines):
    camera, events, imu = lines
    return sweep(events, camera, imu)


def distance_to_path(at, path):
    """From a point to a polyline: the lens bends lines."""
    start, way = path[:-1], np.diff(path, axis=0)
    share = np.clip(((at - start) * way).sum(1) / (way**2).sum(1), 0, 1)
    return np.linalg.norm(start + share[:, None] * way - at, axis=1).min()


def test_the_crossings_of_a_line_lie_on_its_surface(swept):
    assert len(swept.estimate.lines) >= 4
    for line in swept.estimate.lines:
        t_us, px = ruled_surface(swept, line)
        off = []
        for x, y, t in zip(line.crossings.x, line.crossings.y, line.crossings.t, strict=True):
            k = int(np.clip(np.searchsorted(t_us, t), 1, len(t_us) - 1))
            share = (t - t_us[k - 1]) / (t_us[k] - t_us[k - 1])
            path = (1 - share) * px[k - 1] + share * px[k]
            off.append(distance_to_path(np.array([x, y]), path))
        assert np.median(off) < 1.0
        moved = np.linalg.norm(px[-1] - px[0], axis=1).max()
        assert np.median(off) < 0.3 * moved or moved < 3


def test_each_line_is_a_surface_with_its_crossings(swept):
    layer = eventails_layer(SpaceTime(240, 180, swept.estimate.stop_us, 200_000), swept)
    points = layer.of(Points)
    assert len(points) == len(swept.estimate.lines)
    assert [len(shape.xyz) for shape in points] == [len(line.crossings) for line in swept.estimate.lines]
    assert len(layer.of(Triangles)) >= 10 * len(points)
    assert layer.note.startswith(f"{len(points)} lines")


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_any_length_of_window_will_do(lines, cut):
    camera, events, imu = lines
    assert sweep(events[: len(events) - cut], camera, imu) is not None


def test_without_events_or_gyro_there_is_nothing(lines):
    camera, events, imu = lines
    assert sweep(Events.empty(240, 180), camera, imu) is None
    late = Events.from_arrays(events.t + 60_000_000, events.x, events.y, events.p, width=240, height=180)
    assert sweep(late, camera, imu) is None
    assert eventails_layer(SpaceTime(240, 180, 0, 1000), None).note == "no events, or no gyro"
