"""Pictures of a calibration: what they are drawn from is true, and what they show can be told from them."""

import dataclasses

import cv2
import numpy as np
import pytest

from evcam.calib import CalibrationOptions, calibrate, compare
from evcam.calib.residual_pattern import residual_pattern
from evcam.core.camera import Camera
from evcam.core.detections import Detections, View
from evcam.core.events import Events
from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.viz import coverage, difference, lens, residuals, views
from evcam.viz.style import round_factor

BOARD = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
RADTAN = Camera("pinhole-radtan", [250.0, 251.0, 160.0, 118.0, -0.3, 0.09, 0.001, -0.0005, 0.0], 320, 240)
FISHEYE = Camera("pinhole-equidistant", [150.0, 151.0, 160.0, 118.0, -0.02, 0.01, 0.003, -0.001], 320, 240)
DRAWINGS = (coverage.image_coverage, coverage.tilts, coverage.distances, lens.uncertainty_map, lens.distortion_curve,
            residuals.residual_vectors, residuals.mean_residuals, residuals.residual_histogram, residuals.residuals_by_view)


def found(camera=RADTAN, stated_px=0.1, shift_px=0.0, where=0.15, away=1.0):
    rng = np.random.default_rng(0)
    made = []
    for k in range(50):
        R = exp_so3([*rng.uniform(-0.5, 0.5, 2), 0]) @ exp_so3([0, 0, np.pi / 2])
        t = [*rng.uniform(-where, where, 2), away * rng.uniform(0.5, 0.8)] - R @ BOARD.object_points.mean(0)
        xy = camera.project(BOARD.object_points @ R.T + t)
        ids = np.flatnonzero(((xy > 3) & (xy < [316, 236])).all(1))
        n = len(ids)
        px = xy[ids] + rng.normal(0, 0.1, (n, 2)) + shift_px * (np.abs(xy[ids] - [60, 60]) < 15).all(1)[:, None]
        made.append(View("made.h5", k, np.full(n, 200_000 * k), ids, px, np.tile(stated_px**2 * np.eye(2), (n, 1, 1)),
                         np.zeros((n, 2)), 20_000))
    return Detections(BOARD, 320, 240, tuple(view for view in made if len(view) > 15))


@pytest.fixture(scope="module", params=[RADTAN, FISHEYE], ids=lambda camera: camera.model)
def calibration(request):
    return calibrate(found(request.param), request.param.model)


def pixels(picture):
    assert picture.kind == "png"
    return cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("draw", DRAWINGS, ids=lambda draw: draw.__name__)
def test_the_same_calibration_gives_the_same_bytes(draw, calibration):
    picture = draw(calibration)
    assert picture == draw(calibration)
    assert picture.caption.endswith(".")
    if picture.kind == "png":
        assert pixels(picture).std() > 10
    else:
        assert picture.data.startswith(b"<?xml")
        assert picture.data.count(b"<path") > 10


def test_notebooks_show_pictures(calibration):
    assert set(coverage.distances(calibration)._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert coverage.image_coverage(calibration)._repr_mimebundle_()["image/png"].startswith("iVBOR")


def test_the_distortion_curve_is_the_lens(calibration):
    """Against projection itself, of a lens that is round."""
    camera = calibration.camera
    f = np.sqrt(camera.params[0] * camera.params[1])
    d = camera.distortion.copy()
    if camera.model == "pinhole-radtan":
        d[2:4] = 0
    round_lens = Camera(camera.model, [f, f, *camera.params[2:4], *d], 320, 240)
    angle = np.linspace(0.01, 0.6, 20)
    points = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    ideal = f * (np.tan(angle) if camera.model == "pinhole-radtan" else angle)
    expected = round_lens.project(points)[:, 0] - camera.params[2] - ideal
    curve, std = lens.radial_shift_px(calibration, angle)
    assert curve == pytest.approx(expected, abs=1e-9)
    assert (np.diff(std[5:]) > 0).any()


def test_the_curve_s_deviation_is_that_of_its_coefficients(calibration):
    angle = np.linspace(0.05, 0.5, 10)
    rng = np.random.default_rng(1)
    drawn = rng.multivariate_normal(calibration.camera.params, calibration.covariance, 400)
    curves = []
    for params in drawn:
        # only the coefficients vary: focal lengths belong to another axis of the page
        camera = Camera(calibration.camera.model, [*calibration.camera.params[:4], *params[4:]], 320, 240)
        curves.append(lens.radial_shift_px(dataclasses.replace(calibration, camera=camera), angle)[0])
    assert np.std(curves, 0) == pytest.approx(lens.radial_shift_px(calibration, angle)[1], rel=0.15)


@pytest.mark.parametrize("stated_px", [0.05, 0.1, 0.3])
def test_the_histogram_tells_stated_noise_from_found(stated_px):
    values = residuals.whitened_residuals(calibrate(found(stated_px=stated_px)))
    assert residuals.noise_scale(values) == pytest.approx(0.1 / stated_px, rel=0.1)


def test_an_error_at_one_place_shows_there_and_nowhere_else():
    calibration = calibrate(found(shift_px=0.3), options=CalibrationOptions(outlier_sigma=50))
    pattern = residual_pattern(calibration)
    near = np.abs(pattern.centres - [60, 60]).max(1) < 15
    assert pattern.is_significant[near].all()
    assert pattern.is_significant[~near].mean() < 0.1
    assert "standard deviations, " in residuals.mean_residuals(calibration).caption


def test_ninths_without_points_are_marked():
    narrow, wide = (coverage.image_coverage(calibrate(found(where=where, away=away)))
                    for where, away in ((0.02, 2.0), (0.15, 1.0)))
    orange = [(np.abs(pixels(picture).astype(int) - (0x0A, 0x70, 0xC2)).max(-1) < 40).mean() for picture in (narrow, wide)]
    assert orange[0] > 0.002
    assert orange[1] == 0


def test_left_out_points_and_events_are_drawn(calibration):
    inliers = calibration.fits[0].inliers.copy()
    inliers[:3] = False
    fits = (dataclasses.replace(calibration.fits[0], inliers=inliers), *calibration.fits[1:])
    spoiled = dataclasses.replace(calibration, fits=fits)
    x, y = np.meshgrid(np.arange(100, 200), np.arange(100, 150))
    n = x.size
    events = Events.from_arrays(np.arange(n), x.ravel(), y.ravel(), np.ones(n, bool), width=320, height=240)
    bare, with_events = views.view_picture(spoiled, 0), views.view_picture(spoiled, 0, events)
    assert "3 left out" in bare.caption
    reddish = [(pixels(picture)[..., 2] > pixels(picture)[..., 0].astype(int) + 40).mean() for picture in (bare, with_events)]
    assert reddish[1] > reddish[0] + 0.02


def test_differences_are_drawn_with_and_without_uncertainty(calibration):
    params = calibration.camera.params.copy()
    params[0] += 3
    other = Camera(calibration.camera.model, params, 320, 240)
    assert pixels(difference.difference_map(compare(calibration.camera, other))).std() > 10
    same, far = (difference.significance_map(compare(calibration, camera)) for camera in (calibration.camera, other))
    red = [(np.abs(pixels(picture).astype(int) - (0x26, 0x00, 0xA5)).max(-1) < 60).mean() for picture in (same, far)]
    assert red[1] > red[0] + 0.05


@pytest.mark.parametrize(("wanted", "factor"), [(1.0, 1), (4.9, 2), (5.0, 5), (0.03, 0.02), (2345, 2000)])
def test_magnifications_are_round(wanted, factor):
    assert round_factor(wanted) == pytest.approx(factor)


def test_figures_are_never_shown(calibration):
    import matplotlib.pyplot as plt

    for draw in DRAWINGS:
        draw(calibration)
    assert plt.get_fignums() == []
