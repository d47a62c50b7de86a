"""Pages about calibrations: whole in themselves, the same every time, readable on phone, desk and paper."""

import re
import sys

import cv2
import numpy as np
import pytest

from evcam.calib import Calibration, calibrate, compare, split_halves
from evcam.core.camera import Camera
from evcam.core.detections import Detections, Rejection, View
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.errors import MissingLibraryError
from evcam.report import calibration_page, comparison_page

BOARD = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
CAMERA = Camera("pinhole-radtan", [250.0, 251.0, 160.0, 118.0, -0.3, 0.09, 0.001, -0.0005, 0.0], 320, 240)
SECTIONS = ("Parameters", "What to record next", "What the views cover", "How sure the projection is", "What the model leaves",
            "One half against the other", "The best views and the worst", "What was left out", "What this page cannot see",
            "Where it comes from")
PHONE, DESK = 390, 1280


def found(tilt_rad=0.5, views=60, name="made.h5", seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for k in range(views):
        R = exp_so3([*rng.uniform(-tilt_rad, tilt_rad, 2), 0]) @ exp_so3([0, 0, np.pi / 2])
        t = [*rng.uniform(-0.15, 0.15, 2), rng.uniform(0.5, 0.8)] - R @ BOARD.object_points.mean(0)
        xy = CAMERA.project(BOARD.object_points @ R.T + t)
        ids = np.flatnonzero(((xy > 3) & (xy < [316, 236])).all(1))
        n = len(ids)
        made.append(View(name, k, np.full(n, 200_000 * k), ids, xy[ids] + rng.normal(0, 0.05, (n, 2)),
                         np.tile(0.0025 * np.eye(2), (n, 1, 1)), np.zeros((n, 2)), 20_000))
    return Detections(BOARD, 320, 240, tuple(view for view in made if len(view) > 20), (Rejection(name, 5, "ambiguous", "why"),))


@pytest.fixture(scope="module")
def good() -> Calibration:
    return calibrate(found())


@pytest.fixture(scope="module")
def page(good) -> str:
    return calibration_page(good, source="camera.json", digest="0123abcd")


def test_the_page_has_everything(page, good):
    for words in (*SECTIONS, "camera.json", "0123abcd", "made.h5", "Good", "Nothing was found that speaks against using it.",
                  "The visible part of the board fits in more than one place", "asymmetric circle grid, 11 rows"):
        assert words in page
    for name, value, std in zip(good.param_names, good.camera.params, good.stds, strict=True):
        (written,) = re.findall(rf'<th scope="row">{name}</th><td><span>([-.0-9]+)', page)
        assert abs(float(written) - value) < 0.1 * std, name


def test_the_same_calibration_gives_the_same_bytes(page, good, tmp_path):
    good.save(tmp_path / "cal.json")
    assert calibration_page(Calibration.load(tmp_path / "cal.json"), source="camera.json", digest="0123abcd") == page


def test_nothing_is_fetched(page):
    assert not re.search(r"""(?:src|href)=["'](?!data:)|url\(|@import|<script""", page)


def test_names_are_text_and_not_markup(good):
    assert "<b>x</b>.json" not in calibration_page(good, source="<b>x</b>.json")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_browser_shows_it_all(check, page, width):
    shown = check(page, width)
    assert shown.images == 17
    assert shown.title == "Calibration camera.json: good"
    for words in (*SECTIONS, "fx", "k3", "Reprojection error of every view used"):
        assert words in shown.text
    assert shown.height > (6000 if width == PHONE else 3000)


def test_the_verdict_is_what_one_sees_first(browser, page):
    """The verdict's colour fills a part of the first screen of a phone, and the page is no blank."""
    picture = cv2.imread(str(browser.photograph(page, PHONE, 844)))
    green = (np.abs(picture.astype(int) - (0x4B, 0x7F, 0x1A)).max(-1) < 12).mean()
    assert picture.shape[:2] == (844, PHONE)
    assert 0.002 < green < 0.1
    assert 5 < picture.std() < 100


def test_it_fits_on_a_few_sheets_of_paper(browser, page):
    pages = len(re.findall(rb"/Type\s*/Page\b", browser.print(page)))
    assert 4 <= pages <= 8


def test_a_poor_calibration_says_so_and_what_to_do(check):
    shown = check(calibration_page(calibrate(found(tilt_rad=0.02))), PHONE)
    assert "Do not trust this" in shown.text
    assert "tilt it by 20 to 40 to every side" in shown.text
    assert "Tilt the board by 20 to 40 degrees so that its left side is farther away." in shown.text
    assert "% less uncertainty" in shown.text


def test_too_few_views_for_halves_are_said():
    few = found(views=9)
    assert "This cannot be told: half " in calibration_page(calibrate(few))


def test_a_browser_shows_a_comparison(check, good):
    halves = split_halves(good)
    text = comparison_page(halves.comparison, ("one half", "the other half"), (halves.first, halves.second), origin="Halves of c")
    for width in (PHONE, DESK):
        shown = check(text, width)
        assert shown.images == 2
        for words in ("Halves of c", "Agree within their uncertainty", "chance alone makes", "standard deviations", "fx"):
            assert words in shown.text


def test_cameras_without_uncertainty_are_compared_without_a_verdict():
    text = comparison_page(compare(CAMERA, CAMERA), ("a", "b"), (CAMERA, CAMERA))
    assert "No uncertainty is known to judge the difference by" in text
    assert text.count("<figure>") == 1


def test_the_browser_check_sees_what_is_wrong(browser):
    """The checks above can fail: overflow, console, blank and outside pictures are noticed."""
    shown = browser.show("<div style='width:600px'>x</div><img src='data:image/png;base64,AA'><img src='no.png' alt='a'>"
                         "<script>console.error('oh')</script>", PHONE)
    assert shown.overflow > 0
    assert shown.blank == 2
    assert shown.unnamed == 1
    assert any("no.png" in address for address in shown.outside)
    assert any("oh" in line for line in shown.console)


def test_without_jinja2_one_line_says_what_to_install(good, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingLibraryError, match="-m pip install Jinja2"):
        calibration_page(good)
