"""Every block of Python in the pages runs as it stands, in a clone where the README's first command has been run."""

import re
from pathlib import Path

import pytest

import evcam

TOP = Path(__file__).parents[1]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in (TOP / "README.md", *sorted((TOP / "docs").glob("*.md")))
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S))
]


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    path = tmp_path_factory.mktemp("camera") / "camera.json"
    with evcam.open(TOP / "data" / "circle_grid.h5") as recording:
        found = evcam.detect(recording, evcam.load_target(TOP / "data" / "circle_grid.yaml"))
    evcam.calibrate(found).save(path)
    return path


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # short examples leave closing to the interpreter
@pytest.mark.parametrize("block", BLOCKS)
def test_it_runs(block, camera, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(TOP / "data")
    (tmp_path / "camera.json").symlink_to(camera)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "page", "exec"), {"__name__": "__main__"})
