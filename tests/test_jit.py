"""Where compiled kernels are kept, and when compiling is announced."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import pytest

from evcam import _jit


@pytest.fixture
def places(monkeypatch, tmp_path):
    """No cache folder named, nothing known to be writable; temporary files go to ``tmp_path``."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user" / "cache"))
    writable = set()
    monkeypatch.setattr(os, "access", lambda folder, mode: str(folder) in writable)
    return writable


def test_kernels_go_to_a_folder_of_ones_own_when_neither_usual_place_can_be_written(places, tmp_path):
    _jit._ensure_cache_folder()
    folder = Path(numba.config.CACHE_DIR)
    assert folder.parent == tmp_path
    assert str(os.getuid()) in folder.name
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("place", [str(Path(_jit.__file__).parent), "user"])
def test_usual_places_are_used_when_they_can_be_written(places, tmp_path, place):
    places.add(place if os.path.isabs(place) else str(tmp_path))  # the first folder that exists above the user's cache
    _jit._ensure_cache_folder()
    assert numba.config.CACHE_DIR == ""


def test_named_cache_folder_is_respected(places, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/some/where")
    _jit._ensure_cache_folder()
    assert numba.config.CACHE_DIR == "/some/where"


def load(path):
    spec = importlib.util.spec_from_file_location("kernels_of_a_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels are not compiled")
def test_compiling_is_announced_once_and_loading_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "kernels.py"
    path.write_text("from evcam._jit import kernel\n@kernel\ndef _twice(x):\n    return 2 * x\n")
    said = []
    _jit.on_first_compilation(lambda: said.append("compiling"))
    module = load(path)
    assert (module._twice(2), module._twice(2.5)) == (4, 5.0)
    assert said == ["compiling"]
    said_later = []
    _jit.on_first_compilation(lambda: said_later.append("compiling"))
    assert load(path)._twice(3) == 6
    assert said_later == []


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels are not compiled")
def test_a_kernel_notices_changes_of_the_modules_that_it_calls(tmp_path):
    """As processes one after the other meet it: each loads what the last one has cached, unless the file below has changed."""
    (tmp_path / "below.py").write_text("from evcam._jit import kernel\n@kernel\ndef _step(x):\n    return x + 1\n")
    (tmp_path / "above.py").write_text("import below\nfrom below import _step\nfrom evcam import _jit\n"
                                       "@_jit.kernel_with(below)\ndef _twice(x):\n    return 2 * _step(x)\n")
    program = "from evcam import _jit; _jit.on_first_compilation(lambda: print('compiles')); import above; print(above._twice(1))"

    def run():
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert (run(), run()) == (["compiles", "4"], ["4"])
    (tmp_path / "below.py").write_text("from evcam._jit import kernel\n@kernel\ndef _step(x):\n    return x + 100\n")
    assert run() == ["compiles", "202"]


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels are not compiled")
def test_kernels_divide_like_numpy(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "kernels.py"
    path.write_text("from evcam._jit import kernel\n@kernel\ndef _ratio(a, b):\n    return a / b\n")
    assert load(path)._ratio(1.0, 0.0) == float("inf")
