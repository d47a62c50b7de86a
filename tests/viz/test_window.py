"""Streaming: what the viewer holds of a recording, and what it learns of its length."""

from pathlib import Path

import numpy as np
import pytest

from evcam.core.events import Events
from evcam.io import open_recording, save_h5
from evcam.viz import window as module
from evcam.viz.rate import RateProfile
from evcam.viz.window import EventWindow


@pytest.fixture
def recording(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_EVENTS", 1000)
    rng = np.random.default_rng(3)
    t = np.sort(rng.integers(0, 3_000_000, 60_000)) + 7_000_000
    # Many events of one instant, across the pieces that are read.
    t[20_000:23_000] = t[20_000]
    x, y, p = rng.integers(0, 32, len(t)), rng.integers(0, 24, len(t)), rng.random(len(t)) < 0.5
    save_h5(tmp_path / "r.h5", Events.from_arrays(t, x, y, p, width=32, height=24))
    with open_recording(tmp_path / "r.h5") as opened:
        yield opened


def test_any_walk_gives_what_reading_everything_gives(recording):
    whole, window = recording.events(), EventWindow(recording)
    rng = np.random.default_rng(0)
    now = 7_100_000
    for _ in range(150):
        now = int(rng.integers(6_900_000, 10_200_000)) if rng.random() < 0.2 else now + int(rng.integers(-20_000, 60_000))
        length = int(rng.choice([500, 20_000, 300_000]))
        seen, expected = window.between(now - length, now), whole.between(now - length, now)
        for name in "txyp":
            np.testing.assert_array_equal(getattr(seen, name), getattr(expected, name))


def test_memory_is_that_of_the_window(recording):
    window = EventWindow(recording)
    for now in range(7_050_000, 10_000_000, 10_000):
        seen = window.between(now - 50_000, now)
        assert window.held <= len(seen) + 3 * 1000


def test_the_profile_finds_length_and_bursts(recording):
    profile = RateProfile(recording)
    profile.advance()
    profile.finish()
    whole = recording.events()
    assert (profile.start_us, profile.stop_us) == (int(whole.t[0]), int(whole.t[-1]))
    bars = profile.bars(30)
    assert bars.max() == 1.0
    assert bars.argmax() == int((whole.t[20_000] - whole.t[0]) * 30 // (whole.t[-1] - whole.t[0]))
    counts = np.histogram(whole.t, 30, (whole.t[0], whole.t[-1]))[0]
    np.testing.assert_allclose(bars, counts / counts.max(), atol=0.03)
