"""Scenes drawn by the processor: what hides what, what shines through, and where things lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.errors import InputError, OutputExistsError
from evcam.viz.scene import Canvas, Eye, Image, Labels, Layer, Lines, Points, Triangles
from evcam.viz.scene.shapes import places
from evcam.viz.scene.text import text_mask

pytestmark = pytest.mark.kernels

BLACK, RED, GREEN, BLUE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)
AHEAD = Eye((0.0, 0.0, 0.0), 10.0)
angles = st.floats(-1.4, 1.4)


def drawn(*shapes, eye=AHEAD, size=(81, 61)):
    canvas = Canvas(*size, BLACK)
    canvas.draw([Layer("test", shapes)], eye)
    return canvas.rgb


def points(xyz, *colours, size=0.1):
    return Points(places(xyz), np.array(colours, np.uint8), size)


@given(angles, angles, st.tuples(*[st.floats(-2, 2)] * 3))
@settings(max_examples=50, deadline=None)
def test_a_point_is_drawn_where_the_eye_says(yaw, pitch, at):
    eye = Eye((0.5, -0.2, 0.1), 12.0, yaw, pitch)
    (px,), _ = eye.project([at], 320, 240)
    rows, columns = np.nonzero(drawn(points([at], RED, size=0.0), eye=eye, size=(320, 240))[..., 0])
    assert (abs(columns - px[0]) <= 1).all()
    assert (abs(rows - px[1]) <= 1).all()
    assert len(rows) == 1


def test_the_eye_looks_at_its_centre_from_its_distance():
    eye = Eye((1.0, 2.0, 3.0), 5.0, 0.7, -0.4)
    (px,), (depth,) = eye.project([eye.centre], 100, 80)
    np.testing.assert_allclose(px, [50, 40], atol=1e-9)
    assert depth == pytest.approx(5.0)
    np.testing.assert_allclose(eye.axes @ eye.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(eye.axes) == pytest.approx(1.0)


def test_shifting_moves_the_centre_by_pixels_and_coming_nearer_enlarges():
    eye = Eye((0.0, 0.0, 0.0), 5.0, 0.3, 0.2)
    (px,), _ = eye.shifted(7, -4, 100, 80).project([[0, 0, 0]], 100, 80)
    np.testing.assert_allclose(px, [57, 36], atol=1e-6)
    assert eye.nearer(2).distance == 2.5
    assert abs(eye.turned(0, 9).pitch_rad) < np.pi / 2


def test_what_is_behind_the_eye_is_not_seen():
    px, _ = AHEAD.project([[0, 0, -11]], 80, 60)
    assert np.isnan(px).all()
    assert not drawn(points([[0, 0, -11]], RED)).any()
    line = Lines.between([[0, 0, -20]], [[0, 0, -30]], RED)
    assert not drawn(line).any()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_point_hides_the_farther_one(order):
    xyz, colours = np.array([[0, 0, 1.0], [0, 0, -1.0]]), [RED, GREEN]
    rgb = drawn(points(xyz[list(order)], *(colours[k] for k in order), size=1.0))
    assert tuple(rgb[30, 40]) == GREEN


def test_a_point_nearby_is_drawn_larger():
    near = drawn(points([[0, 0, -7]], RED, size=0.3))[..., 0].astype(bool).sum()
    far = drawn(points([[0, 0, 7]], RED, size=0.3))[..., 0].astype(bool).sum()
    assert near > 4 * far > 0


def test_a_line_joins_its_ends_and_is_smooth():
    rgb = drawn(Lines.between([[-1.5, -1, 0]], [[1.5, 1, 0]], RED, 2.0))
    ends, _ = AHEAD.project([[-1.5, -1, 0], [1.5, 1, 0]], 81, 61)
    rows, columns = np.nonzero(rgb[..., 0] > 100)
    assert abs(columns.min() - ends[0, 0]) <= 1.5
    assert abs(columns.max() - ends[1, 0]) <= 1.5
    straight = np.interp(columns, ends[:, 0], ends[:, 1])
    assert abs(rows - straight).max() < 2
    assert len(np.unique(rgb[..., 0])) > 3


def test_a_line_that_passes_the_eye_is_cut_and_not_lost():
    rgb = drawn(Lines.between([[0.3, 0, -30]], [[0.3, 0, 30]], RED, 2.0))
    assert rgb[30, 60:, 0].max() == 255


def test_surfaces_let_shine_through_by_their_opacity():
    square = Triangles.strip([[-1, -1, 0], [1, -1, 0]], [[-1, 1, 0], [1, 1, 0]], BLUE, 0.5)
    behind, before = points([[0, 0, 2]], RED, size=1.0), points([[0, 0, -2]], RED, size=1.0)
    assert abs(drawn(square, behind)[30, 40].astype(int) - [128, 0, 128]).max() <= 1
    assert tuple(drawn(square, before)[30, 40]) == RED
    assert tuple(drawn(Triangles(square.corners, square.rgb, 1.0), behind)[30, 40]) == BLUE


def test_neighbouring_triangles_share_no_pixel():
    square = Triangles.strip([[-1, -1, 0], [1, -1, 0]], [[-1, 1, 0], [1, 1, 0]], BLUE, 0.5)
    inside = drawn(square, eye=Eye((0.03, 0.01, 0), 10.0, 0.2, 0.1))[..., 2]
    assert set(np.unique(inside)) <= {0, 128}


def test_an_image_lies_where_its_corners_do():
    rgb = np.zeros((2, 3, 3), np.uint8)
    rgb[0, 0], rgb[1, 2] = RED, GREEN
    image = Image(rgb, np.array([-1.5, -1.0, 0.0]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), 1.0)
    eye = Eye((0.0, 0.0, 0.0), 10.0, 0.4, -0.2)
    picture = drawn(image, eye=eye, size=(161, 121))
    (first, last), _ = eye.project([[-1, -0.5, 0], [1, 0.5, 0]], 161, 121)
    assert tuple(picture[round(first[1]), round(first[0])]) == RED
    assert tuple(picture[round(last[1]), round(last[0])]) == GREEN
    hidden = drawn(image, points([[-1, -0.5, -1]], BLUE, size=0.3), eye=Eye((-1.0, -0.5, 0.0), 10.0), size=(161, 121))
    assert tuple(hidden[60, 80]) == BLUE


def test_labels_stand_at_their_places():
    rgb = drawn(Labels(places([[1, 0, 0]]), ("8",), RED), size=(161, 121))
    (px,), _ = AHEAD.project([[1, 0, 0]], 161, 121)
    rows, columns = np.nonzero(rgb[..., 0] > 128)
    assert abs(columns.mean() - px[0]) < 2
    assert abs(rows.mean() - px[1]) < 4


def test_texts_of_one_size_are_equally_high():
    assert len({text_mask(text, 14).shape[0] for text in ("x", "Äg", "|")}) == 1
    assert text_mask("wide wide", 14).shape[1] > 2 * text_mask("w", 14).shape[1]


def test_halving_averages():
    canvas = Canvas(4, 2, BLACK, 2)
    canvas.rectangle(0, 0, 1, 2, (200, 100, 40))
    assert canvas.halved().rgb.tolist() == [[[100, 50, 20], [0, 0, 0]]]


def test_pictures_are_png_and_never_replace(tmp_path):
    from PIL import Image as Picture

    canvas = Canvas(5, 4, RED)
    canvas.save(tmp_path / "a.png")
    assert (np.asarray(Picture.open(tmp_path / "a.png")) == RED).all()
    with pytest.raises(OutputExistsError):
        canvas.save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"\.png"):
        canvas.save(tmp_path / "a.jpg")
