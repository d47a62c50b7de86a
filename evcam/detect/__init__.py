"""From events to timed board points with ids; a reason for every window without any.

The room can be called like the function `detect` that it holds, so that
``evcam.detect(recording, target)`` works and ``evcam.detect.flicker`` does too.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from evcam.detect.automatic import MODES, detect
from evcam.detect.flicker.options import FlickerOptions
from evcam.detect.moving.views import MovingOptions

__all__ = ["MODES", "FlickerOptions", "MovingOptions", "detect"]


class _CallableRoom(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return detect(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        # Functions of a script that say ``evcam.detect(...)`` take the room along to other processes (joblib, Dask).
        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = _CallableRoom
