"""``evcam report``: a page about a calibration, as a user asks for it."""

import json
from pathlib import Path

import pytest

import evcam
from evcam.core.events import Events
from evcam.io import save_h5
from evcam.report import calibration_page

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def calibration(run, detections, tmp_path):
    assert run("calibrate", detections, "--out", tmp_path / "cal.json").code == 0
    return tmp_path / "cal.json"


def test_a_page_is_written_and_the_verdict_repeated(process, calibration, tmp_path):
    outcome = process("report", calibration, "--out", tmp_path / "page.html")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"verdict: good\nwritten to {tmp_path / 'page.html'}\n"
    assert "<title>Calibration cal.json: good</title>" in (tmp_path / "page.html").read_text()


def test_the_same_file_gives_the_same_bytes(run, calibration, tmp_path):
    for name in ("a.html", "b.html"):
        assert run("report", calibration, "--out", tmp_path / name).code == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_calibrate_and_report_judge_alike(run, write_detections, tmp_path):
    poor = write_detections("poor.csv", views=6, noise_px=2.0)
    said = run("calibrate", poor, "--out", tmp_path / "cal.json", "--json")
    repeated = run("report", tmp_path / "cal.json", "--out", tmp_path / "page.html", "--json")
    assert (said.code, repeated.code) == (3, 3)
    for key in ("verdict", "reasons"):
        assert json.loads(repeated.out)[key] == json.loads(said.out)[key]
    for reason in json.loads(said.out)["reasons"]:
        assert reason[3:30] in (tmp_path / "page.html").read_text()


@pytest.fixture(scope="module")
def stretch(tmp_path_factory) -> Path:
    """The board for 1.2 s, without the events of 0.2 s in the middle."""
    path = tmp_path_factory.mktemp("stretch") / "rec.h5"
    with evcam.open(DATA / "circle_grid.h5") as recording:
        events = recording.events(0.0, 1.2)
    save_h5(path, events[(events.t < 300_000) | (events.t >= 500_000)])
    return path


def test_recordings_show_events_and_rejected_windows(run, stretch, tmp_path):
    run("calibrate", stretch, "--target", DATA / "circle_grid.yaml", "--out", tmp_path / "cal.json")
    rejected = len(evcam.Calibration.load(tmp_path / "cal.json").detections.rejections)
    assert rejected > 0
    run("report", tmp_path / "cal.json", "--out", tmp_path / "without.html")
    run("report", tmp_path / "cal.json", "--recording", stretch, "--out", tmp_path / "with.html")
    without, shown = ((tmp_path / f"{name}.html").read_text() for name in ("without", "with"))
    assert "Give the recordings" in without
    assert "Give the recordings" not in shown
    assert "over the events, ON red and OFF blue" in shown
    assert without.count("<figure>") < shown.count("<figure>") <= without.count("<figure>") + 2 * rejected
    assert "rec.h5 at 0." in shown


def test_the_search_for_rejected_windows_tells_how_far_it_is(run, stretch, tmp_path):
    run("calibrate", stretch, "--target", DATA / "circle_grid.yaml", "--out", tmp_path / "cal.json")
    calibration, shares = evcam.Calibration.load(tmp_path / "cal.json"), []
    with evcam.open(stretch) as recording:
        calibration_page(calibration, {"rec.h5": recording}, progress=shares.append)
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert (shares[0] > 0, shares[-1]) == (True, 1.0)


def test_a_flickering_board_shows_its_contrast(run, tmp_path):
    paths = [DATA / f"flicker_{k:02d}.h5" for k in range(1, 7)]
    fixed = ("--fix", "k3", "--fix", "p1,p2")
    run("calibrate", *paths, "--target", DATA / "checkerboard.yaml", *fixed, "--out", tmp_path / "cal.json")
    given = [word for path in paths for word in ("--recording", path)]
    outcome = run("report", tmp_path / "cal.json", *given, "--out", tmp_path / "page.html")
    assert "only 6 views" in outcome.out
    assert (outcome.code, outcome.error_lines) == (3, ["evcam: searching the recordings again for windows to show ..."])
    assert "a flickering pattern" in (tmp_path / "page.html").read_text()


def test_a_recording_that_is_silent_where_views_were_is_another_one(run, calibration, tmp_path):
    save_h5(tmp_path / "made.h5", Events.from_arrays([5], [3], [4], [True], width=320, height=240))
    outcome = run("report", calibration, "--recording", tmp_path / "made.h5", "--out", tmp_path / "page.html", "--quiet")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert "is it the recording that was calibrated from?" in outcome.err
    assert not (tmp_path / "page.html").exists()


def test_what_is_not_finite_is_damaged(run, calibration, tmp_path):
    data = json.loads(calibration.read_text())
    data["covariance"][0][0] = float("nan")
    calibration.write_text(json.dumps(data))
    for argv in (("report", calibration, "--out", tmp_path / "page.html"), ("compare", calibration, "--split")):
        outcome = run(*argv)
        assert (outcome.code, len(outcome.error_lines)) == (1, 1)
        assert "covariance holds a value that is not finite" in outcome.err


@pytest.mark.parametrize(("argv", "words"), [
    (["none.json", "--out", "page.html"], "no such calibration file"),
    (["cal.json", "--out", "page.pdf"], "must end in .html"),
    (["cal.json", "--recording", "other.h5", "--out", "page.html"], "is none of the calibration's recordings, which are made.h5"),
])
def test_bad_input_gets_one_line(run, calibration, tmp_path, monkeypatch, argv, words):
    monkeypatch.chdir(tmp_path)
    outcome = run("report", *argv)
    assert (outcome.code, len(outcome.error_lines), outcome.out) == (1, 1, "")
    assert words in outcome.err
    assert not (tmp_path / argv[-1]).exists()
