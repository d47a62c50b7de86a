"""The coach driven through a recording to "enough", in a real browser; its sources, its server and its words."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from evcam.apps.coach.pipeline import Coaching
from evcam.apps.coach.server import PageServer
from evcam.apps.coach.sources import EventSource, from_dv_camera, paced, replay
from evcam.calib.coaching import Coach, Wanted
from evcam.core.detections import Detections
from evcam.core.events import Events
from evcam.core.target import load_target
from evcam.errors import InputError

DATA = Path(__file__).parents[3] / "data"
SAMPLE, BOARD = DATA / "circle_grid.h5", DATA / "circle_grid.yaml"


def command(*argv):
    return [sys.executable, "-m", "evcam.apps", "coach", *map(str, argv)]


def start(*argv):
    program = subprocess.Popen(command(*argv, "--no-browser"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = iter(program.stderr.readline, "")
    return program, next(found.group() for found in (re.search(r"http://\S+", line) for line in lines) if found)


def test_in_the_browser_to_enough(browser, tmp_path):
    program, url = start(SAMPLE, "--target", BOARD, "--speed", "0.5", "--out", tmp_path / "d.csv")
    browser.open(url)
    browser.resize(1280, 900)
    browser.wait_for("document.getElementById('clock').textContent.endsWith(' s')", 60)
    browser.wait_for("Number(document.getElementById('sofar').textContent.split(' ')[0]) > 0", 60)
    assert browser.evaluate("document.querySelectorAll('li').length") > 0
    browser.wait_for("document.getElementById('say').textContent === 'Enough'", 60)
    text = browser.evaluate("document.body.innerText")
    assert all(goal in text for goal in ("focal length", "principal point", "projection", "You can stop"))
    lit = "(() => { const c = document.getElementById('picture'); "
    lit += "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; "
    lit += "let on = 0, off = 0; for (let i = 0; i < d.length; i += 4) { if (d[i] > d[i + 2] + 80) on++; "
    lit += "if (d[i + 2] > d[i] + 80) off++; } return [on, off]; })()"
    on, off = browser.evaluate(lit)
    assert on > 500
    assert off > 500
    for width in (390, 1280):
        browser.resize(width, 844)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    out, _ = program.communicate(timeout=60)
    assert (program.returncode, out.splitlines()[0]) == (0, "enough")
    assert len(Detections.load_csv(tmp_path / "d.csv")) == 200
    browser.wait_for("document.getElementById('say').textContent === 'Enough'", 5)
    assert browser.complaints == []


def test_to_enough_and_no_further(process):
    done = process("coach", SAMPLE, "--target", BOARD, "--speed", "3", "--until-enough", "--no-browser", "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert told["enough"]
    assert all(goal["std"] <= goal["wanted"] for goal in told["goals"].values())


def test_an_interrupt_ends_with_what_there_is(tmp_path):
    program, _ = start(SAMPLE, "--target", BOARD, "--speed", "0.01", "--out", tmp_path / "d.csv")
    time.sleep(1.0)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 3
    assert out.startswith("not enough: ")
    assert "Traceback" not in err
    assert (tmp_path / "d.csv").exists()


def test_not_enough_is_exit_code_3_and_says_what_to_do(process):
    done = process("coach", SAMPLE, "--target", BOARD, "--speed", "50", "--want-focal", "0.001", "--no-browser")
    assert done.code == 3
    assert done.out.startswith("not enough\n")
    assert "wanted 0.001" in done.out
    assert "next: " in done.out


@pytest.mark.parametrize(("argv", "part"), [
    ([SAMPLE, "--target", DATA / "checkerboard.yaml"], "only circle grids"),
    ([SAMPLE, "--target", BOARD, "--out", "d.txt"], "must end in .csv"),
    (["none.h5", "--target", BOARD], "no such file"),
])
def test_what_cannot_be_coached_is_one_line(run, argv, part):
    done = run("coach", "--no-browser", *argv)
    assert done.code == 1
    assert part in done.error_lines[-1]


def test_live_capture_without_its_library_says_how_to_install_it(process, tmp_path):
    (tmp_path / "dv_processing.py").write_text("raise ImportError('gone')")
    done = process("coach", "live", "--target", BOARD, "--no-browser", env={"PYTHONPATH": str(tmp_path), "PATH": ""})
    assert done.code == 1
    assert len(done.error_lines) == 1
    assert "-m pip install dv-processing" in done.err


class FakeCamera:
    """As dv-processing shows a camera: no batch, an empty one, two with events, then unplugged."""

    def __init__(self):
        kind = np.dtype([("timestamp", "<i8"), ("x", "<i2"), ("y", "<i2"), ("polarity", "i1")])
        rows = np.array([(10, 1, 2, 1), (20, 3, 2, 0)], kind)
        batches = [None, rows[:0], rows[:1], rows[1:]]
        self.batches = [None if batch is None else FakeBatch(batch) for batch in batches]

    def isRunning(self):
        return bool(self.batches)

    def getNextEventBatch(self):
        return self.batches.pop(0)

    def getCameraName(self):
        return "fake"


class FakeBatch:
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def numpy(self):
        return self.rows


def test_batches_of_a_camera_become_events():
    pieces = list(from_dv_camera(FakeCamera(), 8, 6))
    assert [piece.t.tolist() for piece in pieces] == [[10], [20]]
    assert [piece.p.tolist() for piece in pieces] == [[True], [False]]


def test_any_iterator_of_events_will_do():
    """Pieces of odd lengths, as a driver gives them, lead to what the recording in even pieces leads to."""
    results = []
    with replay(str(SAMPLE)) as source:
        whole = Events.joined(list(source.events))
    for cuts in (np.arange(0, len(whole), 3001), np.arange(0, len(whole), 111_111)):
        messages = []
        coach = Coach(load_target(BOARD), whole.width, whole.height, wanted=Wanted())
        pieces = (whole[i:j] for i, j in zip(cuts, [*cuts[1:], len(whole)], strict=True))
        progress = Coaching(coach, lambda *message, kept=messages: kept.append(message)).follow(pieces)
        results.append((progress.views, progress.goals))
        assert {name for name, _ in messages} == {"picture", "board", "progress"}
        assert messages[-1][1]["over"]
    assert results[0] == results[1]
    assert results[0][0] == 200


def test_events_that_run_backwards_are_refused():
    early = Events.from_arrays([10, 300_000], [1, 1], [1, 1], [1, 0], width=8, height=8)
    late = Events.from_arrays([20], [1], [1], [1], width=8, height=8)
    with pytest.raises(InputError, match="backwards"):
        Coaching(Coach(load_target(BOARD), 8, 8), lambda *_: None).follow([early, late, early])


def test_a_failure_of_the_detector_reaches_the_caller(monkeypatch):
    def fail(*_):
        raise InputError("broken on the way")

    coach = Coach(load_target(BOARD), 240, 180)
    monkeypatch.setattr(coach, "add", fail)
    with replay(str(SAMPLE)) as source, pytest.raises(InputError, match="broken on the way"):
        Coaching(coach, lambda *_: None).follow(source.events)


def test_pacing_waits_for_the_recordings_own_time():
    pieces = [Events.from_arrays([t], [0], [0], [0], width=1, height=1) for t in (5_000_000, 5_200_000, 5_400_000)]
    begun = time.monotonic()
    assert len(list(paced(pieces, 2.0))) == 3
    assert 0.2 <= time.monotonic() - begun


def test_an_empty_recording_is_refused(tmp_path):
    from evcam.io import save_h5

    save_h5(tmp_path / "e.h5", Events.empty(8, 6))
    with pytest.raises(InputError, match="no events"):
        replay(str(tmp_path / "e.h5"))
    assert EventSource("x", 1, 1, iter(())).close() is None


def test_the_server_speaks_on_loopback_to_its_own_page_only():
    with PageServer(0) as server:
        assert server.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(server.url, timeout=10) as answer:
            page = answer.read().decode()
        assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", page)
        for path, headers, code in (("elsewhere", {}, 404), ("", {"Host": "evil.example"}, 403)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(server.url + path, headers=headers), timeout=10)
            assert refused.value.code == code
            refused.value.close()


def test_a_page_that_opens_late_hears_the_latest_of_each_kind():
    with PageServer(0) as server:
        server.publish("progress", {"views": 1})
        server.publish("progress", {"views": float("nan")})
        with urllib.request.urlopen(server.url + "messages", timeout=10) as stream:
            assert [stream.readline() for _ in range(2)] == [b"event: progress\n", b'data: {"views": null}\n']
            server.publish("board", {})
            assert [stream.readline() for _ in range(2)] == [b"\n", b"event: board\n"]


def test_a_port_that_is_taken_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="take another one"):
            PageServer(taken.getsockname()[1])
