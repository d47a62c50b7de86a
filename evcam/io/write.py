"""Writing recordings as plain HDF5."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from evcam.core.atomic import atomic_path
from evcam.core.events import Events
from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import InputError
from evcam.io._hdf5_output import Hdf5Output
from evcam.io._windows import join
from evcam.io.formats._hdf5_attributes import set_text

if TYPE_CHECKING:
    import h5py

_CHUNK = 65536
_TYPES = {"t": np.int64, "x": np.uint16, "y": np.uint16, "p": np.uint8}
_TRIGGER_TYPES = {"t": np.int64, "id": np.uint8, "rising": np.uint8}


def save_h5(
    path: str | os.PathLike[str], events: Events | Iterable[Events], *, imu: ImuSamples | None = None,
    triggers: Triggers | None = None, metadata: Mapping[str, str | int | float | bool] | None = None, force: bool = False,
) -> None:
    """Write events, and IMU samples and edges on external inputs if there are any, to an HDF5 file.

    Datasets ``events/{t,x,y,p}`` (int64 us, uint16, uint16, uint8) with the group's
    attributes width, height and t_unit; ``imu/t`` (us), ``imu/gyro`` (rad/s) and
    ``imu/accel`` (m/s^2) with the attributes R_cam_imu and offset_us;
    ``triggers/{t,id,rising}`` (int64 us, uint8, uint8); ``metadata`` as attributes of the file.
    The same input gives the same bytes.

    Parameters
    ----------
    path : path-like
        The file appears only when it is complete.
    events : Events, or iterable of Events
        Consecutive pieces of one recording are written as they come, in bounded memory.
    imu : ImuSamples, optional
    triggers : Triggers, optional
    metadata : mapping of str to str, int, float or bool, optional
    force : bool
        Replace an existing file.

    Raises
    ------
    OutputExistsError
        ``path`` exists and ``force`` is not set.
    InputError
        No pieces at all, pieces of different sensors or in the wrong order; metadata of another type.
    OSError
        The disk is full.

    Examples
    --------
    >>> import tempfile, evcam.io
    >>> from evcam.core.events import Events
    >>> events = Events.from_arrays([10, 20], [1, 2], [0, 3], [True, False], width=4, height=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     evcam.io.save_h5(f"{folder}/rec.h5", events)
    ...     with evcam.io.open_recording(f"{folder}/rec.h5") as recording:
    ...         len(recording.events())
    2
    """
    import h5py

    pieces = iter([events] if isinstance(events, Events) else events)
    first = next(pieces, None)
    if first is None:
        raise InputError(f"{path}: nothing to write: not even an empty piece of events that would tell the sensor's size")
    with atomic_path(path, force=force) as temporary, Hdf5Output(temporary) as output, h5py.File(output, "w") as file:
        group = file.create_group("events")
        group.attrs.update({"width": first.width, "height": first.height})
        set_text(group, "t_unit", "us")
        for name, dtype in _TYPES.items():
            group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(_CHUNK,), compression="gzip", compression_opts=4,
                                 shuffle=True)
        _append_all(group, first, pieces, output.check)
        if imu is not None:
            _write_imu(file.create_group("imu"), imu)
        if triggers is not None:
            for name, dtype in _TRIGGER_TYPES.items():
                file.create_dataset(f"triggers/{name}", data=getattr(triggers, name).astype(dtype))
        for key, value in (metadata or {}).items():
            if not isinstance(value, (str, int, float, bool)):
                raise InputError(f"{path}: metadata {key} must be text, a number or a truth value, not {type(value).__name__}")
            if isinstance(value, str):
                set_text(file, key, value)
            else:
                file.attrs[key] = value


def _append_all(group: h5py.Group, first: Events, rest: Iterator[Events], check: Callable[[], None]) -> None:
    """Append pieces in whole chunks: rewriting a compressed chunk costs more than holding it."""
    pending: list[Events] = []
    written, held, last_us = 0, 0, None
    for piece in chain([first], rest):
        if (piece.width, piece.height) != (first.width, first.height):
            raise InputError(f"pieces of different sensors: {first.width}x{first.height} and {piece.width}x{piece.height}")
        if len(piece) and last_us is not None and piece.t[0] < last_us:
            raise InputError(f"pieces out of order: one begins at {piece.t[0]} us, before the previous one ends at {last_us} us")
        last_us = int(piece.t[-1]) if len(piece) else last_us
        pending.append(piece)
        held += len(piece)
        if held >= 16 * _CHUNK:
            whole = held - held % _CHUNK
            pending = [_append(group, pending, written, whole)]
            check()
            written, held = written + whole, held - whole
    _append(group, pending, written, held)


def _append(group: h5py.Group, pieces: list[Events], written: int, count: int) -> Events:
    """Write the first ``count`` events of the pieces behind those written; return the others."""
    joined = join(pieces, (pieces[0].width, pieces[0].height))
    for name, dtype in _TYPES.items():
        group[name].resize((written + count,))
        group[name][written:] = getattr(joined, name)[:count].astype(dtype)
    return joined[count:]


def _write_imu(group: h5py.Group, imu: ImuSamples) -> None:
    group.create_dataset("t", data=imu.t)
    group.create_dataset("gyro", data=imu.gyro_radps)
    if imu.accel_mps2 is not None:
        group.create_dataset("accel", data=imu.accel_mps2)
    group.attrs.update({"R_cam_imu": imu.R_cam_imu, "offset_us": imu.offset_us})
