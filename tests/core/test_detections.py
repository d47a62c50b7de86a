import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.detections import Detections, Rejection, View
from evcam.core.target import Checkerboard, CircleGrid
from evcam.errors import FormatError, InputError, OutputExistsError

TARGET = CircleGrid.asymmetric(4, 3, 0.05, 0.02)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
FINITE = st.floats(-1e4, 1e4)


@st.composite
def views(draw):
    ids = draw(st.lists(st.integers(0, len(TARGET) - 1), min_size=1, max_size=6, unique=True))
    n = len(ids)
    numbers = np.array(draw(st.lists(st.tuples(FINITE, FINITE), min_size=n, max_size=n)))
    t = np.array(draw(st.lists(st.integers(-(2**50), 2**50), min_size=n, max_size=n)))
    xy = np.array(draw(st.lists(st.tuples(st.floats(0, 239), st.floats(0, 179)), min_size=n, max_size=n)))
    std = st.floats(1e-3, 10)
    factors = np.array(draw(st.lists(st.tuples(std, std, st.floats(-0.99, 0.99)), min_size=n, max_size=n)))
    sx, sy, rho = factors.T
    cov = np.stack([sx * sx, rho * sx * sy, rho * sx * sy, sy * sy], -1).reshape(n, 2, 2)
    return View("", 0, t, np.array(ids), xy, cov, numbers, draw(st.integers(0, 10**6)))


@st.composite
def detections(draw):
    names = draw(st.lists(TEXT, min_size=1, max_size=2, unique=True))
    found = []
    for name in names:
        for i, v in enumerate(draw(st.lists(views(), max_size=3))):
            found.append(View(name, i, v.t_us, v.ids, v.xy, v.cov, v.velocity, v.window_us))
    why = tuple(Rejection(names[0], t, reason, detail) for t, reason, detail in
                draw(st.lists(st.tuples(st.integers(0, 10**12), TEXT, TEXT), max_size=3)))
    return Detections(TARGET, 240, 180, tuple(found), why, draw(st.sampled_from(["moving", "flicker", "given"])))


@settings(max_examples=80, deadline=None)
@given(detections())
def test_csv_keeps_everything(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("csv") / "found.csv"
    found.save_csv(path)
    again = Detections.load_csv(path)
    assert (again.target, again.width, again.height, again.mode) == (TARGET, 240, 180, found.mode)
    assert again.rejections == found.rejections
    assert [(v.recording, v.index, v.window_us) for v in again] == [(v.recording, v.index, v.window_us) for v in found]
    for a, b in zip(again, found, strict=True):
        np.testing.assert_array_equal(a.t_us, b.t_us)
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_allclose(a.xy, b.xy, atol=6e-6)
        np.testing.assert_allclose(a.cov, b.cov, rtol=1e-5)
        np.testing.assert_allclose(a.velocity, b.velocity, rtol=1e-5)


@pytest.mark.parametrize("name", ["mid.h5", 'a "b", 50 %d.h5', "two\nlines"])
def test_points_are_written_as_the_csv_module_would(tmp_path, name):
    rng = np.random.default_rng(0)
    cov = rng.normal(size=(3, 2, 2)) * 1e-4
    xy, velocity = 300 * rng.normal(size=(2, 3, 2))
    view = View(name, 7, np.array([-5, 0, 2**40]), np.array([4, 2, 9]), xy, cov, velocity, 90)
    Detections(TARGET, 240, 180, (view,)).save_csv(tmp_path / "found.csv")
    expected = io.StringIO()
    for i in range(3):
        numbers = [f"{v:.6g}" for v in (cov[i, 0, 0], cov[i, 0, 1], cov[i, 1, 1], *velocity[i])]
        csv.writer(expected).writerow([name, 7, view.t_us[i], view.ids[i], *(f"{v:.5f}" for v in xy[i]), *numbers, 90])
    assert (tmp_path / "found.csv").read_bytes().decode().endswith(f"window_us\r\n{expected.getvalue()}")


def load(tmp_path, text, **options):
    path = tmp_path / "found.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Detections.load_csv(path, **options)


def test_another_programs_csv_needs_target_and_size(tmp_path):
    text = "view,t_us,id,x_px,y_px,extra\n7,100,0,1.5,2.5,a\n7,101,3,4,5,b\n9,200,1,0,0,c\n"
    found = load(tmp_path, text, target=TARGET, size=(64, 48))
    assert [(v.recording, v.index, len(v)) for v in found] == [("found", 7, 2), ("found", 9, 1)]
    assert found.views[0].xy.tolist() == [[1.5, 2.5], [4, 5]]
    assert (found.views[0].cov == 0.01 * np.eye(2)).all()
    with pytest.raises(InputError, match="does not say which target"):
        load(tmp_path, text, size=(64, 48))
    with pytest.raises(InputError, match="does not state the sensor's size"):
        load(tmp_path, text, target=TARGET)


HEAD = "# evcam detections 1\n"
COLUMNS = "view,t_us,id,x_px,y_px\n"


@pytest.mark.parametrize(("text", "error", "says"), [
    ("view,t_us,id,x_px\n0,1,2,3\n", FormatError, "no column y_px"),
    ("", FormatError, "no column view"),
    (COLUMNS + "0,1,2,here,4\n", FormatError, "row 1 holds something that is not a number"),
    (COLUMNS + "0,1,2,3\n", FormatError, "row 1 has not one value for each of the 5 columns"),
    (COLUMNS + "0,1,2,3,4,5\n", FormatError, "row 1 has not one value for each of the 5 columns"),
    ("view,t_us,id,x_px,y_px,x_px\n0,1,2,3,4,5\n", FormatError, "a column occurs twice"),
    (COLUMNS + "0,1.5,2,3,4\n", InputError, "row 1 has t_us 1.5, which is no whole number"),
    (COLUMNS + "0,1,2,65,4\n", InputError, "row 1 has a point at (65, 4), outside the image of 64x48 px"),
    ("view,t_us,id,x_px,y_px,sxx,sxy,syy\n0,1,2,3,4,0.01,5,0.01\n", InputError, "which is no covariance"),
    ("view,t_us,id,x_px,y_px,sxx,sxy,syy\n0,1,2,3,4,0,0,0\n", InputError, "which is no covariance"),
    ("view,t_us,id,x_px,y_px,window_us\n0,1,2,3,4,-5\n", InputError, "window_us -5, which is negative"),
    (HEAD + "# width: 32\n# height: 48\n" + COLUMNS, InputError, "states a sensor of 32x48 px, not 64x48"),
    (COLUMNS + "0.5,1,2,3,4\n", FormatError, "row 1 holds something that is not a number"),
    (COLUMNS + "0,1,2,3,4\n0,1,3,nan,4\n", FormatError, "row 2 holds a value that is not finite"),
    (COLUMNS + "0,1e30,2,3,4\n", FormatError, "row 1"),
    (COLUMNS + "0,1,12,3,4\n", InputError, "row 1 has id 12; the target has ids 0 to 11"),
    (COLUMNS + "0,1,1.5,3,4\n", InputError, "row 1 has id 1.5"),
    (COLUMNS + "0,1,2,3,4\n0,1,2,3,4\n", InputError, "a point's id occurs twice"),
    (HEAD + "# target: {oops\n" + COLUMNS, FormatError, "the comment line '# target: {oops' is damaged"),
    (HEAD + "# target: 3\n" + COLUMNS, FormatError, "target"),
    (HEAD + "# rejections: [[1]]\n" + COLUMNS, FormatError, "rejections"),
    (HEAD + "# rejections: 3\n" + COLUMNS, FormatError, "rejections"),
    (b"\xff\xd8\xff\xe0binary", FormatError, "it is not text"),
])
def test_damaged_files_give_one_line_with_the_place(text, error, says, tmp_path):
    with pytest.raises(error) as caught:
        load(tmp_path, text, target=TARGET, size=(64, 48))
    assert says in str(caught.value)
    assert "found" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_of_something_else_is_told_before_its_target_is_missed(tmp_path):
    with pytest.raises(FormatError, match="not a detections CSV: no column view, id, x_px, y_px"):
        load(tmp_path, "t_us,status,dx,dy,dz\n0,ok,1,0,0\n")


def test_no_file_is_said_so(tmp_path):
    with pytest.raises(InputError, match="no such detections file"):
        Detections.load_csv(tmp_path / "none.csv")


def view(recording="a", index=0, ids=(0, 1)):
    n = len(ids)
    return View(recording, index, np.full(n, 100 + index), np.array(ids), np.zeros((n, 2)), np.tile(np.eye(2), (n, 1, 1)),
                np.zeros((n, 2)), 20_000)


def test_head_states_target_size_and_rejections(tmp_path):
    found = Detections(TARGET, 64, 48, (view(),), (Rejection("a", 5, "ambiguous", "2 places"),), "moving")
    path = tmp_path / "found.csv"
    found.save_csv(path)
    lines = path.read_text().splitlines()
    assert lines[0] == "# evcam detections 1"
    assert '# rejections: [["a", 5, "ambiguous", "2 places"]]' in lines
    assert lines[6] == "recording,view,t_us,id,x_px,y_px,sxx,sxy,syy,vx,vy,window_us"
    with pytest.raises(InputError, match="was detected with another target"):
        Detections.load_csv(path, target=Checkerboard(4, 3, 0.01))
    with pytest.raises(OutputExistsError):
        found.save_csv(path)


def test_merging_recordings_of_one_camera():
    why = Rejection("b", 1, "too few events")
    a = Detections(TARGET, 64, 48, (view("a"),), (), "moving")
    b = Detections(TARGET, 64, 48, (view("b"), view("b", 1)), (why, why, Rejection("b", 3, "ambiguous")), "moving")
    both = Detections.merge([a, b])
    assert [v.recording for v in both] == ["a", "b", "b"]
    assert (both.recordings, both.mode) == (("a", "b"), "moving")
    assert both.rejection_counts() == {"too few events": 2, "ambiguous": 1}
    with pytest.raises(InputError, match="no detections to merge"):
        Detections.merge([])
    with pytest.raises(InputError, match="different sensors"):
        Detections.merge([a, Detections(TARGET, 65, 48, ())])
    with pytest.raises(InputError, match="different targets"):
        Detections.merge([a, Detections(Checkerboard(4, 3, 0.01), 64, 48, ())])


def test_views_check_themselves():
    with pytest.raises(InputError, match="occurs twice"):
        view(ids=(1, 1))
    with pytest.raises(InputError, match="matching length"):
        View("a", 0, np.zeros(1, int), np.array([1, 2]), np.zeros((2, 2)), np.zeros((2, 2, 2)), np.zeros((2, 2)), 0)
