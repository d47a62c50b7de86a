"""Decompression that never gives more bytes than it was told to expect."""

from __future__ import annotations

import bz2
import sys
import threading
from functools import cache
from typing import Any

from evcam.io.source import require

MAX_BYTES = 1 << 28
_USUAL_RATIO = 6
_LIBRARIES = {"lz4": ("lz4.frame", "lz4"), "zstd": ("backports.zstd", "backports.zstd")}
_of_this_thread = threading.local()


def inflate(kind: str, packed: bytes, limit: int = MAX_BYTES) -> bytes:
    """Undo a compression.

    Parameters
    ----------
    kind : str
        ``"none"``, ``"bz2"``, ``"lz4"`` (frames) or ``"zstd"``.
    packed : bytes
    limit : int
        Most bytes that may come out.

    Raises
    ------
    ValueError
        Damaged, cut off, of another kind, or more than ``limit`` bytes.
    MissingLibraryError
        The library for it is not installed.
    """
    if kind == "none":
        return packed
    if kind == "lz4" and (whole := _lz4_frame(packed, min(limit, _USUAL_RATIO * len(packed)))) is not None:
        return whole
    stream, damage = _decompressor(kind)
    try:
        # Room is asked for as it is used: to ask for the limit at once would cost more than inflating.
        out: bytes = stream.decompress(packed, min(limit + 1, _USUAL_RATIO * len(packed)))
        while len(out) <= limit and not stream.eof and not stream.needs_input:
            piece = stream.decompress(b"", min(limit + 1 - len(out), 2 * len(out) + 1))
            if not piece:
                break
            out += piece
    except damage as error:
        raise ValueError(f"{kind} data are damaged: {error}") from None
    if len(out) > limit:
        raise ValueError(f"{kind} data of {len(packed)} bytes hold more than the {limit} bytes that they may")
    if not stream.eof:
        raise ValueError(f"{kind} data of {len(packed)} bytes are cut off")
    return out


def _decompressor(kind: str) -> tuple[Any, tuple[type[Exception], ...]]:
    if kind == "bz2":
        return bz2.BZ2Decompressor(), (OSError, ValueError, EOFError)
    if kind == "lz4":
        return _library(kind).LZ4FrameDecompressor(), (RuntimeError, ValueError, EOFError)
    if kind == "zstd":
        library = _library(kind)
        return library.ZstdDecompressor(), (library.ZstdError, ValueError, EOFError)
    raise ValueError(f"compression {kind!r} is not known")


def _lz4_frame(packed: bytes, limit: int) -> bytes | None:
    """A frame that is sound and no larger than that, else None.

    The decompressor is kept: to make its buffers costs as much as to inflate a packet.
    """
    library = _library("lz4")
    context = getattr(_of_this_thread, "lz4", None)
    if context is None:
        context = _of_this_thread.lz4 = library.create_decompression_context()
    library.reset_decompression_context(context)
    try:
        whole, _, is_complete = library.decompress_chunk(context, packed, limit)
    except (RuntimeError, ValueError, EOFError):
        return None
    return whole if is_complete else None


@cache
def _library(kind: str) -> Any:
    module, package = _LIBRARIES[kind]
    if kind == "zstd" and sys.version_info >= (3, 14):
        module = "compression.zstd"
    return require(module, package, f"{kind}-compressed data")
