"""From a template and figures to one HTML file."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evcam.core.camera import Camera, model_names
from evcam.errors import MissingLibraryError
from evcam.viz.style import Picture

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).parent / "templates"
_PARAMETERS = {name for model in model_names() for name in Camera.param_names(model)}
_MIME = {"svg": "image/svg+xml", "png": "image/png"}


def load_template(name: str) -> Template:
    """A page to be filled; its style sheet and pictures become part of it.

    Raises
    ------
    MissingLibraryError
        Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise MissingLibraryError(f"HTML pages need the package Jinja2: {sys.executable} -m pip install Jinja2") from None
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters["src"] = _source
    environment.filters["sentence"] = _sentence
    environment.globals["style"] = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return environment.get_template(name)


def _sentence(text: str) -> str:
    """A remark with a capital and a full stop; names of parameters stay as they are."""
    first = text.split(" ", 1)[0]
    return (text if first in _PARAMETERS else text[:1].upper() + text[1:]) + "."


def _source(picture: Picture) -> str:
    """A picture as an address that holds it."""
    return f"data:{_MIME[picture.kind]};base64,{base64.b64encode(picture.data).decode()}"
