"""Whole numbers out of whatever arrays come in: nothing is cut off, wrapped around or taken in another unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.errors import InputError

_BEYOND = 2.0**63


def numbers(name: str, values: ArrayLike, where: str) -> NDArray[Any]:
    """An array of booleans, integers or floats, as it is.

    Raises
    ------
    InputError
        Rows of different lengths, text, objects, complex numbers, or dates, whose unit is not that of evcam.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{where}: {name} has rows of different lengths; needed is an array") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{where}: {name} has the type {array.dtype}; needed are numbers: convert first")
    return array


def first_not_whole(values: NDArray[Any]) -> int | None:
    """Position of the first value that is no whole number, or none that int64 holds."""
    if values.dtype.kind == "f":
        wrong = ~(np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < _BEYOND))
    elif values.dtype == np.uint64:
        wrong = values > np.iinfo(np.int64).max
    else:
        return None
    return int(np.flatnonzero(wrong)[0]) if wrong.any() else None
