"""Printed boards, measured in the files themselves."""

import re
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest

from evcam.core.target import Checkerboard, CircleGrid
from evcam.errors import InputError, OutputExistsError
from evcam.viz.board import PAGES_MM, describe_board, draw_board

MM_PER_PT = 25.4 / 72
TARGETS = {
    "asymmetric": CircleGrid.asymmetric(11, 4, 0.05, 0.02), "symmetric": CircleGrid.symmetric(3, 6, 0.04, 0.0123),
    "light": CircleGrid.asymmetric(5, 3, 0.02, 0.008, False), "checkerboard": Checkerboard(4, 8, 0.0055),
    "odd checkerboard": Checkerboard(5, 8, 0.02),
}


def svg_shapes(path, prefix):
    """Bounding boxes (left, top, right, bottom) in mm of the groups whose id starts so, and the page's size."""
    root = ET.parse(path).getroot()
    boxes = {}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("id", "").startswith(prefix):
            numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", group.find("{*}path").get("d"))]
            points = np.array(numbers).reshape(-1, 2) * MM_PER_PT
            boxes[group.get("id")] = np.r_[points.min(0), points.max(0)]
    size = [float(root.get(name).removesuffix("pt")) * MM_PER_PT for name in ("width", "height")]
    return boxes, size


def pdf_content(path):
    """Page size in mm and the decompressed drawing commands."""
    data = path.read_bytes()
    box = [float(v) for v in re.search(rb"/MediaBox \[([^\]]*)\]", data).group(1).split()]
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S)
    texts = []
    for stream in streams:
        try:
            texts.append(zlib.decompress(stream).decode("latin-1"))
        except zlib.error:
            continue
    return np.array(box[2:]) * MM_PER_PT, max(texts, key=lambda text: text.count(" c\n"))


@pytest.mark.parametrize("name", ["asymmetric", "symmetric", "light"])
def test_svg_circles_have_true_positions_and_radii(tmp_path, name):
    target = TARGETS[name]
    draw_board(target, tmp_path / "board.svg")
    boxes, _ = svg_shapes(tmp_path / "board.svg", "point-")
    found = np.array([boxes[f"point-{k}"] for k in range(len(target))])
    centres, sides = (found[:, :2] + found[:, 2:]) / 2, found[:, 2:] - found[:, :2]
    truth = 1000 * target.object_points[:, :2]
    assert np.abs((centres - centres[0]) - (truth - truth[0])).max() < 0.01
    assert np.abs(sides / 2 - 1000 * target.radius_m).max() < 0.01


@pytest.mark.parametrize("name", ["checkerboard", "odd checkerboard"])
def test_svg_squares_meet_at_the_corners_and_the_one_before_corner_0_is_dark(tmp_path, name):
    target = TARGETS[name]
    draw_board(target, tmp_path / "board.svg")
    boxes, _ = svg_shapes(tmp_path / "board.svg", "square-")
    side = 1000 * target.square_m
    assert len(boxes) == ((target.rows + 1) * (target.cols + 1) + 1) // 2
    origin = boxes["square--1--1"][2:]
    for name, box in boxes.items():
        column, row = (int(v) for v in re.fullmatch(r"square-(-?\d+)-(-?\d+)", name).groups())
        assert np.abs(box[:2] - origin - side * np.array([column, row])).max() < 0.01
        assert np.abs(box[2:] - box[:2] - side).max() < 0.01


def test_pdf_circles_have_true_positions_and_radii(tmp_path):
    target = TARGETS["asymmetric"]
    draw_board(target, tmp_path / "board.pdf")
    size, text = pdf_content(tmp_path / "board.pdf")
    circles = []
    for path in re.findall(r"[\d. -]+ m\n(?:[\d. -]+ c\n){8}", text):
        ends = np.array([[float(v) for v in line.split()[-3:-1]] for line in path.splitlines()]) * MM_PER_PT
        circles.append([*((ends.min(0) + ends.max(0)) / 2), *(np.ptp(ends, axis=0) / 2)])
    circles = np.array(circles)
    assert len(circles) == 44
    truth = 1000 * target.object_points[:, :2]
    drawn = circles[:, :2] * [1, -1]
    assert np.abs((drawn - drawn[0]) - (truth - truth[0])).max() < 0.01
    assert np.abs(circles[:, 2:] - 20).max() < 0.01
    assert (circles[:, :2] - 20 > 0).all()
    assert (circles[:, :2] + 20 < size).all()


def test_ruler_is_a_hundred_millimetres_long(tmp_path):
    draw_board(TARGETS["checkerboard"], tmp_path / "board.svg")
    root = ET.parse(tmp_path / "board.svg").getroot()
    ruler = next(g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("id") == "ruler")
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", ruler.find("{*}path").get("d"))]
    starts = np.array(numbers).reshape(-1, 4)[:, :2] * MM_PER_PT
    assert len(starts) == 102
    assert np.abs(np.diff(starts[1:, 0]) - 1).max() < 0.01
    assert abs(np.ptp(starts[:, 0]) - 100) < 0.01


@pytest.mark.parametrize("suffix", [".pdf", ".svg"])
@pytest.mark.parametrize("name", TARGETS)
def test_same_target_same_bytes(tmp_path, name, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    draw_board(TARGETS[name], first)
    draw_board(TARGETS[name], second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("target", "page"), [
    (Checkerboard(4, 8, 0.0055), (210, 297)), (Checkerboard(4, 8, 0.025), (297, 210)),
    (CircleGrid.asymmetric(11, 4, 0.05, 0.02), (594, 841)),
])
def test_smallest_page_that_holds_the_board_is_taken(tmp_path, target, page):
    draw_board(target, tmp_path / "board.svg")
    assert np.allclose(svg_shapes(tmp_path / "board.svg", "none")[1], page, atol=0.01)


def test_board_too_large_for_any_page_gets_its_own(tmp_path):
    draw_board(CircleGrid.symmetric(4, 12, 0.2, 0.05), tmp_path / "board.pdf")
    size, _ = pdf_content(tmp_path / "board.pdf")
    assert size[0] > 11 * 200 + 100 + 200
    assert size[1] > 3 * 200 + 100 + 200


def test_bad_requests_are_refused_in_one_line_and_leave_no_file(tmp_path):
    target = TARGETS["asymmetric"]
    requests = [("b.png", "auto", r"\.pdf or \.svg"), ("b", "auto", "without a suffix"), ("b.pdf", "A4", "more than A4"),
                ("b.pdf", "letter", "not known")]
    for path, page, words in requests:
        with pytest.raises(InputError, match=words) as caught:
            draw_board(target, tmp_path / path, page)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    draw_board(target, tmp_path / "b.svg")
    with pytest.raises(OutputExistsError):
        draw_board(target, tmp_path / "b.svg")
    draw_board(target, tmp_path / "b.svg", "A0", force=True)
    assert np.allclose(svg_shapes(tmp_path / "b.svg", "none")[1], PAGES_MM["A0"], atol=0.01)


def test_sizes_in_words():
    assert describe_board(TARGETS["asymmetric"]) == (
        "asymmetric circle grid, 11 rows x 4 columns, spacing 50.0 mm, radius 20.0 mm, dark on light")
    assert describe_board(TARGETS["symmetric"]).endswith("radius 12.3 mm, dark on light")
    assert describe_board(TARGETS["checkerboard"]) == "checkerboard, 4 rows x 8 columns of inner corners, squares of 5.5 mm"
