"""Reading YAML files that people write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evcam.errors import FormatError, InputError


def read_mapping(path: Path, kind: str) -> dict[Any, Any]:
    """Keys and values of a YAML file; ``kind`` (e.g. ``"target"``) is named in messages.

    Raises
    ------
    InputError
        No such file.
    FormatError
        Not YAML, or no mapping.
    """
    import yaml

    if not path.is_file():
        raise InputError(f"{path}: no such {kind} file")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise FormatError(f"{path}: a {kind} file holds 'key: value' lines, not {type(data).__name__}")
    return data
