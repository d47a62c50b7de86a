"""From events to timed board points with ids; a reason for every window without any.

The room can be called like the function `detect` that it holds, so that
``evcam.detect(recording, target)`` works and ``evcam.detect.flicker`` does too.
"""

import sys
from types import ModuleType
from typing import Any

from evcam.detect.automatic import MODES, detect
from evcam.detect.flicker.stretches import FlickerOptions
from evcam.detect.moving.views import MovingOptions

__all__ = ["MODES", "FlickerOptions", "MovingOptions", "detect"]


class _CallableRoom(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return detect(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableRoom
