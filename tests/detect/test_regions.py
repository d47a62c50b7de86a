import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.detect.moving.regions import elliptic_regions

HEIGHT, WIDTH = 90, 120
Y, X = np.mgrid[:HEIGHT, :WIDTH]


def inside(center, shape):
    offset = np.stack([X - center[0], Y - center[1]], -1)
    return np.linalg.norm(offset @ np.linalg.inv(shape).T, axis=-1) < 1


def shape(a, b, angle):
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return R @ np.diag([a, b]) @ R.T


def find(mask):
    return elliptic_regions(mask.astype(np.uint8))


@settings(max_examples=60, deadline=None)
@given(st.floats(40, 60), st.floats(30, 50), st.floats(3, 11), st.floats(0.45, 1), st.floats(0, 3.14))
def test_digital_ellipses_are_measured_to_a_fraction_of_a_pixel(x, y, a, ratio, angle):
    true = shape(a, max(a * ratio, 2.5), angle)
    found = find(inside((x, y), true))
    assert len(found) == 1
    np.testing.assert_allclose(found.centers[0], [x, y], atol=0.35)
    np.testing.assert_allclose(found.shapes[0], true, atol=0.6)


ROUND = np.eye(2)


@pytest.mark.parametrize(("mask", "why"), [
    (inside((60, 45), 10 * ROUND) & ~((Y < 50) & (X > 55)), "a corner"),
    (inside((60, 45), 10 * ROUND) & ~inside((64, 45), 8 * ROUND), "a crescent"),
    (inside((60, 45), 10 * ROUND) & ~inside((60, 45), 7 * ROUND), "a ring"),
    (inside((60, 45), 1.2 * ROUND), "a speck"),
    (inside((3, 45), 8 * ROUND), "cut by the border"),
    (inside((60, 45), 30 * ROUND), "a large thing"),
    (inside((60, 45), shape(30, 2.5, 0.4)), "a bar"),
    (np.zeros((HEIGHT, WIDTH), bool), "nothing"),
    (np.ones((HEIGHT, WIDTH), bool), "everything"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_no_disc_is_left_out(mask, why):
    assert len(find(mask)) == 0, why


def test_discs_beside_others_are_all_found():
    centers = np.array([[20, 20], [50, 20], [80, 60], [20, 70]])
    found = find(np.any([inside(c, 6 * ROUND) for c in centers], axis=0) | (X > 110))
    order = np.lexsort((found.centers[:, 0], found.centers[:, 1]))
    np.testing.assert_allclose(found.centers[order], centers[np.lexsort((centers[:, 0], centers[:, 1]))], atol=1e-9)
