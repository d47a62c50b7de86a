"""Moving ellipses fitted to crossings that were made from moving ellipses."""

from dataclasses import replace

import numpy as np
import pytest

from evcam.detect.moving._contour import N_PARAMS, _derivatives, _residual
from evcam.detect.moving.discs import FITTED, TOO_FEW, DiscOptions, DiscStart, fit_discs
from evcam.flow import Crossings

MID_US = 1_000_000
WIDTH, HEIGHT = 200, 120
SHAPE = np.array([[9.0, 1.5], [1.5, 7.0]])
CENTERS = np.stack(np.meshgrid(np.arange(25.0, 190, 30), np.arange(25.0, 110, 30)), -1).reshape(-1, 2)
ONLY_SCATTER = DiscOptions(edge_error_px=0.0, hurried_error_s2=0.0, turning_px=0.0)


def velocities(centers, swirl=0.3):
    """About 100 px/s, different from disc to disc."""
    offset = centers - centers.mean(0)
    return np.array([90.0, 40.0]) + swirl * offset @ np.array([[0, 1], [-1, 0]])


def crossings_of(centers, velocity, acceleration, dark=True, noise_px=0.0, seed=0, half_s=0.04, arcs=("leading", "trailing")):
    """When the moving outlines pass the pixels; noise is along the outline's normal."""
    rng = np.random.default_rng(seed)
    inverse = np.linalg.inv(SHAPE)
    grid = np.linspace(-half_s, half_s, 81)
    parts = []
    for c, v, a in zip(centers, velocity, acceleration, strict=True):
        x, y = np.meshgrid(*[np.arange(int(c[k]) - 18, int(c[k]) + 19) for k in (0, 1)])
        px = np.stack([x.ravel(), y.ravel()], -1)

        def height(px, t, c=c, v=v, a=a):
            path = c + np.multiply.outer(t, v) + 0.5 * np.multiply.outer(t * t, a)
            return np.linalg.norm((px - path) @ inverse.T, axis=-1) - 1

        table = np.stack([height(px, np.full(len(px), s)) for s in grid], -1)
        pixel, k = np.nonzero((table[:, :-1] > 0) != (table[:, 1:] > 0))
        low, high = grid[k], grid[k + 1]
        entering = table[pixel, k] > 0
        for _ in range(40):
            middle = (low + high) / 2
            before = (height(px[pixel], middle) > 0) == entering
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        normal = (px[pixel] - (c + low[:, None] * v + 0.5 * low[:, None] ** 2 * a)) @ inverse.T @ inverse
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        along = ((v + low[:, None] * a) * normal).sum(1)
        keep = (np.abs(along) > 10) & np.isin(entering, [arc == "leading" for arc in arcs])
        t = low + noise_px * rng.standard_normal(len(low)) / along
        parts.append(np.column_stack([MID_US + 1e6 * t, px[pixel], entering != dark])[keep])
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    t, x, y, p = rows.T
    n = len(t)
    six, step = np.full(n, 6, np.uint16), np.full(n, 100, np.float32)
    xy = x.astype(np.uint16), y.astype(np.uint16)
    return Crossings(np.round(t).astype(np.int64), *xy, p.astype(bool), six, six, step, WIDTH, HEIGHT)


def start(centers, velocity, acceleration, seed=0, shift_px=1.0, velocity_std=20.0, shape_std=0.15):
    """Knows centre, velocity and shape as roughly as it says."""
    rng = np.random.default_rng(seed)
    n = len(centers)
    wrong = rng.normal(0, 0.5 * shape_std, (n, 2, 2))
    shapes = (np.eye(2) + (wrong + wrong.transpose(0, 2, 1)) / 2) @ SHAPE
    return DiscStart(
        MID_US, centers + rng.uniform(-shift_px, shift_px, (n, 2)), velocity + rng.normal(0, 0.5 * velocity_std, (n, 2)),
        acceleration, shapes, np.ones(n, bool), velocity_std, shape_std,
    )


def fit(crossings, begin, *, dark=True, options=ONLY_SCATTER, needed=(5, 14)):
    return fit_discs(crossings, begin, dark=dark, options=options, min_arc=needed[0], min_both=needed[1])


def scene(acceleration=(0.0, 0.0)):
    return CENTERS, velocities(CENTERS), np.tile(np.array(acceleration), (len(CENTERS), 1))


def test_derivatives_of_the_residual_against_central_differences():
    rng = np.random.default_rng(0)
    center, velocity, acceleration = np.array([50.0, 40.0]), np.array([80.0, -30.0]), np.array([500.0, 900.0])

    def residual(px, tau, change):
        stretch = np.eye(2) + np.array([[change[4], change[5]], [change[5], change[6]]])
        inverse = np.linalg.inv(stretch @ SHAPE)
        motion = tuple(center + change[:2]), tuple(velocity + change[2:4]), tuple(acceleration)
        distance, _, _, *normal_and_way = _residual(*px, tau, *motion, tuple(inverse.ravel()))
        return distance, _derivatives(*normal_and_way, tau)

    for angle, tau in zip(rng.uniform(0, 2 * np.pi, 30), rng.uniform(-0.03, 0.03, 30), strict=True):
        path = center + tau * velocity + 0.5 * tau**2 * acceleration
        px = path + SHAPE @ [np.cos(angle), np.sin(angle)]
        distance, row = residual(px, tau, np.zeros(N_PARAMS))
        assert distance == pytest.approx(0, abs=1e-12)
        steps = 1e-5 * np.eye(N_PARAMS)
        numeric = [(residual(px, tau, s)[0] - residual(px, tau, -s)[0]) / 2e-5 for s in steps]
        np.testing.assert_allclose(row, numeric, atol=1e-7)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("acceleration", [(0.0, 0.0), (600.0, -900.0)])
def test_exact_crossings_are_fitted_exactly(dark, acceleration):
    centers, velocity, a = scene(acceleration)
    loose = start(centers, velocity, a, velocity_std=60.0, shape_std=0.15)
    result = fit(crossings_of(centers, velocity, a, dark), loose, dark=dark)
    assert (result.status == FITTED).all()
    assert np.abs(result.centers - centers).max() < 2e-3
    np.testing.assert_allclose(result.velocities, velocity, atol=0.5)
    outer = result.shapes @ result.shapes.transpose(0, 2, 1)
    np.testing.assert_allclose(outer, np.tile(SHAPE @ SHAPE.T, (len(centers), 1, 1)), rtol=0.01, atol=0.5)
    assert result.sigma_px.max() < 5e-3
    assert min(result.leading.min(), result.trailing.min()) > 10


def test_polarity_tells_discs_from_their_negatives():
    centers, velocity, a = scene()
    result = fit(crossings_of(centers, velocity, a, dark=False), start(centers, velocity, a), dark=True)
    assert (result.status != FITTED).all()


@pytest.mark.parametrize("noise_px", [0.02, 0.05, 0.12, 0.2])
def test_stated_covariance_is_that_of_white_crossing_noise(noise_px):
    centers, velocity, a = scene()
    squares = []
    for seed in range(12):
        result = fit(crossings_of(centers, velocity, a, noise_px=noise_px, seed=seed),
                     start(centers, velocity, a, seed, velocity_std=60.0))
        error = result.centers - centers
        squares.append(np.einsum("ni,nij,nj->n", error, np.linalg.inv(result.covariances), error))
        # robust, so a little on the low side
        assert 0.7 * noise_px < np.median(result.sigma_px) < 1.05 * noise_px
    assert np.mean(squares) / 2 == pytest.approx(1, abs=0.2)


def test_one_arc_is_enough_when_velocity_and_shape_are_known():
    centers, velocity, a = scene()
    seen = crossings_of(centers, velocity, a, noise_px=0.05, arcs=["leading"])
    known = replace(start(centers, velocity, a, velocity_std=1.0, shape_std=0.003), shapes=np.tile(SHAPE, (len(centers), 1, 1)))
    alone, helped = fit(seen, known), fit(seen, known, needed=(0, 5))
    assert (alone.status == TOO_FEW).all()
    assert (helped.status == FITTED).all()
    assert (helped.trailing == 0).all()
    error = helped.centers - centers
    assert np.sqrt((error**2).sum(1).mean()) < 0.12
    # least certain along the motion's arc
    normalised = np.einsum("ni,nij,nj->n", error, np.linalg.inv(helped.covariances), error)
    assert normalised.mean() / 2 < 2


def test_outliers_are_left_out():
    centers, velocity, a = scene()
    good = crossings_of(centers, velocity, a, noise_px=0.05)
    rng = np.random.default_rng(0)
    wrong = rng.random(len(good)) < 0.1
    t = np.where(wrong, good.t + rng.integers(-40_000, 40_000, len(good)), good.t)
    order = np.argsort(t, kind="stable")
    result = fit(replace(good[order], t=t[order]), start(centers, velocity, a))
    assert (result.status == FITTED).mean() > 0.9
    error = np.linalg.norm(result.centers - centers, axis=1)[result.status == FITTED]
    assert np.sqrt((error**2).mean()) < 0.1


def test_nothing_to_fit_is_too_few():
    centers, velocity, a = scene()
    empty = crossings_of(centers, velocity, a)[:0]
    assert (fit(empty, start(centers, velocity, a)).status == TOO_FEW).all()
