"""Recordings that are one stream of words: read in pieces, with an index of where to enter it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.core.triggers import Triggers
from evcam.errors import FormatError
from evcam.io.formats._decoding import DAMAGED, DONE, FULL, MORE, Coding, Columns, Decoder
from evcam.io.source import BLOCK_EVENTS, Block, Source

_READ_BYTES = 1 << 18
_CHECKPOINT_BYTES = 1 << 20
_LEAST_EVENTS = 1 << 14
_MOST_EVENTS = 1 << 18  # what is still in the processor's cache when it is looked at
_GROWTH = 2


class Checkpoint(NamedTuple):
    """A place where the stream can be entered: no event before it is later than ``last_us``."""

    last_us: int
    byte: int
    state: NDArray[np.int64]


class _Reader:
    """The words of a file piece by piece, in one piece of memory that is used again and again."""

    def __init__(self, path: Path, file: BufferedReader, stop: int, word: np.dtype[Any]) -> None:
        self._path, self._file, self._left = path, file, stop - file.tell()
        self._words = np.empty(_READ_BYTES // word.itemsize, word)
        self._held = 0

    @property
    def at_end(self) -> bool:
        """Whether there are no further words."""
        return self._left == 0

    def more(self, kept: int) -> NDArray[Any]:
        """The last ``kept`` words that were given, and the next ones behind them."""
        if 2 * kept > len(self._words):
            self._words = np.concatenate([self._words, np.empty_like(self._words)])
        self._words[:kept] = self._words[self._held - kept : self._held].copy()
        room = self._words[kept:].view(np.uint8)
        wanted = min(len(room), self._left)
        if self._file.readinto(memoryview(room)[:wanted]) < wanted:  # type: ignore[arg-type]  # arrays are buffers
            raise FormatError(f"{self._path}: became shorter while it was read")
        self._left -= wanted
        self._held = kept + wanted // self._words.itemsize
        return self._words[: self._held]


class StreamSource(Source):
    """A file of words after a header.

    Reading notes a checkpoint every megabyte, as far as nobody has read before, so that a stretch is entered
    at the last checkpoint before it: what has been passed once is never decoded again to find a time.
    """

    is_ordered = True

    def __init__(
        self, path: Path, size: tuple[int, int] | None, metadata: dict[str, Any], start: int, coding: Coding
    ) -> None:
        super().__init__(path, size, metadata)
        self._coding = coding
        self._record_bytes = coding.record * coding.word.itemsize
        payload = path.stat().st_size - start
        self._stop = start + payload // self._record_bytes * self._record_bytes
        self._lock = Lock()
        self._checkpoints = [Checkpoint(int(coding.start[coding.last_us]), start, coding.start)]
        self._frontier = start  # how far the stream was ever read
        self._edge_count = 0
        self._edges: Triggers | None = None
        if payload % self._record_bytes:
            self.warn(f"the last record is incomplete ({payload % self._record_bytes} of {self._record_bytes} bytes) and left "
                      "out: the file was cut off")

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Decode from the last checkpoint before ``start_us``."""
        for first, columns in self._columns(max_events, start_us):
            if start_us is not None and len(columns.t) and columns.t[-1] < start_us:
                continue
            for i in range(0, len(columns.t), max_events):
                part = slice(i, i + max_events)
                yield Block(first + i, columns.t[part], columns.x[part], columns.y[part], columns.p[part])

    def triggers(self) -> Triggers | None:
        """Edges on the external inputs, from one pass over the file."""
        if self._edges is None:
            edges = [columns.triggers for _, columns in self._columns(BLOCK_EVENTS, None) if len(columns.triggers)]
            names = ("t", "id", "rising")
            parts = [np.concatenate([getattr(edge, name) for edge in [Triggers.empty(), *edges]]) for name in names]
            self._edges = Triggers(*parts)
        return self._edges

    def trigger_count(self) -> int | None:
        """As counted while the events were read, where all of them were."""
        return self._edge_count if self._frontier == self._stop else super().trigger_count()

    def _checkpoint(self, start_us: int | None) -> Checkpoint:
        """The last known place before which all events are earlier than ``start_us``."""
        with self._lock:
            if start_us is None:
                return self._checkpoints[0]
            return self._checkpoints[max(0, bisect_left(self._checkpoints, start_us, key=lambda place: place.last_us) - 1)]

    def _columns(self, max_events: int, start_us: int | None) -> Iterator[tuple[int, Columns]]:
        """Number of the first event, and decoded columns, piece by piece."""
        place = self._checkpoint(start_us)
        decoder, noting = Decoder(self._coding, place.state), place.byte <= self._frontier
        with self.path.open("rb") as file:
            file.seek(place.byte)
            reader = _Reader(self.path, file, self._stop, self._coding.word)
            words, byte = reader.more(0), place.byte
            # Whoever enters in the middle may want little: pieces grow from few events on.
            count = most = min(max(max_events, _LEAST_EVENTS), _MOST_EVENTS)
            if start_us is not None:
                count = _LEAST_EVENTS
            while True:
                first = int(decoder.state[self._coding.events])
                decoder.begin(count)
                count = min(_GROWTH * count, most)
                status, words, byte = self._fill(decoder, reader, words, byte, noting)
                yield first, decoder.end()
                if status == DAMAGED:
                    raise FormatError(f"{self.path}: damaged at byte {byte}: {self._coding.damage}; events before it can be read "
                                      "with a stretch that ends earlier")
                if status == DONE:
                    if len(words):
                        self.warn(f"the last event is incomplete ({len(words)} bytes) and left out: the file was cut off")
                    return

    def _fill(
        self, decoder: Decoder, reader: _Reader, words: NDArray[Any], byte: int, noting: bool
    ) -> tuple[int, NDArray[Any], int]:
        """Decode until the columns are full or the file ends; why it ended, the words left and where they lie.

        ``noting``: everything before has been read at some time, so that what is found can be counted.
        """
        while True:
            final = reader.at_end
            position, status = decoder.feed(words, 0, final)
            if status == MORE and position == 0:  # nothing further on tells more: believe it
                position, status = decoder.feed(words, 0, True)
            byte += position * self._coding.word.itemsize
            words = words[position:]
            if noting:
                self._note(decoder, byte)
            if status in (FULL, DAMAGED) or (final and status == DONE):
                return status, words, byte
            words = reader.more(len(words))

    def _note(self, decoder: Decoder, byte: int) -> None:
        """Note a checkpoint and what was repaired, where nobody has read before."""
        with self._lock:
            if byte <= self._frontier:
                return
            self._frontier = byte
            state = decoder.state
            self._edge_count = int(state[self._coding.triggers])
            last_us = int(state[self._coding.last_us])
            if byte - self._checkpoints[-1].byte >= _CHECKPOINT_BYTES and last_us > self._checkpoints[0].last_us:
                self._checkpoints.append(Checkpoint(last_us, byte, state.copy()))
            for message, place in self._coding.repairs.items():
                self.warn_count(message, int(state[place]))

