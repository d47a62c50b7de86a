"""The command ``evcam``: reads the arguments, runs one verb, turns errors into one line and an exit code.

Exit codes: 0 done, 1 bad input or failure (one line says what), 2 wrong usage,
3 done but the verdict is "do not trust this" or nothing was found, 130 interrupted.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from evcam.apps import exit_codes, interrupts
from evcam.apps.arguments import build_parser
from evcam.errors import EvcamError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 30


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process when left out.
    """
    if argv is not None:
        return _run(argv, importlib.import_module)
    interrupts.listen()  # the process is ours: being ended cleans up like Ctrl-C
    codes: list[int] = []
    atexit.register(_leave, codes)  # registered first, it runs after all others
    _keep_memory()
    codes.append(_run(None, _load_for_good))
    return codes[0]


def _run(argv: Sequence[str] | None, load: Callable[[str], ModuleType]) -> int:
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
        code: int = load(f"evcam.apps.{args.verb}").run(args)
        sys.stdout.flush()
    except SystemExit as request:  # argparse: --help, --version, wrong usage
        return int(request.code or 0)
    except (Exception, KeyboardInterrupt) as error:
        code = _explain(error)
        if argv is None and code == exit_codes.INTERRUPTED:
            _leave([code])  # with the error still at hand: what the interrupt left half-built may crash when it is taken apart
        return code
    finally:
        interrupts.arrived()
    return code


def _explain(error: BaseException) -> int:
    """Say in one line what went wrong; an error that is none of ours goes on."""
    if isinstance(error, KeyboardInterrupt) or interrupts.pending():
        print("evcam: interrupted; no unfinished file is left", file=sys.stderr)
        return exit_codes.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # The reader (head, less) has gone: that is no failure worth a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return exit_codes.PIPE_CLOSED
    if isinstance(error, (EvcamError, OSError)):
        print(f"evcam: error: {' '.join(_describe(error).split())}", file=sys.stderr)
        return exit_codes.FAILED
    raise error


def _keep_memory() -> None:
    """Have freed memory used again instead of given back.

    Arrays of tens of megabytes come and go with every block of a recording, and pages that are fresh each time, huge ones above
    all, cost up to a tenth of a detection's processor time.
    """
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # NumPy looks when it is imported
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc has it, musl does not
        for parameter in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(parameter, _KEPT_BYTES)


def _load_for_good(name: str) -> ModuleType:
    """Import what stays until the process ends: looking through it for garbage would cost a tenth of a second."""
    gc.disable()
    module = importlib.import_module(name)
    gc.freeze()
    gc.enable()
    return module


def _leave(codes: list[int]) -> None:
    """End with our own code and at once.

    At times Python ends itself with SIGINT after an interrupt that was handled here; and taking compiled kernels
    apart, which the end of the process does as well, costs more than loading them.
    """
    if codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(codes[0])


def _describe(error: EvcamError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
