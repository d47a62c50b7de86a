"""Corner and disc fits on images whose truth is exact."""

import cv2
import numpy as np
import pytest

from evcam.detect.flicker import saddle as saddle
from evcam.detect.flicker.disc import find_blobs, fit_disc
from evcam.detect.flicker.saddle import find_saddles, fit_saddle

SIZE = 41


def area_mean(function, oversampling=9):
    step = (np.arange(oversampling) + 0.5) / oversampling - 0.5
    axis = (np.arange(SIZE)[:, None] + step).ravel()
    x, y = np.meshgrid(axis, axis)
    return function(x, y).reshape(SIZE, oversampling, SIZE, oversampling).mean((1, 3))


def corner_image(centre, first=0.2, second=1.5):
    """Checkerboard corner with edges along two angles."""
    def colour(x, y):
        dx, dy = x - centre[0], y - centre[1]
        return ((dx * np.sin(first) - dy * np.cos(first)) * (dx * np.sin(second) - dy * np.cos(second)) < 0).astype(float)

    steps = 9.0 * np.array([[np.cos(first), np.sin(first)], [np.cos(second), np.sin(second)]])
    return area_mean(colour), steps


@pytest.mark.parametrize("seed", range(5))
def test_saddle_jacobian_agrees_with_central_differences(seed):
    rng = np.random.default_rng(seed)
    offset = rng.uniform(-6, 6, (50, 2))
    q = np.array([0.3, -0.2, *rng.uniform(-1, 1, 2), rng.uniform(0.5, 2), *rng.normal(size=4)])
    analytic = saddle._saddle_jacobian(q, offset)
    value = np.zeros(len(offset))
    for k, step in enumerate(1e-6 * np.eye(9)):
        difference = saddle._saddle_residuals(q + step, offset, value) - saddle._saddle_residuals(q - step, offset, value)
        assert np.allclose(analytic[:, k], difference / 2e-6, atol=1e-7)


@pytest.mark.parametrize("centre", [(20.0, 20.0), (19.63, 20.41), (20.25, 19.9)])
@pytest.mark.parametrize("response", ["linear", "log"])
def test_corner_is_found_to_a_few_hundredths_whatever_the_pixel_response(centre, response):
    image, steps = corner_image(np.array(centre))
    if response == "log":
        # A lens blurs before a pixel takes the logarithm.
        image = np.log1p(4 * cv2.GaussianBlur(image, (0, 0), 0.5))
    fit = fit_saddle(image, np.array([20.6, 19.5]), steps)
    assert np.abs(fit.xy - centre).max() < (0.03 if response == "linear" else 0.08)
    assert fit.contrast > 0


def test_stated_covariance_of_a_corner_agrees_with_monte_carlo():
    rng = np.random.default_rng(0)
    image, steps = corner_image(np.array([20.3, 19.8]))
    fits = [fit_saddle(image + 0.1 * rng.normal(size=image.shape), np.array([20.0, 20.0]), steps) for _ in range(120)]
    spread = np.cov(np.array([fit.xy for fit in fits]).T)
    stated = np.mean([fit.cov for fit in fits], axis=0)
    assert np.allclose(np.diag(stated) / np.diag(spread), 1, atol=0.5)


def test_outer_corner_of_a_square_is_no_saddle():
    image = area_mean(lambda x, y: ((x > 20) & (y > 20)).astype(float))
    assert fit_saddle(image, np.array([20.0, 20.0]), 9.0 * np.eye(2)) is None
    assert fit_saddle(np.ones((SIZE, SIZE)), np.array([20.0, 20.0]), 9.0 * np.eye(2)) is None


def test_saddles_are_found_at_a_board_s_corners_and_nowhere_in_a_flat_image():
    board = area_mean(lambda x, y: (np.floor(x / 8.2) + np.floor(y / 8.2)) % 2)
    found = find_saddles(board, 1.4)
    strong = found.xy[found.strength > 0.6]
    corners = np.array([[i, j] for i in range(1, 5) for j in range(1, 5)]) * 8.2
    assert (np.linalg.norm(corners[:, None] - strong, axis=2).min(1) < 1).all()
    assert len(find_saddles(np.zeros((30, 30)), 1.4).xy) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_disc_is_found_and_fitted_to_a_few_hundredths(dark):
    centre, shape = np.array([19.7, 20.4]), np.array([[1 / 49, 0.004], [0.004, 1 / 30]])

    def colour(x, y):
        d = np.stack([x, y], -1) - centre
        inside = np.einsum("...i,ij,...j->...", d, shape, d) < 1
        return (inside != dark).astype(float)

    image = area_mean(colour)
    xy, _ = find_blobs(image, 16.0, dark)
    assert np.abs(xy - [centre]).max() < 0.5
    fit = fit_disc(image, xy[0], 18.0 * np.eye(2))
    assert np.abs(fit.xy - centre).max() < 0.02
    assert (fit.contrast < 0) == dark
