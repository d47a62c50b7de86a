"""Open3D, loaded only when a window is asked for, and what to do where it is missing."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from evcam.errors import EvcamError

_LIBRARIES = {
    "linux": "sudo apt install libegl1 libgl1 libgomp1 libusb-1.0-0",
    "darwin": "brew install libomp libusb",
    "win32": "winget install Microsoft.VCRedist.2015+.x64",
}
_JOIN = {"win32": " ; "}  # PowerShell of Windows knows no &&


class NoWindowError(EvcamError):
    """No window can be opened on this machine as it is."""


def install_command(platform: str = sys.platform) -> str:
    """What installs Open3D, and the system's libraries that it needs, for this Python: on Debian and Ubuntu, macOS or Windows."""
    known = platform if platform in _LIBRARIES else "linux"
    return f"{_LIBRARIES[known]}{_JOIN.get(known, ' && ')}{sys.executable} -m pip install open3d"


def load_open3d() -> ModuleType:
    """Open3D.

    Raises
    ------
    NoWindowError
        It, or a library of the system that it needs, is missing, or there is no display; says what to do.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise NoWindowError("no display to open a window on (DISPLAY is not set); for a picture without one use "
                            "evcam view REC --screenshot FILE.png --at SECONDS")
    try:
        import open3d
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        missing = "Open3D is not installed" if "No module named 'open3d'" in reason else f"Open3D cannot be loaded ({reason})"
        raise NoWindowError(f"{missing}; the viewer's window needs it: {install_command()} "
                            "(pictures with --screenshot and all other commands work without)") from None
    module: ModuleType = open3d
    return module
