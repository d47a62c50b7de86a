"""What the verbs say: results on stdout, notes and progress on stderr."""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE_S = 2.0


def show(args: Namespace, text: str, data: Mapping[str, Any]) -> None:
    """Print the result: ``text`` for people, or ``data`` as one JSON object with ``--json``."""
    print(to_json(data) if args.json else text)


def to_json(data: Mapping[str, Any]) -> str:
    """One JSON object; NaN and infinity, which JSON does not know, become null."""
    return json.dumps(_plain(data), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def note(args: Namespace, text: str) -> None:
    """Print a remark on stderr, unless ``--quiet``."""
    if not args.quiet:
        print(f"evcam: {text}", file=sys.stderr)


def announce_compilation(args: Namespace) -> None:
    """Say on stderr, once, when kernels have to be compiled instead of loaded."""
    from evcam._jit import on_first_compilation

    on_first_compilation(lambda: note(args, "compiling kernels for this machine, once, about 10 s ..."))


@contextmanager
def progress(args: Namespace, label: str) -> Iterator[Callable[[float], None] | None]:
    """Yield a function that takes the fraction done and shows a bar when the work takes over two seconds.

    None, which spares the counting, away from a terminal and with ``--quiet``.
    """
    if args.quiet or not sys.stderr.isatty():
        yield None
        return
    bar = _PatientBar(label)
    try:
        yield bar.update
    finally:
        bar.close()


class _PatientBar:
    """A progress bar that appears only once the work has taken two seconds."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.start_s = time.monotonic()
        self.bar: Progress | None = None

    def update(self, fraction: float) -> None:
        if self.bar is None and time.monotonic() - self.start_s >= _PATIENCE_S:
            self._open()
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=fraction)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self.bar = Progress(console=Console(stderr=True), transient=True)
        self.bar.add_task(self.label, total=1.0)
        self.bar.start()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
