import numpy as np
import pytest

from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers import JointOptions, Status, average_directions, estimate_direction, eventail_linear, refine_gyro_bias


def golden_trials(golden, scenes, name):
    cases = golden(name)
    for v, trial, w in zip(cases["v_true"], cases["ev"], cases["w_used"], strict=True):
        yield v, [scenes.derotated(ev[:, :2], ev[:, 2], rate) for ev, rate in zip(trial, w, strict=True)]


@pytest.mark.parametrize("name", ["avg_pixel_0p5", "avgphys_pixel_0p5", "avgphys_gyro_5"])
def test_linear_average_equals_the_reference(golden, scenes, name):
    theirs = golden(name)["avg_lin10"][:, -1]
    for (_, lines), expected in zip(golden_trials(golden, scenes, name), theirs, strict=True):
        bearings, times = np.stack([e.bearings for e in lines]), np.stack([e.times_s for e in lines])
        got = average_directions(eventail_linear(bearings, times, time_scale_s=1.0)).direction
        assert min(np.abs(got - expected).max(), np.abs(got + expected).max()) < 1e-8


# Median degrees over the trials that ten lines of ten events have to reach with one default.
@pytest.mark.parametrize(("name", "goal_deg"), [
    ("avgphys_pixel_0p5", 7.2), ("avgphys_jitter_0p5ms", 0.75), ("avgphys_gyro_5", 10.6),
])
def test_joint_estimate_of_ten_lines_of_ten_events(golden, scenes, name, goal_deg):
    trials = [(v, estimate_direction(lines)) for v, lines in golden_trials(golden, scenes, name)]
    errors = [scenes.folded_deg(got.vector, v / np.linalg.norm(v)) if got else 90.0 for v, got in trials]
    assert np.median(errors) <= goal_deg
    right = np.array([got.vector @ v > 0 for v, got in trials])
    resolved = np.array([got.sign_resolved for _, got in trials])
    assert right.mean() >= (0.92 if "pixel" in name else 0.98)
    assert right[resolved].all()
    assert resolved.mean() >= 0.75


def test_stated_covariance_of_the_direction(scenes):
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(60):
        v, _, seen = scenes.see_lines(rng, 8, 40, px=0.4)
        got = estimate_direction([line.events for line in seen])
        if got.status is Status.OK:
            values, axes = np.linalg.eigh(got.covariance)
            off = axes[:, 1:].T @ (got.direction - v / np.linalg.norm(v) * np.sign(got.direction @ v))
            errors.append((off**2 / values[1:]).sum() / 2)
    assert len(errors) > 40
    # The estimate is not linear in the data: a few trials dominate the mean, the median of chi2/2 is 0.69.
    assert np.median(errors) == pytest.approx(0.69, rel=0.35)
    assert np.mean(errors) < 1.6


def test_clean_lines_give_the_velocity_and_its_sign(scenes):
    rng = np.random.default_rng(2)
    for _ in range(5):
        v, _, seen = scenes.see_lines(rng, 5, 30)
        got = estimate_direction([line.events for line in seen])
        assert scenes.folded_deg(got.direction, v) < 1e-3
        assert got.sign_resolved
        assert got.direction @ v > 0


def test_wrong_lines_lose_their_influence(scenes):
    rng = np.random.default_rng(3)
    errors, marked = [], []
    for _ in range(12):
        v, _, seen = scenes.see_lines(rng, 10, 60, px=0.3)
        _, _, alien = scenes.see_lines(rng, 2, 60, px=0.3)
        got = estimate_direction([line.events for line in (*seen, *alien)])
        errors.append(scenes.folded_deg(got.direction, v))
        marked.append(np.median(got.line_errors[-2:]) > np.median(got.line_errors[:-2]))
    assert np.median(errors) < 5
    assert np.mean(marked) > 0.8


def test_consensus_of_the_linear_average_drops_wrong_lines(scenes):
    rng = np.random.default_rng(4)
    plain, robust = [], []
    for _ in range(15):
        v, _, seen = scenes.see_lines(rng, 10, 100, jitter_s=2e-4)
        _, _, alien = scenes.see_lines(rng, 3, 100)
        lines = [*seen, *alien]
        solution = eventail_linear(np.stack([s.events.bearings for s in lines]), np.stack([s.times_s for s in lines]))
        plain.append(scenes.folded_deg(average_directions(solution).direction, v))
        robust.append(scenes.folded_deg(average_directions(solution, reject_angle_rad=0.1).direction, v))
    assert np.median(robust) < 0.5 * np.median(plain)


def parallel_lines(scenes, rng, count):
    """Lines along x at different heights and depths, seen by a camera that moves across them."""
    v, lines = np.array([0.3, 0.4, 0.0]), []
    for y, z in zip(np.linspace(-0.6, 0.6, count), np.linspace(1.5, 2.5, count), strict=True):
        t, x = rng.uniform(-0.25, 0.25, 60), rng.uniform(-1, 1, 60)
        seen = np.stack([x, np.full(60, y), np.full(60, z)], 1) - t[:, None] * v
        pixels = seen[:, :2] / seen[:, 2:] * 320 + [320, 240] + 0.2 * rng.normal(size=(60, 2))
        lines.append(scenes.derotated(pixels, t, np.zeros(3)))
    return lines


def test_parallel_lines_do_not_tell_the_direction(scenes):
    lines = parallel_lines(scenes, np.random.default_rng(5), 5)
    got = estimate_direction(lines, options=JointOptions(distance_spreads=()))
    assert got.status is Status.PARALLEL_LINES
    with pytest.raises(NotEnoughDataError, match="parallel"):
        _ = got.direction
    assert estimate_direction(lines).status is not Status.OK
    assert estimate_direction(lines[:1]).status is Status.TOO_FEW


def test_clean_parallel_lines_and_bad_input_of_the_linear_average(scenes):
    x = np.linspace(-1, 1, 10)
    t = np.linspace(-0.2, 0.2, 10)[np.random.default_rng(0).permutation(10)]
    bearings = []
    for y in (-0.3, 0.1, 0.4):
        points = np.stack([x, np.full(10, y), np.full(10, 2.0)], 1) - t[:, None] * [0.1, 0.3, 0.2]
        bearings.append(points / np.linalg.norm(points, axis=1, keepdims=True))
    solution = eventail_linear(np.stack(bearings), np.tile(t, (3, 1)))
    average = average_directions(solution)
    # All rates lie in the plane across the lines: two of its directions are seen, the third singular value is the motion.
    assert scenes.folded_deg(average.vector, np.array([1.0, 0.0, 0.0])) < 1e-6 or average.status is Status.PARALLEL_LINES
    with pytest.raises(InputError, match="shape"):
        average_directions(solution[0])


def test_shared_gyro_bias_is_found_and_the_motion_corrected(scenes):
    rng = np.random.default_rng(6)
    off, before, after = [], [], []
    for _ in range(6):
        v, bias, seen = scenes.see_lines(rng, 12, 100, jitter_s=2e-4, gyro_deg_s=3, shared_gyro=True)
        lines = [line.events for line in seen]
        got = refine_gyro_bias(lines, prior_sigma_rad_s=np.radians(5))
        if got.status is Status.OK:
            off.append(np.degrees(np.linalg.norm(got.bias_rad_s - bias)))
            before.append(scenes.folded_deg(estimate_direction(lines).vector, v))
            after.append(scenes.folded_deg(got.motion.direction, v))
    assert len(off) >= 3
    assert np.median(off) < 0.5
    assert np.median(after) < 0.5 * np.median(before)


def test_gyro_bias_that_cannot_be_told_is_not_told(scenes):
    rng = np.random.default_rng(7)
    _, _, seen = scenes.see_lines(rng, 4, 60, px=0.3)
    got = refine_gyro_bias([line.events for line in seen], prior_sigma_rad_s=0.05)
    assert got.status is Status.TOO_FEW
    _, _, seen = scenes.see_lines(rng, 8, 10, px=3.0)
    got = refine_gyro_bias([line.events for line in seen], prior_sigma_rad_s=1e-4)
    assert got.status in (Status.UNDETERMINED, Status.WEAK)


def test_stated_covariances_of_the_gyro_bias_and_of_the_direction_with_it(scenes):
    rng = np.random.default_rng(8)
    biases, directions = [], []
    for _ in range(30):
        sigma = np.radians(3)
        v, bias, seen = scenes.see_lines(rng, 16, 60, jitter_s=3e-4, gyro_deg_s=3, shared_gyro=True)
        got = refine_gyro_bias([line.events for line in seen], prior_sigma_rad_s=sigma)
        if got.status is Status.OK:
            off = got.bias_rad_s - bias
            biases.append(off @ np.linalg.solve(got.covariance, off) / 3)
            values, axes = np.linalg.eigh(got.motion.covariance)
            off = axes[:, 1:].T @ (got.motion.direction - v / np.linalg.norm(v) * np.sign(got.motion.direction @ v))
            directions.append((off**2 / values[1:]).sum() / 2)
    assert len(biases) >= 20
    # Medians of chi squared over its three and two degrees of freedom, which a few lucky false minima do not move.
    assert np.median(biases) == pytest.approx(0.79, rel=0.5)
    assert np.median(directions) == pytest.approx(0.69, rel=0.5)
