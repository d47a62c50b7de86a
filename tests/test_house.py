"""The house itself: names, rooms, what is installed, what the README promises."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import evcam

TOP = Path(__file__).parents[1]


def _python(code: str, cwd: Path = TOP) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)


def test_version_is_that_of_the_project():
    assert evcam.__version__ == tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("name", dir(evcam))
def test_every_public_name_is_there_and_documented(name):
    value = getattr(evcam, name)
    assert name == "__version__" or value.__doc__


def test_unknown_name_says_so():
    with pytest.raises(AttributeError, match="no attribute 'velocity'"):
        evcam.velocity  # noqa: B018


def test_importing_evcam_loads_nothing_heavy():
    done = _python("import evcam, sys; print({'numpy', 'numba', 'scipy', 'cv2'} & set(sys.modules) or 'light')")
    assert (done.stdout, done.stderr) == ("light\n", "")


def test_star_import_keeps_the_builtin_open():
    assert _python("from evcam import *; print(open)").stdout == "<built-in function open>\n"


@pytest.mark.parametrize("imports", ["import evcam", "import evcam.detect", "import evcam, evcam.detect.flicker"])
def test_detect_is_a_function_whatever_was_imported_before(imports):
    done = _python(f"{imports}; print(callable(evcam.detect))")
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize("room", ["solvers", "apps"])
def test_rooms_at_the_top_refuse_any_other_name(room):
    assert os.readlink(TOP / "evcam" / room) == f"../{room}"
    done = _python(f"import {room}")
    assert done.stderr.endswith(f"ImportError: import evcam.{room}, not {room}\n")


def test_samples_are_small():
    assert sum(path.stat().st_size for path in (TOP / "data").rglob("*")) < 10e6


PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "data" / "README.md", *(TOP / "docs").glob("*.md")]
SOURCES = [path for room in ("evcam", "solvers", "apps", "tests", "docs") for path in sorted((TOP / room).rglob("*.py"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert page.parent.joinpath(link).exists(), link


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_files_stay_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450
