"""The command ``evcam``: reads the arguments, runs one verb, turns errors into one line and an exit code.

Exit codes: 0 done, 1 bad input or failure (one line says what), 2 wrong usage,
3 done but the verdict is "do not trust this", 130 interrupted.
"""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from evcam.apps import exit_codes
from evcam.apps.arguments import build_parser
from evcam.errors import EvcamError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process when left out.
    """
    interrupted: list[bool] = []
    if argv is None:  # the process is ours: being ended cleans up like Ctrl-C
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        atexit.register(_keep_exit_code, interrupted)  # registered first, it runs after all others
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
        code: int = importlib.import_module(f"evcam.apps.{args.verb}").run(args)
        sys.stdout.flush()
    except SystemExit as request:  # argparse: --help, --version, wrong usage
        return int(request.code or 0)
    except KeyboardInterrupt:
        interrupted.append(True)
        print("evcam: interrupted; nothing was written", file=sys.stderr)
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone: that is no failure worth a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return exit_codes.PIPE_CLOSED
    except (EvcamError, OSError) as error:
        print(f"evcam: error: {' '.join(_describe(error).split())}", file=sys.stderr)
        return exit_codes.FAILED
    return code


def _keep_exit_code(interrupted: list[bool]) -> None:
    """End with our own code: at times Python ends itself with SIGINT after an interrupt that was handled here."""
    if interrupted:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_codes.INTERRUPTED)


def _describe(error: EvcamError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
