"""Views that are handed on block by block, for those who cannot wait for the end."""

from pathlib import Path

import numpy as np
import pytest

from evcam.core.detections import View
from evcam.core.target import load_target
from evcam.detect.automatic import windows_of
from evcam.detect.moving.stream import WINDOW_US, detect_moving
from evcam.io import open_recording

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def whole():
    return searched()


def searched(**options):
    with open_recording(DATA / "circle_grid.h5") as recording:
        part = recording.between(0, 1.5)
        return detect_moving(windows_of(part, WINDOW_US), part.start_us, load_target(DATA / "circle_grid.yaml"), **options)


@pytest.mark.parametrize("windows", [1, 2])
def test_short_blocks_give_the_same_views_as_they_come(whole, windows):
    blocks = []
    found = searched(on_block=blocks.append, block_windows=windows)
    assert len(blocks) == 6 // windows
    handed_on = [view for block in blocks for view in block if isinstance(view, View)]
    assert [view.mid_us for view in handed_on] == [view.mid_us for view in found] == [view.mid_us for view in whole]
    for early, late, usual in zip(handed_on, found, whole, strict=True):
        assert early.ids.tolist() == late.ids.tolist()
        # Middles of ellipses, not yet images of the circles' centres.
        assert np.abs(early.xy - late.xy).max() < 0.5
        both, mine, theirs = np.intersect1d(late.ids, usual.ids, return_indices=True)
        assert len(both) > 0.9 * len(usual)
        assert np.median(np.linalg.norm(late.xy[mine] - usual.xy[theirs], axis=1)) < 0.05
