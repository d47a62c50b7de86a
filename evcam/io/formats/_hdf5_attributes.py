"""Attributes of HDF5 objects, read only where their types are plain.

On a type that a damaged byte has made something else, such as a sequence of variable length, the HDF5 library may crash;
and in text of variable length it may search for ever.  evcam writes text of fixed length, and reads both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py

_MOST_BYTES = 1 << 20


def attribute(place: h5py.Group, name: str, default: Any = None) -> Any:
    """A number, truth value, text or array of numbers; the default where there is nothing of the kind."""
    from h5py import h5a, h5t

    key = name.encode()
    if not h5a.exists(place.id, key):
        return default
    held = h5a.open(place.id, key)
    kind = held.get_type()
    if kind.get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.STRING, h5t.ENUM) or held.get_storage_size() > _MOST_BYTES:
        return default
    value = place.attrs[name]
    value = value.decode(errors="replace") if isinstance(value, bytes) else value
    return value.item() if isinstance(value, np.generic) else value


def attributes(place: h5py.Group) -> dict[str, Any]:
    """All of them that are plain."""
    found = {name: attribute(place, name) for name in place.attrs if isinstance(name, str)}
    return {name: value for name, value in found.items() if value is not None}


def set_text(place: h5py.Group, name: str, value: str) -> None:
    """Write text of fixed length."""
    import h5py

    length = max(len(value.encode()), 1)
    place.attrs.create(name, value, dtype=h5py.string_dtype("utf-8", length))
