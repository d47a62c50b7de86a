"""Real recordings of other people's cameras, found through EVCAM_REFERENCE_DATA."""

import json
import os
from pathlib import Path

import aedat
import bag_files as make
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize

from evcam.io import open_recording
from evcam.io.formats._event_packets import EventPacketDecoder

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


def image_roll_degps(events):
    """Roll rate of the image, from x towards y, that stacks the events of a short window most sharply.

    A drift is fitted along with it, which takes up where the centre of the roll lies.
    """
    t_s = (events.t - events.t[0]) * 1e-6 - 0.03
    x, y = events.x - 119.5, events.y - 89.5

    def blur(motion):
        angle = -np.radians(motion[0]) * t_s
        u = np.cos(angle) * x - np.sin(angle) * y - motion[1] * t_s
        v = np.sin(angle) * x + np.cos(angle) * y - motion[2] * t_s
        return -gaussian_filter(np.histogram2d(v, u, (90, 120), ((-90, 90), (-120, 120)))[0], 0.7).var()

    start = min(np.arange(-60, 61, 10), key=lambda rate: blur((rate, 0, 0)))
    simplex = [(start, 0, 0), (start + 8, 0, 0), (start, 20, 0), (start, 0, 20)]
    best = minimize(blur, simplex[0], method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 0.2, "maxiter": 80})
    return best.x[0]


def test_image_rolls_against_the_camera_as_the_gyro_has_it(spokes):
    """A camera that turns by w about its optical axis sees a still scene turn by -w."""
    seen, told = [], []
    for start_s in np.arange(0.1, 3.0, 0.2):
        window = spokes.between(start_s, start_s + 0.06)
        imu = window.imu()
        seen.append(image_roll_degps(window.events()))
        told.append(-np.degrees((imu.gyro_radps @ imu.R_cam_imu.T)[:, 2].mean()))
    assert np.median(np.array(seen) / np.array(told)) == pytest.approx(1.0, abs=0.05)
    assert np.sum(seen) / np.sum(told) == pytest.approx(1.0, abs=0.05)


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


@pytest.mark.parametrize(("name", "events", "imu_samples", "span_s"), [
    ("dvxplorer_lite_imu.aedat4", 111_954, 475, 0.59),
    ("event_packet_evt3_ros1.bag", 343_474, 0, 2.08),
    ("event_packet_evt3_ros2", 82_469, 0, 1.25),
])
def test_counts_of_what_cameras_wrote(name, events, imu_samples, span_s):
    with open_recording(RECORDINGS / "formats" / name) as recording:
        summary = recording.summary()
    assert (summary.events, summary.imu_samples) == (events, imu_samples)
    assert summary.duration_s == pytest.approx(span_s, abs=0.005)


def test_aedat4_equals_an_independent_library():
    path = RECORDINGS / "formats" / "dvxplorer_lite_imu.aedat4"
    packets = list(aedat.Decoder(path))
    theirs = np.concatenate([packet["events"] for packet in packets if "events" in packet])
    samples = np.concatenate([packet["imus"] for packet in packets if "imus" in packet])
    with open_recording(path) as recording:
        ours, imu = recording.events(), recording.imu()
        triggers = recording.triggers()
    for name, other in (("t", "t"), ("x", "x"), ("y", "y"), ("p", "on")):
        np.testing.assert_array_equal(getattr(ours, name), theirs[other])
    np.testing.assert_array_equal(imu.t, samples["t"])
    for i, axis in enumerate("xyz"):
        np.testing.assert_allclose(imu.gyro_radps[:, i], np.radians(samples[f"gyroscope_{axis}"]), atol=1e-6)
        np.testing.assert_allclose(imu.accel_mps2[:, i], 9.80665 * samples[f"accelerometer_{axis}"], atol=1e-5)
    assert len(triggers) == 0


@pytest.mark.parametrize("name", ["event_packet_evt3_ros1.bag", "event_packet_evt3_ros2"])
def test_bags_give_the_messages_that_an_independent_library_finds(name):
    path = RECORDINGS / "formats" / name
    with AnyReader([path], default_typestore=make.typestore(ros2=name.endswith("ros2"))) as reader:
        payloads = [bytes(reader.deserialize(data, connection.msgtype).events) for connection, _, data in reader.messages()]
    decoder = EventPacketDecoder("evt3", 1280, 720)
    pieces = [decoder.decode(payload) for payload in payloads]
    with open_recording(path) as recording:
        ours = recording.events()
        assert len(recording.triggers()) == sum(len(piece.triggers) for piece in pieces) > 0
    for column in "txyp":
        np.testing.assert_array_equal(getattr(ours, column), np.concatenate([getattr(piece, column) for piece in pieces]))
