"""What the lines of one window say of the velocity by their motion alone, for a back end that fuses windows itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import block_diag

from evcam.errors import InputError
from evcam.motion._nuisances import LEAST
from evcam.motion.direction import Motion
from evcam.motion.posterior import GyroPrior, LineRates, changes_across

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class LineFactor:
    """The residuals ``v . a`` of a window's moving lines, with errors of which a part is common to all of them.

    For a unit velocity v a line says

        v . a = e + v . (G w) + b . q / 2 + (v . b) (h . g),

    where e is its own error, w one of the gyro, q the camera's acceleration over its speed and h an angular acceleration that
    the gyro misses; w, q and h are the same for all lines of a window.  Nothing is assumed of depths here, of which
    `VelocityEstimate.covariance` makes use: this says less, and a map's own depths can be added to it.

    Attributes
    ----------
    ids : tuple of int, M
        The lines' `LineConstraint.id`.
    a, b : ndarray of float64, shape (M, 3)
        As in `LineConstraint`, signed such that the line is seen in front: v . b > 0.
    covariance : ndarray of float64, shape (M, 3, 3)
        Of each line's own error of a, 1/s^2: wider than that of `LineConstraint`, by what lines scatter more than their
        crossings do, and where a line contradicts the others.
    by_gyro : ndarray of float64, shape (M, 3, 3)
        G, the change of a by w, measured minus true angular velocity in rad/s.
    by_turning : ndarray of float64, shape (M, 3)
        g, in s/rad.
    gyro_covariance : ndarray of float64, shape (3, 3)
        Of w, (rad/s)^2.
    acceleration_std_1_s, turning_std_radps2 : float
        Of each axis of q and of h.
    """

    ids: tuple[int, ...]
    a: Array
    b: Array
    covariance: Array
    by_gyro: Array
    by_turning: Array
    gyro_covariance: Array
    acceleration_std_1_s: float
    turning_std_radps2: float

    @classmethod
    def of(cls, ids: tuple[int, ...], rates: LineRates, motion: Motion, prior: GyroPrior) -> LineFactor:
        """The first of ``rates``, one for each id, as they were weighed for ``motion``."""
        n = len(ids)
        covariance = motion.likeliest.inflation * motion.doubts[1, :n, None, None] * rates.covariance[:n]
        return cls(ids, rates.a[:n], rates.b[:n], covariance, rates.gyro[:n], rates.turning[:n], prior.covariance,
                   motion.likeliest.acceleration_1_s, prior.turning_radps2)

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, direction: ArrayLike) -> tuple[Array, Array, Array]:
        """Residuals (M,), their derivative by the direction (M, 3) and their joint covariance (M, M), at one direction.

        Parameters
        ----------
        direction : array_like of float64, shape (3,)
            Of the velocity in the camera's frame at the middle of the window; its length is of no account.

        Raises
        ------
        InputError
            No direction.
        """
        v = _unit(direction)
        own = np.einsum("i,mij,j->m", v, self.covariance, v)
        changes = changes_across(v, self.b, self.by_gyro, self.by_turning)
        variances = self.acceleration_std_1_s**2, self.turning_std_radps2**2
        shared = block_diag(self.gyro_covariance, np.diag(np.repeat(variances, 3)))
        return self.a @ v, self.a.copy(), np.diag(own) + changes @ shared @ changes.T

    def cost(self, direction: ArrayLike) -> float:
        """Negative log likelihood of a direction, up to a constant; the same for its opposite.

        Beside the weighed residuals it holds the volume that a direction leaves to the errors, and without which directions
        along the lines' own uncertainty would seem the likeliest: compare directions by this, not by the residuals alone.

        Parameters
        ----------
        direction : array_like of float64, shape (3,)

        Raises
        ------
        InputError
            No direction.
        """
        residuals, _, covariance = self.at(direction)
        lower = np.linalg.cholesky(covariance)
        squares = float((np.linalg.solve(lower, residuals) ** 2).sum())
        along = np.abs(self.b @ _unit(direction)) + LEAST
        return 0.5 * squares + float(np.log(np.diag(lower)).sum() - np.log(along).sum())


def _unit(direction: ArrayLike) -> Array:
    v = np.asarray(direction, np.float64)
    if v.shape != (3,) or not np.isfinite(v).all() or not v.any():
        raise InputError(f"line factor: a direction must be three finite numbers, not all zero, not {direction!r}")
    unit: Array = v / np.linalg.norm(v)
    return unit
