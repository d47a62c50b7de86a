"""What one pass says of sound recordings, and of the same made wrong."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import median_filter

import evcam
from evcam.check import Severity, examine
from evcam.check.examiner import Piece
from evcam.check.pixels import Pixels, _stands_out
from evcam.check.rate import Gaps
from evcam.core.imu import ImuSamples
from evcam.io import save_h5

SAMPLES = sorted((Path(__file__).parents[2] / "data").glob("*.h5"))
GRID, LINES = (Path(__file__).parents[2] / "data" / name for name in ("circle_grid.h5", "lines.h5"))
WIDTH, HEIGHT = 240, 180


@pytest.fixture(scope="module")
def grid():
    """Columns t, x, y, p of a second before a circle grid."""
    with evcam.open(GRID) as recording:
        events = recording.events(0.5, 1.5)
    return events.t.copy(), events.x.copy(), events.y.copy(), events.p.astype(np.int8)


@pytest.fixture
def look(tmp_path):
    """Write columns as they are and examine them; findings by topic."""

    def examined(t, x, y, p, size=(WIDTH, HEIGHT), imu=None):
        with h5py.File(tmp_path / "made.h5", "w") as file:
            group = file.create_group("events")
            group.attrs.update({"width": size[0], "height": size[1]})
            for name, column in zip("txyp", (t, x, y, p), strict=True):
                group[name] = column
        with evcam.open(tmp_path / "made.h5") as recording:
            examination = examine(recording, imu)
        return examination, {finding.topic: finding for finding in examination.findings}

    return examined


def bad(found, least=Severity.WARNING):
    return {topic for topic, finding in found.items() if finding.severity.rank >= least.rank}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_sound(path):
    with evcam.open(path) as recording:
        examination = examine(recording, recording.imu())
        summary = recording.summary()
    assert examination.readable
    assert bad({finding.topic: finding for finding in examination.findings}) == set()
    figures = examination.figures
    assert figures["columns"]["events"] == summary.events == figures["rate"]["rate_evps"] * summary.duration_s
    assert figures["columns"]["on_share"] == summary.on_share


def test_sound_events_are_sound(look, grid):
    examination, found = look(*grid)
    assert examination.readable
    assert bad(found) == set()
    assert {"rate", "gaps", "order", "grouping", "time unit", "extent", "flicker", "coordinates", "polarity"} <= found.keys()


def test_stretch_is_examined_alone():
    with evcam.open(GRID) as recording:
        stretch = recording.between(0.5, 0.7)
        assert examine(stretch).figures["columns"]["events"] == len(stretch.events())


def test_all_sorts_of_events_at_once_are_counted(look, grid):
    t, x, y, p = (column.copy() for column in grid)
    x[500:520] = 250
    t[1000] -= 4000
    p[7] = 5
    examination, found = look(t, x, y, p)
    assert not examination.readable
    assert bad(found, Severity.ERROR) == {"coordinates", "order", "polarity"}
    assert examination.figures["columns"]["outside"] == 20
    assert examination.figures["stamps"]["backwards"] == 1
    assert f"the first at {t[500]} us" in found["coordinates"].what
    assert "polarities of 5" in found["polarity"].what
    assert "Times fall 1 times" in found["order"].what


def test_size_too_small_and_sides_exchanged(look, grid):
    t, x, y, p = grid
    assert "at least 240x180 px" in look(t, x, y, p, (200, 150))[1]["coordinates"].what_to_do
    assert "exchanged: they fit 240x180" in look(t, x, y, p, (180, 240))[1]["coordinates"].what_to_do


def test_size_too_large(look, grid):
    found = look(*grid, size=(346, 260))[1]
    assert bad(found) == {"extent"}
    assert "240x180" in found["extent"].what_to_do
    t, x, y, p = grid
    part = (x < 100) & (y < 90)
    assert look(t[part], x[part], y[part], p[part])[1]["extent"].severity is Severity.NOTE


@pytest.mark.parametrize(("factor", "name"), [(1000.0, "nanoseconds"), (1e-3, "milliseconds"), (1e-6, "seconds")])
def test_other_units_of_time(look, grid, factor, name):
    t, x, y, p = grid
    found = look((t * factor).astype(np.int64), x, y, p)[1]
    if name == "seconds":  # one second is one time
        assert "cut to whole seconds" in found["rate"].what_to_do or name in found["time unit"].what
    else:
        assert f" {name} would be plausible" in found["time unit"].what
    assert {"time unit", "rate"} & bad(found)


def test_noise_has_no_unit(look):
    """Slow noise of a dark sensor: nothing is wrong with it, however long it is."""
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, 3_600_000_000, 200_000))
    found = look(t, rng.integers(0, WIDTH, len(t)), rng.integers(0, HEIGHT, len(t)), rng.integers(0, 2, len(t)))[1]
    assert bad(found) == set()


@pytest.mark.parametrize(("grain_us", "severity"), [(1000, Severity.NOTE), (10_000, Severity.WARNING)])
def test_coarse_times(look, grid, grain_us, severity):
    t, x, y, p = grid
    found = look(t // grain_us * grain_us + 37, x, y, p)[1]
    assert found["grouping"].severity is severity
    assert "whole steps of" in found["grouping"].what
    assert bad(found) <= {"grouping"}


def test_times_of_packets(look, grid):
    t, x, y, p = grid
    ends = np.cumsum(np.random.default_rng(2).integers(3000, 9000, 400)) + t[0]
    found = look(ends[np.searchsorted(ends, t)], x, y, p)[1]
    assert found["grouping"].severity is Severity.WARNING
    assert "times of packets" in found["grouping"].what_to_do
    assert bad(found) == {"grouping"}


def test_lost_stretch(look, grid):
    t, x, y, p = grid
    kept = (t < t[0] + 300_000) | (t > t[0] + 380_000)
    examination, found = look(t[kept], x[kept], y[kept], p[kept])
    assert bad(found) == {"gaps"}
    (gap,) = examination.figures["gaps"]["longest"]
    assert gap["start_us"] == pytest.approx(t[0] + 300_000, abs=200)
    assert gap["length_us"] == pytest.approx(80_000, abs=400)


def test_clock_that_jumps(look, grid):
    t, x, y, p = (column.copy() for column in grid)
    t[len(t) // 2:] += 4_000_000_000
    examination, found = look(t, x, y, p)
    assert "gaps" in bad(found)
    assert examination.figures["gaps"]["count"] == 1


@pytest.mark.parametrize("value", [0, 1])
def test_one_polarity(look, grid, value):
    t, x, y, p = grid
    assert bad(look(t, x, y, np.full_like(p, value))[1]) == {"polarity"}


@pytest.mark.parametrize(("share", "severity"), [(0.01, Severity.WARNING), (0.06, Severity.NOTE), (0.3, Severity.OK)])
def test_uneven_polarity(look, grid, share, severity):
    t, x, y, p = grid
    p = (np.random.default_rng(3).random(len(p)) < share).astype(np.int8)
    assert look(t, x, y, p)[1]["polarity"].severity is severity


def test_off_written_in_two_ways(look, grid):
    t, x, y, p = (column.copy() for column in grid)
    assert look(t, x, y, np.where(p == 1, 1, -1).astype(np.int8))[1]["polarity"].severity is Severity.OK
    p[::7] = -1
    assert "both as 0 and as -1" in look(t, x, y, p)[1]["polarity"].what


def with_more(columns, t, x, y, p):
    joined = [np.concatenate([column, more]) for column, more in zip(columns, (t, x, y, p), strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return [column[order] for column in joined]


@pytest.mark.parametrize(("rate", "severity"), [(2000, Severity.NOTE), (20_000, Severity.WARNING)])
def test_hot_pixels(look, grid, rate, severity):
    grid, rng = [column[::4] for column in grid], np.random.default_rng(4)
    t = rng.integers(grid[0][0], grid[0][-1], 3 * rate)
    which = rng.integers(0, 3, len(t))
    x, y = np.array([20, 21, 200])[which], np.array([30, 30, 7])[which]
    examination, found = look(*with_more(grid, t, x, y, np.ones(len(t), np.int8)))
    assert found["hot pixels"].severity is severity
    assert {(20, 30), (21, 30), (200, 7)} <= set(map(tuple, examination.figures["pixels"]["hot_xy"].tolist()))
    assert bad(found) <= {"hot pixels"}


def test_dead_rows_columns_and_an_area(look):
    rng = np.random.default_rng(5)
    t = np.sort(rng.integers(0, 2_000_000, 2_000_000))
    x, y, p = rng.integers(0, WIDTH, len(t)), rng.integers(0, HEIGHT, len(t)), rng.integers(0, 2, len(t))
    live = (y != 90) & ~np.isin(x, (40, 41)) & ~((abs(x - 150) < 3) & (abs(y - 30) < 3))
    examination, found = look(t[live], x[live], y[live], p[live])
    assert bad(found) == {"dead rows", "dead columns"}
    assert found["dead rows"].what.endswith(": 90.")
    assert found["dead columns"].what.endswith(": 40, 41.")
    assert 0.95 < examination.figures["pixels"]["dead_pixels"] / (2 * HEIGHT + WIDTH - 2 + 25) <= 1
    assert bad(look(t, x, y, p)[1], Severity.NOTE) == set()


def flickering(columns, hz, share, seed=6):
    """Events of a lamp over the whole image beside the others: ON while it brightens, then OFF."""
    rng = np.random.default_rng(seed)
    t0, t1 = columns[0][0], columns[0][-1]
    count = int(len(columns[0]) * share / (1 - share))
    cycle = rng.integers(0, int((t1 - t0) * 1e-6 * hz), count)
    on = rng.integers(0, 2, count)
    phase = 0.5 * (1 - on) + 0.25 + 0.08 * rng.standard_normal(count)
    t = (t0 + (cycle + phase) * 1e6 / hz).astype(np.int64)
    return with_more(columns, t, rng.integers(0, WIDTH, count), rng.integers(0, HEIGHT, count), on.astype(np.int8))


@pytest.mark.parametrize(("hz", "source"), [(100, "50 Hz mains"), (120, "60 Hz mains"), (75, "screen"), (240, "screen")])
def test_flicker(look, grid, hz, source):
    examination, found = look(*flickering(grid, hz, 0.3))
    assert found["flicker"].severity is Severity.NOTE
    assert source in found["flicker"].what_to_do
    assert examination.figures["flicker"]["hz"] == pytest.approx(hz, abs=0.5)
    assert examination.figures["flicker"]["blocks_in_step"] > 0.9
    assert bad(found) == set()


def imu(hz=500.0, duration_us=1_000_000, gyro=1.0, accel=9.81, start_us=0):
    t = start_us + (np.arange(int(duration_us * 1e-6 * hz)) * 1e6 / hz).astype(np.int64)
    rng = np.random.default_rng(8)
    up = np.array([0.1, 0.2, 1.0]) / np.sqrt(1.05)
    return ImuSamples(t, gyro * rng.normal(0, 0.4, (len(t), 3)), accel * (up + rng.normal(0, 0.01, (len(t), 3))))


def without(samples, keep):
    return ImuSamples(samples.t[keep], samples.gyro_radps[keep], samples.accel_mps2[keep])


@pytest.mark.parametrize(("samples", "topic", "severity", "says"), [
    (imu(), None, None, ""),
    (imu(gyro=180 / np.pi), "gyro unit", Severity.WARNING, "degrees per second"),
    (imu(gyro=400.0), "gyro unit", Severity.ERROR, "degrees per second"),
    (imu(accel=1.0), "accelerometer unit", Severity.ERROR, "look like g"),
    (imu(accel=1000.0), "accelerometer unit", Severity.ERROR, "multiply by"),
    (imu(accel=20.0), "accelerometer unit", Severity.WARNING, "unit"),
    (imu(accel=0.2), "accelerometer unit", Severity.NOTE, "Gravity"),
    (imu(hz=30.0), "IMU rate", Severity.NOTE, "Faster"),
    (without(imu(), np.r_[0:200, 240:500]), "IMU gaps", Severity.WARNING, "stretches"),
    (imu(duration_us=300_000), "IMU span", Severity.WARNING, "stretch"),
    (imu(start_us=10_000_000), "IMU span", Severity.ERROR, "offset"),
])
def test_inertial_samples(look, grid, samples, topic, severity, says):
    t = grid[0] - grid[0][0]
    found = look(t, *grid[1:], imu=samples)[1]
    if topic is None:
        assert {"IMU rate", "IMU gaps", "gyro unit", "accelerometer unit", "IMU span"} <= found.keys()
        assert bad(found) == set()
        return
    assert found[topic].severity is severity
    assert says in found[topic].what_to_do
    assert bad(found) <= {topic}


def test_an_axis_that_never_changes_and_one_that_is_no_number(look, grid):
    t, samples = grid[0] - grid[0][0], imu()
    samples.gyro_radps[:, 1] = 0.0
    assert "gyro's y never changes" in look(t, *grid[1:], imu=samples)[1]["IMU values"].what
    samples.gyro_radps[5, 2] = np.nan
    assert look(t, *grid[1:], imu=samples)[1]["IMU values"].severity is Severity.ERROR


def test_damage_ends_the_pass_and_is_said(tmp_path):
    lines = [f"{0.001 * i:.6f} {i % 30} {i % 20} {i % 2}\n" for i in range(2000)]
    lines[1500] = "0.15x 3 4 1\n"
    (tmp_path / "damaged.txt").write_text("32 24\n" + "".join(lines))
    with evcam.open(tmp_path / "damaged.txt") as recording:
        examination = examine(recording)
    assert not examination.readable
    first = examination.findings[0]
    assert (first.topic, first.severity) == ("reading", Severity.ERROR)


@pytest.mark.parametrize("damaged", [False, True])
def test_progress_goes_up_to_the_end_or_to_the_damage(tmp_path, damaged):
    lines = [f"{1e-6 * i:.6f} {i % 30} {i % 20} {i % 2}\n" for i in range(600_000)]
    lines[550_000] = "0.55x 3 4 1\n" if damaged else lines[550_000]
    (tmp_path / "made.txt").write_text("32 24\n" + "".join(lines))
    fractions = []
    with evcam.open(tmp_path / "made.txt") as recording:
        plain, watched = examine(recording), examine(recording, progress=fractions.append)
    assert fractions == sorted(fractions)
    assert (len(fractions) > 2, fractions[-1]) == (True, 1.0)
    assert plain.findings == watched.findings


def test_silences_are_counted_once_however_the_events_are_cut():
    rng = np.random.default_rng(3)
    t = np.cumsum(np.where(rng.random(30_000) < 2e-3, rng.integers(15_000, 60_000, 30_000), rng.integers(0, 30, 30_000)))
    told = []
    for size in (50, 399, 400, 1000, 30_000):
        gaps = Gaps()
        for part in np.array_split(t, range(size, len(t), size)):
            gaps.add(Piece(part, *(np.zeros(len(part), dtype) for dtype in (np.uint16, np.uint16, bool))))
        told.append(gaps.figures())
    assert told[0]["count"] > 5
    assert all(figures == told[0] for figures in told)


@pytest.mark.parametrize("seed", range(4))
def test_hot_and_busy_pixels_are_those_of_the_medians(seed):
    rng = np.random.default_rng(seed)
    pixels = Pixels(41, 33)
    counts = rng.poisson(rng.choice([0.3, 8, 30]), (33, 41)) * rng.choice([1, 1, 1, 12, 2**24], (33, 41))
    pixels._pixels[..., 0] = counts
    np.testing.assert_array_equal(_stands_out(counts), counts > 10 * (median_filter(counts, 5) + 1))
    np.testing.assert_array_equal(pixels._busy, median_filter(counts, 7) >= 10)


def test_times_at_the_ends_of_the_range(look):
    t = np.repeat([-2**62, -5, 2**62, -2**63, 2**63 - 1, 0], 500)
    rng = np.random.default_rng(9)
    examination, found = look(t, rng.integers(0, WIDTH, len(t)), rng.integers(0, HEIGHT, len(t)), rng.integers(0, 2, len(t)))
    assert not examination.readable
    assert "order" in bad(found)


def test_hardly_any_events(look, grid):
    """One in a thousand may be sound, but nobody can tell."""
    few = [column[:: len(grid[0]) // 50] for column in grid]
    assert look(*few)[1]["events"].severity == Severity.WARNING


def test_no_events(tmp_path):
    save_h5(tmp_path / "empty.h5", evcam.Events.empty(32, 24))
    with evcam.open(tmp_path / "empty.h5") as recording:
        examination = examine(recording)
    assert [finding.topic for finding in examination.findings if finding.severity is Severity.ERROR] == ["rate"]
