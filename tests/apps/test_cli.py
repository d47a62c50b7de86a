"""The frame of the command line: help, usage, the error funnel, exit codes."""

import signal
import subprocess
import sys

import pytest

from evcam.apps import cli
from evcam.apps.arguments import build_parser
from evcam.core.camera import model_names
from evcam.core.camera.export import _WRITERS
from evcam.detect import MODES
from evcam.errors import FormatError

VERBS = ("info", "check", "convert", "target", "simulate", "detect", "calibrate", "velocity", "view", "coach", "report",
         "compare", "export")


def test_help_names_every_verb(process):
    outcome = process("--help")
    assert outcome.code == 0
    assert all(f"\n    {verb}" in outcome.out for verb in VERBS)


@pytest.mark.parametrize("argv", [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help_is_instant_because_nothing_heavy_is_loaded(argv):
    code = (
        f"import sys; from evcam.apps.cli import main; code = main({argv!r}); "
        "heavy = {'numpy', 'numba', 'scipy', 'cv2', 'h5py', 'rich', 'yaml', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("argv", [
    [], ["dance"], ["info"], ["info", "a", "b"], ["export", "c", "--format", "matlab", "--out", "x"],
    ["detect", "a", "--target", "b", "--out", "c", "--jobs", "0"], ["simulate", "s", "--out", "x", "--seed", "-1"],
])
def test_wrong_usage_is_2_and_shows_the_usage(run, argv):
    outcome = run(*argv)
    assert outcome.code == 2
    assert outcome.err.startswith("usage: evcam")
    assert outcome.out == ""


def _verb_that_raises(monkeypatch, error):
    def run(args):
        raise error

    monkeypatch.setattr("evcam.apps.info.run", run)


def test_known_errors_become_one_line(run, monkeypatch):
    _verb_that_raises(monkeypatch, FormatError("a.raw: damaged\nat byte 7"))
    outcome = run("info", "a.raw")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "evcam: error: a.raw: damaged at byte 7\n")


def test_errors_of_the_operating_system_become_one_line(run, monkeypatch):
    _verb_that_raises(monkeypatch, PermissionError(13, "Permission denied", "secret.h5"))
    outcome = run("info", "secret.h5")
    assert (outcome.code, outcome.err) == (1, "evcam: error: secret.h5: Permission denied\n")


def test_unknown_errors_keep_their_traceback(monkeypatch):
    _verb_that_raises(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        cli.main(["info", "a.raw"])


def test_interrupt_is_130(run, monkeypatch):
    _verb_that_raises(monkeypatch, KeyboardInterrupt())
    outcome = run("info", "a.raw")
    assert (outcome.code, outcome.err) == (130, "evcam: interrupted; no unfinished file is left\n")


@pytest.mark.parametrize("drop", [
    "type('Finalized', (), {'__del__': interrupt})()",
    "try: interrupt()\n    except BaseException: pass",
])
@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_is_dropped_comes_again(drop, request_to_end):
    """As finalizers drop it, and extension modules that take any error for "not found"; the verb would go on."""
    program = (
        "import importlib, signal, time, types\n"
        "from evcam.apps import cli\n"
        "def interrupt(*of):\n"
        f"    signal.raise_signal({request_to_end:d})\n"
        "def run(args):\n"
        f"    {drop}\n"
        "    time.sleep(30)\n"
        "importlib.import_module = lambda name: types.SimpleNamespace(run=run)\n"
        "cli.main()\n"
    )
    command = [sys.executable, "-c", program, "info", "a.raw"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=25, check=False)
    assert (done.returncode, done.stderr) == (130, "evcam: interrupted; no unfinished file is left\n")


def test_reader_that_goes_away_is_no_failure(recording):
    command = f"{sys.executable} -m evcam.apps info {recording} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def _choices(verb: str, option: str) -> tuple[str, ...]:
    verbs = next(action for action in build_parser()._actions if action.dest == "verb")
    return next(tuple(action.choices) for action in verbs.choices[verb]._actions if option in action.option_strings)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_the_common_options(verb):
    verbs = next(action for action in build_parser()._actions if action.dest == "verb")
    assert set(verbs.choices) == set(VERBS)
    assert {"--json", "--quiet", "--seed"} <= set(verbs.choices[verb]._option_string_actions)


def test_choices_name_what_there_is():
    """The parser imports nothing, so it repeats names; here they are held against what they name."""
    assert set(_choices("calibrate", "--model")) == set(model_names())
    assert set(_choices("export", "--format")) == set(_WRITERS)
    assert _choices("detect", "--mode") == MODES


@pytest.mark.parametrize("options", [
    ("velocity", "r.h5", "--camera", "c.json", "--out", "v.csv", "--window-ms", "abc"),
    ("view", "r.h5", "--size", "wide"), ("view", "r.h5", "--at", "soon"),
    ("simulate", "s.yaml", "--out", "r.h5", "--seed", "one"),
])
def test_usage_errors_speak_of_values_and_not_of_functions(run, options):
    outcome = run(*options)
    assert outcome.code == 2
    assert outcome.error_lines[-1].endswith(f"not {options[-1]}")
    assert ": must be " in outcome.error_lines[-1]
