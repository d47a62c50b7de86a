"""How a verb ends, as the number that the shell sees."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
DISTRUST = 3
INTERRUPTED = 130
PIPE_CLOSED = 141
