"""Direction of motion from the solutions of several lines: the linear average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers.eventail import EventailSolution
from evcam.solvers.status import Answer, Status

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_TWO = 2
_PARALLEL = 1e-6
_MOST_PAIRS = 2000


@dataclass(frozen=True, eq=False, slots=True)
class AverageDirection(Answer):
    """Direction that is most orthogonal to the rates of all lines.

    Attributes
    ----------
    status : Status
    vector : ndarray of float64, shape (3,)
        Unit direction; its sign by the vote of the lines that are seen in front.
    votes : int
        Lines for the sign minus lines against it.
    conditioning : float
        Second over first singular value of the stacked rates: about zero for parallel lines.
    residual : float
        Third over second singular value: near 1, the lines agree on no direction.
    inliers : ndarray of bool, shape (M,)
        Lines that were used.
    """

    status: Status
    vector: Array
    votes: int
    conditioning: float
    residual: float
    inliers: Mask

    @property
    def direction(self) -> Array:
        """The unit direction, (3,)."""
        if not self:
            raise NotEnoughDataError(f"average_directions: no answer ({self.reason}); look at `status` first")
        return self.vector


def average_directions(
    lines: EventailSolution, weights: ArrayLike | None = None, *, reject_angle_rad: float | None = None
) -> AverageDirection:
    """Null vector of the stacked rates ``a_i = e1_i x v / d_i`` (Gao et al., CVPR 2024).

    Their norms are kept: near and fast lines, whose noise is the same, weigh more.  Lines without an answer are left out.

    Parameters
    ----------
    lines : EventailSolution, leading shape (M,)
    weights : array_like of float64, shape (M,), optional
        Further weights, not negative.
    reject_angle_rad : float, optional
        Lines whose rate is farther than this from orthogonal to the motion are wrong: the largest consensus over the
        directions that two lines agree on is sought first.  By default all lines are used.

    Returns
    -------
    AverageDirection

    Raises
    ------
    InputError
        Not one leading dimension, or weights that do not fit.

    Notes
    -----
    No covariance and no likelihood: `estimate_direction` uses the events themselves and is several times more accurate.

    Examples
    --------
    >>> b = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    >>> v = np.array([0.0, 0.6, 0.8])
    >>> a = np.cross([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]], v)
    >>> ok = np.zeros(2)
    >>> average = average_directions(EventailSolution(np.hstack([b, a]), ok.astype(np.int8), ok, ok, ok))
    >>> average.direction.round(9) + 0.0
    array([0. , 0.6, 0.8])
    """
    if np.ndim(lines.statuses) != 1:
        raise InputError(f"average_directions: needs solutions of shape (M,), not {np.shape(lines.statuses)}")
    count = len(lines.statuses)
    w = np.ones(count) if weights is None else np.asarray(weights, float)
    if w.shape != (count,) or not (np.isfinite(w).all() and (w >= 0).all()):
        raise InputError(f"average_directions: needs {count} finite weights, none negative")
    used = np.asarray(lines.is_ok) & (w > 0)
    a = np.where(used[:, None], lines.vectors[:, 3:], 0.0)
    if reject_angle_rad is not None:
        used = _consensus(a, used, reject_angle_rad)
    if used.sum() < _TWO:
        return AverageDirection(Status.TOO_FEW, np.zeros(3), 0, 0.0, 0.0, used)
    return _null_direction(lines.vectors[used], np.sqrt(w[used]), used)


def _null_direction(vectors: Array, roots: Array, used: Mask) -> AverageDirection:
    _, sizes, axes = np.linalg.svd(np.concatenate([vectors[:, 3:] * roots[:, None], np.zeros((1, 3))]))
    conditioning, residual = sizes[1] / max(sizes[0], 1e-300), sizes[2] / max(sizes[1], 1e-300)
    if not conditioning > _PARALLEL:
        return AverageDirection(Status.PARALLEL_LINES, np.zeros(3), 0, float(conditioning), float(residual), used)
    # A line in front of the camera has u_y > 0: the motion along its b is positive.
    votes = int(np.sign(vectors[:, :3] @ axes[2]).sum())
    direction = -axes[2] if votes < 0 else axes[2]
    return AverageDirection(Status.OK, direction, abs(votes), float(conditioning), float(residual), used)


def _consensus(a: Array, used: Mask, angle: float) -> Mask:
    """Lines whose rates are orthogonal, within the angle, to the direction that costs least (truncated squares)."""
    size = np.linalg.norm(a, axis=1)
    unit = a / np.where(size > 0, size, 1.0)[:, None]
    first, second = np.triu_indices(int(used.sum()), 1)
    some = np.linspace(0, max(len(first) - 1, 0), min(len(first), _MOST_PAIRS)).astype(int)
    chosen = np.flatnonzero(used)
    meet = np.cross(unit[chosen[first[some]]], unit[chosen[second[some]]])
    length = np.linalg.norm(meet, axis=1)
    meet = meet[length > _PARALLEL] / length[length > _PARALLEL, None]
    if len(meet) == 0:
        return used
    off = np.minimum(np.abs(meet @ unit[chosen].T) / np.sin(angle), 1.0)
    best = meet[(off * off).sum(1).argmin()]
    near: Mask = used & (np.abs(unit @ best) < np.sin(angle))
    return near
