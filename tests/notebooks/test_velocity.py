"""What the words around the code of ``velocity.ipynb`` promise."""

import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "notebooks"


def test_directions_are_as_true_as_they_say(monkeypatch):
    monkeypatch.chdir(FOLDER)
    names: dict = {}
    for cell in json.loads((FOLDER / "velocity.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(names["answers"]) >= 0.6 * len(names["estimates"])
    assert abs(names["in_plane"]).max() < 0.3
    assert len(names["streamed"]) == len(names["estimates"])
    assert names["figure"].axes[2].lines
