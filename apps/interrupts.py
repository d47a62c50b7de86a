"""Ctrl-C and a request to end, raised again until they arrive.

Python turns the signal into an exception wherever the program happens to be, and some of these places drop it: finalizers,
callbacks from C (a compiler's among them, which then fails in its own words), and extension modules that take any error for
"not found".  A program that then goes on as if nobody had asked writes the file that nobody wants any more.
"""

from __future__ import annotations

import signal
import sys
import weakref
from types import FrameType

_LOOK_AGAIN_S = 0.02


class _Interrupt(KeyboardInterrupt):
    """Can be referenced weakly: it is gone when somebody has dropped it."""


class _Watch:
    """Raises an interrupt and, until it has arrived, another one whenever the last was dropped."""

    def __init__(self) -> None:
        self._raised: weakref.ref[_Interrupt] | None = None

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _LOOK_AGAIN_S, _LOOK_AGAIN_S)
        raise self._new()  # no variable holds it: through its traceback it would keep itself alive

    def look_again(self, number: int, frame: FrameType | None) -> None:
        # While another error is on its way, what is left behind is being tidied up.
        if self._raised is not None and self._raised() is None and sys.exc_info()[1] is None:
            raise self._new()

    @property
    def pending(self) -> bool:
        return self._raised is not None

    def end(self) -> None:
        self._raised = None
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _new(self) -> _Interrupt:
        interrupt = _Interrupt()
        self._raised = weakref.ref(interrupt)
        return interrupt


_watch = _Watch()  # one for the process, as its signals are


def listen() -> None:
    """Raise KeyboardInterrupt for SIGINT and SIGTERM, until `arrived`; call it in the main thread."""
    for request in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request, _watch.interrupt)
    if hasattr(signal, "setitimer"):  # Windows has no such timer: there an interrupt that is dropped has to be repeated
        signal.signal(signal.SIGALRM, _watch.look_again)
    sys.unraisablehook = _report_unless_interrupt


def pending() -> bool:
    """Whether an interrupt was raised that has not `arrived`: any error is then taken for its consequence."""
    return _watch.pending


def arrived() -> None:
    """Say, where an interrupt is caught for good, that it is."""
    _watch.end()


def _report_unless_interrupt(unraisable: sys.UnraisableHookArgs) -> None:
    if not pending():  # what an interrupt leaves half-built cannot be taken apart either
        sys.__unraisablehook__(unraisable)
