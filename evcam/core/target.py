"""Calibration targets: what is printed, what is looked for, where its points are."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evcam.core.atomic import atomic_path
from evcam.core.yaml_mapping import read_mapping
from evcam.errors import InputError

MAX_POINTS = 10_000


@dataclass(frozen=True)
class Target(ABC):
    """A flat board with points in rows and columns.

    Points are numbered row-major; the board's frame has x along the columns,
    y along the rows and z into the board, away from the camera that sees it.
    """

    type: ClassVar[str]
    rows: int
    cols: int

    def __post_init__(self) -> None:
        for name in ("rows", "cols"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 2:
                raise InputError(f"target: {name} must be a whole number of at least 2, not {value!r}")
        if self.rows * self.cols > MAX_POINTS:
            raise InputError(f"target: {self.rows} x {self.cols} points are more than {MAX_POINTS}")

    def __len__(self) -> int:
        return self.rows * self.cols

    @property
    @abstractmethod
    def object_points(self) -> NDArray[np.float64]:
        """Points on the board in metres, shape (rows * cols, 3), z = 0."""

    @property
    @abstractmethod
    def half_turn_symmetric(self) -> bool:
        """Whether the board looks the same turned by 180 degrees, so that ids hold up to that turn."""

    def to_dict(self) -> dict[str, Any]:
        """The board as written in its YAML file."""
        return {"type": self.type, **asdict(self)}

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the YAML file that printer, detector and report share."""
        import yaml

        with atomic_path(path, force=force) as temporary:
            temporary.write_text(yaml.safe_dump(self.to_dict(), sort_keys=False), encoding="utf-8")


@dataclass(frozen=True)
class CircleGrid(Target):
    """A grid of circles: dark discs on light ground, or light discs on dark ground.

    Asymmetric: row r, column c lies at ((2c + r mod 2) s, r s); symmetric: at (c s, r s).
    """

    type: ClassVar[str] = "circle_grid"
    spacing_m: float
    radius_m: float
    is_asymmetric: bool = True
    dark_on_light: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_length("spacing_m", self.spacing_m)
        _check_length("radius_m", self.radius_m)
        nearest = self.spacing_m * (math.sqrt(2) if self.is_asymmetric else 1.0)
        if 2 * self.radius_m >= nearest:
            raise InputError(f"target: circles of radius {self.radius_m} m touch at {nearest:.4g} m from centre to centre; "
                             "use a smaller radius_m or a larger spacing_m")

    @classmethod
    def asymmetric(cls, rows: int, cols: int, spacing_m: float, radius_m: float, dark_on_light: bool = True) -> CircleGrid:
        """Grid whose odd rows are shifted by one spacing; circles of a row are two spacings apart."""
        return cls(rows, cols, spacing_m, radius_m, True, dark_on_light)

    @classmethod
    def symmetric(cls, rows: int, cols: int, spacing_m: float, radius_m: float, dark_on_light: bool = True) -> CircleGrid:
        """Rectangular grid."""
        return cls(rows, cols, spacing_m, radius_m, False, dark_on_light)

    @property
    def object_points(self) -> NDArray[np.float64]:
        xy = np.array(self.lattice, float) * self.spacing_m
        return np.column_stack([xy, np.zeros(len(xy))])

    @property
    def lattice(self) -> list[tuple[int, int]]:
        """Points in whole spacings (x, y), row-major."""
        if self.is_asymmetric:
            return [(2 * c + r % 2, r) for r in range(self.rows) for c in range(self.cols)]
        return [(c, r) for r in range(self.rows) for c in range(self.cols)]

    @property
    def half_turn_symmetric(self) -> bool:
        return not self.is_asymmetric or self.rows % 2 == 0

    def to_dict(self) -> dict[str, Any]:
        kind = "asymmetric" if self.is_asymmetric else "symmetric"
        return {
            "type": f"{kind}_circle_grid", "rows": self.rows, "cols": self.cols,
            "spacing_m": self.spacing_m, "radius_m": self.radius_m, "dark_on_light": self.dark_on_light,
        }


@dataclass(frozen=True)
class Checkerboard(Target):
    """A checkerboard, measured by its *inner* corners; corner (r, c) lies at (c s, r s)."""

    type: ClassVar[str] = "checkerboard"
    square_m: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_length("square_m", self.square_m)

    @property
    def object_points(self) -> NDArray[np.float64]:
        r, c = np.divmod(np.arange(len(self)), self.cols)
        return np.column_stack([c * self.square_m, r * self.square_m, np.zeros(len(self))])

    @property
    def half_turn_symmetric(self) -> bool:
        """A half turn keeps the colours when rows and columns are both odd or both even."""
        return (self.rows + self.cols) % 2 == 0


def _check_length(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (1e-5 <= value <= 100.0):
        raise InputError(f"target: {name} must be a length in metres between 0.00001 and 100, not {value!r}")


_FIELDS = {
    "asymmetric_circle_grid": ({"rows", "cols", "spacing_m", "radius_m"}, {"dark_on_light"}),
    "symmetric_circle_grid": ({"rows", "cols", "spacing_m", "radius_m"}, {"dark_on_light"}),
    "checkerboard": ({"rows", "cols", "square_m"}, set()),
}


def target_from_dict(data: Mapping[str, Any], *, where: str = "target") -> Target:
    """Build a target from the content of its YAML file.

    Raises
    ------
    InputError
        An unknown type or key, a missing key, or a number that no board can have.
    """
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        said = "does not say which board it is: it has no key 'type'" if kind is None else f"type is {kind!r}"
        raise InputError(f"{where}: {said}; known types: {', '.join(_FIELDS)}")
    needed, optional = _FIELDS[kind]
    values = {key: value for key, value in data.items() if key != "type"}
    if missing := needed - values.keys():
        raise InputError(f"{where}: {kind} needs {', '.join(sorted(missing))}")
    if unknown := values.keys() - needed - optional:
        raise InputError(f"{where}: unknown key {', '.join(sorted(map(str, unknown)))}; a {kind} has "
                         f"{', '.join(sorted(needed | optional))}")
    if not isinstance(values.get("dark_on_light", True), bool):
        raise InputError(f"{where}: dark_on_light must be true or false, not {values['dark_on_light']!r}")
    try:
        if kind == "checkerboard":
            return Checkerboard(**values)
        return CircleGrid(**values, is_asymmetric=kind == "asymmetric_circle_grid")
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def load_target(path: str | os.PathLike[str]) -> Target:
    """Read a target's YAML file.

    Raises
    ------
    InputError
        No such file, or a board that cannot exist.
    FormatError
        Not a YAML mapping.
    """
    return target_from_dict(read_mapping(Path(path), "target"), where=str(path))
