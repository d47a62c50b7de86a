"""Output files are checked before the work starts, not after it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evcam.core.atomic import check_writable
from evcam.errors import InputError


def check_output(path: str, *, force: bool, suffixes: tuple[str, ...] = (), inputs: Iterable[str] = ()) -> None:
    """Refuse an output that cannot be written, has the wrong suffix or would replace an input.

    Raises
    ------
    OutputExistsError, InputError
        See `evcam.core.atomic.check_writable`; also for a wrong suffix and for an input's own path.
    """
    output = check_writable(path, force=force)
    if suffixes and output.suffix.lower() not in suffixes:
        raise InputError(f"{path}: the name of this output must end in {' or '.join(suffixes)}")
    for name in inputs:
        if output.exists() and Path(name).exists() and output.samefile(name):
            raise InputError(f"{path}: is an input too; write the result to another file")
