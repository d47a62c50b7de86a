"""What bags share whose messages lie in compressed chunks of one file."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import NamedTuple

from evcam.io.formats._bag import Bag
from evcam.io.formats._inflate import MAX_BYTES, inflate


class Piece(NamedTuple):
    """A compressed stretch of a file."""

    position: int
    bytes: int
    compression: str
    inflated_bytes: int


class ChunkedBag(Bag):
    """An open file of chunks, whose topics are known from an index, or else from the chunks themselves."""

    def __init__(self, path: Path, cdr: bool) -> None:
        super().__init__(path, cdr)
        self._file = path.open("rb")
        self._end = path.stat().st_size
        self._names: dict[int, str] = {}
        self._pieces: list[Piece] = []
        try:
            self._walk()
            if not self.topics:
                for piece in range(len(self)):
                    for _ in self.messages(piece, ()):
                        pass
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._pieces)

    def close(self) -> None:
        self._file.close()

    @abstractmethod
    def _walk(self) -> None:
        """Find chunks and topics; what lies behind a cut is left out with a warning."""

    def _inflated(self, piece: Piece) -> bytes:
        """The content of a piece, which is not allowed to hold more than it says, nor more than is reasonable."""
        where = f"chunk at byte {piece.position}"
        if piece.inflated_bytes > MAX_BYTES:
            raise self.damaged(where, f"it claims {piece.inflated_bytes} bytes; at most {MAX_BYTES} are read at once")
        self._file.seek(piece.position)
        try:
            data = inflate(piece.compression or "none", self._file.read(piece.bytes), piece.inflated_bytes)
        except ValueError as error:
            raise self.damaged(where, error) from None
        if len(data) != piece.inflated_bytes:
            raise self.damaged(where, f"it holds {len(data)} bytes instead of {piece.inflated_bytes}")
        return data
