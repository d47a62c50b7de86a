"""The code of the page runs."""

from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "motion.md"


def test_the_slam_loop_of_the_page_runs(room, camera):
    blocks = PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    (block,) = [part.split("```")[0] for part in blocks if "def directions" in part]
    names: dict = {}
    exec(block, names)
    messages = [room.imu, *(room.events.between(start, start + 20_000) for start in range(0, 300_000, 20_000))]
    constraints = list(names["directions"](camera, messages))
    motions = [c for c in constraints if len(c) == 4]
    assert motions
    for t_us, direction, _, _ in motions:
        assert np.degrees(np.arccos(direction @ room.direction(t_us))) < 6
        factors = [c for c in constraints if len(c) == 5]
    assert [len(c[1]) > 10 and c[4].shape == (len(c[1]), len(c[1])) for c in factors] == [True] * len(motions)
