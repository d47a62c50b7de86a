"""Text with one event per line, ``t x y p``, t in seconds, behind a line ``width height``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evcam.io.writers import _kernels as kernels
from evcam.io.writers._writer import Content, Writer, left_out

_NAME = "text"
_BYTES = 1 << 22


def write(path: Path, content: Content) -> tuple[str, ...]:
    """Write the size and the events."""
    out = np.empty(_BYTES, np.uint8)
    with path.open("wb") as file:
        file.write(f"{content.width} {content.height}\n".encode())
        for piece in content.events:
            t, x, y, p = piece.t.copy(), piece.x.copy(), piece.y.copy(), piece.p.copy()
            first = 0
            while first < len(t):
                n, first = kernels.encode_text(t, x, y, p, first, out)
                out[:n].tofile(file)
    return left_out(content, _NAME)


WRITER = Writer(_NAME, (".txt",), write)
