"""Random sample consensus with local optimisation, over a small estimator contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Estimator(Protocol):
    """What `ransac` asks of a problem.  Costs are truncated squared residuals: 1 per outlier, less for an inlier."""

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Minimal samples, (count, sample size)."""

    def solve(self, samples: NDArray[np.int64]) -> Array:
        """Models of the samples, (H, P); samples without a model give none."""

    def best(self, models: Array, bound: float) -> tuple[int, float]:
        """Position and cost of the cheapest model, or (-1, bound) if none costs less than ``bound``."""

    def inliers(self, model: Array) -> Mask:
        """The data within the threshold, (N,)."""

    def refine(self, model: Array, inliers: Mask) -> Array | None:
        """A model fitted to the inliers, or None if they do not determine one."""

    def probability_of_good_sample(self, inliers: Mask) -> float:
        """Probability that `draw` gives a sample of inliers only."""


@dataclass(frozen=True, slots=True)
class RansacOptions:
    """Limits of the search.

    Attributes
    ----------
    confidence : float
        Probability with which at least one sample of inliers only has been drawn when the search stops.
    min_trials, max_trials : int
        Samples drawn at least and at most.
    local_steps : int
        Rounds of local optimisation after each improvement.
    """

    confidence: float = 0.999
    min_trials: int = 50
    max_trials: int = 20000
    local_steps: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise InputError(f"RansacOptions: confidence must lie between 0 and 1, not {self.confidence}")
        if not 1 <= self.min_trials <= self.max_trials or self.local_steps < 0:
            raise InputError("RansacOptions: needs 1 <= min_trials <= max_trials and local_steps >= 0")


@dataclass(frozen=True, eq=False, slots=True)
class RansacReport:
    """What the search did.

    Attributes
    ----------
    model : ndarray of float64, shape (P,), or None
        The cheapest model; None if no sample had one.
    inliers : ndarray of bool, shape (N,)
        Data within the threshold of it.
    cost : float
        Sum of truncated squared residuals, in units of the threshold.
    trials, improvements : int
        Samples drawn, and how often a cheaper model was found.
    stopped : {"confident", "max_trials"}
        Why the search ended.
    """

    model: Array | None
    inliers: Mask
    cost: float
    trials: int
    improvements: int
    stopped: str


_BATCH = 32


def trials_needed(probability: float, confidence: float) -> float:
    """Samples until one is good with the given confidence: ``log(1 - confidence) / log(1 - probability)``.

    Examples
    --------
    >>> round(trials_needed(0.5**5, 0.99))
    145
    """
    if probability <= 0:
        return float("inf")
    return 1.0 if probability >= 1 else float(np.log1p(-confidence) / np.log1p(-probability))


def ransac(
    estimator: Estimator, count: int, options: RansacOptions | None = None, *, seed: int | np.random.Generator = 0
) -> RansacReport:
    """Find the model with the smallest truncated squared residuals (MSAC) with local optimisation (LO-RANSAC).

    Every improvement is optimised locally: fit to its inliers, count them again, as long as the cost falls (Chum, Matas &
    Kittler, DAGM 2003).  The search stops by the exact probability that the estimator's own sampler has met a good sample.

    Parameters
    ----------
    estimator : Estimator
    count : int
        Number of data.
    options : RansacOptions, optional
    seed : int or numpy.random.Generator
        The same seed gives the same result.

    Returns
    -------
    RansacReport
    """
    options = options or RansacOptions()
    rng = np.random.default_rng(seed)
    model, inliers, cost = None, np.zeros(count, bool), float("inf")
    trials = improvements = 0
    needed = float("inf")
    while trials < min(max(needed, options.min_trials), options.max_trials):
        samples = estimator.draw(rng, min(_BATCH, options.max_trials - trials))
        trials += len(samples)
        models = estimator.solve(samples)
        which, new_cost = estimator.best(models, cost)
        if which < 0:
            continue
        improvements += 1
        model, cost = _optimised(estimator, models[which], new_cost, options.local_steps)
        inliers = estimator.inliers(model)
        needed = trials_needed(estimator.probability_of_good_sample(inliers), options.confidence)
    stopped = "confident" if needed <= trials else "max_trials"
    return RansacReport(model, inliers, cost, trials, improvements, stopped)


def _optimised(estimator: Estimator, model: Array, cost: float, steps: int) -> tuple[Array, float]:
    for _ in range(steps):
        refined = estimator.refine(model, estimator.inliers(model))
        if refined is None:
            break
        which, new_cost = estimator.best(refined[None], cost)
        if which < 0:
            break
        model, cost = refined, new_cost
    return model, cost
