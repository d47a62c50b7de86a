import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.solvers.circle_image import circle_center_offset
from evcam.solvers.homography import transfer

CENTERS = np.array([[0.0, 0.0], [0.1, 0.05], [-0.1, 0.1]])


def tilted(w, z=0.5, focal=300.0):
    R = exp_so3(w)
    return np.diag([focal, focal, 1.0]) @ np.column_stack([R[:, :2], [0.02, -0.01, z]])


def exact_offset(H, center, radius):
    """Centre of the circle's image conic, minus the image of the centre."""
    x, y = center
    circle = np.array([[1, 0, -x], [0, 1, -y], [-x, -y, x * x + y * y - radius**2]])
    inverse = np.linalg.inv(H)
    conic = inverse.T @ circle @ inverse
    return np.linalg.solve(conic[:2, :2], -conic[:2, 2]) - transfer(H, center[None])[0]


def exact_offsets(H, radius):
    return np.array([exact_offset(H, center, radius) for center in CENTERS])


@pytest.mark.parametrize("w", [(0.5, 0, 0), (0, -0.7, 0.3), (0.4, 0.4, 1.0), (-0.8, 0.2, 2.0)])
def test_agrees_with_the_exact_conic(w):
    H = tilted(w)
    exact = exact_offsets(H, 0.02)
    offset = circle_center_offset(lambda xy: transfer(H, xy), CENTERS, 0.02)
    assert np.linalg.norm(exact, axis=1).min() > 0.05  # px: it matters
    np.testing.assert_allclose(offset, exact, atol=0.003 * np.abs(exact).max())


def test_error_is_of_the_fourth_order_of_the_radius():
    H = tilted((0.6, -0.3, 0.2))
    radii = 0.04 / 2.0 ** np.arange(4)
    errors = [np.abs(circle_center_offset(lambda xy: transfer(H, xy), CENTERS, r) - exact_offsets(H, r)).max() for r in radii]
    np.testing.assert_allclose(np.log2(errors[:-1]) - np.log2(errors[1:]), 4, atol=0.3)


@pytest.mark.parametrize(("A", "tolerance"), [
    ([[1.2, -0.5], [0.5, 1.2]], 1e-12), ([[1.2, 0.3], [-0.4, 0.8]], 1e-4),
], ids=["similarity", "affine"])
def test_maps_of_the_image_map_the_offset(A, tolerance):
    H = tilted((0.6, -0.3, 0.2))
    plain = circle_center_offset(lambda xy: transfer(H, xy), CENTERS, 0.02)
    mapped = circle_center_offset(lambda xy: transfer(H, xy) @ np.transpose(A) + [10.0, -7.0], CENTERS, 0.02)
    # a fit in pixels weighs the parts of the outline a little differently after a shear
    np.testing.assert_allclose(mapped, plain @ np.transpose(A), atol=tolerance)


def test_direction_of_the_motion_matters_little_and_its_sign_not_at_all():
    H = tilted((0.6, -0.3, 0.2))
    whole = circle_center_offset(lambda xy: transfer(H, xy), CENTERS, 0.02)
    for direction in ([1.0, 0.0], [3.0, -2.0]):
        motion = np.tile(direction, (len(CENTERS), 1))
        there, back = (circle_center_offset(lambda xy: transfer(H, xy), CENTERS, 0.02, d, 0.5) for d in (motion, -motion))
        np.testing.assert_array_equal(there, back)
        np.testing.assert_allclose(there, whole, atol=0.1 * np.abs(whole).max())
    still = circle_center_offset(lambda xy: transfer(H, xy), CENTERS, 0.02, np.zeros((len(CENTERS), 2)), 0.5)
    np.testing.assert_array_equal(still, whole)


def test_affine_image_of_a_circle_has_its_centre_in_the_middle():
    offset = circle_center_offset(lambda xy: 40 * xy @ np.array([[1.0, 0.5], [0.0, 2.0]]) + 3, CENTERS, 0.02)
    np.testing.assert_allclose(offset, 0, atol=1e-12)


def test_lens_moves_outlines_as_a_fit_of_an_ellipse_sees_it():
    """Against a least-squares ellipse through many outline points of a bent, tilted circle."""
    H = tilted((0.5, 0.3, 0.0))

    def lens(xy):
        straight = transfer(H, xy) / 300
        return 300 * straight * (1 - 0.25 * (straight**2).sum(-1, keepdims=True))

    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    for center, offset in zip(CENTERS, circle_center_offset(lens, CENTERS, 0.015), strict=True):
        middle = lens(center[None])[0]
        x, y = (lens(center + 0.015 * np.stack([np.cos(angle), np.sin(angle)], -1)) - middle).T
        a, b, c, d, e = np.linalg.lstsq(np.stack([x * x, x * y, y * y, x, y], -1), np.ones(400), rcond=None)[0]
        fitted = np.linalg.solve([[2 * a, b], [b, 2 * c]], [-d, -e])
        np.testing.assert_allclose(offset, fitted, atol=0.01)
