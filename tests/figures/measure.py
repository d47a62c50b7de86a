"""Running commands as a user does, with the processor time that they take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Run:
    """A command and what came of it.

    Attributes
    ----------
    command : str
        As typed.
    code : int
        Exit code.
    out : str
        Standard output.
    processor_s : float
        User and system time of the command and all its children.
    """

    command: str
    code: int
    out: str
    processor_s: float

    @property
    def data(self) -> dict[str, Any]:
        """Standard output as JSON."""
        data: dict[str, Any] = json.loads(self.out)
        return data


def run(command: str, folder: Path, *, may: tuple[int, ...] = (0,)) -> Run:
    """Run a shell command in ``folder`` on one core; stop at an exit code that is not in ``may``.

    The commands of this Python's environment come first on the path.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    print(f"$ {command}", file=sys.stderr)
    with subprocess.Popen(["bash", "-c", command], cwd=folder, env={**os.environ, **_ONE_CORE, "PATH": path},
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in may:
        raise SystemExit(f"'{command}' ended with {process.returncode}")
    return Run(command, process.returncode, out, usage.ru_utime + usage.ru_stime)


def shell_block(*parts: str) -> str:
    """A fenced block of commands or output."""
    return "\n".join(["```", *(part.rstrip() for part in parts), "```"])


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)
