"""Every notebook runs from top to bottom in its own folder, and is kept without what it printed."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def code_cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_there_is_one():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path, monkeypatch):
    monkeypatch.chdir(FOLDER)
    names: dict[str, object] = {}
    for number, cell in enumerate(code_cells(path)):
        exec(compile("".join(cell["source"]), f"{path.name}, code cell {number}", "exec"), names)
    assert_is_as_described(path.stem, names)


def assert_is_as_described(stem: str, names: dict) -> None:
    """What the words around the code promise."""
    if stem == "velocity":
        assert len(names["answers"]) >= 0.6 * len(names["estimates"])
        assert abs(names["in_plane"]).max() < 0.3
        assert len(names["streamed"]) == len(names["estimates"])
        assert names["figure"].axes[2].lines
