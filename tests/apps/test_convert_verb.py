import json

import numpy as np
import pytest

from evcam import filters
from evcam.core.events import Events
from evcam.io import open_recording, save_h5


@pytest.mark.parametrize("suffix", [".h5", ".raw", ".txt"])
def test_a_part_of_a_recording_in_another_format(run, recording, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    with open_recording(recording) as opened:
        whole = opened.between(0.01, 0.05).events()
    outcome = run("convert", recording, out, "--start", 0.01, "--duration", 0.04, "--crop", 4, 2, 20, 16, "--json")
    assert outcome.code == 0
    told = json.loads(outcome.out)
    inside = (whole.x >= 4) & (whole.x < 24) & (whole.y >= 2) & (whole.y < 18)
    with open_recording(out) as opened:
        events = opened.events()
    np.testing.assert_array_equal(events.t, whole.t[inside])
    np.testing.assert_array_equal(events.x, whole.x[inside] - 4)
    assert (told["events"], told["width"], told["height"], told["out"]) == (int(inside.sum()), 20, 16, str(out))
    assert 0 < told["events"] < len(whole)


def test_unsuitable_outputs_are_refused_before_the_work(run, recording, tmp_path):
    for out, word in ((tmp_path / "a.avi", "suffix .avi"), (recording, "exists already")):
        outcome = run("convert", recording, out)
        assert (outcome.code, len(outcome.error_lines)) == (1, 1)
        assert word in outcome.err
    assert run("convert", recording, recording, "--force").code == 1
    assert run("convert", recording, tmp_path / "a.raw", "--crop", 0, 0, 999, 9).code == 1
    assert run("convert", recording, tmp_path / "a.raw", "--start", -1).code == 2
    assert run("convert", recording, tmp_path / "a.raw", "--duration", 0).code == 2
    outcome = run("convert", recording, tmp_path / "a.raw", "--start", 99)
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "holds no events in the stretch" in outcome.err
    assert not any(path.name.startswith("a.") for path in tmp_path.iterdir())


def test_noise_is_left_out_on_request(run, recording, tmp_path):
    with open_recording(recording) as opened:
        events = opened.events()
    chain = filters.HotPixels(filters.find_hot_pixels(events)), filters.BackgroundActivity(3000), filters.Refractory(500)
    options = ("--no-hot-pixels", "--background-us", 3000, "--refractory-us", 500)
    outcome = run("convert", recording, tmp_path / "out.h5", *options, "--json")
    told = json.loads(outcome.out)
    kept = filters.apply(events, *chain)
    assert (told["events"], told["read"]) == (len(kept), len(events))
    assert 0 < len(kept) < len(events)
    with open_recording(tmp_path / "out.h5") as opened:
        np.testing.assert_array_equal(opened.events().t, kept.t)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_a_quota_met_within_hdf5_is_one_line(process, tmp_path, part):
    resource = pytest.importorskip("resource", reason="limits the size of files")
    rng = np.random.default_rng(0)
    n = 1_500_000
    t, x, y, p = np.cumsum(rng.integers(0, 9, n)), rng.integers(0, 320, n), rng.integers(0, 240, n), rng.random(n) < 0.5
    events = Events.from_arrays(t, x, y, p, width=320, height=240)
    save_h5(tmp_path / "rec.h5", events)
    limit = int(part * (tmp_path / "rec.h5").stat().st_size)
    outcome = process("convert", tmp_path / "rec.h5", tmp_path / "out.h5", "--quiet",
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert (outcome.code, outcome.error_lines) == (1, [f"evcam: error: {tmp_path / 'out.h5'}: File too large"])
    assert [path.name for path in tmp_path.iterdir()] == ["rec.h5"]
