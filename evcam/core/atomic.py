"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evcam.errors import InputError, OutputExistsError


def check_writable(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Refuse an output path now rather than after a long computation.

    Raises
    ------
    OutputExistsError
        ``path`` exists and ``force`` is not set.
    InputError
        Its folder does not exist or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    if path.exists() and not force:
        raise OutputExistsError(f"{path}: exists already; use --force (force=True) to replace it")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: the folder {path.absolute().parent} does not exist; create it first")
    if not os.access(path.absolute().parent, os.W_OK):
        raise InputError(f"{path}: the folder {path.absolute().parent} cannot be written")
    return path


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block succeeds.

    Whatever happens inside the block, an interrupted one leaves neither a
    half-written file nor a damaged older one.

    Parameters
    ----------
    path : path-like
        The file to write; its folder must exist.
    force : bool
        Replace an existing file.

    Raises
    ------
    OutputExistsError, InputError
        As `check_writable`.
    """
    path = check_writable(path, force=force)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.absolute().parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        if path.exists() and not force:
            raise OutputExistsError(f"{path}: appeared while it was being written; use --force to replace it")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
