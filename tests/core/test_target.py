import numpy as np
import pytest

from evcam.core.target import Checkerboard, CircleGrid, load_target, target_from_dict
from evcam.errors import FormatError, InputError, OutputExistsError

ASYMMETRIC = CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
SYMMETRIC = CircleGrid.symmetric(rows=3, cols=6, spacing_m=0.04, radius_m=0.01, dark_on_light=False)
CHECKER = Checkerboard(4, 8, 0.0055)
ALL = pytest.mark.parametrize("target", [ASYMMETRIC, SYMMETRIC, CHECKER], ids=lambda t: t.to_dict()["type"])


@ALL
def test_file_round_trip(target, tmp_path):
    path = tmp_path / "board.yaml"
    target.save(path)
    assert load_target(path) == target
    with pytest.raises(OutputExistsError):
        target.save(path)
    target.save(path, force=True)


@ALL
def test_points_are_row_major_and_flat(target):
    points = target.object_points
    assert points.shape == (len(target), 3) == (target.rows * target.cols, 3)
    assert not points[:, 2].any()
    step = points.reshape(target.rows, target.cols, 3)
    assert (np.diff(step[..., 0], axis=1) > 0).all()
    assert (np.diff(step[..., 1], axis=0) > 0).all()


def test_places_of_the_points():
    np.testing.assert_allclose(ASYMMETRIC.object_points[[0, 1, 4, 5, 8]] / 0.05,
                               [[0, 0, 0], [2, 0, 0], [1, 1, 0], [3, 1, 0], [0, 2, 0]])
    np.testing.assert_allclose(SYMMETRIC.object_points[7] / 0.04, [1, 1, 0])
    np.testing.assert_allclose(CHECKER.object_points[9] / 0.0055, [1, 1, 0])


@pytest.mark.parametrize("target", [
    ASYMMETRIC, CircleGrid.asymmetric(4, 5, 0.05, 0.02), CircleGrid.asymmetric(5, 5, 0.05, 0.02), SYMMETRIC,
], ids=lambda t: f"{t.rows}x{t.cols}-{t.is_asymmetric}")
def test_half_turn_symmetry_is_that_of_the_points(target):
    xy = target.object_points[:, :2]
    turned = xy.min(0) + xy.max(0) - xy
    looks_same = set(map(tuple, turned.round(9))) == set(map(tuple, xy.round(9)))
    assert target.half_turn_symmetric == looks_same


@pytest.mark.parametrize(("rows", "cols"), [(4, 8), (4, 7), (5, 7)])
def test_half_turn_symmetry_of_a_checkerboard_is_that_of_its_colours(rows, cols):
    colours = np.add.outer(np.arange(rows + 1), np.arange(cols + 1)) % 2
    assert Checkerboard(rows, cols, 0.01).half_turn_symmetric == np.array_equal(colours, colours[::-1, ::-1])


GRID = {"type": "asymmetric_circle_grid", "rows": 4, "cols": 3, "spacing_m": 0.05, "radius_m": 0.02}


@pytest.mark.parametrize(("change", "says"), [
    ({"type": "hexagons"}, "type is 'hexagons'; known types: asymmetric_circle_grid"),
    ({"spacing_m": None}, "spacing_m must be a length in metres"),
    ({"spacing_m": float("nan")}, "spacing_m must be a length"),
    ({"spacing_m": 500}, "spacing_m must be a length"),
    ({"radius_m": 0.04}, "touch"),
    ({"rows": 1}, "rows must be a whole number of at least 2"),
    ({"rows": 4.0}, "rows must be a whole number"),
    ({"cols": True}, "cols must be a whole number"),
    ({"rows": 2000, "cols": 2000}, "more than 10000"),
    ({"dark_on_light": "yes"}, "dark_on_light must be true or false"),
    ({"square_m": 1}, "unknown key square_m"),
    ({"type": "checkerboard"}, "checkerboard needs square_m"),
])
def test_impossible_boards_are_refused(change, says):
    with pytest.raises(InputError) as caught:
        target_from_dict({**GRID, **change}, where="board.yaml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("board.yaml: ")


@pytest.mark.parametrize(("text", "error", "says"), [
    (b"{type: [", FormatError, "not a YAML file"), (b"\xff\xfe\x00", FormatError, "it is not text"),
    (b"- 1\n- 2\n", FormatError, "holds a list"), (b"", FormatError, "holds nothing"),
    (b"{rows: 3}", InputError, "it has no key 'type'"),
    (b"{type: [1]}", InputError, "type is [1]"), (b"{type: {a: 1}}", InputError, "type is {'a': 1}"),
])
def test_damaged_files_give_one_line(text, error, says, tmp_path):
    path = tmp_path / "board.yaml"
    path.write_bytes(text)
    with pytest.raises(error) as caught:
        load_target(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: no such target file"):
        load_target(tmp_path / "none.yaml")


def test_numbers_may_be_written_with_a_bare_exponent(tmp_path):
    path = tmp_path / "board.yaml"
    path.write_text("{type: asymmetric_circle_grid, rows: 11, cols: 4, spacing_m: 5e-2, radius_m: 2.e-2}")
    assert load_target(path) == CircleGrid.asymmetric(rows=11, cols=4, spacing_m=0.05, radius_m=0.02)
