"""The real window on a virtual display, and what is said where there can be none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from evcam.apps.view.composer import compose
from evcam.apps.view.open3d import install_command
from evcam.apps.view.picking import pick
from evcam.viz import theme


def near(picture, colour, tolerance=6):
    return np.abs(picture.astype(int) - colour).max(-1) <= tolerance


@pytest.fixture
def window(display, sample, calibration, tmp_path) -> Iterator[subprocess.Popen]:
    """The program with a small window, in a folder of its own."""
    if find_spec("open3d") is None:
        if os.environ.get("EVCAM_ALL_TESTS"):
            pytest.fail("open3d is not installed")
        pytest.skip("open3d is not installed (pip install -e '.[view]')")
    command = [sys.executable, "-m", "evcam.apps", "view", sample, "--calibration", calibration, "--at", "1", "--size", "640x480"]
    program = subprocess.Popen(list(map(str, command)), env=display.environment, cwd=tmp_path, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    yield program
    program.kill()
    program.wait(20)
    program.stdout.close()
    program.stderr.close()


def test_the_window_shows_plays_toggles_helps_saves_and_ends(window, display, tmp_path):
    first = display.at_rest(lambda shot: near(shot, theme.ON).sum() > 100)
    rows, columns = np.nonzero(near(first, theme.PANEL, 0))
    left, top = columns.min(), rows.max() - 479
    shown = first[top : top + 480, left : left + 640]
    assert near(shown, theme.OFF, 30).sum() > 100
    assert near(shown, theme.GOOD, 0).sum() > 300  # layers that are on
    assert (shown[10:140, 450:].min(-1) > 200).sum() > 100  # ids
    display.press("question")
    display.wait_for(lambda shot: near(shot[top : top + 480, left : left + 640], theme.PANEL, 0).mean() > 0.35)
    display.press("Escape")
    heading = slice(top, top + 60), slice(left, left + 400)
    display.wait_for(lambda shot: np.array_equal(shot[heading], first[heading]))
    display.press("1")
    display.wait_for(lambda shot: near(shot, theme.GOOD, 0).sum() < near(first, theme.GOOD, 0).sum())
    display.press("1")
    display.press("s")
    display.wait_for(lambda _: list(tmp_path.glob("circle_grid_001.0000s.png")))
    display.press("space")
    bar = slice(top + 422, top + 480)
    display.wait_for(lambda shot: (shot[bar] != first[bar]).any(-1).sum() > 50)
    display.press("q")
    out, err = window.communicate(timeout=30)
    assert window.returncode == 0
    assert out == f"{window.args[4]}: closed\n"
    assert "Traceback" not in err


def test_the_mouse_seeks_plays_and_turns(window, display):
    first = display.at_rest(lambda shot: near(shot, theme.ON).sum() > 100)
    rows, columns = np.nonzero(near(first, theme.PANEL, 0))
    left, top = int(columns.min()), int(rows.max()) - 479
    display.click(left + 560, top + 440)
    display.wait_for(lambda shot: near(shot[top + 425 : top + 455, left + 550 : left + 570], theme.ON, 40).any())
    before = display.shot()
    display.drag(left + 200, top + 200, 60, 30)
    view = slice(top + 80, top + 400), slice(left, left + 420)
    display.wait_for(lambda shot: (shot[view] != before[view]).any(-1).mean() > 0.02)
    display.click(left + 25, top + 445)
    display.wait_for(lambda shot: (shot[top : top + 60, left : left + 300] != first[top : top + 60, left : left + 300]).any())


def test_without_a_display_one_line_says_what_else_there_is(process, sample):
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = process("view", sample, env=env)
    assert done.code == 1
    assert len(done.error_lines) == 1
    assert "--screenshot" in done.err


@pytest.mark.parametrize(("failure", "said"), [
    ("raise ModuleNotFoundError(\"No module named 'open3d'\", name='open3d')", "Open3D is not installed"),
    ("raise OSError('libGL.so.1: cannot open shared object file: No such file or directory')", "libGL.so.1"),
])
def test_without_open3d_one_line_says_how_to_install_it(process, sample, tmp_path, failure, said):
    (tmp_path / "open3d.py").write_text(failure)
    done = process("view", sample, env={**os.environ, "DISPLAY": ":99", "PYTHONPATH": str(tmp_path)})
    assert done.code == 1
    assert len(done.error_lines) == 1
    assert said in done.err
    assert install_command() in done.err
    assert process("view", sample, "--at", "1", "--size", "320x240", "--screenshot", tmp_path / "s.png",
                   env={**os.environ, "PYTHONPATH": str(tmp_path)}).code == 0


@pytest.mark.parametrize(("platform", "parts"), [
    ("linux", ("apt install", "libegl1", "libgl1", "libgomp1", "libusb-1.0-0", " && ")), ("darwin", ("brew install", " && ")),
    ("win32", ("winget", " ; ")),
])
def test_the_command_is_that_of_the_system(platform, parts):
    command = install_command(platform)
    assert command.endswith(f"{sys.executable} -m pip install open3d")
    assert all(part in command for part in parts)


def test_events_and_circles_tell_their_numbers(opened):
    session, state = opened()
    frame = compose(session, state, 800, 600)
    area = next(area for area in frame.areas if area.name == "main")
    one = max((o for o in session.evidence.outlines if state.now_us - 50_000 <= o.t_us <= state.now_us), key=lambda o: o.t_us)
    at = frame.scenes.space.place(one.rings[5, :1], one.t_us)
    (px,), _ = state.eye.project(at, area.width, area.height)
    picked = pick(session, state, frame, area, *px)
    assert picked.lines[0].startswith("point ")
    assert "±" in picked.lines[1]
    marked = compose(session, replace(state, picked=picked), 800, 600)
    changed = (marked.canvas.rgb != frame.canvas.rgb).any(-1)
    assert changed[round(px[1]) - 3 : round(px[1]) + 4, round(px[0]) - 3 : round(px[0]) + 4].any()
    events, k = frame.scenes.events, len(frame.scenes.events) // 2
    hidden = state.toggled("tubes")
    (px,), _ = state.eye.project(frame.scenes.space.place([[events.x[k], events.y[k]]], events.t[k]), area.width, area.height)
    picked = pick(session, hidden, frame, area, *px)
    assert picked.lines[0].startswith("event, O")
    assert abs(picked.t_us - state.now_us) <= state.window_us
    assert pick(session, hidden.toggled("events"), frame, area, *px) is None
    assert pick(session, state, frame, area, area.left + 1, area.top + area.height - 1) is None


def test_a_click_into_the_flat_picture_names_the_circle(opened):
    session, state = opened()
    frame = compose(session, state, 800, 600)
    area = next(area for area in frame.areas if area.name == "picture")
    one = [o for o in session.evidence.outlines if o.t_us <= state.now_us][-1]
    zoom = min(area.width / 240, area.height / 180)
    x, y = (one.view.xy[3] + 0.5 - [120, 90]) * zoom + [area.left + area.width / 2, area.top + area.height / 2]
    assert pick(session, state, frame, area, x, y).lines[0] == f"point {one.view.ids[3]} of view {one.view.index}"


def test_swapped_views_show_the_board_large(opened):
    session, state = opened()
    usual, other = compose(session, state, 640, 480), replace(state, swapped=True)
    swapped = compose(session, other, 640, 480)
    assert (usual.canvas.rgb != swapped.canvas.rgb).any()
    assert pick(session, other, swapped, swapped.areas[0], 200, 200) is None
