"""Real recordings of other people's cameras, found through EVCAM_REFERENCE_DATA."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from evcam.io import open_recording

if "EVCAM_REFERENCE_DATA" not in os.environ:
    pytest.skip("needs the verification data: set EVCAM_REFERENCE_DATA", allow_module_level=True)
RECORDINGS = Path(os.environ["EVCAM_REFERENCE_DATA"]) / "recordings"


@pytest.fixture(scope="module")
def spokes():
    with open_recording(RECORDINGS / "spokes_imu_davis240" / "IMU_rotDisk.aedat") as recording:
        yield recording


def test_davis240_holds_the_known_counts(spokes):
    summary = spokes.summary()
    assert (summary.width, summary.height) == (240, 180)
    assert (summary.events, summary.imu_samples) == (374_296, 7_384)
    assert summary.duration_s == pytest.approx(3.2, abs=0.05)
    assert summary.imu_rate_hz == pytest.approx(2332, abs=1)
    assert summary.warnings == ()


def test_accelerometer_sees_gravity(spokes):
    g = np.linalg.norm(spokes.imu().accel_mps2, axis=1) / 9.80665
    assert g.mean() == pytest.approx(1.0, abs=0.03)
    assert g.std() < 0.03


def roll_between(first, second, bin_deg=0.25):
    """Rotation of the image about its middle, degrees from x towards y, that aligns two windows of events."""
    histograms = []
    for events in (first, second):
        dx, dy = events.x - 119.5, events.y - 89.5
        ring = (np.hypot(dx, dy) > 20) & (np.hypot(dx, dy) < 88)
        counts = np.histogram(np.degrees(np.arctan2(dy, dx))[ring], round(360 / bin_deg), (-180, 180))[0]
        spectrum = np.fft.rfft(counts)
        spectrum[60:] = 0  # the pixel raster shows at fine angles and does not turn
        histograms.append(spectrum)
    match = np.fft.irfft(histograms[1] * np.conj(histograms[0]))
    near = np.arange(-40, 41)
    return near[np.argmax(match[near])] * bin_deg


def test_image_rolls_against_the_camera_as_the_gyro_has_it(spokes):
    """A camera that turns by w about its optical axis sees a still scene turn by -w."""
    imu = spokes.imu()
    roll_degps = np.degrees((imu.gyro_radps @ imu.R_cam_imu.T)[:, 2])
    seen, told = [], []
    for t0 in np.arange(0.1, 2.9, 0.1):
        seen.append(roll_between(spokes.events(t0, t0 + 0.02), spokes.events(t0 + 0.1, t0 + 0.12)))
        inside = spokes.between(t0 + 0.01, t0 + 0.11).imu().t
        told.append(-roll_degps[np.searchsorted(imu.t, inside)].mean() * 0.1)
    assert np.median(np.array(seen) / np.array(told)) == pytest.approx(1.0, abs=0.06)
    assert np.corrcoef(seen, told)[0, 1] > 0.7


def test_still_spokes_make_as_many_on_as_off_events_within_reason(spokes):
    assert 0.3 < spokes.summary().on_share < 0.7


@pytest.mark.parametrize("path", sorted((RECORDINGS / "flicker_checkerboard_dvs128").glob("*.aedat")), ids=lambda path: path.stem)
def test_dvs128_before_a_flickering_board(path):
    with open_recording(path) as recording:
        summary = recording.summary()
        events = recording.events()
    assert (summary.width, summary.height, summary.warnings) == (128, 128, ())
    assert 0.5 < summary.duration_s < 0.65
    assert not summary.imu_samples
    assert events.x.max() - events.x.min() > 100


def test_dvs128_pixels_are_those_of_the_published_corners():
    """Around a true corner of the flickering board lie two black and two white squares, opposite ones alike."""
    folder = RECORDINGS / "flicker_checkerboard_dvs128"
    truth = json.loads((folder / "truth.json").read_text())
    contrasts = []
    for view in truth["views"][:4]:
        with open_recording(folder / f"{Path(view['name']).stem}.aedat") as recording:
            events = recording.events()
        count = np.bincount(events.y.astype(int) * 128 + events.x, minlength=128 * 128).reshape(128, 128).astype(float)
        corners = np.array(view["image_points"], float)
        grid = corners.reshape(-1, 4, 2)
        for c in range(1, len(grid) - 1):
            for r in (1, 2):
                centre = grid[c, r]
                along, across = (grid[c + 1, r] - grid[c - 1, r]) / 4, (grid[c, r + 1] - grid[c, r - 1]) / 4
                squares = [np.round(centre + i * along + j * across).astype(int) for i, j in ((1, 1), (-1, -1), (1, -1), (-1, 1))]
                values = [count[y, x] for x, y in squares]
                contrasts.append(abs(sum(values[:2]) - sum(values[2:])) / (sum(values) + 1))
    assert np.median(contrasts) > 0.6


@pytest.mark.parametrize(("folder", "events", "span_s"), [
    ("slider_depth_davis240", 50_000, 0.17),
    ("dynamic_translation_davis240", 30_000, 0.0393),
    ("boxes_translation_davis240", 30_000, 0.0113),
])
def test_text_recordings(folder, events, span_s):
    path = RECORDINGS / folder / "events.txt"
    with open_recording(path, width=240, height=180) as recording:
        read = recording.events()
    assert len(read) == events
    assert read.duration_s == pytest.approx(span_s, abs=0.001)
    words = [line.split() for line in path.read_text().split("\n")[:1000]]
    nanoseconds = np.array([int(t.replace(".", "")) for t, *_ in words])
    np.testing.assert_array_equal(read.t[:1000], (nanoseconds + 500) // 1000)
    np.testing.assert_array_equal(read.y[:1000], [int(y) for _, _, y, _ in words])


@pytest.mark.parametrize(("name", "millions"), [("mid", 8.1), ("slow", 5.4), ("noisy", 7.1)])
def test_plain_hdf5(name, millions):
    with open_recording(RECORDINGS / "sim_circle_grid" / f"{name}.h5") as recording:
        assert (recording.width, recording.height) == (346, 260)
        assert recording.summary().events == pytest.approx(millions * 1e6, rel=0.01)
        window = recording.events(1.0, 1.02)
    assert 0 < len(window) < 200_000
