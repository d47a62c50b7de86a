"""The eventail solvers: line and partial velocity from five or more events of one moving line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.errors import InputError, NotEnoughDataError
from evcam.solvers._eventail import _five_point_batch, _linear_batch
from evcam.solvers.degeneracy import why_undetermined
from evcam.solvers.line_motion import line_frame, partial_velocity
from evcam.solvers.status import Status

Array = NDArray[np.float64]

# Smallest over largest singular value, of rows built from doubles, that is not rounding.
_DETERMINED = 1e-10
_FIVE = 5


@dataclass(frozen=True, eq=False, slots=True)
class EventailSolution:
    """Line and partial velocity of one problem or, with leading dimensions, of many.

    Index it with a mask to select problems (``solution[solution.is_ok]``).

    Attributes
    ----------
    vectors : ndarray of float64, shape (..., 6)
        ``[b, a]`` with ``|b| = 1``; of no meaning where the status has no answer.
    statuses : ndarray of int8, shape (...)
        Values of `Status`.
    conditioning : ndarray of float64, shape (...)
        Second smallest over largest singular value (five points: the ratio of pivots) of the system
        with time scaled to [-1, 1] or as asked; about zero for degenerate events.
    residual : ndarray of float64, shape (...)
        Smallest over second smallest singular value: near 1, noise decides the answer.  0 for five points.
    front_share : ndarray of float64, shape (...)
        Share of the events that see the line in front of the camera; the sign is chosen such that it is at least one half.
    """

    vectors: Array
    statuses: NDArray[np.int8]
    conditioning: Array
    residual: Array
    front_share: Array

    @property
    def is_ok(self) -> NDArray[np.bool_]:
        """Where an answer exists."""
        answered: NDArray[np.bool_] = np.asarray(self.statuses) <= Status.WEAK
        return answered

    @property
    def status(self) -> Status:
        """The status of a single problem, or the worst of many."""
        return Status(int(np.max(self.statuses, initial=0)))

    @property
    def reason(self) -> str:
        """Why there is no answer, in one sentence."""
        return self.status.reason

    def __bool__(self) -> bool:
        return bool(np.all(self.is_ok))

    def __getitem__(self, index: Any) -> EventailSolution:
        return EventailSolution(
            self.vectors[index], self.statuses[index], self.conditioning[index], self.residual[index], self.front_share[index]
        )

    @property
    def b(self) -> Array:
        """Unit normals of the plane through line and camera at t = 0, (..., 3)."""
        return self._answer()[..., :3]

    @property
    def a(self) -> Array:
        """Rates of the normals, 1/s, (..., 3): ``e1 x v / d``."""
        return self._answer()[..., 3:]

    @property
    def R_ref_line(self) -> Array:
        """Frames of the lines, columns e1, e2, e3, (..., 3, 3)."""
        return line_frame(self.b, self.a)[0]

    @property
    def u(self) -> Array:
        """``(u_y, u_z)``: camera velocity along e2 and e3 over the line's distance, 1/s, (..., 2)."""
        return line_frame(self.b, self.a)[1]

    @property
    def partial_velocity(self) -> Array:
        """Velocity orthogonal to the line over the line's distance, 1/s, (..., 3)."""
        return partial_velocity(self.b, self.a)

    @property
    def direction(self) -> Array:
        """Unit vectors of the partial velocity, (..., 3)."""
        velocity = self.partial_velocity
        unit: Array = velocity / np.linalg.norm(velocity, axis=-1, keepdims=True)
        return unit

    def _answer(self) -> Array:
        if not self:
            missing = int(np.sum(~self.is_ok))
            raise NotEnoughDataError(f"eventail: {missing} of {self.is_ok.size} problems have no answer ({self.reason}); "
                                     "look at `status` first, or select with solution[solution.is_ok]")
        return self.vectors


def eventail_five_point(bearings: ArrayLike, times_s: ArrayLike, *, time_scale_s: float | None = None) -> EventailSolution:
    """Line and partial velocity from five events, the minimal sample (Gao et al., ICCV 2023).

    Every event satisfies ``f . (b - t a) = 0``, which is linear in the six numbers of ``[b, a]``: the null
    vector of a 5x6 matrix, by elimination with full pivoting.

    Parameters
    ----------
    bearings : array_like of float64, shape (..., 5, 3)
        Unit bearings, already rotated to the reference instant.
    times_s : array_like of float64, shape (..., 5)
        Seconds relative to the reference instant.
    time_scale_s : float, optional
        Times are divided by it; by default they are shifted and scaled to [-1, 1].  It does not matter for
        five exact events, apart from rounding.

    Returns
    -------
    EventailSolution

    Raises
    ------
    InputError
        Wrong shapes, or values that are not finite.

    Notes
    -----
    No answer for events at one or two instants, of a single point of the line, or of a line that
    stands still in the derotated image; see `Status`.

    Examples
    --------
    A line along x one metre ahead, the camera moving along y at 0.1 m/s:

    >>> t = np.linspace(-1, 1, 5)
    >>> points = np.stack([[-0.5, 0.3, 0.1, -0.2, 0.4], -0.1 * t, np.ones(5)], -1)
    >>> solution = eventail_five_point(points / np.linalg.norm(points, axis=1, keepdims=True), t)
    >>> solution.partial_velocity.round(9) + 0.0
    array([0. , 0.1, 0. ])
    """
    f, t, lead = _checked(bearings, times_s, time_scale_s)
    if t.shape[-1] != _FIVE:
        raise InputError(f"eventail_five_point: needs exactly 5 events per problem, not {t.shape[-1]}; use eventail_linear")
    vectors, measures = np.zeros((len(f), 6)), np.empty((len(f), 3))
    _five_point_batch(f, t, time_scale_s or 0.0, vectors, measures)
    return _judged(f, t, np.empty((len(t), 0)), vectors, measures, lead)


def determined_vectors(bearings: Array, times_s: Array) -> Array:
    """Five-point solutions [b, a] of the problems (M, 5, 3), (M, 5) that have one, shape (K, 6); neither checks nor reasons.

    For searches that draw thousands of samples of events that were checked before.
    """
    vectors, measures = np.zeros((len(bearings), 6)), np.empty((len(bearings), 3))
    _five_point_batch(bearings, times_s, 0.0, vectors, measures)
    return vectors[measures[:, 0] > _DETERMINED**2]


def eventail_linear(
    bearings: ArrayLike, times_s: ArrayLike, weights: ArrayLike | None = None, *, time_scale_s: float | None = None
) -> EventailSolution:
    """Line and partial velocity from five or more events, by linear least squares (Gao et al., CVPR 2024).

    Minimises ``sum w (f . (b - t a))^2`` over unit vectors ``[b, s a]``, s the scale of time.

    Parameters
    ----------
    bearings : array_like of float64, shape (..., N, 3)
        Unit bearings, already rotated to the reference instant; N >= 5.
    times_s : array_like of float64, shape (..., N)
        Seconds relative to the reference instant.
    weights : array_like of float64, shape (..., N), optional
        Not negative; all one by default.
    time_scale_s : float, optional
        Times are divided by it.  By default they are shifted and scaled to [-1, 1], which halves the error under
        noise; 1 gives the published form.

    Returns
    -------
    EventailSolution

    Raises
    ------
    InputError
        Wrong shapes, values that are not finite, or negative weights.

    Notes
    -----
    An algebraic error is minimised: start `refine_line` from here to weigh events by their noise and to get a covariance.
    Degenerate cases as in `eventail_five_point`; under noise they show as a `residual` near 1.
    """
    f, t, lead = _checked(bearings, times_s, time_scale_s)
    if t.shape[-1] < _FIVE:
        return _too_few(lead)
    vectors, measures = np.zeros((len(f), 6)), np.empty((len(f), 3))
    w = _checked_weights(weights, t, lead)
    _linear_batch(f, t, w, time_scale_s or 0.0, vectors, measures)
    for i in np.flatnonzero(measures[:, 0] < 0):
        vectors[i], measures[i] = _accurate(f[i], t[i], w[i], time_scale_s)
    return _judged(f, t, w, vectors, measures, lead)


def _checked(bearings: ArrayLike, times_s: ArrayLike, time_scale_s: float | None) -> tuple[Array, Array, tuple[int, ...]]:
    f, t = np.ascontiguousarray(bearings, float), np.ascontiguousarray(times_s, float)
    if f.shape != (*t.shape, 3) or t.ndim == 0:
        raise InputError(f"eventail: bearings (..., N, 3) and times_s (..., N) do not fit: {f.shape} and {t.shape}")
    # A sum is finite only if all terms are; cheaper than looking at each of them.
    if not (np.isfinite(f.sum()) and np.isfinite(t.sum())):
        raise InputError("eventail: bearings and times_s must be finite; drop the events that have no bearing")
    if time_scale_s is not None and not (np.isfinite(time_scale_s) and time_scale_s > 0):
        raise InputError(f"eventail: time_scale_s must be positive seconds, not {time_scale_s}")
    count = t.shape[-1]
    problems = int(np.prod(t.shape[:-1]))
    return f.reshape(problems, count, 3), t.reshape(problems, count), t.shape[:-1]


def _checked_weights(weights: ArrayLike | None, t: Array, lead: tuple[int, ...]) -> Array:
    if weights is None:
        return np.empty((len(t), 0))
    shape = (*lead, t.shape[-1])
    try:
        # A copy: kernels compile anew for arrays that are read-only, as a broadcast view is.
        w = np.array(np.broadcast_to(np.asarray(weights, float), shape)).reshape(t.shape)
    except ValueError:
        raise InputError(f"eventail: weights of shape {np.shape(weights)} do not fit events of shape {shape}") from None
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise InputError("eventail: weights must be finite and not negative")
    return w


def _accurate(f: Array, t: Array, weights: Array, time_scale_s: float | None) -> tuple[Array, Array]:
    """What the kernel finds, from singular values: with twice the digits, many times slower."""
    shift, scale = (0.0, time_scale_s) if time_scale_s else ((t.max() + t.min()) / 2, float(np.ptp(t)) / 2 or 1.0)
    rows = np.concatenate([f, (shift - t[:, None]) / scale * f], 1) * (np.sqrt(weights)[:, None] if len(weights) else 1.0)
    # A row of zeros, for the sixth axis of five events.
    sizes, axes = np.linalg.svd(np.pad(rows, ((0, 1), (0, 0))), full_matrices=False)[1:]
    squares = sizes**2 / max(float((sizes**2).sum()), 1e-300)
    a = axes[-1, 3:] / scale
    b = axes[-1, :3] + shift * a
    size = float(np.linalg.norm(b))
    a, b = (a / size, b / size) if size > 0 else (a, b)
    along, turning = a @ b, a @ a
    share = float(((f @ (a - along * b) + t * (f @ (turning * b - along * a))) < 0).mean())
    sign = 1.0 if share >= 1 / 2 else -1.0
    return sign * np.concatenate([b, a]), np.array([squares[-2], squares[-1], max(share, 1 - share)])


def _too_few(lead: tuple[int, ...]) -> EventailSolution:
    statuses = np.full(lead, Status.TOO_FEW, np.int8)
    return EventailSolution(np.zeros((*lead, 6)), statuses, np.zeros(lead), np.zeros(lead), np.zeros(lead))


def _judged(f: Array, t: Array, w: Array, vectors: Array, measures: Array, lead: tuple[int, ...]) -> EventailSolution:
    second, first = measures[:, 0], measures[:, 1]
    statuses = np.zeros(len(f), np.int8)
    for i in np.flatnonzero(~(second > _DETERMINED**2)):
        counts = w[i] > 0 if w.shape[1] else slice(None)
        statuses[i] = why_undetermined(f[i][counts], t[i][counts])
        vectors[i] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = np.where(second > 0, np.sqrt(first / second), 1.0)
    return EventailSolution(
        vectors.reshape(*lead, 6), statuses.reshape(lead), np.sqrt(np.maximum(second, 0.0)).reshape(lead),
        residual.reshape(lead), measures[:, 2].reshape(lead),
    )
