"""Reading YAML files that people write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from evcam.errors import FormatError, InputError

# YAML 1.1 takes 2e-2 for a word: its numbers need a point and a signed exponent.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")


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
        raise InputError(f"{path}: is a folder; name a {kind} file in it" if path.is_dir() else f"{path}: no such {kind} file")
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _loader())
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not a {kind} file (it is not text)") from None
    except yaml.YAMLError as error:
        raise FormatError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        held = {type(None): "nothing", list: "a list", str: "other text"}.get(type(data), "a single value")
        raise FormatError(f"{path}: a {kind} file holds 'key: value' lines, this one holds {held}")
    return data


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))
    return Loader
