"""The file formats that evcam writes: every module here with a ``WRITER``.

To add one, add a file that sets ``WRITER = Writer(name, suffixes, write)``; the output's suffix chooses among them.  Modules
whose names begin with an underscore are helpers.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import cache
from pathlib import Path

from evcam.errors import InputError
from evcam.io.writers._writer import Content, Writer

__all__ = ["Content", "Writer", "writer_of", "writers"]


@cache
def writers() -> tuple[Writer, ...]:
    """All writers, ordered by module name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found: list[Writer] = [importlib.import_module(f"{__name__}.{name}").WRITER for name in names]
    return tuple(found)


def writer_of(path: str | os.PathLike[str]) -> Writer:
    """The writer for an output's suffix.

    Raises
    ------
    InputError
        No format has this suffix.
    """
    suffix = Path(path).suffix.lower()
    for writer in writers():
        if suffix in writer.suffixes:
            return writer
    known = "; ".join(f"{', '.join(writer.suffixes)} ({writer.name})" for writer in writers())
    raise InputError(f"{path}: no format is written by the suffix {suffix or 'that is missing'}; known: {known}")
