"""The score of perfect, late, scattered, renumbered and incomplete detections is known."""

from dataclasses import replace

import numpy as np
import pytest
from grid_cases import CASES
from grid_score import GridScore, score_grid, slot_middles_us

from evcam.core.detections import Detections, View
from evcam.sim import Truth

CASE = replace(CASES[0], duration_s=0.6)
TRUTH = Truth(CASE.scene())
SIGMA_PX = 0.05


def _detections(late_us: int = 0, noise_px: float = 0.0, ids: slice = slice(None)) -> Detections:
    rng = np.random.default_rng(0)
    views = []
    for i, t_us in enumerate(slot_middles_us(TRUTH)):
        number = np.arange(len(CASE.target))[ids]
        xy = TRUTH.centers(t_us - late_us)[number] + noise_px * rng.standard_normal((len(number), 2))
        cov = np.tile(SIGMA_PX**2 * np.eye(2), (len(number), 1, 1))
        views.append(View("x", i, np.full(len(number), t_us), number, xy, cov, np.zeros_like(xy), 0))
    return Detections(CASE.target, CASE.camera.width, CASE.camera.height, tuple(views))


def _score(detections: Detections) -> GridScore:
    return score_grid(detections, TRUTH)


def test_truth_itself_is_perfect():
    score = _score(_detections())
    assert score.eligible > 10
    assert (score.complete_share, score.circle_recall, score.all_visible_share, score.wrong_ids) == (1.0, 1.0, 1.0, 0)
    assert score.rms_px < 1e-9


def test_delay_is_told_from_error():
    score = _score(_detections(late_us=2000))
    assert score.rms_px > 0.1
    assert score.time_shift_ms == pytest.approx(-2.0, abs=0.02)
    assert score.rms_after_px < 0.02


def test_scatter_is_held_against_the_stated_covariance():
    score = _score(_detections(noise_px=2 * SIGMA_PX))
    assert score.rms_after_px == pytest.approx(2 * SIGMA_PX * np.sqrt(2), rel=0.05)
    assert score.normalised_squared_error == pytest.approx(4.0, rel=0.1)


def test_missing_circle_costs_completeness_and_its_share_of_recall():
    score = _score(_detections(ids=slice(1, None)))
    assert score.complete_share == 0.0
    assert score.circle_recall == pytest.approx(1 - 1 / len(CASE.target))


def test_swapped_circles_are_wrong():
    found = _detections()
    view = found.views[0]
    swapped = view.ids.copy()
    swapped[[3, 7]] = swapped[[7, 3]]
    score = _score(replace(found, views=(replace(view, ids=swapped), *found.views[1:])))
    assert score.wrong_ids == 2


def test_half_turn_is_forgiven_only_where_asked():
    found = _detections()
    turned = replace(found, views=tuple(replace(v, ids=len(CASE.target) - 1 - v.ids) for v in found.views))
    assert score_grid(turned, TRUTH, half_turn=True).wrong_ids == 0
    assert _score(turned).wrong_ids == len(found) * len(CASE.target)


def test_nothing_found_is_a_score_too():
    nothing = replace(_detections(), views=())
    score = _score(nothing)
    assert (score.views, score.circle_recall, score.wrong_ids) == (0, 0.0, 0)
    assert np.isnan(score.rms_px)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_motion_is_about_as_fast_as_wanted(case):
    from grid_score import median_speed_pxps

    assert median_speed_pxps(case.scene()) == pytest.approx(case.speed_pxps, rel=0.25)
