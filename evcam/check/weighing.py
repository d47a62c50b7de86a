"""How much disagreement with the events' angular velocity means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded

from evcam.check.turning import TurnRates

Array = NDArray[np.float64]

_KNOT_US = 200_000.0
_LEAST_DRIFT_RADPS = 0.003
_BAND = 6


@dataclass(frozen=True, eq=False, slots=True)
class Weighing:
    """Squares of differences in angular velocity, when slow ones may come from the scene's depth.

    The angular velocity of `TurnRates` takes the whole scene for equally far.  What depth does to it is a drift of the
    size that `TurnRates.drift_radps` says, linear between knots 0.2 s apart.  It is eliminated: only what it cannot explain
    counts.

    Attributes
    ----------
    information : ndarray of float64, shape (K, 3, 3)
        Of the slices, each with its weight.
    knot : ndarray of int64, shape (K,)
        Knot before each slice.
    share : ndarray of float64, shape (K,)
        Share of the knot after it.
    factor : ndarray of float64
        Banded Cholesky factor of the drift's normal matrix.
    knots : int
        Number of knots.
    """

    information: Array
    knot: NDArray[np.int64]
    share: Array
    factor: Array
    knots: int

    @classmethod
    def of(cls, turning: TurnRates, weights: Array) -> Weighing:
        """For slices with these weights."""
        place = (turning.t_us - turning.t_us[0]) / _KNOT_US
        knot = place.astype(np.int64)
        share, knots = place - knot, int(knot[-1]) + 2
        information = turning.information * weights[:, None, None]
        drift2 = turning.drift_radps**2
        count = _at_knots(np.ones((len(turning), 1)), knot, share, knots)
        nearby = _at_knots(drift2, knot, share, knots) / np.maximum(count, 1e-9)
        prior = 1 / (np.where(count > 1e-6, nearby, drift2.mean(0)) + _LEAST_DRIFT_RADPS**2)
        return cls(information, knot, share, cholesky_banded(_banded(information, knot, share, prior), lower=True), knots)

    def gram(self, columns: Array) -> Array:
        """Products of columns (K, 3, P) with one another, (P, P), as weighted."""
        pulled = self.information @ columns
        whole = np.einsum("kip,kiq->pq", columns, pulled)
        at_knots = self._pull(pulled)
        gram: Array = whole - at_knots.T @ cho_solve_banded((self.factor, True), at_knots)
        return gram

    def without_drift(self, residuals: Array) -> Array:
        """Residuals (K, 3) less the drift that explains them best."""
        pulled = self.information @ residuals[..., None]
        drift = cho_solve_banded((self.factor, True), self._pull(pulled)).reshape(self.knots, 3)
        share = self.share[:, None]
        rest: Array = residuals - (1 - share) * drift[self.knot] - share * drift[self.knot + 1]
        return rest

    def _pull(self, pulled: Array) -> Array:
        flat = pulled.reshape(len(pulled), -1)
        return _at_knots(flat, self.knot, self.share, self.knots).reshape(3 * self.knots, -1)


def _at_knots(values: Array, knot: NDArray[np.int64], share: Array, knots: int) -> Array:
    """Sums of values (K, P) over the slices around each knot, by their nearness, (knots, P)."""
    sums = np.zeros((knots, values.shape[1]))
    first = np.flatnonzero(np.diff(knot, prepend=-1))
    sums[knot[first]] += np.add.reduceat((1 - share)[:, None] * values, first)
    sums[knot[first] + 1] += np.add.reduceat(share[:, None] * values, first)
    return sums


def _banded(information: Array, knot: NDArray[np.int64], share: Array, prior: Array) -> Array:
    """Lower band of the drift's normal matrix; unknown 3 q + i is the drift about axis i at knot q."""
    knots = len(prior)
    flat = information.reshape(-1, 9)
    own = np.zeros((knots, 9))
    cross = np.zeros((knots, 9))
    first = np.flatnonzero(np.diff(knot, prepend=-1))
    own[knot[first]] += np.add.reduceat(((1 - share) ** 2)[:, None] * flat, first)
    own[knot[first] + 1] += np.add.reduceat((share**2)[:, None] * flat, first)
    cross[knot[first]] += np.add.reduceat((share * (1 - share))[:, None] * flat, first)
    own_at, cross_at = own.reshape(-1, 3, 3), cross.reshape(-1, 3, 3)
    own_at[:, range(3), range(3)] += prior
    band = np.zeros((_BAND, 3 * knots))
    for i in range(3):
        for j in range(3):
            if i >= j:
                band[i - j, j::3] = own_at[:, i, j]
            if 3 + i - j < _BAND:
                band[3 + i - j, j::3][: knots - 1] = cross_at[:-1, i, j]
    return band
