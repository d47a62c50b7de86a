import numpy as np
import pytest

from evcam.errors import InputError
from evcam.solvers import LineSearchOptions, RansacOptions, Status, find_line, find_lines, ransac, refine_line, trials_needed
from evcam.solvers.line_ransac import LineEstimator


class OnlyGoodSamplesHaveAModel:
    """Data are numbers, inliers the ones; a sample of three gives a model only if all are inliers."""

    def __init__(self, inliers):
        self.truth = inliers
        self.first_good = None
        self.drawn = 0

    def draw(self, rng, count):
        return rng.integers(0, len(self.truth), (count, 3))

    def solve(self, samples):
        good = self.truth[samples].all(1)
        if good.any() and self.first_good is None:
            self.first_good = self.drawn + int(good.argmax()) + 1
        self.drawn += len(samples)
        return np.ones((int(good.sum()), 1))

    def best(self, models, bound):
        cost = float((~self.truth).sum())
        return (0, cost) if len(models) and cost < bound else (-1, bound)

    def inliers(self, model):
        return self.truth

    def refine(self, model, inliers):
        return None

    def probability_of_good_sample(self, inliers):
        return float(inliers.mean() ** 3)


def test_first_good_sample_comes_when_probability_says():
    truth = np.arange(100) < 40
    firsts = []
    for seed in range(600):
        mock = OnlyGoodSamplesHaveAModel(truth)
        report = ransac(mock, 100, RansacOptions(confidence=0.99, min_trials=1), seed=seed)
        assert report.stopped == "confident"
        firsts.append(mock.first_good)
    # Geometric distribution: mean 1 / p, standard deviation about the same.
    assert np.mean(firsts) == pytest.approx(1 / 0.4**3, rel=4 / np.sqrt(600))


def test_stopping_rule_is_exact_and_failures_are_as_rare_as_promised():
    truth = np.arange(100) < 40
    needed = trials_needed(0.4**3, 0.9)
    assert (1 - 0.4**3) ** needed == pytest.approx(0.1)
    assert trials_needed(0.0, 0.9) == float("inf")
    assert trials_needed(1.0, 0.9) == 1.0
    reports = [ransac(OnlyGoodSamplesHaveAModel(truth), 100, RansacOptions(0.9, 1, 32), seed=s) for s in range(500)]
    missed = np.mean([r.model is None for r in reports])
    assert missed == pytest.approx((1 - 0.4**3) ** 32, abs=0.06)
    assert {r.stopped for r in reports if r.model is None} == {"max_trials"}


def scattered(scenes, rng, line, outliers):
    """Events of a line, then uniformly random ones."""
    pixels = np.concatenate([line.pixels, rng.uniform([0, 0], [640, 480], (outliers, 2))])
    times = np.concatenate([line.times_s, rng.uniform(-0.25, 0.25, outliers)])
    return scenes.derotated(pixels, times, line.w_gyro)


def test_sampler_draws_good_samples_as_often_as_it_says(scenes):
    rng = np.random.default_rng(0)
    _, _, (line,) = scenes.see_lines(rng, 1, 60)
    estimator = LineEstimator(scattered(scenes, rng, line, 40), 1.5)
    truth = np.arange(100) < 60
    samples = estimator.draw(rng, 40000)
    assert truth[samples].all(1).mean() == pytest.approx(estimator.probability_of_good_sample(truth), rel=0.08)
    times = estimator.events.times_s[samples]
    assert (np.diff(times, axis=1) > 0).all()


@pytest.mark.parametrize(("count", "share"), [
    (100, 0.3), (100, 0.5), (100, 0.7), (1000, 0.5), (1000, 0.7), (5000, 0.5), (5000, 0.7),
])
def test_outliers_cost_little_against_the_inliers_alone(scenes, count, share):
    rng = np.random.default_rng(count)
    ours, alone = [], []
    for seed in range(20):
        v = np.array([0.1, 0.4, 0.25])
        line = scenes.see_line(rng, v, np.radians(15) * scenes.unit(rng), count - int(share * count), px=0.5)
        events = scattered(scenes, rng, line, int(share * count))
        found, best = find_line(events, seed=seed), refine_line(events[: len(line.times_s)])
        assert found.line
        assert found.inliers[: len(line.times_s)].mean() > 0.9
        scale = np.repeat([1, 0.25], 3)
        for kept, estimate in ((ours, found.line), (alone, best)):
            truth = line.vector * np.sign(line.vector[:3] @ estimate.b)
            kept.append(np.linalg.norm((estimate.vector - truth) * scale))
    assert np.median(ours) < 1.3 * np.median(alone)


def test_outliers_that_hold_a_line_let_it_go(scenes):
    # Three outliers at the end of the window, where the line is near the camera and has few events, agree on another line.
    rng = np.random.default_rng([5000, 50, 22])
    v, w = 0.5 * scenes.unit(rng), np.radians(15) * scenes.unit(rng)
    line = scenes.see_line(rng, v, w, 2500)
    pixels = line.pixels + 0.5 * rng.normal(size=(2500, 2))
    pixels = np.concatenate([pixels, rng.uniform([0, 0], [640, 480], (2500, 2))])
    events = scenes.derotated(pixels, np.concatenate([line.times_s, rng.uniform(-0.25, 0.25, 2500)]), w)
    found, alone = find_line(events, seed=22), refine_line(events[:2500])
    errors = [np.linalg.norm(e.vector - line.vector * np.sign(line.vector[:3] @ e.b)) for e in (found.line, alone)]
    assert errors[0] < 1.5 * errors[1]


def test_same_seed_same_bytes_and_bad_options(scenes):
    rng = np.random.default_rng(3)
    _, _, (line,) = scenes.see_lines(rng, 1, 100, px=0.5)
    events = scattered(scenes, rng, line, 100)
    one, two = find_line(events, seed=5), find_line(events, seed=5)
    assert one.line.vector.tobytes() == two.line.vector.tobytes()
    assert one.report.trials == two.report.trials
    with pytest.raises(InputError, match="threshold_px"):
        LineSearchOptions(threshold_px=0.0)
    with pytest.raises(InputError, match="confidence"):
        RansacOptions(confidence=1.0)


def test_noise_alone_is_no_line(scenes):
    rng = np.random.default_rng(4)
    events = scenes.derotated(rng.uniform([0, 0], [640, 480], (300, 2)), rng.uniform(-0.25, 0.25, 300), np.zeros(3))
    found = find_line(events, LineSearchOptions(min_inliers=30, ransac=RansacOptions(max_trials=500)))
    assert found.line.status is Status.NO_CONSENSUS
    assert not found.inliers.any()


def test_several_lines_come_one_after_the_other(scenes):
    rng = np.random.default_rng(5)
    v, w = np.array([0.2, 0.4, 0.1]), np.array([0.1, 0.0, 0.2])
    seen = [scenes.see_line(rng, v, w, n, px=0.4) for n in (400, 300, 200)]
    pixels = np.concatenate([s.pixels for s in seen] + [rng.uniform([0, 0], [640, 480], (200, 2))])
    times = np.concatenate([s.times_s for s in seen] + [rng.uniform(-0.25, 0.25, 200)])
    found = find_lines(scenes.derotated(pixels, times, w), LineSearchOptions(min_inliers=60))
    labels = np.repeat([0, 1, 2, 3], [400, 300, 200, 200])
    assert len(found) == 3
    shares = [np.bincount(labels[line.inliers], minlength=4) / np.bincount(labels) for line in found]
    assert sorted(int(np.argmax(s[:3])) for s in shares) == [0, 1, 2]
    assert min(s[:3].max() for s in shares) > 0.9
    assert not (np.sum([line.inliers for line in found], axis=0) > 1).any()
