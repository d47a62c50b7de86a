"""``evcam info``."""

import json

import h5py
import numpy as np
import pytest

from evcam.core.events import Events
from evcam.io import save_h5


def test_says_what_the_recording_holds(process, recording):
    outcome = process("info", recording)
    assert (outcome.code, outcome.err) == (0, "")
    assert "HDF5" in outcome.out
    assert "32 x 24 px" in outcome.out
    assert "4,000 (" in outcome.out


def test_json_is_one_object_with_the_figures(run, recording):
    outcome = run("info", recording, "--json")
    data = json.loads(outcome.out)
    assert (data["events"], data["width"], data["height"], data["imu_samples"]) == (4000, 32, 24, 0)
    assert data["start_us"] >= 1_000_000
    assert abs(data["duration_s"] - 0.3) < 0.002
    assert abs(data["on_share"] - 0.5) < 0.05


def test_out_holds_the_same_object(run, recording, tmp_path):
    outcome = run("info", recording, "--json", "--out", tmp_path / "info.json")
    assert json.loads((tmp_path / "info.json").read_text()) == json.loads(outcome.out)
    assert run("info", recording, "--out", tmp_path / "info.json").code == 1


def test_unknown_size_is_a_warning_and_quiet_hides_it(run, tmp_path):
    path = tmp_path / "bare.npz"
    np.savez(path, t=[1, 2, 3], x=[0, 5, 1], y=[2, 2, 2], p=[0, 1, 1])
    assert run("info", path).err.startswith("evcam: warning: ")
    assert run("info", path, "--quiet").err == ""
    assert run("info", path, "--width", 10, "--height", 8).err == ""


def test_an_empty_recording_has_no_nan_in_its_json(run, tmp_path):
    save_h5(tmp_path / "none.h5", Events.empty(8, 8))
    outcome = run("info", tmp_path / "none.h5", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out, parse_constant=lambda word: None)["events"] == 0


def test_never_overwrites_its_input(run, recording, tmp_path):
    before = recording.read_bytes()
    (tmp_path / "link.json").symlink_to(recording)
    outcome = run("info", recording, "--out", tmp_path / "link.json", "--force")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "is an input too" in outcome.err
    assert recording.read_bytes() == before
    assert h5py.is_hdf5(recording)


@pytest.mark.parametrize("verb", ["info", "check"])
def test_the_json_object_is_written_to_a_name_that_says_so(run, recording, tmp_path, verb):
    outcome = run(verb, recording, "--out", tmp_path / "out.csv")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.error_lines == [f"evcam: error: {tmp_path / 'out.csv'}: the name of this output must end in .json"]
    assert not (tmp_path / "out.csv").exists()
