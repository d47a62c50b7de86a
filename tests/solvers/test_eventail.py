import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.rotation import exp_so3
from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers import Status, eventail_five_point, eventail_linear, partial_velocity, two_plane_parameters


def relative_up_to_sign(got, expected):
    size = np.linalg.norm(expected, axis=-1)
    return np.minimum(np.linalg.norm(got - expected, axis=-1), np.linalg.norm(got + expected, axis=-1)) / size


@pytest.mark.parametrize("family", ["ref", "phys"])
@pytest.mark.parametrize("noise", ["clean", "pixel_0p5", "pixel_2p0", "jitter_0p25ms", "jitter_1p0ms", "gyro_2p5", "gyro_10"])
def test_unscaled_linear_solver_equals_the_reference(golden, family, noise):
    cases = golden(f"{family}_{noise}")
    for count in (5, 10, 100):
        got = eventail_linear(cases["bearing"][:, :count], cases["ev"][:, :count, 2], time_scale_s=1.0)
        error = relative_up_to_sign(got.partial_velocity, cases[f"lin{count}_v"])
        assert np.median(error) < 1e-9
        assert error.max() < 1e-6


@pytest.mark.parametrize("family", ["ref", "phys"])
def test_five_points_match_the_better_root_of_the_polynomial_solver(golden, scenes, family):
    cases = golden(f"{family}_clean")
    ok = cases["poly_ok"]
    bearings, times = cases["bearing"][ok, :5], cases["ev"][ok, :5, 2]
    got = eventail_five_point(bearings, times)
    theirs = cases["poly_v"][ok]
    angle = scenes.folded_deg(got.direction, theirs / np.linalg.norm(theirs, axis=1, keepdims=True))
    assert np.median(angle) < 1e-6
    assert np.percentile(angle, 90) < 0.1
    residual = np.abs(np.einsum("nij,nij->ni", bearings, got.b[:, None] - times[..., None] * got.a[:, None])).max(1)
    assert residual.max() < 1e-12


@pytest.mark.parametrize("family", ["ref", "phys"])
def test_two_plane_parameters_are_the_polynomial_roots(golden, family):
    cases = golden(f"{family}_clean")
    got = eventail_five_point(cases["bearing"][:, :5], cases["ev"][:, :5, 2])
    roots = cases["poly_roots"][cases["poly_ok"]]
    ours = np.stack([two_plane_parameters(got.b, got.a), two_plane_parameters(-got.b, -got.a)], 1)[cases["poly_ok"]]
    size = np.abs(roots).max(-1)
    straight, swapped = np.abs(ours - roots).max(-1) / size, np.abs(ours[:, ::-1] - roots).max(-1) / size
    error = np.minimum(straight.max(1), swapped.max(1))
    assert np.median(error) < 1e-8
    assert np.percentile(error, 90) < 1e-4


def clean_problems(scenes, count, events, seed=0):
    rng = np.random.default_rng(seed)
    seen = [(v, line) for v, _, lines in (scenes.see_lines(rng, 1, events) for _ in range(count)) for line in lines]
    bearings = np.stack([line.events.bearings for _, line in seen])
    times = np.stack([line.times_s for _, line in seen])
    return bearings, times, np.stack([line.vector for _, line in seen]), np.stack([v for v, _ in seen])


def test_clean_physical_cases_are_solved_with_the_right_sign(scenes):
    bearings, times, truth, v = clean_problems(scenes, 300, 100)
    for count, solver in ((5, eventail_five_point), (5, eventail_linear), (100, eventail_linear)):
        got = solver(bearings[:, :count], times[:, :count])
        assert scenes.folded_deg(got.direction, partial_velocity(truth[:, :3], truth[:, 3:])).max() < 1e-4
    assert ((got.partial_velocity * v).sum(1) > 0).all()
    assert (got.front_share == 1).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.01, 100))
def test_solution_turns_with_the_frame_and_follows_the_clock(scenes, seed, angle, tempo):
    bearings, times, truth, _ = clean_problems(scenes, 1, 12, seed)
    R = exp_so3(angle * scenes.unit(np.random.default_rng(seed)))
    order = np.random.default_rng(seed).permutation(12)
    got = eventail_linear(bearings[0][order] @ R.T, times[0][order] * tempo)
    expected = partial_velocity(truth[0, :3], truth[0, 3:]) @ R.T / tempo
    assert scenes.folded_deg(got.direction, expected) < 1e-4
    assert np.linalg.norm(got.partial_velocity) == pytest.approx(np.linalg.norm(expected), rel=1e-5)


def test_default_time_scale_does_not_depend_on_the_reference_instant(scenes):
    rng = np.random.default_rng(4)
    _v, _, (line,) = scenes.see_lines(rng, 1, 60, px=0.5)
    f, t = line.events.bearings, line.events.times_s
    here, later = eventail_linear(f, t), eventail_linear(f, t - 0.4)
    # The same ruled surface, its plane named at another instant.
    moved = here.b - 0.4 * here.a * 1.0
    assert scenes.folded_deg(later.b, moved) < 1e-6


def degenerate(kind, rng, count):
    t = np.linspace(-0.2, 0.2, count)
    place = rng.uniform(-1, 1, count)
    v = np.array([0.1, 0.4, 0.2])
    if kind is Status.TOO_FEW_INSTANTS:
        t = np.where(np.arange(count) % 2 == 0, -0.1, 0.1)
    if kind is Status.SINGLE_POINT:
        place[:] = 0.3
    if kind is Status.STILL_LINE:
        v = np.array([0.1, 0.0, 0.0])
    points = np.stack([place, np.full(count, 0.2), np.full(count, 1.5)], 1) - t[:, None] * v
    return points / np.linalg.norm(points, axis=1, keepdims=True), t


@pytest.mark.parametrize("kind", [Status.TOO_FEW_INSTANTS, Status.SINGLE_POINT, Status.STILL_LINE])
@pytest.mark.parametrize("count", [5, 40])
def test_degenerate_events_have_a_reason_and_no_answer(kind, count):
    bearings, times = degenerate(kind, np.random.default_rng(1), count)
    solution = (eventail_five_point if count == 5 else eventail_linear)(bearings, times)
    assert solution.status is kind
    assert not solution
    with pytest.raises(NotEnoughDataError, match="no answer"):
        _ = solution.partial_velocity


@pytest.mark.parametrize("count", [5, 40])
def test_noise_does_not_hide_that_there_are_two_instants(count):
    rng = np.random.default_rng(1)
    bearings, times = degenerate(Status.TOO_FEW_INSTANTS, rng, count)
    bearings += 1e-3 * rng.normal(size=bearings.shape)
    solve = eventail_five_point if count == 5 else eventail_linear
    assert solve(bearings, times).status is Status.TOO_FEW_INSTANTS
    times[2] = 0.05
    assert solve(bearings, times).status is Status.OK
    if count > 5:
        assert eventail_linear(bearings, times, np.arange(count) != 2).status is Status.TOO_FEW_INSTANTS


def test_no_motion_at_all_is_a_still_line():
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-1, 1, 30), np.full(30, 0.2), np.ones(30)], 1)
    solution = eventail_linear(points / np.linalg.norm(points, axis=1, keepdims=True), np.linspace(-1, 1, 30))
    assert solution.status is Status.STILL_LINE


def test_batch_keeps_the_good_problems_beside_degenerate_ones(scenes):
    bearings, times, truth, _ = clean_problems(scenes, 3, 5)
    bearings[1], times[1] = degenerate(Status.SINGLE_POINT, np.random.default_rng(0), 5)
    got = eventail_five_point(bearings, times)
    assert got.is_ok.tolist() == [True, False, True]
    assert scenes.folded_deg(got[got.is_ok].b, truth[[0, 2], :3]).max() < 1e-6
    assert np.isfinite(got.vectors).all()


def test_too_few_events_and_bad_input():
    assert eventail_linear(np.eye(3), np.arange(3.0)).status is Status.TOO_FEW
    with pytest.raises(InputError, match="exactly 5"):
        eventail_five_point(np.ones((6, 3)), np.ones(6))
    with pytest.raises(InputError, match="do not fit"):
        eventail_linear(np.ones((6, 2)), np.ones(6))
    with pytest.raises(InputError, match="finite"):
        eventail_linear(np.full((6, 3), np.nan), np.ones(6))


def test_no_events_and_weights_that_do_not_fit():
    assert eventail_linear(np.empty((0, 3)), np.empty(0)).status is Status.TOO_FEW
    assert eventail_linear(np.empty((2, 0, 3)), np.empty((2, 0))).statuses.tolist() == [Status.TOO_FEW] * 2
    with pytest.raises(InputError, match="exactly 5 events per problem, not 0"):
        eventail_five_point(np.empty((0, 3)), np.empty(0))
    with pytest.raises(InputError, match=r"weights of shape \(9,\) do not fit events of shape \(10,\)"):
        eventail_linear(np.ones((10, 3)), np.arange(10.0), np.ones(9))
