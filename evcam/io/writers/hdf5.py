"""Plain HDF5, as `evcam.io.save_h5` writes it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from evcam.core.events import Events
from evcam.io.write import save_h5
from evcam.io.writers._writer import Content, Writer


def write(path: Path, content: Content) -> tuple[str, ...]:
    """Write everything."""
    pieces = chain([Events.empty(content.width, content.height)], content.events)
    save_h5(path, pieces, imu=content.imu, triggers=content.triggers, metadata=content.metadata, force=True)
    return ()


WRITER = Writer("HDF5", (".h5", ".hdf5"), write)
