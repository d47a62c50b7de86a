"""Pictures of motion: valid, not blank, and true to the estimates."""

import cv2
import numpy as np
import pytest

from evcam.core.events import Events
from evcam.errors import InputError, OutputExistsError
from evcam.flow import edge_crossings
from evcam.motion import LineConstraint, MotionStatus, VelocityEstimate
from evcam.viz.velocity import save_velocity_picture, velocity_figure, window_to_draw

EVENTS = Events.from_arrays(np.arange(4000), np.arange(4000) % 64, np.arange(4000) // 80, np.arange(4000) % 3 == 0,
                            width=64, height=50)


def line(number, ends):
    return LineConstraint(number, np.array([0.0, 0.0, 1.0]), np.zeros(3), np.eye(6), 1.0, 0.1, np.array(ends, float),
                          edge_crossings(EVENTS[:10]))


def estimate(t_us, vector, *, resolved=True, lines=()):
    v = np.asarray(vector, float) / np.linalg.norm(vector)
    covariance = 0.01 * (np.eye(3) - np.outer(v, v))
    return VelocityEstimate(t_us, t_us - 5000, t_us + 5000, MotionStatus.OK, "", v, covariance, resolved, lines)


@pytest.fixture
def estimates():
    return [
        estimate(5000, [1, 0, 0]),
        estimate(15_000, [0, 1, 0], lines=(line(3, [[5, 5], [40, 30]]), line(7, [[60, 2], [2, 45]]))),
        VelocityEstimate.missing((20_000, 30_000), MotionStatus.NO_LINES, lines=(line(1, [[0, 0], [1, 1]]),) * 3),
        estimate(35_000, [1, 1, 1], resolved=False),
    ]


def test_the_window_drawn_has_a_direction_and_the_most_lines(estimates):
    assert window_to_draw(estimates) is estimates[1]
    assert window_to_draw(estimates[2:3]) is estimates[2]
    assert window_to_draw([]) is None


def test_angles_and_lines_are_the_estimates(estimates):
    figure = velocity_figure(estimates, drawn=estimates[1], events=EVENTS, start_us=5000, title="flight")
    upper, lower, image = figure.axes
    drawn = {tuple(np.round(point, 6)) for container in upper.containers for point in container[0].get_xydata()}
    assert drawn == {(0.0, 0.0), (0.01, 90.0), (0.03, 45.0)}
    assert sorted(text.get_text() for text in upper.get_legend().get_texts()) == ["an axis: the sign is open", "sign resolved"]
    assert len(upper.patches) == 1  # the window without a direction
    forward = {round(float(point[1]), 3) for container in lower.containers for point in container[0].get_xydata()}
    assert forward == {0.0, round(float(np.degrees(np.arcsin(3**-0.5))), 3)}
    ends = [segment.get_xydata().tolist() for segment in image.lines]
    assert ends == [line.ends_px.tolist() for line in estimates[1].lines]
    assert {"3", "7"} <= {text.get_text() for text in image.texts}
    assert "2 lines among the events from 0.005 to 0.015 s" in image.get_title()


def test_a_picture_is_not_blank_and_the_same_each_time(estimates, tmp_path):
    for name in ("a.png", "b.png"):
        save_velocity_picture(estimates, tmp_path / name, drawn=estimates[1], events=EVENTS)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    image = cv2.imread(str(tmp_path / "a.png"))
    assert min(image.shape[:2]) > 500
    assert (np.ptp(image.astype(int), axis=2) > 60).mean() > 0.01


@pytest.mark.parametrize("kept", [slice(0, 0), slice(2, 3)])
def test_without_a_direction_there_is_still_a_picture(estimates, kept, tmp_path):
    few = estimates[kept]
    drawn = window_to_draw(few)
    save_velocity_picture(few, tmp_path / "a.png", drawn=drawn, events=None if drawn is None else EVENTS)
    if drawn is not None:
        assert velocity_figure(few, drawn=drawn, events=EVENTS).axes[2].get_xlabel() == MotionStatus.NO_LINES.reason


def test_paths_are_checked(estimates, tmp_path):
    with pytest.raises(InputError, match=r"\.png"):
        save_velocity_picture(estimates, tmp_path / "a.svg")
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="force"):
        save_velocity_picture(estimates, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"
