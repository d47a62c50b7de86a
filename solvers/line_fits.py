"""Most likely lines of many stretches of events at once, for one or several models of the noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evcam.solvers._refinement import _descend
from evcam.solvers.derotation import DerotatedEvents
from evcam.solvers.noise import EventNoise

Array = NDArray[np.float64]

UNKNOWNS = 5
# Directions of parameter space with less than this share of the information are as good as unseen.
_UNSEEN = 1e-13
# Steps at most, of a descent that has to arrive and of one that only has to come near.
_MANY = 25
_FEW = 6
# Difference of log likelihood that further steps will not make good.
_HOPELESS = 10.0
# Weight, in units of the trace, that holds a where it is.
_FIRM = 1e9
# Mean square of half the square of a normal variable.
_BEND = 0.75
_NO_SUMS = np.empty(0)


@dataclass(frozen=True, eq=False, slots=True)
class _Line:
    """Events of one line as the kernel takes them; vectors and information are in units of the half window ``half_s``."""

    bearings: Array
    rates: Array
    pixel_jacobians: Array
    times_s: Array
    weights: Array
    half_s: float
    freedom: float

    def descend(self, x: Array, pixel: float, time: float, floor: float, huber: float = np.inf, firm: float = 0.0,
                steps: int = _MANY, information: Array | None = None, sums: Array = _NO_SUMS) -> float:
        """Levenberg-Marquardt from x, in place, for these variances of pixel and time; returns the cost."""
        h = np.empty((6, 6)) if information is None else information
        return float(_descend(self.bearings, self.rates, self.pixel_jacobians, self.times_s, self.weights, x, self.half_s, pixel,
                              time, floor, huber, firm, steps, h, sums))

    def nearest(self, start: Array, limit: float) -> tuple[Array, float, float]:
        """The likeliest line for noise of pixels, and its cost with the line at rest and in motion.

        Of two descents, from the start and from the line at rest, the better minimum is taken.
        """
        rest = np.append(start[:3], np.zeros(3))
        at_rest = self.descend(rest, 1.0, 0.0, 0.0, limit, _FIRM)
        rest[3:] = 0.0
        moving = np.append(start[:3], self.half_s * start[3:])
        costs = [self.descend(x, 1.0, 0.0, 0.0, limit) for x in (rest, moving)]
        return moving if costs[1] < costs[0] else rest, at_rest, min(costs)

    def likeliest(
        self, noise: EventNoise, huber: float, limit: float, x: Array, information: Array
    ) -> tuple[float, float, float]:
        """Descend from x for this noise; cost, sum of log s, and minus the log likelihood, level integrated out.

        If that is beyond the limit by far after a few steps, the rest is spared.
        """
        pixel, time = noise.sigmas_or_units()
        pixel, time, floor, sums, estimated = pixel**2, time**2, 0.0, np.empty(3), noise.level_is_unknown and time > 0
        if not noise.level_is_unknown:
            time /= self.half_s**2
            floor = _BEND * time
        elif estimated:
            self.descend(x, 0.0, 1.0, 0.0, steps=0, sums=sums)
            floor = _BEND * float(sums[1] / sums[2])
        for steps in (_FEW, _MANY) if estimated else (_MANY,):
            cost = self.descend(x, pixel, time, floor, huber, 0.0, steps, information, sums)
            unlikely = 0.5 * self.freedom * float(np.log(max(cost, 1e-300))) + float(sums[0])
            if unlikely > limit + _HOPELESS:
                break
            floor = _BEND * cost / self.freedom
        return cost, float(sums[0]), unlikely


@dataclass(frozen=True, eq=False, slots=True)
class EventsOfLines:
    """Events of several lines behind one another.

    Attributes
    ----------
    events : DerotatedEvents
    weights : ndarray of float64, shape (N,)
    ends : ndarray of int64, shape (M,)
        Events of line k end before ``ends[k]``.
    """

    events: DerotatedEvents
    weights: Array
    ends: NDArray[np.int64]

    @classmethod
    def joined(cls, lines: Sequence[DerotatedEvents], weights: Array | None = None) -> EventsOfLines:
        """All lines' events; weights are one by default."""
        ends = np.cumsum([len(line) for line in lines])
        return cls(DerotatedEvents.joined(lines), np.ones(ends[-1]) if weights is None else weights, ends)

    def lines(self) -> Iterator[_Line]:
        """Each line's own part."""
        begin, e = 0, self.events
        for end in self.ends.tolist():
            part = slice(begin, end)
            times, weights = e.times_s[part], self.weights[part]
            half, freedom = max(float(np.abs(times).max()), 1e-300), max(float(weights.sum()) - UNKNOWNS, 1.0)
            yield _Line(e.bearings[part], e.rates[part], e.pixel_jacobians[part], times, weights, half, freedom)
            begin = end

    def weighted(self, weights: Array) -> EventsOfLines:
        """The same events with other weights."""
        return EventsOfLines(self.events, weights, self.ends)

    @property
    def owner(self) -> NDArray[np.int64]:
        """Line of each event, (N,)."""
        return np.repeat(np.arange(len(self.ends)), np.diff(self.ends, prepend=0))

    def sums(self, values: Array) -> Array:
        """Weighted sum over the events of each line, (N, ...) -> (M, ...)."""
        weighted = values * self.weights.reshape(-1, *[1] * (values.ndim - 1))
        total: Array = np.add.reduceat(weighted, np.concatenate([[0], self.ends[:-1]]), axis=0)
        return total


@dataclass(frozen=True, eq=False, slots=True)
class LineFits:
    """The most likely lines for one model of the noise, before they are judged.

    Attributes
    ----------
    noise : EventNoise
        A level that is unknown counts as one pixel or one second.
    vectors : ndarray of float64, shape (M, 6)
        ``[b, a]`` with ``|b| = 1``, of the sign that most events see in front of the camera.
    covariances : ndarray of float64, shape (M, 6, 6)
        For that level.
    costs, log_scales, counts : ndarray of float64, shape (M,)
        Sum of squared residuals, of the logarithms of their standard deviations, and of weights.
    log_volumes : ndarray of float64, shape (M,)
        Logarithm of the volume of the covariance, with time in half windows.
    halves_s : ndarray of float64, shape (M,)
        Half windows: largest absolute time.
    front_shares : ndarray of float64, shape (M,)
        Share of the events that see the line in front.
    rest_costs, motion_costs : ndarray of float64, shape (M,)
        Squared pixels that remain with the line at rest, and in motion.
    given_up : ndarray of bool, shape (M,)
        Where the descent did not go to its end, since another candidate is far likelier.
    """

    noise: EventNoise
    vectors: Array
    covariances: Array
    costs: Array
    log_scales: Array
    counts: Array
    log_volumes: Array
    halves_s: Array
    front_shares: Array
    rest_costs: Array
    motion_costs: Array
    given_up: NDArray[np.bool_]

    @property
    def freedom(self) -> Array:
        """Events beyond the unknowns, (M,)."""
        return np.maximum(self.counts - UNKNOWNS, 0.0)

    @property
    def log_evidences(self) -> Array:
        """Log probability of each line's events, line and unknown level integrated out, up to what all models share, (M,)."""
        misfit = self.freedom * np.log(np.maximum(self.costs, 1e-300)) if self.noise.level_is_unknown else self.costs
        evidences: Array = self.log_volumes - self.log_scales - 0.5 * misfit
        return evidences


def fit_lines(stack: EventsOfLines, starts: Array, noise: EventNoise, huber: float = np.inf) -> list[LineFits]:
    """Refine all lines, for each candidate of the noise.

    Parameters
    ----------
    stack : EventsOfLines
    starts : ndarray of float64, shape (M, 6)
    noise : EventNoise
    huber : float
        As in `refine_line`.

    Returns
    -------
    list of LineFits
        One for each of ``noise.candidates()``.
    """
    candidates = noise.candidates()
    limit = huber * noise.sigma_px if noise.sigma_px > 0 and not noise.level_is_unknown else np.inf
    shape = (len(stack.ends), len(candidates))
    # The kernel leaves the upper triangles of the information alone.
    vectors, information, measures = np.empty((*shape, 6)), np.zeros((*shape, 6, 6)), np.empty((*shape, 6))
    for k, (line, start) in enumerate(zip(stack.lines(), starts, strict=True)):
        nearest, rest, motion = line.nearest(start, limit)
        vectors[k], measures[k, :, 2:5], likeliest = nearest, (line.half_s, rest, motion), np.inf
        for m, candidate in enumerate(candidates):
            cost, logs, unlikely = line.likeliest(candidate, float(huber), likeliest, vectors[k, m], information[k, m])
            measures[k, m, :2], measures[k, m, 5] = (cost, logs), unlikely > likeliest + _HOPELESS
            likeliest = min(likeliest, unlikely)
    scale = np.linalg.norm(vectors[..., :3], axis=-1)
    vectors /= scale[..., None]
    information *= (scale**2)[..., None, None]
    halves = measures[:, 0, 2]
    unscale = np.where(np.arange(6) < 3, 1.0, 1 / halves[:, None])
    covariances, volumes = _inverted(vectors, information)
    covariances *= (unscale[:, :, None] * unscale[:, None, :])[:, None]
    vectors *= unscale[:, None]
    counts, shares = stack.sums(np.ones(len(stack.weights))), _fix_signs(stack, vectors)
    fits = [LineFits(
        candidate, vectors[:, k], covariances[:, k], measures[:, k, 0], measures[:, k, 1], counts, volumes[:, k], halves,
        shares[:, k], measures[:, k, 3], measures[:, k, 4], measures[:, k, 5] > 0,
    ) for k, candidate in enumerate(candidates)]
    # The kernel's unknown level of times is one half window.
    return [_rescaled(fit, 1 / halves) if fit.noise.level_is_unknown and fit.noise.kind == "time" else fit for fit in fits]


def descend(stack: EventsOfLines, starts: Array) -> Array:
    """Vectors (M, 6) of the nearest minima of the squared distances in pixels, without anything else."""
    vectors = np.array(starts)
    for line, vector in zip(stack.lines(), vectors, strict=True):
        vector[3:] *= line.half_s
        line.descend(vector, 1.0, 0.0, 0.0)
        vector[3:] /= line.half_s
        vector /= np.linalg.norm(vector[:3])
    return vectors


def _inverted(vectors: Array, information: Array) -> tuple[Array, Array]:
    """Covariances with |b| fixed, and logarithms of their volumes, from the lower triangles of the information."""
    lower = np.tril(information)
    basis = tangent_of_b(vectors[..., :3])
    across = np.swapaxes(basis, -1, -2)
    sizes, axes = np.linalg.eigh(across @ (lower + np.swapaxes(np.tril(lower, -1), -1, -2)) @ basis)
    sizes = np.maximum(sizes, _UNSEEN * sizes[..., -1:] + 1e-300)
    axes = basis @ axes
    return (axes / sizes[..., None, :]) @ np.swapaxes(axes, -1, -2), -0.5 * np.log(sizes).sum(-1)


def tangent_of_b(b: Array) -> Array:
    """Basis (..., 6, 5) of changes of [b, a] that keep |b|, (..., 3)."""
    x, y, z = b[..., 0], b[..., 1], b[..., 2]
    # Two unit vectors across b without root or cross product.
    sign = np.copysign(1.0, z)
    p, q = -1 / (sign + z), -x * y / (sign + z)
    basis = np.zeros((*b.shape[:-1], 6, 5))
    basis[..., :3, 0] = np.stack([1 + sign * x * x * p, sign * q, -sign * x], -1)
    basis[..., :3, 1] = np.stack([q, sign + y * y * p, -y], -1)
    basis[..., 3:, 2:] = np.eye(3)
    return basis


def _fix_signs(stack: EventsOfLines, vectors: Array) -> Array:
    """Turn each [b, a] such that the majority of its events see the line in front; returns their shares."""
    b, a = vectors[..., :3], vectors[..., 3:]
    along = (a * b).sum(-1, keepdims=True)
    towards, turning = a - along * b, (a * a).sum(-1, keepdims=True) * b - along * a
    owner, e = stack.owner, stack.events
    seen = (e.bearings[:, None] * (towards[owner] + e.times_s[:, None, None] * turning[owner])).sum(-1) < 0
    counts = np.diff(stack.ends, prepend=0)
    shares = np.add.reduceat(seen.astype(float), np.concatenate([[0], stack.ends[:-1]])) / counts[:, None]
    vectors *= np.where(shares >= 0.5, 1.0, -1.0)[..., None]
    return np.maximum(shares, 1 - shares)


def with_level(fits: LineFits, level: float) -> LineFits:
    """The same fits once the level of the noise, which was unknown, is this: the minima are where they were."""
    return replace(_rescaled(fits, np.full(len(fits.costs), level)), noise=fits.noise.scaled(level))


def _rescaled(fits: LineFits, factors: Array) -> LineFits:
    return replace(
        fits, covariances=fits.covariances * factors[:, None, None] ** 2, costs=fits.costs / factors**2,
        log_scales=fits.log_scales + fits.counts * np.log(factors), log_volumes=fits.log_volumes + UNKNOWNS * np.log(factors),
    )
