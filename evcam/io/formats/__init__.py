"""The file formats that evcam reads: every module here with a ``FORMAT``.

To add one, add a file that derives from `evcam.io.source.Source` and sets
``FORMAT = Format(name, matches, open)``; modules whose names begin with an
underscore are helpers.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from evcam.io.source import Format


@cache
def formats() -> tuple[Format, ...]:
    """All formats, ordered by module name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found: list[Format] = [importlib.import_module(f"{__name__}.{name}").FORMAT for name in names]
    return tuple(found)
