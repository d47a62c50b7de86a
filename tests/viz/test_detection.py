"""Pictures of detections: valid, not blank, and saying what happened."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import evcam
from evcam.core.detections import Rejection
from evcam.core.target import load_target
from evcam.detect.inspection import inspect
from evcam.errors import InputError, OutputExistsError
from evcam.viz.detection import inspection_figure, save_inspection

DATA = Path(__file__).parents[2] / "data"


def inspected(name, target, *, stop_s=None, rejected=False):
    with evcam.open(DATA / name) as recording:
        events = recording.events(0.0, stop_s)
    if rejected:
        events = events[(events.t < 300_000) | (events.t >= 500_000)]
    found = evcam.detect(events, load_target(DATA / target), name=name)
    outcome = next(r for r in found.rejections if r.reason == "grid does not fit the board") if rejected else found.views[-1]
    return inspect(events, found, [outcome])[0]


@pytest.fixture(scope="module")
def view():
    return inspected("circle_grid.h5", "circle_grid.yaml", stop_s=0.5)


@pytest.fixture(scope="module")
def rejection():
    """An instant soon after a stretch without events, when the picture does not show the board yet."""
    return inspected("circle_grid.h5", "circle_grid.yaml", stop_s=1.0, rejected=True)


@pytest.fixture(scope="module")
def flicker():
    return inspected("flicker_03.h5", "checkerboard.yaml")


def panels(path):
    """The quarters of a picture below its title."""
    image = cv2.imread(str(path))
    assert image is not None
    height, width = image.shape[:2]
    assert 600 < height < 3000
    assert 600 < width < 3000
    top = height // 15
    middle = (top + height) // 2
    return [image[a:b, c:d] for a, b in ((top, middle), (middle, height)) for c, d in ((0, width // 2), (width // 2, width))]


def coloured_share(image):
    """Share of the pixels that are neither white nor grey."""
    return float((np.ptp(image.astype(int), axis=2) > 60).mean())


@pytest.mark.parametrize("which", ["view", "rejection"])
def test_four_panels_hold_drawings(which, tmp_path, request):
    save_inspection(request.getfixturevalue(which), tmp_path / "a.png")
    surface, flow, regions, arcs = panels(tmp_path / "a.png")
    for panel in (surface, flow, arcs):
        assert 0.01 < coloured_share(panel) < 0.6
    assert coloured_share(regions) > 0.003  # thin outlines
    assert (regions == 127).all(2).mean() > 0.02  # dark discs on a light ground


def test_words_say_what_became_of_the_window(view, rejection, flicker):
    ids = {text.get_text() for text in inspection_figure(view).axes[3].texts}
    assert {str(k) for k in view.outcome.ids} <= ids
    title = inspection_figure(view).get_suptitle()
    assert f"view {view.outcome.index}, {len(view.outcome)} points" in title
    refused = rejection.outcome
    assert isinstance(refused, Rejection)
    title = inspection_figure(rejection, start_us=refused.t_us - 670_000).get_suptitle()
    for words in ("circle_grid.h5", "0.670 s", "rejected", refused.reason, refused.detail):
        assert words in title
    assert {text.get_text() for text in inspection_figure(flicker).axes[0].texts} == {str(k) for k in range(40)}


def test_ellipses_lie_where_the_discs_are(view):
    axes = inspection_figure(view).axes[3]
    outlines = [path.vertices for collection in axes.collections for path in collection.get_paths() if len(path.vertices) == 49]
    centres = np.array([outline[:-1].mean(0) for outline in outlines])
    nearest = np.linalg.norm(centres[:, None] - view.outcome.xy[None], axis=2).min(0)
    assert nearest.max() < 0.5


def test_flicker_picture(flicker, tmp_path):
    save_inspection(flicker, tmp_path / "a.png")
    image = np.concatenate([panel.reshape(-1, 3) for panel in panels(tmp_path / "a.png")])
    assert image.std() > 20
    assert coloured_share(image[None]) > 0.001


def test_flicker_without_frequency_still_says_why(tmp_path):
    events = evcam.Events.from_arrays([0, 10, 20], [1, 2, 3], [1, 1, 1], [True] * 3, width=32, height=24)
    found = evcam.detect(events, load_target(DATA / "checkerboard.yaml"), mode="flicker")
    (seen,) = inspect(events, found, found.rejections)
    save_inspection(seen, tmp_path / "a.png")
    assert "too few events" in inspection_figure(seen).get_suptitle()


def test_same_picture_same_bytes(view, tmp_path):
    for name in ("a.png", "b.png"):
        save_inspection(view, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_paths_are_checked(view, tmp_path):
    with pytest.raises(InputError, match=r"\.png"):
        save_inspection(view, tmp_path / "a.gif")
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="force"):
        save_inspection(view, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"
