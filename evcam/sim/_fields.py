"""Parts of a scene's file become dataclasses; what does not fit is named in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from evcam.errors import InputError

T = TypeVar("T")


def build(cls: type[T], where: str, data: Any) -> T:
    """A dataclass from a mapping of its fields; lists become tuples."""
    known = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # only ever called with dataclasses
    check_keys(where, mapping(where, data), known, set())
    try:
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})
    except TypeError as error:
        raise InputError(f"{where}: {error}") from None


def mapping(where: str, data: Any) -> Mapping[str, Any]:
    """Refuse what is no mapping."""
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: needs 'key: value' pairs, not {data!r}")
    return data


def as_list(where: str, key: str, data: Any) -> list[Any]:
    """Refuse what is no list."""
    if not isinstance(data, list):
        raise InputError(f"{where}: {key} must be a list")
    return data


def check_keys(where: str, data: Mapping[str, Any], known: set[str], needed: set[str]) -> None:
    """Refuse unknown keys and missing ones."""
    if unknown := data.keys() - known:
        raise InputError(f"{where}: unknown key {', '.join(sorted(map(str, unknown)))}; known: {', '.join(sorted(known))}")
    if missing := needed - data.keys():
        raise InputError(f"{where}: needs {', '.join(sorted(missing))}")
