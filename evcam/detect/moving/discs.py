"""Disc centres to a few hundredths of a pixel: moving ellipses fitted to the edge crossings around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.detect.moving._contour import N_PARAMS, _fit_discs
from evcam.detect.moving._crossings_around import _crossings_around
from evcam.detect.moving._discs import _half_windows, _widen
from evcam.errors import InputError
from evcam.flow.crossings import Crossings

Array = NDArray[np.float64]

FITTED, TOO_FEW, SINGULAR, RAN_AWAY = range(4)
_REACH_PX = 3.0
REGION_STD_PX = 1.0
"""How well the centroid of a disc's region in the two-tone picture gives its centre, whatever the disc does."""
_CUTOFFS_PX = np.array([2.5, 1.5, 1.0, 1.0, 0.6, 0.6])


@dataclass(frozen=True)
class DiscOptions:
    """How discs are fitted.

    Attributes
    ----------
    path_px : float
        The window of a disc is as long as it takes to move this far.
    min_window_us, max_window_us : int
        Limits of that window.
    min_cosine : float
        Crossings count where the outline's normal is at least this parallel to the
        motion; on the flanks the edge passes only in part.
    edge_error_px, hurried_error_s2 : float
        Standard deviation along the motion beside the scatter of the crossings: a constant, and the square of the
        speed (px/s) times this (s^2/px), since pixels that recover from an event time fast edges differently.
    turning_px, turning_floor_px : float
        Where the motion turns, the scatter tells less: its variances are multiplied by 1 + turning / (v^2 / a + floor), v speed
        and a acceleration, v^2 / a the radius of a turn.  All four were found on simulated recordings with truth.
    min_full_share, usual_share : float
        Crossings count whose full change takes at least this share of the usual number of
        events, which this share of the crossings does not exceed: less contrast is not a disc's edge, or not all of it.
    enough_crossings : int
        The window is doubled until a disc has this many.
    """

    path_px: float = 3.0
    min_window_us: int = 2_000
    max_window_us: int = 200_000
    min_cosine: float = 0.5
    edge_error_px: float = 0.005
    hurried_error_s2: float = 2.5e-8
    turning_px: float = 13.0
    turning_floor_px: float = 0.2
    min_full_share: float = 0.75
    usual_share: float = 0.8
    enough_crossings: int = 12

    def __post_init__(self) -> None:
        if not (self.path_px > 0 and 0 < self.min_window_us <= self.max_window_us):
            raise InputError("discs: path_px and the windows must be positive, and min_window_us not above max_window_us, "
                             f"not {self.path_px}, {self.min_window_us}, {self.max_window_us}")
        if not (0 <= self.min_cosine < 1 and 0 < self.min_full_share <= 1 and 0 < self.usual_share <= 1):
            raise InputError("discs: min_cosine must lie in [0, 1), min_full_share and usual_share in (0, 1], "
                             f"not {self.min_cosine}, {self.min_full_share}, {self.usual_share}")
        for name in ("edge_error_px", "hurried_error_s2", "turning_px", "turning_floor_px", "enough_crossings"):
            if not getattr(self, name) >= 0:
                raise InputError(f"discs: {name} must not be negative, not {getattr(self, name)!r}")


@dataclass(frozen=True, eq=False, slots=True)
class DiscFits:
    """Moving ellipses of one view, by disc.

    Attributes
    ----------
    centers, velocities : ndarray of float64, shape (K, 2)
        At the view's instant, px and px/s.
    shapes : ndarray of float64, shape (K, 2, 2)
        Map the unit circle to the outline, px.
    covariances : ndarray of float64, shape (K, 2, 2)
        Of the centres, px^2.
    sigma_px : ndarray of float64, shape (K,)
        Scatter of the crossings around the outline.
    leading, trailing : ndarray of int64, shape (K,)
        Crossings on either arc.
    half_windows_us : ndarray of float64, shape (K,)
        Half of each disc's window.
    status : ndarray of int64, shape (K,)
        `FITTED`, `TOO_FEW` crossings, `SINGULAR` or `RAN_AWAY`.
    """

    centers: Array
    velocities: Array
    shapes: Array
    covariances: Array
    sigma_px: Array
    leading: NDArray[np.int64]
    trailing: NDArray[np.int64]
    half_windows_us: Array
    status: NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class DiscStart:
    """Where the discs of a view are thought to be, and how sure that is.

    Attributes
    ----------
    t_us : int
        The view's instant.
    centers, velocities, accelerations : ndarray of float64, shape (K, 2)
        To about 2 px, 1 px over the window; accelerations are taken as they are.
    shapes : ndarray of float64, shape (K, 2, 2)
        Map the unit circle to the outlines, px.
    seen : ndarray of bool, shape (K,)
        Discs that are regions of the picture; where the others are is only told by these.
    velocity_std_pxps, shape_std : float
        Standard deviations of the velocities and, relative, of the shapes.
    """

    t_us: int
    centers: Array
    velocities: Array
    accelerations: Array
    shapes: Array
    seen: NDArray[np.bool_]
    velocity_std_pxps: float
    shape_std: float


def fit_discs(
    crossings: Crossings, start: DiscStart, *, dark: bool, options: DiscOptions, min_arc: int, min_both: int
) -> DiscFits:
    """Fit one time-varying ellipse per disc.

    The outline is an ellipse whose centre moves as c + v t + a t^2/2 around the
    view's instant; the centre is free, velocity and shape have a prior, the acceleration is given.
    The cost is Tukey's biweight of the distance between crossing and outline.  On a
    dark disc's leading arc pixels darken, on its trailing arc they brighten: crossings
    of the other polarity are left out.

    Parameters
    ----------
    crossings : Crossings
        At least those of the discs' windows.
    start : DiscStart
        Start, and prior of velocity and shape.
    dark : bool
        Discs are darker than the ground.
    options : DiscOptions
        Window and choice of crossings.
    min_arc, min_both : int
        Crossings that either arc, and both together, must have.
    """
    size = len(start.centers)
    params, shapes, half_us = np.empty((size, N_PARAMS)), np.empty((size, 2, 2)), np.empty(size)
    _half_windows(start.velocities, start.accelerations, options.path_px, options.min_window_us, options.max_window_us, half_us)
    covariance, sigma = np.full((size, 2, 2), np.nan), np.empty(size)
    leading, trailing, status = (np.zeros(size, np.int64) for _ in range(3))
    owner, begin = np.empty((crossings.height, crossings.width), np.int16), np.empty(size + 1, np.int64)
    limits = (options.min_cosine, min_arc, min_both, options.enough_crossings, 0.5 * options.max_window_us)
    done, again = np.zeros(size, np.int64), True
    while again:
        chosen = _crossings_around(
            crossings.t, crossings.x, crossings.y, crossings.p, crossings.full, owner, start.t_us, dark, start.centers,
            start.velocities, start.shapes, _REACH_PX, (options.min_full_share, options.usual_share), half_us, done, begin,
        )
        again = _fit_discs(
            chosen, begin, start.centers, start.velocities, start.accelerations, start.shapes, _CUTOFFS_PX, limits,
            (start.velocity_std_pxps, start.shape_std), half_us, done,
            params, shapes, covariance, leading, trailing, sigma, status,
        )
    _widen(
        covariance, start.velocities, start.accelerations, options.edge_error_px, options.hurried_error_s2, options.turning_px,
        options.turning_floor_px, REGION_STD_PX,
    )
    return DiscFits(params[:, :2], params[:, 2:4], shapes, covariance, sigma, leading, trailing, half_us, status)
