"""The one place that decides how kernels compile.

`kernel`, `kernel_with`, `helper` and `reordering_kernel` are the only decorators that compile in evcam.  Kernels keep NaN and
infinity (no fast maths), release the GIL and are cached on disk, so that only
the very first run of a machine pays for compilation.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.extending import typeof_impl

F = TypeVar("F", bound=Callable[..., Any])


def _is_writable(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


def _ensure_cache_folder() -> None:
    """Give Numba a cache folder where neither the package's nor the user's can be written."""
    if numba.config.CACHE_DIR or _is_writable(Path(__file__).parent):
        return
    if _is_writable(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))):
        return
    folder = Path(tempfile.gettempdir()) / f"evcam-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    numba.config.CACHE_DIR = str(folder)


def kernel(function: F) -> F:
    """Compile ``function`` in nopython mode, cached, without the GIL."""
    compiled: F = numba.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    return compiled


def kernel_with(*modules: ModuleType) -> Callable[[F], F]:
    """Compile as `kernel` does a function that calls kernels of other modules.

    What is cached of a kernel holds what it calls, and Numba drops it only when the kernel's own file changes; so
    changes of these modules are made to count as well.
    """
    def compile_it(function: F) -> F:
        compiled = cast(Any, kernel(function))
        if not numba.config.DISABLE_JIT:
            index = compiled._cache._cache_file
            index._source_stamp = (index._source_stamp, *(_stamp(module) for module in modules))
        return cast(F, compiled)

    return compile_it


def _stamp(module: ModuleType) -> tuple[float, int]:
    status = Path(str(module.__file__)).stat()
    return status.st_mtime, status.st_size


class _Helper:
    """A function that compiled code calls without a way in from Python, where it stays Python."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self.compiled = numba.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)

    def __call__(self, *args: Any) -> Any:
        return self.py_func(*args)


@typeof_impl.register(_Helper)  # type: ignore[untyped-decorator]
def _type_of_helper(helper: _Helper, context: object) -> Any:
    return numba.typeof(helper.compiled)


def helper(function: F) -> F:
    """Let kernels of the same file call ``function``.

    The conversion of Python's arguments takes a quarter of a kernel's compilation; for a function that only kernels call it
    is left out.  Called from Python, as tests do, it runs uncompiled.
    """
    return cast(F, _Helper(function))


def reordering_kernel(function: F) -> F:
    """Compile as `kernel` does, and let sums be taken in another order, as vectors take them.

    The order depends on the processor alone: the same machine gives the same bytes.
    """
    compiled: F = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})(function)
    return compiled


class _FirstCompilation(event.Listener):
    def __init__(self, announce: Callable[[], None]) -> None:
        self.announce = announce
        self.announced = False

    def on_start(self, event: object) -> None:
        if not self.announced:
            self.announced = True
            self.announce()

    def on_end(self, event: object) -> None:
        pass


def on_first_compilation(announce: Callable[[], None]) -> None:
    """Call ``announce`` once, when a kernel has to be compiled instead of loaded."""
    event.register("numba:compile", _FirstCompilation(announce))


_ensure_cache_folder()
