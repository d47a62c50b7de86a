"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evcam.errors import InputError, OutputExistsError

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_SHORT = re.compile(r"\d+ requested and \d+ written")  # of ndarray.tofile, which does not say why


def check_writable(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Refuse an output path now rather than after a long computation.

    Raises
    ------
    OutputExistsError
        ``path`` exists and ``force`` is not set.
    InputError
        Its folder does not exist or takes no file of this name; one is made there, and taken away again, to see it.
    """
    path = _allowed(Path(path), force)
    _temporary_beside(path).unlink()
    return path


def _allowed(path: Path, force: bool) -> Path:
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
    OSError
        The disk is full; it names ``path``.
    """
    path = _allowed(Path(path), force)
    temporary = _temporary_beside(path)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        if path.exists() and not force:
            raise OutputExistsError(f"{path}: appeared while it was being written; use --force to replace it")
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)) and (error.errno in _NO_ROOM or _SHORT.fullmatch(str(error))):
            reason = error.strerror or "only a part could be written; is the disk full?"
            raise OSError(error.errno or errno.ENOSPC, reason, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_beside(path: Path) -> Path:
    folder = path.absolute().parent
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=folder)
    except OSError as error:
        raise InputError(f"{path}: cannot be written in the folder {folder} ({error.strerror})") from None
    os.close(descriptor)
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
